"""Arrivals: the movies of a bulk load come into line when their turn is near, and none is ever lost."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Event

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from catalog.engine import transaction
from catalog.errors import DatabaseUnavailableError
from catalog.ledger.arrivals import STRETCH, line_up
from catalog.ledger.dispatch import claim_pending
from catalog.ledger.enqueue import Choice, choose, enqueue
from catalog.ledger.words import Priority
from catalog.overview import read_status
from catalog.story import read_story
from tests.support.ledger import events, execute, insert, row, scalar, states

LOAD = 2500
FRESH = "SELECT movie_id FROM marquee.tagging WHERE due_at IS NULL ORDER BY movie_id"
SPANS = "SELECT first_id, last_id FROM marquee.arrival ORDER BY first_id, last_id"
# The one rule that keeps everything: a fresh row lies within an arrival.
ASTRAY = """
SELECT count(*) FROM marquee.tagging t WHERE t.due_at IS NULL
AND NOT EXISTS (SELECT FROM marquee.arrival a WHERE t.movie_id BETWEEN a.first_id AND a.last_id)
"""


def fresh(engine: Engine) -> list[int]:
    assert scalar(engine, ASTRAY) == 0
    return [r.movie_id for r in execute(engine, FRESH)]


def spans(engine: Engine) -> list[tuple[int, int]]:
    return [tuple(r) for r in execute(engine, SPANS)]


def load(connection: Connection, first: int, last: int, step: int = 1) -> None:
    connection.execute(
        text(
            "INSERT INTO marquee.movie (id, title) SELECT n, 'movie ' || n FROM generate_series(:a, :b, :s) n"
        ),
        {"a": first, "b": last, "s": step},
    )


def step(engine: Engine, movies: int = 10**6) -> bool:
    with transaction(engine) as connection:
        return line_up(connection, movies)


def line_up_all(engine: Engine) -> int:
    """Line up whatever is due; the number of stretches, which must come to an end."""
    for stretches in range(1000):
        if not step(engine):
            return stretches
        fresh(engine)
    raise AssertionError("it goes round for ever")


def try_again_now(engine: Engine) -> None:
    execute(
        engine,
        "UPDATE marquee.arrival SET due_at = now() "
        "WHERE id IN (SELECT id FROM marquee.arrival FOR UPDATE SKIP LOCKED)",
    )


def claim(engine: Engine, movies: int) -> list[int]:
    with transaction(engine) as connection:
        return [d.movie_id for d in claim_pending(connection, movies, 60)]


@pytest.mark.parametrize(
    ("movies", "priority", "arrives"),
    [(1001, "bulk", True), (1000, "bulk", False), (1001, "interactive", False), (1001, "retag", False)],
)
def test_a_large_bulk_load_arrives_and_everything_else_is_in_line_at_once(
    engine: Engine, movies: int, priority: str, arrives: bool
) -> None:
    ids = insert(engine, movies, priority=priority)
    assert fresh(engine) == (ids if arrives else [])
    assert spans(engine) == ([(1, movies)] if arrives else [])
    assert len(claim(engine, 5000)) == (0 if arrives else movies)


def test_a_load_comes_into_line_by_stretches(engine: Engine) -> None:
    ids = insert(engine, LOAD, priority="bulk")
    left = [LOAD - STRETCH, LOAD - 2 * STRETCH, 0]
    for n in left:
        assert step(engine)
        assert fresh(engine) == ids[len(ids) - n :]
    assert spans(engine) == []
    assert not step(engine)
    assert scalar(engine, "SELECT count(*) FROM marquee.tagging WHERE due_at = changed_at") == LOAD
    assert sorted(claim(engine, 5000)) == ids
    assert events(engine, 7) == [("changed", {"changes": 1, "priority": 1})]


def test_only_what_will_soon_be_claimed_comes_into_line(engine: Engine) -> None:
    insert(engine, LOAD, priority="bulk")
    assert step(engine, 100)
    assert not step(engine, 100)
    assert len(claim(engine, STRETCH - 99)) == STRETCH - 99
    assert step(engine, 100)
    assert len(fresh(engine)) == LOAD - 2 * STRETCH


def test_what_was_due_before_the_load_goes_first_and_what_came_after_it_later(engine: Engine) -> None:
    older = insert(engine, 20, priority="bulk")
    ids = insert(engine, LOAD, priority="bulk")
    younger = insert(engine, 20, priority="bulk")
    assert not step(engine, 20)
    assert sorted(claim(engine, 20)) == older
    assert step(engine, 20)  # the younger twenty that are in line do not count
    taken = claim(engine, 20)
    assert set(taken) <= set(ids)
    assert not set(taken) & set(younger)


def test_an_interactive_movie_overtakes_a_load(engine: Engine) -> None:
    insert(engine, LOAD, priority="bulk")
    [urgent] = insert(engine)
    step(engine, 100)
    assert claim(engine, 1) == [urgent]


def test_a_claim_leaves_retagging_alone_when_told(engine: Engine) -> None:
    slow = insert(engine, 5, priority="retag")
    with transaction(engine) as connection:
        assert claim_pending(connection, 5, 60, lowest=Priority.BULK) == []
    assert sorted(claim(engine, 5)) == slow


def test_relays_side_by_side_line_up_and_claim_each_movie_once(engine: Engine) -> None:
    with transaction(engine) as connection:
        for n in range(4):  # four loads whose ids lie between each other's
            load(connection, n + 1, 6000 + n, 4)
    together = Barrier(4)

    def relay(_number: int) -> list[int]:
        mine: list[int] = []
        together.wait(timeout=20)
        while True:
            with transaction(engine) as connection:
                line_up(connection, 50)
                taken = [d.movie_id for d in claim_pending(connection, 50, 600)]
            mine += taken
            if not taken:
                if not spans(engine):
                    return mine
                try_again_now(engine)  # what one passed over because another had it in hand

    with ThreadPoolExecutor(4) as pool:
        taken = [i for mine in pool.map(relay, range(4)) for i in mine]
    taken += claim(engine, 10_000)
    assert sorted(taken) == [r.id for r in execute(engine, "SELECT id FROM marquee.movie ORDER BY id")]
    assert fresh(engine) == []


HELD = pytest.mark.parametrize(
    "statement",
    [
        "UPDATE marquee.movie SET title = 'x' WHERE id IN (5, 1500)",
        "DELETE FROM marquee.movie WHERE id IN (5, 1500)",
    ],
)


@HELD
def test_movies_that_a_writer_holds_are_passed_over_and_tried_again_later(
    engine: Engine, statement: str
) -> None:
    insert(engine, LOAD, priority="bulk")
    with engine.connect() as writer:
        writer.execute(text(statement))
        with transaction(engine) as connection:
            connection.execute(text("SET LOCAL lock_timeout = '2s'"))
            assert line_up(connection, 10**6)
        assert line_up_all(engine) == 2  # and then it waits, it does not go round
        assert fresh(engine) == [5, 1500]
        assert spans(engine) == [(5, 5), (1500, 1500)]
        try_again_now(engine)
        assert line_up_all(engine) == 2
        assert fresh(engine) == [5, 1500]
        writer.rollback()
    assert [r.tries for r in execute(engine, "SELECT tries FROM marquee.arrival")] == [2, 2]
    assert not step(engine)
    try_again_now(engine)
    line_up_all(engine)
    assert (fresh(engine), spans(engine)) == ([], [])
    assert len(claim(engine, 5000)) == LOAD


@HELD
def test_a_writer_who_commits_leaves_nothing_to_try_again(engine: Engine, statement: str) -> None:
    insert(engine, LOAD, priority="bulk")
    with engine.begin() as writer:
        writer.execute(text(statement))
        line_up_all(engine)
    assert fresh(engine) == []
    assert len(claim(engine, 5000)) == scalar(engine, "SELECT count(*) FROM marquee.movie")
    try_again_now(engine)
    line_up_all(engine)
    assert spans(engine) == []


def test_the_time_between_tries_grows_up_to_a_minute(engine: Engine) -> None:
    insert(engine, LOAD, priority="bulk")
    waits = []
    with engine.connect() as writer:
        writer.execute(text("DELETE FROM marquee.movie"))
        while step(engine):
            pass
        execute(engine, "DELETE FROM marquee.arrival WHERE first_id > 1")
        for _ in range(9):
            [(wait,)] = execute(
                engine, "SELECT extract(epoch FROM due_at - clock_timestamp())::float FROM marquee.arrival"
            )
            waits.append(wait)
            try_again_now(engine)
            assert step(engine)
        writer.rollback()
    assert waits == pytest.approx([1, 2, 4, 8, 16, 32, 64, 64, 64], abs=0.9)


def test_a_writer_who_holds_the_line_does_not_hold_up_the_load(engine: Engine) -> None:
    insert(engine, LOAD, priority="bulk")
    step(engine, 100)
    with engine.connect() as writer:
        writer.execute(text(f"UPDATE marquee.movie SET title = 'x' WHERE id <= {STRETCH}"))
        assert claim(engine, 100) == []
        assert step(engine, 100)
        assert len(claim(engine, 100)) == 100
        writer.rollback()


def test_a_load_that_is_rolled_back_leaves_nothing(engine: Engine) -> None:
    with engine.connect() as writer:
        load(writer, 1, LOAD)
        assert not step(engine)
        writer.rollback()
    assert (fresh(engine), spans(engine)) == ([], [])


def test_a_load_that_is_rolled_back_in_part_keeps_the_rest(engine: Engine) -> None:
    with transaction(engine) as writer:
        load(writer, 1, 2000)
        with pytest.raises(DBAPIError), writer.begin_nested():
            load(writer, 2001, 4000)
            load(writer, 1, 2000)
    assert spans(engine) == [(1, 2000)]
    line_up_all(engine)
    assert len(claim(engine, 5000)) == 2000


def test_a_load_that_commits_after_its_ids_were_passed_is_found(engine: Engine) -> None:
    with engine.begin() as late:
        load(late, 2, 6000, 2)
        with transaction(engine) as connection:
            load(connection, 1, 5999, 2)
        line_up_all(engine)
        assert spans(engine) == []
    assert len(fresh(engine)) == 3000
    line_up_all(engine)
    assert (fresh(engine), spans(engine)) == ([], [])
    assert sorted(claim(engine, 10_000)) == list(range(1, 6001))


def test_a_load_that_commits_within_a_stretch_is_found(engine: Engine) -> None:
    with transaction(engine) as connection:
        load(connection, 1, 5999, 2)
    with engine.begin() as relay:
        assert line_up(relay, 10**6)
        with transaction(engine) as connection:
            load(connection, 2, 6000, 2)
        assert line_up(relay, 10**6)
    assert scalar(engine, ASTRAY) == 0
    line_up_all(engine)
    try_again_now(engine)
    line_up_all(engine)
    assert (fresh(engine), spans(engine)) == ([], [])


def test_a_relay_that_dies_within_a_stretch_leaves_everything_as_it_was(engine: Engine) -> None:
    ids = insert(engine, LOAD, priority="bulk")
    step(engine)
    before = spans(engine)
    with pytest.raises(DatabaseUnavailableError), transaction(engine) as relay:
        pid = relay.execute(text("SELECT pg_backend_pid()")).scalar_one()
        assert line_up(relay, 10**6)
        execute(engine, "SELECT pg_terminate_backend(:pid, 5000)", pid=pid)
        line_up(relay, 10**6)
    assert spans(engine) == before == [(STRETCH + 1, LOAD)]
    assert fresh(engine) == ids[STRETCH:]
    line_up_all(engine)
    assert sorted(claim(engine, 5000)) == ids


def test_another_relay_waits_for_nothing(engine: Engine) -> None:
    insert(engine, LOAD, priority="bulk")
    with engine.begin() as one, engine.begin() as other:
        other.execute(text("SET LOCAL lock_timeout = '2s'"))
        assert line_up(one, 100)
        assert not line_up(other, 100)
        assert claim_pending(other, 100, 60) == []


@pytest.mark.parametrize(
    "ids",
    [(2**63 - 5000, 2**63 - 1), (-(2**63), -(2**63) + 5000), (-(2**63), 2**63 - 1)],
)
def test_ids_of_every_size_come_into_line(engine: Engine, ids: tuple[int, int]) -> None:
    low, high = ids
    with transaction(engine) as connection:
        connection.execute(
            text(
                "INSERT INTO marquee.movie (id, title) SELECT CASE WHEN n % 2 = 0 THEN CAST(:low AS bigint) + n "
                "ELSE CAST(:high AS bigint) - n + 1 END, 'm' FROM generate_series(0, 1499) n"
            ),
            {"low": low, "high": high},
        )
    line_up_all(engine)
    assert (fresh(engine), spans(engine)) == ([], [])
    assert len(claim(engine, 5000)) == 1500


def test_a_sparse_load_in_a_large_ledger_is_found_whole(engine: Engine) -> None:
    execute(
        engine,
        "INSERT INTO marquee.tagging (movie_id, state) SELECT n, 'tagged' FROM generate_series(1, 20000) n "
        "WHERE n % 13 <> 0",
    )
    with transaction(engine) as connection:
        load(connection, 13, 20_000, 13)
    assert line_up_all(engine) == 20
    assert sorted(claim(engine, 5000)) == list(range(13, 20_001, 13))


def test_a_change_of_a_fresh_movie_puts_it_in_line(engine: Engine) -> None:
    insert(engine, LOAD, priority="bulk")
    execute(engine, "UPDATE marquee.movie SET title = 'x' WHERE id = 2000")
    assert claim(engine, 10) == [2000]
    assert events(engine, 2000) == [("changed", {"changes": 2, "priority": 0})]
    line_up_all(engine)
    assert len(claim(engine, 5000)) == LOAD - 1


def test_a_fresh_movie_can_be_asked_for_at_once(engine: Engine) -> None:
    insert(engine, LOAD, priority="bulk")
    assert enqueue(engine, [2000], Priority.INTERACTIVE) == {2000}
    assert claim(engine, 10) == [2000]
    everything = [i for ids in choose(engine, Choice(everything=True)) for i in ids]
    assert enqueue(engine, everything, Priority.BULK) == set(everything)
    assert len(claim(engine, 5000)) == LOAD - 1
    line_up_all(engine)
    assert spans(engine) == []


def test_a_fresh_movie_can_be_deleted(engine: Engine) -> None:
    insert(engine, LOAD, priority="bulk")
    execute(engine, "DELETE FROM marquee.movie WHERE id > 10")
    line_up_all(engine)
    assert (sorted(claim(engine, 5000)), spans(engine)) == (list(range(1, 11)), [])
    assert [e for e, _ in events(engine, 11)] == ["deleted"]


def test_a_catalog_with_fresh_movies_can_be_emptied(engine: Engine) -> None:
    insert(engine, LOAD, priority="bulk")
    execute(engine, "TRUNCATE marquee.movie")
    assert fresh(engine) == []
    line_up_all(engine)
    assert spans(engine) == []


def test_movies_that_come_back_in_a_load_go_on_counting_their_revisions(engine: Engine) -> None:
    insert(engine, 5)
    execute(engine, "DELETE FROM marquee.movie WHERE id IN (2, 3)")
    with transaction(engine) as connection:
        load(connection, 2, 3)
        connection.execute(text("DELETE FROM marquee.movie WHERE id IN (2, 3)"))
        connection.execute(text("DELETE FROM marquee.movie"))
        load(connection, 1, LOAD)
    assert len(fresh(engine)) == LOAD
    assert [row(engine, i).revision for i in (1, 2, 6)] == [2, 3, 1]
    line_up_all(engine)
    assert len(claim(engine, 5000)) == LOAD
    assert events(engine, 2)[-1] == ("changed", {"changes": 1, "priority": 1})


def test_a_fresh_movie_waits_in_the_status_and_in_its_story(engine: Engine) -> None:
    insert(engine, LOAD, priority="bulk")
    execute(engine, "UPDATE marquee.tagging SET changed_at = now() - interval '1 hour' WHERE movie_id = 4")
    with transaction(engine) as connection:
        status, story = read_status(connection), read_story(connection, 4)
    assert (status.states["pending"], status.oldest_movie) == (LOAD, 4)
    assert status.oldest_waiting == pytest.approx(3600, abs=60)
    assert (story.movie["state"], story.movie["due_at"]) == ("pending", row(engine, 4).changed_at)


def test_only_a_pending_movie_can_be_without_a_place(engine: Engine) -> None:
    insert(engine, 1)
    with pytest.raises(DBAPIError, match="tagging_check"):
        execute(engine, "UPDATE marquee.tagging SET state = 'ready', due_at = NULL")


@contextmanager
def running(*jobs: Callable[[Event], None]) -> Iterator[None]:
    """The jobs, each in a thread, until the context ends; their errors are raised."""
    stop = Event()
    with ThreadPoolExecutor(len(jobs)) as pool:
        started = [pool.submit(job, stop) for job in jobs]
        try:
            yield
        finally:
            stop.set()
        for job in started:
            job.result(timeout=60)


def test_whatever_writers_and_relays_do_at_once_every_movie_gets_its_place(engine: Engine) -> None:
    """Loads whose ids lie between each other's, commits, rollbacks, changes and deletes while two relays work."""

    def write(number: int) -> None:
        chance = random.Random(number)
        for turn in range(6):
            asked = {"own": number, "n": chance.randint(2, 9), "high": chance.randint(0, 40_000)}
            with engine.connect() as writer:
                load(writer, 6 * turn + number, 6 * turn + number + 36 * 1100, 36)
                if chance.random() < 0.5:
                    writer.commit()
                own = "id % 6 = :own AND id < :high"
                writer.execute(
                    text(f"UPDATE marquee.movie SET title = 'x' WHERE {own} AND id % :n = 0"), asked
                )
                if chance.random() < 0.5:
                    writer.execute(
                        text(f"DELETE FROM marquee.movie WHERE {own} AND (id + :n) % 7 = 0"), asked
                    )
                if chance.random() < 0.6:
                    writer.commit()
                else:
                    writer.rollback()

    def relay(stop: Event) -> None:
        chance = random.Random(7)
        while not stop.is_set():
            with engine.connect() as connection:
                line_up(connection, 50, stretch=100)
                claim_pending(connection, 20, 600)
                if chance.random() < 0.8:  # otherwise it is as if it had been killed
                    connection.commit()
                else:
                    connection.rollback()
            assert scalar(engine, ASTRAY) == 0
            try_again_now(engine)

    with running(relay, relay), ThreadPoolExecutor(3) as pool:
        list(pool.map(write, [0, 1, 2]))
    while spans(engine):
        try_again_now(engine)
        line_up_all(engine)
    assert fresh(engine) == []
    assert claim(engine, 100_000)
    assert set(states(engine).values()) == {"queued"}
    assert scalar(engine, "SELECT count(*) FROM marquee.movie") == len(states(engine))
