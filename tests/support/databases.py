"""Databases for tests: one is migrated once as a template, and every test gets its own copy of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from sqlalchemy import URL, Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from catalog.engine import connect
from catalog.schema import migrate
from tests.support.waiting import until

INSUFFICIENT_PRIVILEGE = "42501"


class Databases:
    """Makes databases on one server and drops them. `name` sets these apart from those of other test runs."""

    def __init__(self, server_url: str, name: str) -> None:
        self._server = make_url(server_url).set(drivername="postgresql+psycopg2")
        self._name = name
        self._numbers = count(1)
        self._admin = create_engine(self._server, poolclass=NullPool, isolation_level="AUTOCOMMIT")

    @contextmanager
    def blank(self) -> Iterator[str]:
        """The URL of an empty database."""
        with self._made(f"{self._name}_{next(self._numbers)}", "template1") as url:
            yield url

    @contextmanager
    def template(self) -> Iterator[str]:
        """The name of a migrated database that nobody is connected to."""
        name = f"{self._name}_template"
        with self._made(name, "template1") as url:
            engine = connect(url)
            migrate(engine)
            engine.dispose()
            yield name

    @contextmanager
    def copy(self, template: str) -> Iterator[str]:
        """The URL of a copy of the template."""
        with self._made(f"{self._name}_{next(self._numbers)}", template) as url:
            yield url

    @contextmanager
    def _made(self, name: str, template: str) -> Iterator[str]:
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield url_text(self._server.set(database=name))
        finally:
            until(lambda: self._dropped(name), what=f"{name} is dropped")

    def _dropped(self, name: str) -> bool:
        """Drop it; not while a vacuum of the server's own is there, which only a superuser may end."""
        try:
            self._run(f'DROP DATABASE "{name}" WITH (FORCE)')
        except DBAPIError as error:
            if getattr(error.orig, "pgcode", None) != INSUFFICIENT_PRIVILEGE:
                raise
            return False
        return True

    def _run(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))


def url_text(url: URL) -> str:
    """The URL with its password, as text."""
    return url.render_as_string(hide_password=False)


@contextmanager
def engine_on(url: str, **options: Any) -> Iterator[Engine]:
    """An engine that leaves no connection open, so that no test ends with a ResourceWarning."""
    engine = connect(url, **options)
    try:
        yield engine
    finally:
        engine.dispose()
