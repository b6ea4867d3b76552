"""LISTEN: a hint is heard at once, and LISTEN is in force again after its session was ended."""

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from catalog.engine import connect
from catalog.ledger.words import EVENT_CHANNEL
from catalog.listen import Listener
from tests.support.ledger import execute, insert
from tests.support.waiting import until

LISTENING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'"


@pytest.fixture
def listener(engine: Engine) -> Iterator[Listener]:
    made = Listener(engine, EVENT_CHANNEL)
    yield made
    made.close()


def test_the_first_wait_listens_and_bids_to_look(listener: Listener) -> None:
    assert not listener.connected
    assert listener.wait(20)
    assert listener.connected
    assert not listener.wait(0)


def test_an_insert_is_heard(engine: Engine, listener: Listener) -> None:
    listener.wait(0)
    insert(engine, 1)
    assert listener.wait(20)
    assert not listener.wait(0)


def test_many_hints_are_one(engine: Engine, listener: Listener) -> None:
    listener.wait(0)
    for _ in range(5):
        insert(engine, 1)
    until(lambda: listener.wait(0), what="the hint")
    until(lambda: not listener.wait(0), what="no further hint")


def test_a_waker_ends_the_wait(listener: Listener) -> None:
    listener.wait(0)
    reading, writing = os.pipe()
    try:
        os.write(writing, b"x")
        assert not listener.wait(60, reading)
    finally:
        os.close(reading)
        os.close(writing)


def test_listen_is_in_force_again_after_its_session_was_ended(engine: Engine, listener: Listener) -> None:
    listener.wait(0)
    (before,) = (r.pid for r in execute(engine, LISTENING))
    execute(engine, "SELECT pg_terminate_backend(:pid)", pid=before)
    until(lambda: not listener.wait(0) and not listener.connected, what="the loss is noticed")
    assert listener.wait(0)  # it may have missed something
    insert(engine, 1)
    assert listener.wait(20)
    (after,) = (r.pid for r in execute(engine, LISTENING))
    assert after != before


def test_an_unreachable_postgres_is_no_error() -> None:
    engine = connect("postgresql://nobody:secret@127.0.0.1:1/none")
    listener = Listener(engine, EVENT_CHANNEL)
    assert not listener.wait(0)
    assert not listener.connected
    engine.dispose()


def test_a_closed_listener_leaves_no_session(engine: Engine) -> None:
    listener = Listener(engine, EVENT_CHANNEL)
    listener.wait(0)
    listener.close()
    until(lambda: not execute(engine, LISTENING), what="the session is gone")
    listener.close()
