"""Fixtures for every test: real servers, a migrated database of its own, an empty broker.

`MARQUEE_TEST_DATABASE_URL` and `MARQUEE_TEST_BROKER_URL` name servers to use, else embedded ones are started.
The tests make and drop databases there, and flush the Redis database that the URL names.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support.databases import Databases, engine_on
from tests.support.servers import Servers, running_servers

KEPT = ("MARQUEE_TEST_", "MARQUEE_PG_BIN")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith("MARQUEE_") and not name.startswith(KEPT):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def xdist_worker() -> int:
    """Which of the processes of a pytest-xdist run this is; 0 where there is no such run."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, xdist_worker: int) -> Iterator[Servers]:
    """PostgreSQL and Redis, up for the whole session; a test that stops a server starts its own."""
    home: Path = tmp_path_factory.mktemp("servers")
    with running_servers(home, xdist_worker) as running:
        yield running


@pytest.fixture(scope="session")
def databases(servers: Servers, xdist_worker: int) -> Databases:
    """Makes databases on the session's server."""
    return Databases(servers.database_url, f"marquee_test_{os.getpid()}_{xdist_worker}")


@pytest.fixture(scope="session")
def template(databases: Databases) -> Iterator[str]:
    """The name of a migrated database to copy."""
    with databases.template() as name:
        yield name


@pytest.fixture
def database_url(databases: Databases, template: str) -> Iterator[str]:
    """A migrated database for one test, empty but for the genres."""
    with databases.copy(template) as url:
        yield url


@pytest.fixture
def blank_database_url(databases: Databases) -> Iterator[str]:
    """A database without the schema."""
    with databases.blank() as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on the test's database."""
    with engine_on(database_url, pool_size=12) as made:
        yield made


@pytest.fixture
def broker_url(servers: Servers) -> Iterator[str]:
    """A Redis database that is empty at the start."""
    import redis

    with redis.Redis.from_url(servers.broker_url) as client:
        client.flushdb()
        yield servers.broker_url
        client.flushdb()
