"""The review page's endpoints: leases, decisions, skip, undo, conflicts, and requests that are made twice."""

import re
from typing import Any

import pytest
from sqlalchemy import Engine

from catalog.registry import ModelRecord
from tests.support.browsing import Browser
from tests.support.ledger import execute, insert, make_ready, scalar
from tests.support.review import card, change, genre_id, labels, queue_row, retag, tag, tagged

LEASES = "SELECT movie_id, e.name FROM marquee.review_lease l JOIN marquee.editor e ON e.id = l.editor_id"


@pytest.fixture
def movies(engine: Engine, model: ModelRecord) -> list[int]:
    """Three movies that wait for an editor; Comedy asks."""
    return tagged(engine, model, 3)


@pytest.fixture
def genres(engine: Engine) -> dict[str, int]:
    return {name: genre_id(engine, name) for name in ("Action", "Comedy", "Drama")}


def seen(engine: Engine, movie_id: int) -> str:
    return card(engine, movie_id).seen


def leases(engine: Engine) -> dict[int, str]:
    return {r.movie_id: r.name for r in execute(engine, LEASES)}


def actions(engine: Engine) -> list[tuple[str, int]]:
    return [tuple(r) for r in execute(engine, "SELECT kind, movie_id FROM marquee.action ORDER BY id")]


def open_next(browser: Browser, *holding: int) -> Any:
    return browser.saved("/review/next", holding=[*holding])


class TestOpening:
    def test_the_first_page_leads_to_a_movie_and_takes_it(
        self, ann: Browser, engine: Engine, movies: list[int]
    ) -> None:
        target = ann.get("/?order=newest").headers["location"]
        found = re.fullmatch(r"/review/(\d+)\?order=newest", target)
        assert found
        assert leases(engine) == {int(found[1]): "ann"}
        text = ann.get(target).text
        assert 'data-name="Comedy" data-key="1" data-asks="yes" data-holds="yes"' in text
        assert 'data-queue="order=newest"' in text

    def test_two_editors_get_different_movies(self, ann: Browser, bob: Browser, movies: list[int]) -> None:
        hers, his = open_next(ann), open_next(bob)
        assert hers["movie_id"] != his["movie_id"]
        third = open_next(ann, hers["movie_id"])
        assert {hers["movie_id"], his["movie_id"], third["movie_id"]} == set(movies)
        nothing = open_next(bob, his["movie_id"])
        assert nothing["movie_id"] is None
        assert "Nothing is left to decide" in nothing["html"]

    def test_a_movie_that_another_has_open_can_only_be_looked_at(
        self, ann: Browser, bob: Browser, movies: list[int]
    ) -> None:
        ann.get(f"/review/{movies[0]}")
        told = bob.ask(f"/review/{movies[0]}/card")
        assert told["holder"] == "ann"
        assert "ann has this movie open" in told["html"]
        assert 'data-locked="yes"' in told["html"]

    def test_the_heartbeat_tells_what_is_still_held(
        self, ann: Browser, bob: Browser, engine: Engine, movies: list[int]
    ) -> None:
        ann.get(f"/review/{movies[0]}")
        bob.get(f"/review/{movies[1]}")
        execute(engine, "UPDATE marquee.review_lease SET lease_until = now() + interval '1 second'")
        assert ann.saved("/review/keep", movie=movies) == {"held": [movies[0]]}
        left = "SELECT extract(epoch FROM lease_until - now()) FROM marquee.review_lease WHERE movie_id = :id"
        assert scalar(engine, left, id=movies[0]) > 60
        assert scalar(engine, left, id=movies[1]) < 2

    def test_leaving_gives_back_by_a_form_alone_as_a_beacon_is(
        self, ann: Browser, bob: Browser, engine: Engine, movies: list[int]
    ) -> None:
        ann.get(f"/review/{movies[0]}")
        bob.get(f"/review/{movies[1]}")
        answer = ann.client.post(
            "/review/release", data={"csrf": ann.token(), "movie": [str(m) for m in movies]}
        )
        assert answer.status_code == 204
        assert leases(engine) == {movies[1]: "bob"}

    def test_a_movie_without_tags_is_shown_and_nothing_can_be_decided(
        self, ann: Browser, engine: Engine, model: ModelRecord
    ) -> None:
        [movie] = insert(engine)
        text = ann.get(f"/review/{movie}").text
        assert "No model has tagged this movie yet (pending)." in text
        assert 'data-locked="yes"' in text

    def test_there_is_no_such_movie(self, ann: Browser) -> None:
        for path in ("/review/999", "/review/999/card", "/review/x", "/review/99999999999999999999999"):
            assert ann.get(path).status_code == 404


class TestDeciding:
    def test_a_toggle_is_a_decision_with_who_what_and_how_long(
        self, ann: Browser, engine: Engine, movies: list[int], genres: dict[str, int]
    ) -> None:
        movie = movies[0]
        saved = ann.saved(
            f"/review/{movie}/toggle",
            genre=genres["Comedy"], verdict="rejected", seen=seen(engine, movie), seconds=2.5,
        )  # fmt: skip
        assert labels(engine) == {(movie, "Comedy"): (False, "ann")}
        [row] = execute(engine, "SELECT id, kind, seconds FROM marquee.action")
        assert (row.id, row.kind, row.seconds) == (saved["action_id"], "toggle", 2.5)

    def test_finishing_decides_what_asks_as_it_is_shown(
        self, ann: Browser, engine: Engine, movies: list[int], genres: dict[str, int]
    ) -> None:
        movie = open_next(ann)["movie_id"]
        ann.saved(f"/review/{movie}/finish", seen=seen(engine, movie), accept=[genres["Comedy"]], seconds=1)
        assert labels(engine) == {(movie, "Comedy"): (True, "ann")}
        assert queue_row(engine, movie) == ("done", [])
        assert leases(engine) == {}
        assert open_next(ann)["movie_id"] != movie

    def test_the_keys_come_faster_than_the_answers(
        self, ann: Browser, engine: Engine, movies: list[int], genres: dict[str, int]
    ) -> None:
        movie, saw = movies[0], seen(engine, movies[0])
        ann.saved(f"/review/{movie}/toggle", genre=genres["Drama"], verdict="accepted", seen=saw)
        ann.saved(f"/review/{movie}/toggle", genre=genres["Comedy"], verdict="rejected", seen=saw)
        ann.saved(f"/review/{movie}/finish", seen=saw)
        assert labels(engine) == {(movie, "Drama"): (True, "ann"), (movie, "Comedy"): (False, "ann")}

    def test_it_works_without_a_script(
        self, ann: Browser, engine: Engine, movies: list[int], genres: dict[str, int]
    ) -> None:
        movie, queue = movies[0], "genre=Comedy&order=rare"
        answer = ann.submit(
            f"/review/{movie}/toggle",
            genre=genres["Drama"], verdict="accepted", seen=seen(engine, movie), queue=queue,
        )  # fmt: skip
        assert answer.headers["location"] == f"/review/{movie}?{queue}"
        answer = ann.submit(f"/review/{movie}/finish", seen=seen(engine, movie), queue=queue)
        assert answer.headers["location"] == f"/?{queue}"
        assert ann.submit(f"/review/{movies[1]}/skip", queue=queue).headers["location"] == f"/?{queue}"
        assert ann.submit("/undo", queue=queue).headers["location"] == f"/review/{movies[1]}?{queue}"

    def test_a_skipped_movie_does_not_come_back_today(
        self, ann: Browser, engine: Engine, movies: list[int]
    ) -> None:
        first = open_next(ann)["movie_id"]
        ann.saved(f"/review/{first}/skip", seconds=0.4)
        assert {open_next(ann)["movie_id"] for _ in range(3)}.isdisjoint({first})
        assert labels(engine) == {}

    def test_what_cannot_be_is_refused(
        self, ann: Browser, engine: Engine, movies: list[int], genres: dict[str, int]
    ) -> None:
        path, saw = f"/review/{movies[0]}/toggle", seen(engine, movies[0])
        for fields in (
            {"genre": 9999, "verdict": "accepted", "seen": saw},
            {"genre": 40_000, "verdict": "accepted", "seen": saw},
            {"genre": "x", "verdict": "accepted", "seen": saw},
            {"genre": genres["Drama"], "verdict": "maybe", "seen": saw},
            {"genre": genres["Drama"], "verdict": "accepted"},
            {"genre": genres["Drama"], "verdict": "accepted", "seen": saw, "seconds": "nan"},
            {"genre": genres["Drama"], "verdict": "accepted", "seen": saw, "seconds": -1},
        ):
            assert ann.send(path, **fields).status_code == 422, fields
        assert ann.send("/review/999/finish", seen=saw).status_code == 404
        assert ann.send("/review/999/skip").status_code == 404
        assert ann.send("/review/next", queue="band=accepted").status_code == 422
        assert actions(engine) == []


class TestConflict:
    def test_a_decision_on_what_changed_shows_the_difference_and_writes_nothing(
        self, ann: Browser, bob: Browser, engine: Engine, movies: list[int], genres: dict[str, int]
    ) -> None:
        movie, saw = movies[0], seen(engine, movies[0])
        bob.saved(f"/review/{movie}/toggle", genre=genres["Drama"], verdict="accepted", seen=saw)
        answer = ann.send(f"/review/{movie}/finish", seen=saw)
        told = answer.json()
        assert (answer.status_code, told["error"], told["movie_id"]) == (409, "conflict", movie)
        assert any("bob accepted Drama" in line for line in told["difference"])
        assert labels(engine) == {(movie, "Drama"): (True, "bob")}
        ann.saved(f"/review/{movie}/finish", seen=told["seen"])

    def test_a_page_without_a_script_shows_it_too(
        self, ann: Browser, bob: Browser, engine: Engine, movies: list[int], genres: dict[str, int]
    ) -> None:
        movie, saw = movies[0], seen(engine, movies[0])
        bob.saved(f"/review/{movie}/toggle", genre=genres["Drama"], verdict="accepted", seen=saw)
        answer = ann.submit(f"/review/{movie}/finish", seen=saw)
        assert answer.status_code == 409
        assert "bob accepted Drama" in answer.text
        assert f'href="/review/{movie}"' in answer.text

    def test_a_new_text_or_a_new_model_is_a_change(
        self, ann: Browser, engine: Engine, model: ModelRecord, movies: list[int]
    ) -> None:
        saw = seen(engine, movies[0])
        change(engine, movies[0])
        tag(engine, model)
        [line] = ann.send(f"/review/{movies[0]}/finish", seen=saw).json()["difference"]
        assert "text or poster changed" in line

    def test_a_movie_that_another_has_open_is_not_decided(
        self, ann: Browser, bob: Browser, engine: Engine, movies: list[int]
    ) -> None:
        bob.get(f"/review/{movies[0]}")
        answer = ann.send(f"/review/{movies[0]}/finish", seen=seen(engine, movies[0]))
        assert (answer.status_code, answer.json()["error"], answer.json()["holder"]) == (409, "held", "bob")
        assert actions(engine) == []


class TestUndo:
    def test_it_walks_back_and_brings_the_movie_on_the_screen(
        self, ann: Browser, engine: Engine, movies: list[int], genres: dict[str, int]
    ) -> None:
        movie, saw = movies[0], seen(engine, movies[0])
        ann.saved(f"/review/{movie}/toggle", genre=genres["Drama"], verdict="accepted", seen=saw)
        ann.saved(f"/review/{movie}/finish", seen=saw)
        first = ann.saved("/undo")
        assert (first["undone"]["kind"], first["movie"]["movie_id"]) == ("finish", movie)
        assert 'data-asks="yes"' in first["movie"]["html"]
        assert leases(engine) == {movie: "ann"}
        assert ann.saved("/undo")["undone"]["kind"] == "toggle"
        assert labels(engine) == {}
        assert ann.saved("/undo") == {"undone": None, "repeated": False, "action_id": None, "movie": None}
        assert "There is nothing to undo" in ann.submit("/undo").text

    def test_of_a_movie_that_is_gone_it_says_so(
        self, ann: Browser, engine: Engine, movies: list[int]
    ) -> None:
        ann.saved(f"/review/{movies[0]}/finish", seen=seen(engine, movies[0]))
        execute(engine, "DELETE FROM marquee.movie WHERE id = :id", id=movies[0])
        told = ann.saved("/undo")
        assert told["undone"]["movie_id"] == movies[0]
        assert told["movie"] is None

    def test_ones_own_only(self, ann: Browser, bob: Browser, engine: Engine, movies: list[int]) -> None:
        ann.saved(f"/review/{movies[0]}/finish", seen=seen(engine, movies[0]))
        assert bob.saved("/undo")["undone"] is None


class TestTwice:
    """No answer came, so the page asks again, and says which of the editor's actions it knew of."""

    def test_what_was_carried_out_is_not_done_again(
        self, ann: Browser, engine: Engine, movies: list[int], genres: dict[str, int]
    ) -> None:
        movie, saw = movies[0], seen(engine, movies[0])
        fields = {"genre": genres["Drama"], "verdict": "accepted", "seen": saw}
        toggled = ann.saved(f"/review/{movie}/toggle", **fields)
        again = ann.saved(f"/review/{movie}/toggle", **fields, after=0)
        assert again == {"movie_id": movie, "action_id": toggled["action_id"], "repeated": True}
        knew = again["action_id"]
        finished = ann.saved(f"/review/{movie}/finish", seen=saw)["action_id"]
        assert ann.saved(f"/review/{movie}/finish", seen=saw, after=knew)["action_id"] == finished
        skipped = ann.saved(f"/review/{movies[1]}/skip")["action_id"]
        assert ann.saved(f"/review/{movies[1]}/skip", after=finished)["action_id"] == skipped
        undone = ann.saved("/undo")["action_id"]
        assert ann.saved("/undo", after=skipped) == {
            "movie_id": None, "action_id": undone, "repeated": True, "undone": None, "movie": None,
        }  # fmt: skip
        assert [kind for kind, _ in actions(engine)] == ["toggle", "finish", "skip", "undo"]

    def test_what_was_not_is_done(
        self, ann: Browser, engine: Engine, movies: list[int], genres: dict[str, int]
    ) -> None:
        saw = seen(engine, movies[0])
        first = ann.saved(f"/review/{movies[0]}/skip", after=0)
        assert first["repeated"] is False
        fields = {"genre": genres["Drama"], "verdict": "accepted", "seen": saw, "after": 0}
        assert ann.saved(f"/review/{movies[0]}/toggle", **fields)["repeated"] is False
        assert ann.saved("/undo", after=0)["undone"]["kind"] == "toggle"


def test_an_editors_word_is_shown_as_his_after_another_tagging(
    ann: Browser, engine: Engine, model: ModelRecord, movies: list[int], genres: dict[str, int]
) -> None:
    movie = movies[0]
    ann.saved(f"/review/{movie}/toggle", genre=genres["Comedy"], verdict="rejected", seen=seen(engine, movie))
    retag(engine, model)
    text = ann.get(f"/review/{movie}").text
    row = text.partition('data-name="Comedy"')[2].partition("</li>")[0]
    assert 'data-holds="no"' in row
    assert "by ann" in row


def test_a_movie_that_waits_to_be_tagged_anew_can_still_be_opened(
    ann: Browser, engine: Engine, model: ModelRecord
) -> None:
    [movie] = tagged(engine, model)
    execute(engine, "UPDATE marquee.movie SET title = 'another'")
    assert ann.get(f"/review/{movie}").status_code == 200
    make_ready(engine, [movie])
    assert "another" in ann.get(f"/review/{movie}").text
