"""Alembic's entry: runs the revisions on the connection given by `catalog.schema`, or on `-x url=…`.

The URL may also come from `MARQUEE_DATABASE_URL`.
"""

import os

from alembic import context
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

LOCK = 0x4D53


def run(connection: Connection) -> None:
    """Run the revisions in one transaction; Alembic's own table stands in the schema too.

    Of several that migrate at once, the others wait and then find nothing left to do.
    """
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
    try:
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS marquee"))
        connection.commit()
        context.configure(connection=connection, version_table_schema="marquee")
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        connection.commit()


def url() -> str:
    """The database to migrate when Alembic's own command line runs."""
    given = context.get_x_argument(as_dictionary=True).get("url") or os.environ.get("MARQUEE_DATABASE_URL")
    if not given:
        raise SystemExit("Say which database: alembic -x url=postgresql://… upgrade head")
    return "postgresql+psycopg2://" + given.partition("://")[2]


attached: Connection | None = context.config.attributes.get("connection")
if attached is not None:
    run(attached)
else:
    with create_engine(url(), poolclass=NullPool).connect() as connection:
        run(connection)
