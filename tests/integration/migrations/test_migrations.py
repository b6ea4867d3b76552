"""The migrations: up, down and up again leaves no difference, and the models say what the migrations make."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from catalog.engine import transaction
from catalog.errors import SchemaError
from catalog.models import SCHEMA, Base
from catalog.schema import check_schema, current_revision, migrate
from tests.support.databases import engine_on
from tests.support.ledger import execute, insert, make_ready, scalar
from tests.support.waiting import until

MIGRATION_LOCK = 0x4D53
ROOT = Path(__file__).parents[3]
# Whatever a schema can hold, as Postgres itself would write it down.
OBJECTS = {
    "columns": """
        SELECT c.relname, c.relkind, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               a.attidentity, a.attstorage, pg_get_expr(d.adbin, d.adrelid)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'marquee'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p', 'f')""",
    "relations": """
        SELECT relname, relkind, reloptions, relpersistence, relrowsecurity, relacl::text,
               obj_description(oid, 'pg_class')
        FROM pg_class WHERE relnamespace = 'marquee'::regnamespace""",
    "sequences": "SELECT sequencename, data_type::text, start_value, increment_by FROM pg_sequences "
    "WHERE schemaname = 'marquee'",
    "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'marquee'::regnamespace",
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'marquee'",
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'marquee'",
    "functions": "SELECT proname, pg_get_functiondef(oid), proacl::text FROM pg_proc "
    "WHERE pronamespace = 'marquee'::regnamespace",
    "triggers": """
        SELECT c.relname, t.tgname, t.tgenabled, pg_get_triggerdef(t.oid)
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = 'marquee'::regnamespace AND NOT t.tgisinternal""",
    "types": "SELECT typname, typtype FROM pg_type WHERE typnamespace = 'marquee'::regnamespace",
    "genres": "SELECT id, name FROM marquee.genre",
}


@pytest.fixture
def blank(blank_database_url: str) -> Iterator[Engine]:
    with engine_on(blank_database_url) as engine:
        yield engine


def described(engine: Engine) -> dict[str, list[str]]:
    return {kind: sorted(repr(tuple(r)) for r in execute(engine, query)) for kind, query in OBJECTS.items()}


def differences(engine: Engine) -> list[Any]:
    """What would have to change in the database for it to be what the models say."""
    ours = {"compare_type": True, "compare_server_default": True, "include_schemas": True}
    filters = {
        "include_name": lambda name, kind, _parents: kind != "schema" or name == SCHEMA,
        "include_object": lambda _object, name, *_rest: name != "alembic_version",
    }
    # A role that is named like the schema would have it as its default one, which Alembic calls None.
    own = create_engine(engine.url, poolclass=NullPool, connect_args={"options": "-csearch_path=public"})
    with own.connect() as connection:
        context = MigrationContext.configure(
            connection, opts=ours | filters | {"version_table_schema": SCHEMA}
        )
        return list(compare_metadata(context, Base.metadata))


def test_up_down_up_leaves_no_difference(blank: Engine) -> None:
    assert current_revision(blank) is None
    migrate(blank)
    once = described(blank)
    assert all(once[kind] for kind in OBJECTS)
    make_ready(blank, insert(blank, 3))
    migrate(blank, "base")
    left = "SELECT relname FROM pg_class WHERE relnamespace = 'marquee'::regnamespace AND relkind <> 'i'"
    assert [r.relname for r in execute(blank, left)] == ["alembic_version"]
    assert scalar(blank, "SELECT count(*) FROM pg_proc WHERE pronamespace = 'marquee'::regnamespace") == 0
    migrate(blank)
    assert described(blank) == once


def test_migrating_twice_changes_nothing(engine: Engine) -> None:
    before = described(engine)
    insert(engine, 1)
    migrate(engine)
    assert described(engine) == before
    assert scalar(engine, "SELECT count(*) FROM marquee.tagging") == 1


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("ALTER TABLE marquee.tagging ALTER due_at DROP DEFAULT", "columns"),
        ("ALTER TABLE marquee.movie DISABLE TRIGGER movie_inserted", "triggers"),
        ("ALTER TABLE marquee.tagging DROP CONSTRAINT tagging_priority_check", "constraints"),
        ("ALTER FUNCTION marquee.movie_inserted() SECURITY INVOKER", "functions"),
        ("DROP INDEX marquee.tagging_pending", "indexes"),
        ("DELETE FROM marquee.genre WHERE name = 'War'", "genres"),
    ],
)
def test_the_description_notices_a_difference(engine: Engine, change: str, kind: str) -> None:
    before = described(engine)
    execute(engine, change)
    assert described(engine)[kind] != before[kind]


def test_the_models_say_what_the_migrations_make(engine: Engine) -> None:
    assert differences(engine) == []


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE marquee.movie ADD COLUMN runtime integer",
        "ALTER TABLE marquee.movie DROP COLUMN plot",
        "ALTER TABLE marquee.tagging ALTER priority TYPE bigint",
        "ALTER TABLE marquee.tagging ALTER error SET NOT NULL",
        "ALTER TABLE marquee.tagging ALTER revision SET DEFAULT 2",
        "DROP INDEX marquee.tagging_pending",
        "ALTER TABLE marquee.genre DROP CONSTRAINT genre_name_key",
        "ALTER TABLE marquee.content DROP CONSTRAINT content_movie_id_fkey",
        "CREATE TABLE marquee.stray (id integer)",
    ],
)
def test_the_comparison_notices_a_difference(engine: Engine, change: str) -> None:
    execute(engine, change)
    assert differences(engine) != []


def test_a_database_that_is_not_migrated_is_refused(blank: Engine, engine: Engine) -> None:
    with pytest.raises(SchemaError, match=r"stands at revision none.*Run `marquee migrate`"):
        check_schema(blank)
    check_schema(engine)
    execute(engine, "UPDATE marquee.alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaError, match="stands at revision 9999"):
        check_schema(engine)


def test_a_revision_from_the_future_is_named(engine: Engine) -> None:
    execute(engine, "UPDATE marquee.alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaError, match=r"does not know.*9999.*newer"):
        migrate(engine)


def test_of_two_that_migrate_at_once_one_waits(blank: Engine, blank_database_url: str) -> None:
    command = [sys.executable, "-m", "alembic", "-x", f"url={blank_database_url}", "upgrade", "head"]
    with transaction(blank) as connection:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        both = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        until(lambda: scalar(blank, waiting) == 2, seconds=60)
    assert [one.wait() for one in both] == [0, 0]
    check_schema(blank)


def test_functions_with_their_owners_rights_are_nobody_elses_to_use(engine: Engine) -> None:
    """Else anybody could make a trigger of them, on a table of his own, that empties the ledger."""
    found = execute(
        engine,
        """SELECT proname, has_function_privilege('public', oid, 'EXECUTE') AS open, proconfig
        FROM pg_proc WHERE pronamespace = 'marquee'::regnamespace AND prosecdef""",
    )
    assert {r.proname for r in found} == {
        "movie_inserted",
        "movie_updated",
        "movie_deleted",
        "movie_truncated",
    }
    assert not any(r.open for r in found)
    assert all(r.proconfig == ["search_path=pg_catalog, marquee, pg_temp"] for r in found)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_alembics_own_command_line_works(blank: Engine, blank_database_url: str, scheme: str) -> None:
    url = scheme + "://" + blank_database_url.partition("://")[2]
    subprocess.run(
        [sys.executable, "-m", "alembic", "-x", f"url={url}", "upgrade", "head"],
        check=True,
        cwd=ROOT,
        capture_output=True,
    )
    check_schema(blank)


def test_an_application_needs_rights_on_its_movies_only(engine: Engine) -> None:
    """The triggers write the ledger with their owner's rights."""
    role = f"writer_{scalar(engine, 'SELECT current_database()')}"
    with transaction(engine) as connection:
        may_make_roles = connection.execute(
            text("SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user")
        ).scalar_one()
    if not may_make_roles:
        pytest.skip("the server's role may not make roles")
    execute(engine, f"CREATE ROLE {role}")
    try:
        execute(engine, f"GRANT USAGE ON SCHEMA marquee TO {role}")
        execute(engine, f"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON marquee.movie TO {role}")
        execute(engine, f"GRANT USAGE ON SEQUENCE marquee.movie_id_seq TO {role}")
        with transaction(engine) as connection:
            connection.execute(text(f"SET LOCAL ROLE {role}"))
            connection.execute(text("INSERT INTO marquee.movie (title) VALUES ('a'), ('b')"))
            connection.execute(text("UPDATE marquee.movie SET title = 'c' WHERE id = 1"))
            connection.execute(text("DELETE FROM marquee.movie WHERE id = 2"))
        assert scalar(engine, "SELECT revision FROM marquee.tagging") == 2
        with pytest.raises(DBAPIError, match="permission denied"), transaction(engine) as connection:
            connection.execute(text(f"SET LOCAL ROLE {role}"))
            connection.execute(text("UPDATE marquee.tagging SET state = 'tagged'"))
        with pytest.raises(DBAPIError, match="permission denied"), transaction(engine) as connection:
            connection.execute(text(f"SET LOCAL ROLE {role}"))
            connection.execute(text("CREATE TEMPORARY TABLE mine (id bigint)"))
            connection.execute(
                text(
                    "CREATE TRIGGER t AFTER TRUNCATE ON mine FOR EACH STATEMENT "
                    "EXECUTE FUNCTION marquee.movie_truncated()"
                )
            )
    finally:
        execute(engine, f"DROP OWNED BY {role}")
        execute(engine, f"DROP ROLE {role}")
