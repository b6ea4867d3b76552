"""Movies over HTTP: what was written is read, in one piece and page by page."""

from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from catalog.engine import transaction
from catalog.ledger.tagging import claim_ready, finish_tagging
from catalog.registry import ModelRecord
from tests.support import ledger
from tests.support.models import champion_model, same_for_all


def tag(engine: Engine, ids: list[int], confidence: float = 0.9, model: ModelRecord | None = None) -> None:
    model = model or champion_model(engine)
    ledger.make_ready(engine, ids)
    with transaction(engine) as connection:
        jobs = claim_ready(connection, 5, 1000, 60)
    with transaction(engine) as connection:
        finish_tagging(connection, 5, model, same_for_all(jobs, model, confidence), 0.1)


def test_a_movie_that_was_written_is_read(client: TestClient, engine: Engine) -> None:
    sent = {
        "external_id": "x/1",
        "title": "Öl <script>",
        "year": 1999,
        "plot": "A plot.",
        "attributes": {"a": 1},
    }
    answer = client.post("/movies", json=sent)
    assert answer.status_code == 200
    movie_id = answer.json()["id"]
    movie = client.get(f"/movies/{movie_id}").json()
    assert {k: movie[k] for k in ("external_id", "title", "year", "plot")} == {
        k: sent[k] for k in ("external_id", "title", "year", "plot")
    }
    assert (movie["state"], movie["review"], movie["revision"], movie["model"]) == ("pending", None, 1, None)
    assert {g["confidence"] for g in movie["genres"]} == {None}
    assert ledger.row(engine, movie_id).priority == 0


def test_a_second_write_keeps_what_it_does_not_name(client: TestClient) -> None:
    first = client.post("/movies", json={"external_id": "a", "title": "A", "year": 1990}).json()["id"]
    second = client.post("/movies", json={"external_id": "a", "year": None, "plot": "New."}).json()["id"]
    movie = client.get(f"/movies/{first}").json()
    assert second == first
    assert (movie["title"], movie["year"], movie["plot"], movie["revision"]) == ("A", None, "New.", 2)


def test_a_tagged_movie_has_its_predictions_and_its_timeline(client: TestClient, engine: Engine) -> None:
    [movie_id] = ledger.insert(engine)
    tag(engine, [movie_id])
    movie = client.get(f"/movies/{movie_id}").json()
    assert (movie["state"], movie["review"], movie["model"]) == ("tagged", "open", "m-1")
    by_name = {g["genre"]: g for g in movie["genres"]}
    action = by_name["Action"]
    assert (action["holds"], action["decision"], action["label"], action["asks"]) == (
        True,
        "accepted",
        None,
        False,
    )
    assert action["confidence"] == pytest.approx(0.9)
    assert by_name["Comedy"]["asks"] is True
    assert by_name["War"]["decision"] is None
    assert [e["event"] for e in movie["timeline"]][-1] == "tagged"


@pytest.mark.parametrize(
    ("key", "value"), [("external_id", "ä b/ö?"), ("tmdb_id", 603), ("imdb_id", "tt0133093")]
)
def test_a_movie_is_found_by_each_key(client: TestClient, key: str, value: Any) -> None:
    movie_id = client.post("/movies", json={key: value, "title": "A"}).json()["id"]
    assert client.get("/movies/lookup", params={key: value}).json()["id"] == movie_id


@pytest.mark.parametrize("params", [{}, {"external_id": "a", "tmdb_id": 1}])
def test_a_movie_is_looked_up_by_one_key(client: TestClient, params: dict[str, Any]) -> None:
    assert client.get("/movies/lookup", params=params).status_code == 422


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ({"title": "A", "year": 3000}, "year"),
        ({"title": "A", "colour": "red"}, "colour"),
        ({"plot": "Nobody knows of what."}, "title"),
        ({"title": "\x00 "}, "title"),
        ({"title": "A", "genres": ["Drama"]}, "labels=true"),
        ([1], "body"),
        (None, "body"),
    ],
)
def test_a_bad_movie_is_refused_and_the_field_named(client: TestClient, sent: Any, named: str) -> None:
    answer = client.post("/movies", json=sent)
    assert answer.status_code == 422
    assert named in answer.json()["detail"] + answer.json()["mend"]


def test_a_key_of_another_movie_is_a_conflict(client: TestClient) -> None:
    client.post("/movies", json={"external_id": "a", "tmdb_id": 5})
    answer = client.post("/movies", json={"external_id": "b", "tmdb_id": 5})
    assert answer.status_code == 409
    assert "tmdb_id" in answer.json()["detail"]


def test_genres_become_labels_where_they_are_trusted(client: TestClient, engine: Engine) -> None:
    answer = client.post("/movies?labels=true", json={"title": "A", "genres": ["Drama"]})
    assert answer.json()["labels"] == 19
    movie = client.get(f"/movies/{answer.json()['id']}").json()
    assert [g["genre"] for g in movie["genres"] if g["label"]] == ["Drama"]
    assert {g["labelled_by"] for g in movie["genres"]} == {"token:admin"}
    unknown = client.post("/movies?labels=true", json={"title": "A", "genres": ["Dramma"]})
    assert (unknown.status_code, "Dramma" in unknown.json()["detail"]) == (422, True)
    assert ledger.scalar(engine, "SELECT count(*) FROM marquee.movie") == 1


def test_pages_follow_each_other(client: TestClient, engine: Engine) -> None:
    ids = ledger.insert(engine, 7)
    tag(engine, ids)
    found, cursor = [], None
    while True:
        page = client.get("/movies", params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        found += [m["id"] for m in page["movies"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(found) == ids


def test_a_filter_finds_what_it_says(client: TestClient, engine: Engine) -> None:
    ids = ledger.insert(engine, 2)
    tag(engine, ids)
    asked = {"genre": "Comedy", "band": "review", "state": "open", "model": "m-1", "order": "uncertain"}
    [first, _] = client.get("/movies", params=asked).json()["movies"]
    assert {"genre": "Comedy", "confidence": pytest.approx(0.25), "asks": True} in first["genres"]
    assert client.get("/movies", params={"genre": "Comedy"}).json() == {"movies": [], "next": None}


@pytest.mark.parametrize(
    "params",
    [
        {"genre": "Dramma"}, {"band": "review"}, {"year": 12}, {"decade": 1995}, {"order": "best"}, {"limit": 0},
        {"limit": 201}, {"cursor": "x"}, {"cursor": "WyJuZXdlc3QiLCAxLCAxXQ=="}, {"genre": "\x00"},
        {"model": "none such"}, {"state": ""}, {"language": "\x00"},
    ],
)  # fmt: skip
def test_a_bad_filter_is_refused(client: TestClient, params: dict[str, Any]) -> None:
    answer = client.get("/movies", params=params)
    assert answer.status_code == 422
    assert answer.json()["mend"]


def test_movies_are_enqueued(client: TestClient, engine: Engine) -> None:
    ids = ledger.insert(engine, 2)
    tag(engine, ids)
    answer = client.post("/movies/enqueue", json={"ids": [*ids, ids[0], 99_999], "priority": "retag"})
    assert answer.json() == {"enqueued": ids, "unknown": [99_999]}
    assert ledger.row(engine, ids[0]).priority == 2


@pytest.mark.parametrize(
    "sent",
    [{"ids": []}, {"ids": [0]}, {"ids": [2**63]}, {"ids": [1] * 10_001}, {"ids": [1], "priority": "urgent"}],
)
def test_what_cannot_be_enqueued(client: TestClient, sent: dict[str, Any]) -> None:
    assert client.post("/movies/enqueue", json=sent).status_code == 422


@pytest.mark.parametrize("movie_id", ["99", "0", "-1", str(2**63), "x", "9" * 5000, "%00", "1.5"])
def test_a_movie_that_is_not_there(client: TestClient, movie_id: str) -> None:
    answer = client.get(f"/movies/{movie_id}")
    assert answer.status_code == (404 if movie_id == "99" else 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_deleted_movie_is_gone(client: TestClient, engine: Engine) -> None:
    [movie_id] = ledger.insert(engine)
    ledger.execute(engine, "DELETE FROM marquee.movie")
    assert client.get(f"/movies/{movie_id}").status_code == 404
