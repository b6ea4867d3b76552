"""Connections to Postgres: one engine a process, one connection a thread; keep-alives notice a dead peer."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from catalog.errors import DatabaseUnavailableError

KEEPALIVES = {"keepalives": 1, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}


def connect(url: str, *, name: str = "marquee", pool_size: int = 4) -> Engine:
    """An engine on `url`. `name` is shown in `pg_stat_activity`; no connection is opened yet.

    Raises:
        DatabaseUnavailableError: the URL has not the form of one.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise DatabaseUnavailableError(
            "The URL of Postgres cannot be read.",
            mend="MARQUEE_DATABASE_URL is postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with @, : and / in the "
            "user and the password percent-encoded.",
        ) from None
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg2")
    engine = create_engine(
        parsed,
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
    with lost_connections():
        with engine.begin() as connection:
            if not durable:
                connection.execute(text("SET LOCAL synchronous_commit = off"))
            yield connection


@contextmanager
def lost_connections() -> Iterator[None]:
    """Name a connection that was lost, or could not be made, as what it is.

    Raises:
        DatabaseUnavailableError: in place of the driver's error.
    """
    try:
        yield
    except DBAPIError as error:
        # psycopg2 gives an error of the server its SQLSTATE; a connection that was never made has none.
        refused = isinstance(error, OperationalError) and getattr(error.orig, "pgcode", None) is None
        if not (error.connection_invalidated or refused):
            raise
        cause = " ".join(str(error.orig).split()).rstrip(".")
        raise DatabaseUnavailableError(
            f"Postgres cannot be reached: {cause}.",
            mend="Is it running, and is MARQUEE_DATABASE_URL right?",
        ) from error
