"""The triggers: every way to write a movie, and the ledger rows and notifications that follow."""

from collections.abc import Callable, Iterator
from io import StringIO
from time import perf_counter

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from catalog.engine import transaction
from catalog.ledger.dispatch import claim_pending
from catalog.ledger.fetching import claim_queued
from catalog.ledger.tagging import claim_ready
from tests.support.ledger import events, execute, insert, make_ready, row, scalar
from tests.support.listening import notifications

LEDGER = "SELECT movie_id, revision, state, priority FROM marquee.tagging ORDER BY movie_id"
CONTENT_CHANGES = {
    "tmdb_id": "7",
    "imdb_id": "'tt0000007'",
    "title": "'Other'",
    "year": "1999",
    "language": "'fr'",
    "plot": "'Something happens.'",
    "poster_url": "'https://example.org/a.jpg'",
    "poster_hash": "repeat('a', 64)",
}
OTHER_CHANGES = {
    "attributes": "'{\"a\": 1}'",
    "external_id": "'x-7'",
    "training_allowed": "false",
    "created_at": "now() - interval '1 day'",
}


@pytest.fixture
def heard(engine: Engine) -> Iterator[Callable[[], int]]:
    with notifications(engine) as count:
        yield count


def ledger(engine: Engine) -> list[tuple[int, int, str, int]]:
    return [tuple(r) for r in execute(engine, LEDGER)]


def test_one_insert_is_one_ledger_row_and_one_notification(engine: Engine, heard: Callable[[], int]) -> None:
    execute(engine, "INSERT INTO marquee.movie (title) VALUES ('A')")
    assert ledger(engine) == [(1, 1, "pending", 0)]
    assert heard() == 1


def test_a_bulk_insert_is_one_notification_and_waits_behind_single_movies(
    engine: Engine, heard: Callable[[], int]
) -> None:
    execute(engine, "INSERT INTO marquee.movie (title) SELECT 'movie ' || n FROM generate_series(1, 5000) n")
    assert heard() == 1
    assert scalar(engine, "SELECT count(*) FROM marquee.tagging WHERE priority = 1 AND revision = 1") == 5000
    missing = "SELECT count(*) FROM marquee.movie m LEFT JOIN marquee.tagging t ON t.movie_id = m.id "
    assert scalar(engine, missing + "WHERE t.movie_id IS NULL") == 0


def test_copy_is_one_notification(engine: Engine, heard: Callable[[], int]) -> None:
    lines = StringIO("".join(f"{n}\tmovie {n}\n" for n in range(1, 101)))
    raw = engine.raw_connection()
    assert raw.driver_connection is not None
    with raw.driver_connection.cursor() as cursor:
        cursor.copy_expert("COPY marquee.movie (tmdb_id, title) FROM STDIN", lines)
    raw.commit()
    raw.close()
    assert [r[1:] for r in ledger(engine)] == [(1, "pending", 1)] * 100
    assert heard() == 1


def test_an_update_of_all_rows_is_one_notification_and_a_revision_each(
    engine: Engine, heard: Callable[[], int]
) -> None:
    insert(engine, 500)
    heard()
    execute(engine, "UPDATE marquee.movie SET plot = 'New: ' || title")
    assert [r[1] for r in ledger(engine)] == [2] * 500
    assert heard() == 1


@pytest.mark.parametrize("column", CONTENT_CHANGES)
def test_a_change_of_a_content_column_is_an_event(
    engine: Engine, heard: Callable[[], int], column: str
) -> None:
    insert(engine, 2)
    heard()
    execute(engine, f"UPDATE marquee.movie SET {column} = {CONTENT_CHANGES[column]} WHERE id = 1")
    assert [r[1] for r in ledger(engine)] == [2, 1]
    assert heard() == 1
    execute(engine, f"UPDATE marquee.movie SET {column} = NULL WHERE id = 1")
    assert row(engine, 1).revision == 3


@pytest.mark.parametrize("column", OTHER_CHANGES)
def test_a_change_of_another_column_is_none(engine: Engine, heard: Callable[[], int], column: str) -> None:
    insert(engine, 2)
    heard()
    execute(engine, f"UPDATE marquee.movie SET {column} = {OTHER_CHANGES[column]} WHERE id = 1")
    assert [r[1] for r in ledger(engine)] == [1, 1]
    assert heard() == 0


def test_every_column_is_either_content_or_not(engine: Engine) -> None:
    columns = execute(
        engine,
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_schema = 'marquee' AND table_name = 'movie'",
    )
    assert {c.column_name for c in columns} == {"id"} | set(CONTENT_CHANGES) | set(OTHER_CHANGES)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE marquee.movie SET title = title, plot = plot",
        "UPDATE marquee.movie SET title = 'x' WHERE false",
        "INSERT INTO marquee.movie (title) SELECT 'x' WHERE false",
        "DELETE FROM marquee.movie WHERE false",
    ],
)
def test_a_statement_that_changes_nothing_makes_nothing(
    engine: Engine, heard: Callable[[], int], statement: str
) -> None:
    insert(engine, 3)
    heard()
    execute(engine, statement)
    assert [r[1] for r in ledger(engine)] == [1, 1, 1]
    assert heard() == 0


def test_what_is_rolled_back_makes_nothing(engine: Engine, heard: Callable[[], int]) -> None:
    insert(engine, 1)
    heard()
    with engine.connect() as connection:
        connection.execute(text("INSERT INTO marquee.movie (title) VALUES ('B')"))
        connection.execute(text("UPDATE marquee.movie SET title = 'C'"))
        connection.execute(text("DELETE FROM marquee.movie"))
        connection.rollback()
    assert ledger(engine) == [(1, 1, "pending", 0)]
    assert events(engine, 1) == []
    assert heard() == 0


def test_delete_takes_the_ledger_row_and_leaves_the_timeline(engine: Engine) -> None:
    insert(engine, 3)
    make_ready(engine, [1])
    execute(engine, "DELETE FROM marquee.movie WHERE id < 3")
    assert [r[0] for r in ledger(engine)] == [3]
    assert [e for e, _ in events(engine, 1)] == ["changed", "fetched", "deleted"]
    assert scalar(engine, "SELECT count(*) FROM marquee.content") == 0


def test_truncate_empties_the_ledger(engine: Engine) -> None:
    insert(engine, 3)
    make_ready(engine, [1])
    execute(engine, "TRUNCATE marquee.movie")
    assert ledger(engine) == []
    assert scalar(engine, "SELECT count(*) FROM marquee.timeline WHERE event = 'deleted'") == 3


def test_insert_on_conflict_do_update(engine: Engine, heard: Callable[[], int]) -> None:
    insert(engine, 1, tmdb_id=1)
    heard()
    execute(
        engine,
        "INSERT INTO marquee.movie (tmdb_id, title) VALUES (1, 'movie 1 again'), (2, 'movie 2') "
        "ON CONFLICT (tmdb_id) DO UPDATE SET title = EXCLUDED.title",
    )
    assert sorted(r[1] for r in ledger(engine)) == [1, 2]
    assert heard() == 1
    execute(
        engine,
        "INSERT INTO marquee.movie (tmdb_id, title) VALUES (1, 'movie 1 again') "
        "ON CONFLICT (tmdb_id) DO UPDATE SET title = EXCLUDED.title",
    )
    assert sorted(r[1] for r in ledger(engine)) == [1, 2]
    assert heard() == 0


def test_merge(engine: Engine, heard: Callable[[], int]) -> None:
    insert(engine, 1, tmdb_id=1)
    insert(engine, 1, tmdb_id=2)
    heard()
    with transaction(engine) as connection:
        if connection.dialect.server_version_info < (15,):  # type: ignore[operator]
            pytest.skip("MERGE came with PostgreSQL 15")
        connection.execute(
            text(
                "MERGE INTO marquee.movie m USING (VALUES (1, 'x'), (2, NULL), (3, 'y')) v(tmdb_id, title) "
                "ON m.tmdb_id = v.tmdb_id "
                "WHEN MATCHED AND v.title IS NULL THEN DELETE "
                "WHEN MATCHED THEN UPDATE SET title = v.title "
                "WHEN NOT MATCHED THEN INSERT (tmdb_id, title) VALUES (v.tmdb_id, v.title)"
            )
        )
    assert [r[1] for r in ledger(engine)] == [2, 1]
    assert heard() == 1


def test_a_movie_keeps_its_id(engine: Engine) -> None:
    insert(engine, 1)
    with pytest.raises(IntegrityError, match="keeps its id"):
        execute(engine, "UPDATE marquee.movie SET id = 9")
    execute(engine, "UPDATE marquee.movie SET id = id")


@pytest.mark.parametrize("table", ["timeline", "decision", "promotion"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_logs_are_append_only(engine: Engine, table: str, statement: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"):
        execute(engine, statement.format(f"marquee.{table}"))


@pytest.mark.parametrize(
    ("movies", "setting", "priority"),
    [
        (1, None, 0),
        (10, None, 0),
        (11, None, 1),
        (1, "bulk", 1),
        (1, "retag", 2),
        (50, "interactive", 0),
        (50, "nonsense", 1),
    ],
)
def test_priority_follows_the_statement_or_what_the_writer_says(
    engine: Engine, movies: int, setting: str | None, priority: int
) -> None:
    with transaction(engine) as connection:
        if setting:
            connection.execute(text(f"SET LOCAL marquee.priority = '{setting}'"))
        connection.execute(
            text(f"INSERT INTO marquee.movie (title) SELECT 'm' FROM generate_series(1, {movies})")
        )
        assert {r.priority for r in connection.execute(text(LEDGER))} == {priority}
    with transaction(engine) as connection:  # what was said ended with its transaction
        connection.execute(text("INSERT INTO marquee.movie (id, title) VALUES (1000, 'm')"))
    assert row(engine, 1000).priority == 0


def test_a_change_hurries_a_movie_and_never_delays_it(engine: Engine) -> None:
    insert(engine, 20, priority="bulk")
    execute(engine, "UPDATE marquee.movie SET title = 'x' WHERE id = 1")
    execute(engine, "UPDATE marquee.movie SET title = 'y'")
    assert [r[3] for r in ledger(engine)] == [0] + [1] * 19


def test_many_changes_collapse_into_one_event_with_their_count(engine: Engine) -> None:
    insert(engine, 1)
    for n in range(4):
        execute(engine, "UPDATE marquee.movie SET title = :title", title=f"draft {n}")
    with transaction(engine) as connection:
        assert [d.movie_id for d in claim_pending(connection, 10, 60)] == [1]
    assert events(engine, 1) == [("changed", {"changes": 5, "priority": 0})]
    execute(engine, "UPDATE marquee.movie SET title = 'final'")
    with transaction(engine) as connection:
        claim_pending(connection, 10, 60)
    assert events(engine, 1)[1:] == [("changed", {"changes": 1, "priority": 0})]


@pytest.mark.parametrize("state", ["queued", "fetching", "ready", "tagging"])
def test_a_change_supersedes_what_is_under_way(engine: Engine, state: str) -> None:
    insert(engine, 1)
    if state in ("ready", "tagging"):
        make_ready(engine, [1])
    with transaction(engine) as connection:
        if state in ("queued", "fetching"):
            claim_pending(connection, 1, 60)
        if state == "fetching":
            claim_queued(connection, 5, [1], 60)
        if state == "tagging":
            claim_ready(connection, 5, 1, 60)
    assert row(engine, 1).state == state
    execute(engine, "UPDATE marquee.movie SET title = 'new'")
    now = row(engine, 1)
    assert (now.state, now.revision, now.owner, now.lease_until) == ("pending", 2, None, None)


def test_a_movie_that_comes_back_goes_on_counting_its_revisions(engine: Engine) -> None:
    insert(engine, 2)
    execute(engine, "UPDATE marquee.movie SET title = 'x' WHERE id = 1")
    execute(engine, "DELETE FROM marquee.movie WHERE id = 1")
    execute(engine, "INSERT INTO marquee.movie (id, title) VALUES (1, 'x'), (3, 'z')")
    assert [r[:2] for r in ledger(engine)] == [(1, 3), (2, 1), (3, 1)]
    with transaction(engine) as connection:
        claim_pending(connection, 10, 60)
    assert events(engine, 1)[-1] == ("changed", {"changes": 1, "priority": 0})


def test_a_movie_that_came_in_without_triggers_is_adopted_at_its_first_change(engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(text("ALTER TABLE marquee.movie DISABLE TRIGGER USER"))
        connection.execute(text("INSERT INTO marquee.movie (title) VALUES ('quiet')"))
        connection.execute(text("ALTER TABLE marquee.movie ENABLE TRIGGER USER"))
    assert ledger(engine) == []
    execute(engine, "UPDATE marquee.movie SET title = 'loud'")
    assert ledger(engine) == [(1, 1, "pending", 0)]


def test_a_session_that_began_with_one_row_updates_all_rows_as_fast(engine: Engine) -> None:
    """A plan kept from the first statement would compare the rows in nested loops: 36 million comparisons."""
    insert(engine, 6000)
    with transaction(engine) as connection:
        for n in range(8):
            connection.execute(text("UPDATE marquee.movie SET title = :t WHERE id = 1"), {"t": f"t{n}"})
        start = perf_counter()
        connection.execute(text("UPDATE marquee.movie SET year = 1999"))
        kept = perf_counter() - start
    engine.dispose()
    with engine.connect() as fresh:
        start = perf_counter()
        fresh.execute(text("UPDATE marquee.movie SET year = 2000"))
        assert kept < 5 * (perf_counter() - start)
        fresh.rollback()
