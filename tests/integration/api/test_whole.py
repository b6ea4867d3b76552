"""The API within the whole web application: its own errors, the application's headers, no cookie needed."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from catalog.engine import transaction
from catalog.people.tokens import add_token
from review.app import create_app
from review.config import ReviewConfig


class NoPosters:
    def get(self, digest: str) -> bytes:
        raise KeyError(digest)

    def put(self, data: bytes) -> str:
        raise ValueError("no store")


@pytest.fixture
def whole(engine: Engine) -> Iterator[TestClient]:
    config = ReviewConfig(secret_key=b"k" * 32, public_url="https://marquee.example")
    with TestClient(create_app(engine, config, NoPosters()), base_url="http://10.0.0.7:8484") as client:
        yield client


def test_a_pipeline_needs_a_token_and_nothing_else(whole: TestClient, engine: Engine) -> None:
    """No cookie, no forgery check, and the name by which the inside knows the host."""
    with transaction(engine) as connection:
        token = add_token(connection, "a", ["movies:write"])
    headers = {"Authorization": f"Bearer {token}", "Origin": "https://elsewhere.example"}
    assert whole.post("/api/v1/movies", json={"title": "A"}, headers=headers).status_code == 200


def test_errors_are_problems_with_the_applications_headers(whole: TestClient) -> None:
    for path in ("/api/v1/genres", "/api/v1/nothing", "/api/v1/movies/x"):
        answer = whole.get(path)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_probes_reach_it_by_any_name_and_browsers_do_not(whole: TestClient) -> None:
    assert whole.get("/healthz").status_code == 200
    assert whole.get("/readyz").status_code == 503
    assert whole.get("/docs").status_code == 421
    page = whole.get("/docs", headers={"Host": "marquee.example"})
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "img-src 'self' data:" in page.headers["content-security-policy"]
