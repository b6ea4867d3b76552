"""The counts of the queue: exact, whoever writes, reads and puts them together meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from catalog.engine import transaction
from catalog.registry import ModelRecord
from catalog.review import counts
from catalog.review.counts import compact, counted, read_counts, size
from catalog.review.filters import STATES, Filter
from catalog.review.project import project
from tests.support.ledger import execute, scalar
from tests.support.models import champion_model
from tests.support.review import USUAL, editor, genre_id, press, tagged

SURE = {"Action": (0.97, "accepted")}
TRUE_COUNTS = """
SELECT state, facet, count(*) AS n FROM marquee.review, unnest(facets || '{all}') AS facet GROUP BY state, facet
"""
KEPT_COUNTS = (
    "SELECT state, facet, sum(n) AS n FROM marquee.review_count GROUP BY state, facet HAVING sum(n) <> 0"
)


@pytest.fixture
def model(engine: Engine) -> ModelRecord:
    return champion_model(engine)


def drift(engine: Engine) -> set[tuple[str, str, int]]:
    """Where the kept counts are not those of the rows."""
    true = {(r.state, r.facet, r.n) for r in execute(engine, TRUE_COUNTS)}
    return true ^ {(r.state, r.facet, int(r.n)) for r in execute(engine, KEPT_COUNTS)}


def read(engine: Engine, state: counts.State | None = None) -> dict[str, int]:
    with transaction(engine) as connection:
        return read_counts(connection, state)


def sized(engine: Engine, sought: Filter, cap: int = 10_000) -> tuple[int, bool]:
    with transaction(engine) as connection:
        return size(connection, sought, cap)


def test_an_empty_queue_counts_nothing(engine: Engine) -> None:
    assert read(engine) == {"all": 0}
    assert sized(engine, Filter()) == (0, True)


def test_the_counts_follow_every_change(engine: Engine, model: ModelRecord) -> None:
    action = genre_id(engine, "Action")
    tagged(engine, model, 5)
    tagged(engine, model, 3, SURE)
    assert read(engine, "open")["all"] == 5
    assert read(engine, "auto") | {"all": 3, f"accepted:{action}": 3} == read(engine, "auto")
    assert read(engine)[f"genre:{action}"] == 8
    press(engine, editor(engine), 1, "Action", "rejected")
    assert read(engine)[f"genre:{action}"] == 7
    execute(engine, "DELETE FROM marquee.movie WHERE id IN (1, 8)")
    assert read(engine)["all"] == 6
    assert drift(engine) == set()


def test_a_mass_deletion_leaves_nothing(engine: Engine, model: ModelRecord) -> None:
    tagged(engine, model, 100)
    execute(engine, "TRUNCATE marquee.movie CASCADE")
    assert read(engine) == {"all": 0}


def test_compaction_keeps_the_sums_and_leaves_a_row_each(engine: Engine, model: ModelRecord) -> None:
    for _ in range(5):
        tagged(engine, model, 2)
    before = read(engine)
    with transaction(engine) as connection:
        compact(connection)
    assert read(engine) == before
    rows = execute(
        engine, "SELECT count(*) AS n, count(DISTINCT (state, facet)) AS facets FROM marquee.review_count"
    )
    assert rows[0].n == rows[0].facets


def test_who_reads_many_rows_puts_them_together(
    engine: Engine, model: ModelRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "MANY_ROWS", 20)
    for _ in range(5):
        tagged(engine, model, 2)
    assert scalar(engine, "SELECT count(*) FROM marquee.review_count") > 20
    first = read(engine)
    assert scalar(engine, "SELECT count(*) FROM marquee.review_count") < 20
    assert read(engine) == first


def test_nobody_waits_for_a_compaction(engine: Engine, model: ModelRecord) -> None:
    tagged(engine, model, 4)
    with engine.begin() as compacting, engine.begin() as other:
        compact(compacting)
        other.execute(text("SET LOCAL lock_timeout = '2s'"))
        compact(other)
        project(other, [1, 2])
        assert counted(other, STATES)["all"] == 4
    assert drift(engine) == set()


def test_the_sums_never_drift_under_writers_readers_and_compactions(
    engine: Engine, model: ModelRecord
) -> None:
    ids = tagged(engine, model, 40)
    stop = threading.Event()
    wrong = []

    def write(worker: int) -> None:
        genre = genre_id(engine, "Comedy")
        for n in range(30):
            mine = [i for i in ids if i % 4 == worker]
            with engine.connect() as connection:
                connection.execute(
                    text(
                        "UPDATE marquee.prediction SET decision = CASE WHEN (movie_id + :n) % 3 = 0 THEN 'accepted' "
                        "ELSE 'review' END WHERE genre_id = :genre AND movie_id = ANY(:ids)"
                    ),
                    {"n": n, "genre": genre, "ids": mine},
                )
                project(connection, mine)
                if n % 5 == 4:
                    connection.rollback()
                else:
                    connection.commit()

    def look() -> None:
        while not stop.is_set():
            with transaction(engine) as connection:
                if counted(connection, STATES)["all"] != len(ids):
                    wrong.append(counted(connection, STATES)["all"])
            with transaction(engine) as connection:
                compact(connection)

    with ThreadPoolExecutor(6) as pool:
        looking = [pool.submit(look) for _ in range(2)]
        for written in [pool.submit(write, w) for w in range(4)]:
            written.result(timeout=100)
        stop.set()
        for looked in looking:
            looked.result(timeout=30)
    assert wrong == []
    assert drift(engine) == set()


def test_sizes(engine: Engine, model: ModelRecord) -> None:
    tagged(engine, model, 5)
    tagged(engine, model, 4, USUAL | {"Comedy": (0.9, "accepted")})
    everywhere = Filter(state=None)
    assert sized(engine, everywhere) == (9, True)
    assert sized(engine, Filter(genre="Comedy", band="review")) == (5, True)
    assert sized(engine, Filter(state=None, genre="Comedy", band="rejected")) == (0, True)
    assert sized(engine, Filter(state=None, genre="Drama", band="rejected")) == (9, True)
    both = Filter(state=None, genre="Comedy", missing="poster")
    assert sized(engine, both) == (9, True)
    assert sized(engine, both, cap=9) == (9, True)
    assert sized(engine, both, cap=8) == (8, False)
    assert sized(engine, Filter(genre="Drama", band="rejected", missing="poster"), cap=3) == (3, False)
