"""No deadlock: a writer changes movies in the other order while a worker finishes or enqueues them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, Engine, text

from catalog.engine import transaction
from catalog.ledger.dispatch import claim_pending
from catalog.ledger.enqueue import enqueue
from catalog.ledger.fetching import claim_queued
from catalog.ledger.recovery import recover
from catalog.ledger.words import Limits, Priority
from tests.integration.catalog.test_fence import OWNER, WORK, Start
from tests.support.databases import engine_on
from tests.support.ledger import execute, insert, row
from tests.support.waiting import until

WAITING = text(
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = :name"
)


def change(connection: Connection, movie_id: int) -> None:
    connection.execute(text("UPDATE marquee.movie SET title = 'changed' WHERE id = :id"), {"id": movie_id})


def until_waiting(engine: Engine, name: str) -> None:
    def look() -> bool:
        with transaction(engine) as connection:
            return bool(connection.execute(WAITING, {"name": name}).scalar_one())

    until(look, what=f"{name} waits for a lock")


@contextmanager
def writer_on(url: str) -> Iterator[Connection]:
    """A catalog writer's open transaction, in a session named `writer`."""
    with engine_on(url, name="writer") as engine, engine.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '20s'"))
        yield connection


@WORK
def test_a_worker_that_finishes_never_deadlocks_with_a_writer(
    engine: Engine, database_url: str, start: Start
) -> None:
    finish = start(engine, 2)
    with ThreadPoolExecutor(1) as pool, writer_on(database_url) as writer:
        change(writer, 2)
        with engine.begin() as worker:
            worker.execute(text("SET LOCAL lock_timeout = '2s'"))
            assert finish(worker, OWNER).locked == {2}  # it holds 1 now, and has not waited for 2
            waits = pool.submit(change, writer, 1)
            until_waiting(engine, "writer")
        waits.result(timeout=30)
    assert [row(engine, i).revision for i in (1, 2)] == [2, 2]


def test_enqueue_waits_for_a_writer_with_nothing_in_hand(engine: Engine, database_url: str) -> None:
    insert(engine, 3)
    with ThreadPoolExecutor(1) as pool, engine_on(database_url, name="enqueue") as other:
        with writer_on(database_url) as writer:
            change(writer, 2)
            asked = pool.submit(enqueue, other, [1, 2, 3], Priority.BULK)
            until_waiting(engine, "enqueue")
            change(writer, 1)
            change(writer, 3)
        assert asked.result(timeout=30) == {1, 2, 3}
    assert [row(engine, i).revision for i in (1, 2, 3)] == [2, 2, 2]


@pytest.mark.parametrize("state", ["queued", "fetching"])
def test_recovery_waits_for_no_writer(engine: Engine, database_url: str, state: str) -> None:
    insert(engine, 2)
    with transaction(engine) as connection:
        claim_pending(connection, 2, -1)
        if state == "fetching":
            claim_queued(connection, OWNER, [1, 2], -1)
    with ThreadPoolExecutor(1) as pool, writer_on(database_url) as writer:
        change(writer, 2)
        with engine.begin() as worker:
            worker.execute(text("SET LOCAL lock_timeout = '2s'"))
            assert [r.movie_id for r in recover(worker, Limits())] == [1]
            waits = pool.submit(change, writer, 1)
            until_waiting(engine, "writer")
        waits.result(timeout=30)
    assert [row(engine, i).revision for i in (1, 2)] == [2, 2]


def test_a_fetch_claim_waits_for_truncate_with_nothing_in_hand(engine: Engine, database_url: str) -> None:
    insert(engine, 2)
    with transaction(engine) as connection:
        claim_pending(connection, 2, 60)

    def claim(other: Engine) -> int:
        with transaction(other) as connection:
            return len(claim_queued(connection, OWNER, [1, 2], 60))

    with ThreadPoolExecutor(1) as pool, engine_on(database_url, name="fetcher") as other:
        with writer_on(database_url) as writer:
            writer.execute(
                text("LOCK TABLE marquee.movie IN ACCESS EXCLUSIVE MODE")
            )  # as TRUNCATE does first
            claimed = pool.submit(claim, other)
            until_waiting(engine, "fetcher")
            writer.execute(text("TRUNCATE marquee.movie"))
        assert claimed.result(timeout=30) == 0
    assert execute(engine, "SELECT FROM marquee.tagging") == []
