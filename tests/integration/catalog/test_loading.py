"""Loading movies: one that deadlocks with another load is tried again."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, text

from catalog.engine import transaction
from catalog.loading import load
from catalog.records import read_record
from tests.support import ledger
from tests.support.waiting import until

# Postgres looks for a deadlock once, when somebody has waited for a second: who waits longer has looked already.
LOOKED = """
SELECT count(*) FROM pg_locks
WHERE NOT granted AND pid = :pid AND waitstart < clock_timestamp() - interval '1.5 seconds'
"""
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> :pid"
TITLE = text("UPDATE marquee.movie SET title = :title WHERE id = :id")
PID = text("SELECT pg_backend_pid()")


def test_a_deadlock_is_tried_again(engine: Engine) -> None:
    """The load holds the first movie and waits for the second; the other holds the last and waits for the first."""
    first, second, last = ledger.insert(engine, 3)
    rows = [(n, read_record({"id": i, "title": "loaded"})) for n, i in enumerate((first, second, last), 1)]
    with ThreadPoolExecutor() as threads, transaction(engine) as other:
        pid = other.execute(PID).scalar_one()
        other.execute(TITLE, {"id": last, "title": "other"})
        with transaction(engine) as holding:
            holding.execute(TITLE, {"id": second, "title": "held"})
            loading = threads.submit(load, engine, rows, priority="bulk")
            until(lambda: ledger.scalar(engine, WAITING, pid=pid), what="the load waits")
            waiting = threads.submit(other.execute, TITLE, {"id": first, "title": "other"})
            until(lambda: ledger.scalar(engine, LOOKED, pid=pid), what="the other has looked for a deadlock")
        waiting.result()  # the load, which waits for the last now, was ended
        other.commit()
        loaded = loading.result()
    assert (loaded.ids, loaded.refused) == ({1: first, 2: second, 3: last}, [])
    assert {r.title for r in ledger.execute(engine, "SELECT title FROM marquee.movie")} == {"loaded"}
