"""The schema's version: migrate it, and say whether a database is ready to be used."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine

import migrations
from catalog.engine import lost_connections, transaction
from catalog.errors import SchemaError
from catalog.models import SCHEMA


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration for the revisions that are installed."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    return config


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the database to `revision` ("base" takes everything away). Of two at once, one waits for the other.

    Raises:
        DatabaseUnavailableError: Postgres cannot be reached.
        SchemaError: the database stands at a revision that this Marquee does not know.
    """
    try:
        with lost_connections(), engine.connect() as connection:
            if revision == "base":
                command.downgrade(configuration(connection), revision)
            else:
                command.upgrade(configuration(connection), revision)
    except CommandError as error:
        raise SchemaError(
            f"The database stands at a revision that this Marquee does not know: {error}.",
            mend="Run the version of Marquee that made it, or a newer one.",
        ) from None


def current_revision(engine: Engine) -> str | None:
    """The revision that the database stands at; None for one without the schema."""
    with transaction(engine) as connection:
        context = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA})
        return context.get_current_revision()


def check_schema(engine: Engine) -> None:
    """Refuse a database that is not at the newest revision.

    Raises:
        SchemaError: it is not; the mend is to migrate.
    """
    found, wanted = current_revision(engine), ScriptDirectory.from_config(configuration()).get_current_head()
    if found != wanted:
        raise SchemaError(
            f"The database stands at revision {found or 'none'}, this Marquee needs {wanted}.",
            mend="Run `marquee migrate`.",
        )
