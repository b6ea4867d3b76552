"""The servers that the tests talk to: the user's own by URL, else embedded ones of their own."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from worker.embedded import EmbeddedServers

# Nothing of a test needs to survive a power loss.
HASTY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


@dataclass(frozen=True, slots=True)
class Servers:
    """Where to make databases, and a Redis database that is this test process's alone."""

    database_url: str
    broker_url: str


@contextmanager
def running_servers(home: Path, worker: int) -> Iterator[Servers]:
    """Servers for one test process, number `worker` of a pytest-xdist run (0 where there is no such run)."""
    database_url = os.environ.get("MARQUEE_TEST_DATABASE_URL")
    broker_url = os.environ.get("MARQUEE_TEST_BROKER_URL")
    with ExitStack() as stack:
        if not (database_url and broker_url):
            stack.callback(shutil.rmtree, home)  # pytest would keep some 60 MB of each of the last runs
            embedded = stack.enter_context(
                EmbeddedServers(
                    home, postgres=not database_url, valkey=not broker_url, postgres_settings=HASTY
                )
            )
            database_url = database_url or embedded.database_url
            broker_url = broker_url or embedded.broker_url
        yield Servers(database_url, numbered(broker_url, worker))


def numbered(broker_url: str, worker: int) -> str:
    """The Redis database that stands `worker` places after the one in the URL."""
    parts = urlsplit(broker_url)
    first = int(parts.path.strip("/") or 0)
    return parts._replace(path=f"/{first + worker}").geturl()
