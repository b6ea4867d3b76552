"""What there is, how the system stands, and who is told."""

from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from catalog.liveness import Presence
from review.api import add_api
from review.api.bounds import MAX_BODY
from tests.support import ledger
from tests.support.databases import engine_on
from tests.support.models import champion_model

JSON = {"Content-Type": "application/json"}


def test_genres_models_and_status(client: TestClient, engine: Engine) -> None:
    champion_model(engine, "m-1")
    champion_model(engine, "m-2")
    ledger.insert(engine, 3)
    genres = client.get("/genres").json()
    assert len(genres) == 19
    assert genres[0]["name"] == "Action"
    models = client.get("/models").json()
    assert [(m["version"], m["champion"]) for m in models] == [("m-2", True), ("m-1", False)]
    assert models[0]["genres"] == ["Action", "Comedy", "Drama"]
    status = client.get("/status").json()
    assert (status["states"]["pending"], status["champion"]) == (3, "m-2")


def test_webhooks_are_made_listed_tested_and_deleted(client: TestClient) -> None:
    sent = {"url": "https://x.example/hook", "events": ["tagged", "decided", "tagged"]}
    made = client.post("/webhooks", json=sent)
    assert made.status_code == 201
    webhook = made.json()
    assert webhook["secret"].startswith("whsec_")
    assert webhook["events"] == ["tagged", "decided"]
    path = f"/webhooks/{webhook['id']}"
    listed = client.get("/webhooks").json()
    assert [w["id"] for w in listed] == [webhook["id"]]
    assert "secret" not in listed[0]
    tested = client.post(f"{path}/test")
    assert tested.status_code == 202
    assert client.get(path).json()["pending"] == 1
    [delivery] = client.get(f"{path}/deliveries").json()["deliveries"]
    assert (delivery["id"], delivery["event"], delivery["movie_id"]) == (
        tested.json()["delivery"],
        "test",
        None,
    )
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_deliveries_page_by_page(client: TestClient) -> None:
    sent = {"url": "https://x.example/", "events": ["tagged"]}
    path = f"/webhooks/{client.post('/webhooks', json=sent).json()['id']}"
    made = [client.post(f"{path}/test").json()["delivery"] for _ in range(3)]
    first = client.get(f"{path}/deliveries", params={"limit": 2}).json()
    rest = client.get(f"{path}/deliveries", params={"limit": 2, "before": first["next"]}).json()
    assert [d["id"] for d in first["deliveries"] + rest["deliveries"]] == made[::-1]
    assert rest["next"] is None


@pytest.mark.parametrize(
    "sent",
    [
        {"url": "ftp://x.example/", "events": ["tagged"]},
        {"url": "https://x.example/", "events": []},
        {"url": "https://x.example/", "events": ["untagged"]},
        {"url": "https://user:pw@x.example/", "events": ["tagged"]},
        {"url": "https://x.example/\x00", "events": ["tagged"]},
        {"url": "https://x.example/", "events": ["tagged"], "secret": "mine"},
    ],
)
def test_what_is_no_webhook(client: TestClient, sent: dict[str, Any]) -> None:
    answer = client.post("/webhooks", json=sent)
    assert answer.status_code == 422
    assert answer.json()["mend"]


def test_webhooks_have_a_limit(client: TestClient, engine: Engine) -> None:
    ledger.execute(
        engine,
        "INSERT INTO marquee.webhook (url, secret, events) "
        "SELECT 'https://x.example/', 's', '{tagged}' FROM generate_series(1, 100)",
    )
    answer = client.post("/webhooks", json={"url": "https://x.example/", "events": ["tagged"]})
    assert (answer.status_code, "100" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 200_000, b'{"url": NaN}', b"9" * 5000])
def test_a_body_that_is_no_json(client: TestClient, body: bytes) -> None:
    answer = client.post("/webhooks", content=body, headers=JSON)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_body_that_is_too_large(client: TestClient, streamed: bool) -> None:
    body = b'{"title": "' + b"x" * MAX_BODY + b'"}'
    content = (body[i : i + 65536] for i in range(0, len(body), 65536)) if streamed else body
    answer = client.post("/movies", content=content, headers=JSON)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert "bulk" in answer.json()["mend"]


def test_a_path_and_a_method_that_are_not_there(client: TestClient) -> None:
    missing, wrong = client.get("/nothing"), client.delete("/genres")
    assert (missing.status_code, wrong.status_code, wrong.headers["allow"]) == (404, 405, "GET")
    for answer in (missing, wrong):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["mend"]


def test_alive(app: FastAPI) -> None:
    with TestClient(app) as client:
        assert client.get("/healthz").json() == {"alive": True}


def test_ready_says_which_part_is_missing(app: FastAPI, engine: Engine) -> None:
    with TestClient(app) as client:
        answer = client.get("/readyz")
        assert answer.status_code == 503
        parts = answer.json()["parts"]
        assert (parts["postgres"], parts["schema"]) == ("ok", "ok")
        assert parts["relay"] == "no relay worker is alive"
        assert parts["champion"] == "no model was promoted"
        champion_model(engine)
        with (
            Presence(engine, "relay"),
            Presence(engine, "fetch"),
            Presence(engine, "tag"),
            Presence(engine, "beat"),
        ):
            answer = client.get("/readyz")
        assert answer.status_code == 200
        assert set(answer.json()["parts"].values()) == {"ok"}


def test_ready_without_a_schema(blank_database_url: str) -> None:
    app = FastAPI()
    with engine_on(blank_database_url) as engine, TestClient(app) as client:
        add_api(app, engine)
        parts = client.get("/readyz").json()["parts"]
        assert (parts["postgres"], "migrate" in parts["schema"] or "none" in parts["schema"]) == ("ok", True)
        assert parts["relay"] == "unknown"


def test_without_postgres_it_is_alive_not_ready_and_says_so() -> None:
    app = FastAPI()
    url = "postgresql://marquee@127.0.0.1:9/marquee?connect_timeout=1"
    with engine_on(url) as engine, TestClient(app) as client:
        add_api(app, engine)
        assert client.get("/healthz").status_code == 200
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["parts"]["postgres"]) == (503, "cannot be reached")
        answer = client.get("/api/v1/genres", headers={"Authorization": "Bearer x"})
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert "127.0.0.1" not in answer.text  # whoever asks may not even have a token


def test_the_manual_needs_no_other_host(app: FastAPI) -> None:
    with TestClient(app) as client:
        page = client.get("/docs")
        assert page.status_code == 200
        assert "https://" not in page.text
        assert "script-src 'self';" in page.headers["content-security-policy"]
        for asset in ("swagger-ui.css", "swagger-ui-bundle.js", "docs.js"):
            assert client.get(f"/docs/{asset}").status_code == 200
