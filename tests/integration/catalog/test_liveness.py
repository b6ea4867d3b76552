"""Presence: a worker's lock is held while it lives, taken again when lost, freed when it is killed."""

import os
import signal
import subprocess
import sys

import pytest
from sqlalchemy import Engine

from catalog.engine import connect
from catalog.errors import DatabaseUnavailableError
from catalog.ledger.recovery import WORKER_LOCKS
from catalog.liveness import Presence
from catalog.overview import read_status
from tests.support.databases import engine_on
from tests.support.ledger import execute
from tests.support.waiting import until

HOLDERS = """
SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = :locks AND objid = :id AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
WORKER = """
import sys
from catalog.engine import connect
from catalog.liveness import Presence
with Presence(connect(sys.argv[1]), "tag") as presence:
    print(presence.id, flush=True)
    sys.stdin.read()
"""


def holders(engine: Engine, worker: int) -> list[int]:
    """The sessions that hold the worker's lock."""
    return [r.pid for r in execute(engine, HOLDERS, locks=WORKER_LOCKS, id=worker)]


def worker_row(engine: Engine, worker: int) -> dict[str, object]:
    return dict(execute(engine, "SELECT * FROM marquee.worker WHERE id = :id", id=worker)[0]._mapping)


def test_a_worker_is_registered_and_holds_its_lock_until_it_stops(engine: Engine) -> None:
    with Presence(engine, "tag", device="cpu", beat=0.01) as presence:
        assert len(holders(engine, presence.id)) == 1
        row = worker_row(engine, presence.id)
        assert (row["part"], row["pid"], row["device"], row["stopped_at"]) == (
            "tag",
            os.getpid(),
            "cpu",
            None,
        )
        with engine.begin() as connection:
            assert [w["id"] for w in read_status(connection).workers] == [presence.id]
        presence.model_id = 7
        until(lambda: worker_row(engine, presence.id)["model_id"] == 7, what="the model is shown")
    until(lambda: not holders(engine, presence.id), what="the lock is free")
    assert worker_row(engine, presence.id)["stopped_at"] is not None
    with engine.begin() as connection:
        assert read_status(connection).workers == []


def test_two_workers_have_two_locks(engine: Engine) -> None:
    with Presence(engine, "tag") as one, Presence(engine, "tag") as other:
        assert one.id != other.id
        assert holders(engine, one.id) != holders(engine, other.id)


def test_a_lock_that_was_lost_is_taken_again(engine: Engine) -> None:
    with Presence(engine, "tag", beat=0.01) as presence:
        (lost,) = holders(engine, presence.id)
        execute(engine, "SELECT pg_terminate_backend(:pid)", pid=lost)
        again = until(lambda: [p for p in holders(engine, presence.id) if p != lost], what="a new lock")
        assert len(again) == 1
    assert worker_row(engine, presence.id)["stopped_at"] is not None


def test_a_lock_that_a_dead_connection_still_holds_is_waited_for(engine: Engine) -> None:
    with Presence(engine, "tag", beat=0.01) as presence:
        (lost,) = holders(engine, presence.id)
        with engine.connect() as ghost:  # queues up behind the lock, and has it when the connection is killed
            ghost.exec_driver_sql("SET lock_timeout = 0")
            pid = ghost.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            execute(engine, "SELECT pg_terminate_backend(:pid)", pid=lost)
            ghost.exec_driver_sql(f"SELECT pg_advisory_lock({WORKER_LOCKS}, {presence.id})")
            until(lambda: holders(engine, presence.id) == [pid] or None, what="the ghost holds the lock")
            ghost.exec_driver_sql(f"SELECT pg_advisory_unlock({WORKER_LOCKS}, {presence.id})")
            ghost.commit()
        until(lambda: [p for p in holders(engine, presence.id) if p != pid], what="a new lock")


def test_a_killed_process_frees_its_lock(engine: Engine, database_url: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, database_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        assert len(holders(engine, worker)) == 1
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=20)
    until(lambda: not holders(engine, worker), seconds=10, what="the lock is free")
    assert worker_row(engine, worker)["stopped_at"] is None


def test_a_worker_that_cannot_reach_postgres_says_so() -> None:
    engine = connect("postgresql://nobody:secret@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailableError):
        Presence(engine, "tag").start()
    engine.dispose()


def test_stopping_when_postgres_is_gone_raises_nothing(engine: Engine, database_url: str) -> None:
    with engine_on(database_url) as own:
        presence = Presence(own, "tag", beat=60).start()
        (pid,) = holders(engine, presence.id)
        execute(engine, "SELECT pg_terminate_backend(:pid)", pid=pid)
        until(lambda: not holders(engine, presence.id), what="the lock is free")
        presence.stop()
