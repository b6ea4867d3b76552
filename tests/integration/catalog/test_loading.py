"""Loading movies: two loads that wait for each other both end well."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, text

from catalog.engine import transaction
from catalog.loading import load
from catalog.records import read_record
from tests.support import ledger
from tests.support.waiting import until

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
TITLE = text("UPDATE marquee.movie SET title = :title WHERE id = :id")


def test_a_deadlock_is_tried_again(engine: Engine) -> None:
    first, second = ledger.insert(engine, 2)
    rows = [(n, read_record({"id": i, "title": "loaded"})) for n, i in enumerate((first, second), 1)]
    with ThreadPoolExecutor() as threads:
        with transaction(engine) as other:
            other.execute(TITLE, {"id": second, "title": "other"})
            loading = threads.submit(load, engine, rows, priority="bulk")
            until(lambda: ledger.scalar(engine, WAITING))
            other.execute(TITLE, {"id": first, "title": "other"})  # one of the two is ended by Postgres
        loaded = loading.result()
    assert (loaded.ids, loaded.refused) == ({1: first, 2: second}, [])
    assert {r.title for r in ledger.execute(engine, "SELECT title FROM marquee.movie")} == {"loaded"}
