"""A movie is open with one editor, and the queue gives each movie to one."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from catalog.decisions import Verdicted, decide
from catalog.engine import transaction
from catalog.people.editors import EditorRecord
from catalog.registry import ModelRecord
from catalog.review.filters import Filter, Order
from catalog.review.leases import holder, keep, release, take
from catalog.review.queue import next_movie, read_page
from tests.support.ledger import execute, insert, scalar
from tests.support.models import champion_model
from tests.support.review import editor, enter, genre_id, tagged

LAPSE = "UPDATE marquee.review_lease SET lease_until = clock_timestamp() - interval '1 second'"


@pytest.fixture
def model(engine: Engine) -> ModelRecord:
    return champion_model(engine)


@pytest.fixture
def ann(engine: Engine) -> EditorRecord:
    return editor(engine, "ann")


@pytest.fixture
def bob(engine: Engine) -> EditorRecord:
    return editor(engine, "bob")


def taken(engine: Engine, movie_id: int, who: EditorRecord) -> str | None:
    with transaction(engine) as connection:
        return take(connection, movie_id, who.id, 60)


def kept(engine: Engine, who: EditorRecord, *ids: int) -> list[int]:
    with transaction(engine) as connection:
        return keep(connection, who.id, ids, 60)


def following(
    engine: Engine, who: EditorRecord, sought: Filter | None = None, order: Order = "uncertain", *holding: int
) -> int | None:
    with transaction(engine) as connection:
        return next_movie(connection, who.id, sought or Filter(), order, holding=holding)


def test_who_opens_a_movie_has_it_until_it_is_given_back(
    engine: Engine, model: ModelRecord, ann: EditorRecord, bob: EditorRecord
) -> None:
    tagged(engine, model)
    assert taken(engine, 1, ann) is None
    assert taken(engine, 1, ann) is None
    assert taken(engine, 1, bob) == "ann"
    with transaction(engine) as connection:
        assert holder(connection, 1, bob.id) == "ann"
        assert holder(connection, 1, ann.id) is None
        assert read_page(connection, Filter()).rows[0].holder == "ann"
        release(connection, bob.id, [1])
    assert taken(engine, 1, bob) == "ann"
    with transaction(engine) as connection:
        release(connection, ann.id, [1])
    assert taken(engine, 1, bob) is None


def test_a_lease_ends_by_itself(
    engine: Engine, model: ModelRecord, ann: EditorRecord, bob: EditorRecord
) -> None:
    tagged(engine, model)
    taken(engine, 1, ann)
    execute(engine, LAPSE)
    with transaction(engine) as connection:
        assert holder(connection, 1, bob.id) is None
    assert taken(engine, 1, bob) is None
    assert kept(engine, ann, 1) == []


def test_a_heartbeat_keeps_what_nobody_took(
    engine: Engine, model: ModelRecord, ann: EditorRecord, bob: EditorRecord
) -> None:
    tagged(engine, model, 3)
    for movie_id in (1, 2):
        taken(engine, movie_id, ann)
    taken(engine, 3, bob)
    execute(engine, LAPSE)
    assert kept(engine, ann, 3, 2, 1, 99) == [1, 2]
    assert taken(engine, 1, bob) == "ann"


def test_what_no_model_has_tagged_is_not_leased(engine: Engine, ann: EditorRecord, bob: EditorRecord) -> None:
    insert(engine, 1)
    assert taken(engine, 1, ann) is None
    assert taken(engine, 1, bob) is None
    assert taken(engine, 99, ann) is None


def test_two_editors_get_different_movies(
    engine: Engine, model: ModelRecord, ann: EditorRecord, bob: EditorRecord
) -> None:
    tagged(engine, model, 3)
    first = following(engine, ann)
    second = following(engine, bob)
    third = following(engine, ann, None, "uncertain", first or 0)
    assert {first, second, third} == {1, 2, 3}
    assert following(engine, bob, None, "uncertain", second or 0) is None


def test_after_a_reload_the_editors_own_movie_comes_first(
    engine: Engine, model: ModelRecord, ann: EditorRecord
) -> None:
    tagged(engine, model, 3)
    taken(engine, 1, ann)
    assert following(engine, ann, None, "newest") == 1
    assert following(engine, ann, None, "newest", 1) == 3


def test_a_skipped_movie_comes_back_later(
    engine: Engine, model: ModelRecord, ann: EditorRecord, bob: EditorRecord
) -> None:
    tagged(engine, model)
    taken(engine, 1, ann)
    skip = "INSERT INTO marquee.review_skip VALUES (:editor, 1, now() + interval '1 hour')"
    execute(engine, skip, editor=ann.id)
    assert following(engine, ann) is None
    with transaction(engine) as connection:
        release(connection, ann.id, [1])
    assert following(engine, bob) == 1
    execute(engine, LAPSE)
    execute(engine, "UPDATE marquee.review_skip SET until = now() - interval '1 second'")
    assert following(engine, ann) == 1


def test_a_movie_that_is_not_sought_is_not_given(
    engine: Engine, model: ModelRecord, ann: EditorRecord
) -> None:
    tagged(engine, model, 2)
    taken(engine, 1, ann)
    assert following(engine, ann, Filter(state="done")) is None
    assert following(engine, ann, Filter(genre="Comedy", band="accepted")) is None
    assert following(engine, ann, Filter(genre="Comedy", band="review")) == 1


def test_a_movie_that_somebody_decides_on_now_is_passed_over(
    engine: Engine, model: ModelRecord, ann: EditorRecord
) -> None:
    tagged(engine, model, 2)
    comedy = genre_id(engine, "Comedy")
    with engine.begin() as deciding:
        decide(deciding, [Verdicted(2, comedy, "accepted")], author="bob", source="editor")
        assert following(engine, ann, None, "newest") == 1


def test_more_skipped_movies_than_a_walk_looks_at(
    engine: Engine, model: ModelRecord, ann: EditorRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.review.finding.BUDGET", 10)
    tagged(engine, model, 60)
    execute(
        engine,
        "INSERT INTO marquee.review_skip SELECT :editor, movie_id, now() + interval '1 hour' "
        "FROM marquee.review WHERE movie_id > 1",
        editor=ann.id,
    )
    assert following(engine, ann, None, "newest") == 1
    assert following(engine, ann, Filter(missing="poster"), "newest") == 1


def test_eight_editors_on_one_queue_get_every_movie_once(engine: Engine, model: ModelRecord) -> None:
    ids = tagged(engine, model, 200)
    editors = [editor(engine, f"editor {n}") for n in range(8)]
    start = threading.Barrier(len(editors))

    def work(who: EditorRecord) -> list[int]:
        start.wait(30)
        done: list[int] = []
        while (movie_id := following(engine, who)) is not None:
            done.append(movie_id)
            enter(engine, who, movie_id)
        return done

    with ThreadPoolExecutor(len(editors)) as pool:
        found = [movie_id for done in pool.map(work, editors, timeout=100) for movie_id in done]
    assert sorted(found) == ids
    assert scalar(engine, "SELECT count(*) FROM marquee.review WHERE state = 'done'") == len(ids)
    assert scalar(engine, "SELECT count(*) FROM marquee.action WHERE kind = 'finish'") == len(ids)


def test_eight_editors_who_only_look_get_every_movie_once(engine: Engine, model: ModelRecord) -> None:
    ids = tagged(engine, model, 200)
    editors = [editor(engine, f"editor {n}") for n in range(8)]
    start = threading.Barrier(len(editors))

    def look(who: EditorRecord) -> list[int]:
        start.wait(30)
        held: list[int] = []
        while (movie_id := following(engine, who, None, "uncertain", *held)) is not None:
            held.append(movie_id)
        return held

    with ThreadPoolExecutor(len(editors)) as pool:
        found = [movie_id for held in pool.map(look, editors, timeout=100) for movie_id in held]
    assert sorted(found) == ids
