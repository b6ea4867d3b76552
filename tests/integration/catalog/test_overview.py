"""What people look at: the counts and the rate, one movie's story, the gates."""

import pytest
from sqlalchemy import Engine

from catalog.decisions import Verdicted, decide
from catalog.engine import transaction
from catalog.errors import MovieNotFoundError
from catalog.gates import close_gate, closed_gates, open_gate
from catalog.ledger.tagging import claim_ready, finish_tagging
from catalog.overview import Status, read_status
from catalog.review.actions import skip
from catalog.story import find_movie, read_story
from tests.support.ledger import execute, insert, make_ready
from tests.support.models import champion_model, same_for_all
from tests.support.review import editor, enter, press, tagged, undone


def status(engine: Engine) -> Status:
    with transaction(engine) as connection:
        return read_status(connection)


def find(engine: Engine, key: str) -> int:
    with transaction(engine) as connection:
        return find_movie(connection, key)


def test_an_empty_catalog_has_a_status(engine: Engine) -> None:
    seen = status(engine)
    assert set(seen.states.values()) == {0}
    assert (seen.oldest_waiting, seen.oldest_movie, seen.champion, seen.workers) == (None, None, None, [])
    assert seen.tagged_per_second_hour == 0
    assert seen.to_json()["closed_gates"] == {}


def test_the_status_counts_movies_and_names_the_oldest_that_waits(engine: Engine) -> None:
    model = champion_model(engine)
    make_ready(engine, insert(engine, 2))
    with transaction(engine) as connection:
        jobs = claim_ready(connection, 5, 10, 60)
        finish_tagging(connection, 5, model, same_for_all(jobs, model), 0.1)
    insert(engine, 3)
    execute(engine, "UPDATE marquee.tagging SET changed_at = now() - interval '1 hour' WHERE movie_id = 4")
    seen = status(engine)
    assert (seen.states["tagged"], seen.states["pending"], seen.champion) == (2, 3, "m-1")
    assert seen.oldest_movie == 4
    assert seen.oldest_waiting == pytest.approx(3600, abs=60)
    assert seen.tagged_per_second_minute == pytest.approx(2 / 60, abs=0.01)


@pytest.mark.parametrize("key", ["1", "603", "tt0133093", "x-1", "The Matrix", "the matrix"])
def test_a_movie_is_found_by_whatever_names_it(engine: Engine, key: str) -> None:
    insert(engine, 1, tmdb_id=603, imdb_id="tt0133093", external_id="x-1", title="The Matrix")
    insert(engine, 1)
    assert find(engine, key) == 1


def test_an_id_beats_a_title_and_large_ids_are_found(engine: Engine) -> None:
    insert(engine, 1, id=1917, title="other")
    insert(engine, 1, title="1917")
    insert(engine, 1, id=9_000_000_000_000)
    assert find(engine, "1917") == 1917
    assert find(engine, "9000000000000") == 9_000_000_000_000
    for key in ("nothing", "99999999999999999999999", ""):
        with pytest.raises(MovieNotFoundError):
            find(engine, key)


def test_a_movie_tells_its_whole_story(engine: Engine) -> None:
    model = champion_model(engine)
    make_ready(engine, insert(engine, 1), plot="p")
    with transaction(engine) as connection:
        jobs = claim_ready(connection, 5, 10, 60)
        finish_tagging(connection, 5, model, same_for_all(jobs, model), 0.1)
    execute(engine, "UPDATE marquee.movie SET title = 'new'")
    with transaction(engine) as connection:
        story = read_story(connection, 1)
    assert (story.movie["title"], story.movie["state"], story.movie["revision"]) == ("new", "pending", 2)
    assert [g["genre"] for g in story.genres] == ["Action"]
    assert [(e.event, e.revision) for e in story.events] == [("changed", 1), ("fetched", 1), ("tagged", 1)]


def test_a_story_tells_what_editors_did_and_what_they_saw(engine: Engine) -> None:
    model = champion_model(engine)
    movie = tagged(engine, model)[0]
    ann = editor(engine)
    press(engine, ann, movie, "Drama", "accepted")
    enter(engine, ann, movie)
    for _ in range(2):
        undone(engine, ann)
    with transaction(engine) as connection:
        skip(connection, ann, movie, seconds=2.5)
        decide(connection, [Verdicted(movie, 1, "rejected")], author="a file", source="import")
        story = read_story(connection, movie)
    told = [(e.event, e.detail) for e in story.events if e.event not in ("changed", "fetched", "tagged")]
    seen = {"source": "editor", "by": "ann", "seen_model": "m-1"}
    drama, comedy = (
        {"genre": "Drama", "confidence": 0.02} | seen,
        {"genre": "Comedy", "confidence": 0.55} | seen,
    )
    assert told == [
        ("decided", drama | {"verdict": "accepted", "action": "toggle"}),
        ("finished", {"by": "ann", "seconds": 3.0}),
        ("decided", comedy | {"verdict": "accepted", "action": "finish"}),
        ("undone", {"by": "ann", "action": "finish"}),
        ("decided", comedy | {"verdict": "withdrawn", "action": "undo"}),
        ("undone", {"by": "ann", "action": "toggle"}),
        ("decided", drama | {"verdict": "withdrawn", "action": "undo"}),
        ("skipped", {"by": "ann", "seconds": 2.5}),
        (
            "decided",
            {"genre": "Action", "verdict": "rejected", "source": "import", "by": "a file"}
            | {"seen_model": "m-1", "confidence": 0.97},
        ),
    ]


def test_a_title_that_only_tmdb_knows_finds_its_movie(engine: Engine) -> None:
    make_ready(engine, insert(engine, 1, title=None, tmdb_id=961))
    execute(engine, "UPDATE marquee.content SET title = 'The General'")
    assert find(engine, "the general") == 1


def test_a_deleted_movie_keeps_its_story(engine: Engine) -> None:
    make_ready(engine, insert(engine, 1))
    execute(engine, "DELETE FROM marquee.movie")
    with transaction(engine) as connection:
        story = read_story(connection, find_movie(connection, "1"))
    assert (story.movie["state"], story.movie["title"], story.genres) == ("deleted", None, [])
    assert [e.event for e in story.events] == ["changed", "fetched", "deleted"]


def test_a_gate_is_closed_until_its_time_or_until_it_is_opened(engine: Engine) -> None:
    with transaction(engine) as connection:
        long = close_gate(connection, "tmdb", 60, "401")
        again = close_gate(connection, "tmdb", 1, "429")
        assert again.until == long.until  # a shorter closing does not open it
        close_gate(connection, "past", -1, "over")
        assert {name: g.reason for name, g in closed_gates(connection).items()} == {"tmdb": "429"}
    assert status(engine).closed_gates == {"tmdb": "429"}
    with transaction(engine) as connection:
        open_gate(connection, "tmdb")
        assert closed_gates(connection) == {}
