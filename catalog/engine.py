"""Connections to Postgres: one engine a process, one connection a thread, keep-alives that notice a dead peer."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from catalog.errors import DatabaseUnavailableError

KEEPALIVES = {"keepalives": 1, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}


def connect(url: str, *, name: str = "marquee", pool_size: int = 4) -> Engine:
    """An engine on `url`. `name` is shown in `pg_stat_activity`; no connection is opened yet."""
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=4,
        pool_pre_ping=True,
        connect_args={"application_name": name, "connect_timeout": 5, **KEEPALIVES},
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: object, _record: object) -> None:
        with connection.cursor() as cursor:  # type: ignore[attr-defined]
            cursor.execute("SET timezone = 'UTC'")
        connection.commit()  # type: ignore[attr-defined]

    return engine


@contextmanager
def transaction(engine: Engine, *, durable: bool = True) -> Iterator[Connection]:
    """One transaction. With `durable=False` its commit does not wait for the disk.

    That is right for a claim: should Postgres crash within the next moments, the claim is forgotten,
    the worker's result is refused by the fence, and the movie is claimed again.

    Raises:
        DatabaseUnavailableError: Postgres cannot be reached or went away.
    """
    try:
        with engine.begin() as connection:
            if not durable:
                connection.execute(text("SET LOCAL synchronous_commit = off"))
            yield connection
    except DBAPIError as error:
        if error.connection_invalidated or "connection to server" in str(error.orig):
            raise DatabaseUnavailableError(
                f"Postgres cannot be reached: {str(error.orig).strip()}.",
                mend="Is it running, and is MARQUEE_DATABASE_URL right?",
            ) from error
        raise
