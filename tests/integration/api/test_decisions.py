"""A pipeline decides: its word is a label, and what it did not see is a conflict."""

from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from catalog.engine import transaction
from catalog.webhooks.hooks import add_webhook
from tests.integration.api.test_movies import tag
from tests.support import ledger


@pytest.fixture
def movie_id(engine: Engine) -> int:
    [movie_id] = ledger.insert(engine)
    tag(engine, [movie_id])
    return movie_id


def say(client: TestClient, movie_id: int, genre: str, verdict: str, **more: Any) -> Any:
    sent = {"decisions": [{"genre": genre, "verdict": verdict}], **more}
    return client.post(f"/movies/{movie_id}/decisions", json=sent)


def standing(movie: dict[str, Any], genre: str) -> tuple[Any, ...]:
    [g] = [g for g in movie["genres"] if g["genre"] == genre]
    return g["holds"], g["label"], g["labelled_by"]


def test_a_decision_is_a_label_with_its_author(client: TestClient, engine: Engine, movie_id: int) -> None:
    movie = say(client, movie_id, "Comedy", "accepted").json()
    assert standing(movie, "Comedy") == (True, True, "token:admin")
    assert movie["timeline"][-1]["detail"]["by"] == "token:admin"
    [logged] = ledger.execute(engine, "SELECT * FROM marquee.decision")
    assert (logged.source, logged.author, logged.revision) == ("editor", "token:admin", 1)
    assert logged.confidence == pytest.approx(0.25)


def test_what_was_said_is_taken_back(client: TestClient, movie_id: int) -> None:
    say(client, movie_id, "Action", "rejected")
    assert standing(say(client, movie_id, "Action", "withdrawn").json(), "Action") == (True, None, None)


def test_a_decision_on_what_was_seen(client: TestClient, movie_id: int) -> None:
    seen = client.get(f"/movies/{movie_id}").json()["seen"]
    movie = say(client, movie_id, "Comedy", "accepted", seen=seen).json()
    assert movie["seen"] != seen
    assert say(client, movie_id, "Drama", "rejected", seen=movie["seen"]).status_code == 200


def test_a_decision_on_what_changed_is_a_conflict(client: TestClient, engine: Engine, movie_id: int) -> None:
    seen = client.get(f"/movies/{movie_id}").json()["seen"]
    movie = say(client, movie_id, "Comedy", "accepted").json()
    answer = say(client, movie_id, "Comedy", "rejected", seen=seen)
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["difference"]
    assert "Comedy" in problem["difference"][0]
    assert problem["seen"] == movie["seen"]
    assert ledger.scalar(engine, "SELECT count(*) FROM marquee.decision") == 1


@pytest.mark.parametrize("seen", ["x", "", "1.1", "9" * 18 + ".1.1", "1.1.0.0"])
def test_what_was_never_seen_is_a_conflict(client: TestClient, movie_id: int, seen: str) -> None:
    assert say(client, movie_id, "Comedy", "accepted", seen=seen).status_code == 409


def test_all_or_none(client: TestClient, engine: Engine, movie_id: int) -> None:
    sent = {
        "decisions": [{"genre": "Comedy", "verdict": "accepted"}, {"genre": "Nope", "verdict": "accepted"}]
    }
    answer = client.post(f"/movies/{movie_id}/decisions", json=sent)
    assert (answer.status_code, "Nope" in answer.json()["detail"]) == (422, True)
    assert ledger.scalar(engine, "SELECT count(*) FROM marquee.decision") == 0


@pytest.mark.parametrize(
    "sent",
    [
        {"decisions": []}, {}, {"decisions": [{"genre": "Comedy", "verdict": "maybe"}]},
        {"decisions": [{"genre": "Com\x00edy", "verdict": "accepted"}]},
        {"decisions": [{"genre": 4, "verdict": "accepted"}]},
        {"decisions": [{"genre": "Comedy", "verdict": "accepted", "why": "x"}]},
        {"decisions": [{"genre": "Comedy", "verdict": "accepted"}], "seen": "\x00"},
    ],
)  # fmt: skip
def test_what_cannot_be_said(client: TestClient, movie_id: int, sent: dict[str, Any]) -> None:
    assert client.post(f"/movies/{movie_id}/decisions", json=sent).status_code == 422


def test_a_lone_surrogate_is_refused(client: TestClient, movie_id: int) -> None:
    body = b'{"decisions": [{"genre": "\\ud800", "verdict": "accepted"}]}'
    headers = {"Content-Type": "application/json"}
    answer = client.post(f"/movies/{movie_id}/decisions", content=body, headers=headers)
    assert answer.status_code == 422


def test_a_movie_that_is_not_there(client: TestClient) -> None:
    assert say(client, 99, "Comedy", "accepted").status_code == 404


def test_a_decision_is_told(client: TestClient, engine: Engine, movie_id: int) -> None:
    with transaction(engine) as connection:
        add_webhook(connection, "https://x.example/", ["decided"])
    say(client, movie_id, "Comedy", "accepted")
    [told] = ledger.execute(engine, "SELECT event, movie_id, body FROM marquee.delivery")
    assert (told.event, told.movie_id) == ("decided", movie_id)
    [comedy] = [g for g in told.body["genres"] if g["genre"] == "Comedy"]
    assert (comedy["label"], comedy["holds"]) == (True, True)
