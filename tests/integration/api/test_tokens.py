"""No request gets in without a token that may: not one endpoint, and not one byte of its body."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from catalog.engine import transaction
from catalog.people.tokens import SCOPES, add_token, revoke_token
from review.api.guard import MAX_TOKEN
from tests.integration.api.conftest import MakeClient
from tests.support import ledger

ENDPOINTS = {
    ("POST", "/movies"): "movies:write",
    ("POST", "/movies/bulk"): "movies:write",
    ("POST", "/movies/enqueue"): "movies:write",
    ("GET", "/movies"): "movies:read",
    ("GET", "/movies/lookup"): "movies:read",
    ("GET", "/movies/{movie_id}"): "movies:read",
    ("POST", "/movies/{movie_id}/decisions"): "decide",
    ("GET", "/genres"): "movies:read",
    ("GET", "/models"): "movies:read",
    ("GET", "/status"): "movies:read",
    ("POST", "/webhooks"): "admin",
    ("GET", "/webhooks"): "admin",
    ("GET", "/webhooks/{webhook_id}"): "admin",
    ("DELETE", "/webhooks/{webhook_id}"): "admin",
    ("GET", "/webhooks/{webhook_id}/deliveries"): "admin",
    ("POST", "/webhooks/{webhook_id}/test"): "admin",
}


def concrete(path: str) -> str:
    return path.replace("{movie_id}", "1").replace("{webhook_id}", "1")


def broken_body() -> Iterator[bytes]:
    yield b'{"title": '
    raise AssertionError("the body was read before the token")


def test_the_document_names_every_endpoint_and_its_scope(make_client: MakeClient) -> None:
    document = make_client().get("/openapi.json").json()
    found = {
        (method.upper(), path): operation["security"][0]["token"][0]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert found == ENDPOINTS


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_without_a_token_nothing(make_client: MakeClient, method: str, path: str) -> None:
    answer = make_client().request(method, concrete(path), content=broken_body())
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["mend"]


def test_only_the_scope_opens(make_client: MakeClient) -> None:
    """Every token against every endpoint: what its scopes do not open stays shut, and what they open does not."""
    for scope in SCOPES:
        client = make_client(scope)
        for (method, path), needed in ENDPOINTS.items():
            status = client.request(method, concrete(path)).status_code
            assert (status == 403) == (scope not in (needed, "admin")), (scope, method, path, status)
            assert status not in (401, 500)


def test_a_missing_scope_is_named(make_client: MakeClient) -> None:
    answer = make_client("movies:read").post("/movies", content=broken_body())
    assert answer.status_code == 403
    assert 'scope="movies:write"' in answer.headers["www-authenticate"]
    assert "movies:write" in answer.json()["detail"]


def test_labels_need_a_scope_of_their_own(make_client: MakeClient) -> None:
    writer = make_client("movies:write")
    for path, sent in (("/movies", {"json": {"title": "A"}}), ("/movies/bulk", {"content": b"{}"})):
        headers = {"Content-Type": "application/x-ndjson"} if "content" in sent else {}
        answer = writer.post(f"{path}?labels=true", headers=headers, **sent)  # type: ignore[arg-type]
        assert (answer.status_code, "decide" in answer.json()["detail"]) == (403, True)
    both = make_client("movies:write", "decide")
    assert both.post("/movies?labels=true", json={"title": "A", "genres": ["War"]}).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        "Bearer marquee_nobody", "Bearer", "Bearer ", "Basic YTpi", "marquee_nobody", "Bearer a b", "Bearer \xe4",
        "Bearer " + "a" * (MAX_TOKEN + 1), "Bearer ' OR 1=1 --", "",
    ],
)  # fmt: skip
def test_what_is_no_token(make_client: MakeClient, sent: str) -> None:
    answer = make_client().get("/genres", headers={"Authorization": sent.encode("latin-1")})
    assert answer.status_code == 401


def test_an_expired_token_is_refused(make_client: MakeClient, engine: Engine) -> None:
    with transaction(engine) as connection:
        token = add_token(connection, "old", ["admin"], days=1)
    client = make_client(token=token)
    assert client.get("/genres").status_code == 200
    ledger.execute(engine, "UPDATE marquee.token SET expires_at = now()")
    answer = client.get("/genres")
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_revoked_token_is_refused(make_client: MakeClient, engine: Engine) -> None:
    client = make_client("admin")
    with transaction(engine) as connection:
        revoke_token(connection, "admin")
    assert client.get("/genres").status_code == 401


def test_the_scheme_is_written_in_any_case(make_client: MakeClient, app: FastAPI, engine: Engine) -> None:
    with transaction(engine) as connection:
        token = add_token(connection, "a", ["movies:read"])
    client: TestClient = make_client()
    assert client.get("/genres", headers={"Authorization": f"bearer  {token}"}).status_code == 200
