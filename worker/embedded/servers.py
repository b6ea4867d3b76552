"""The embedded servers of one data directory, as a context manager."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from worker.embedded.home import Home
from worker.embedded.postgres import Postgres
from worker.embedded.server import StopMode
from worker.embedded.valkey import Valkey


class EmbeddedServers:
    """Start PostgreSQL and Valkey in a data directory; stop them at the end, or when this process dies.

    Args:
        home: The data directory (`MARQUEE_HOME`); made where there is none.
        postgres: Whether to run PostgreSQL.
        valkey: Whether to run Valkey.
        postgres_settings: Settings of PostgreSQL beside Marquee's own (`{"fsync": "off"}` in tests).
        pg_bin: The bin directory of a PostgreSQL; by default `MARQUEE_PG_BIN`, the wheel, or pg_config's.

    Raises:
        AlreadyRunningError: another Marquee runs in this directory.
        EmbeddedError: a server does not come up; the message says why.
    """

    def __init__(
        self,
        home: Path,
        *,
        postgres: bool = True,
        valkey: bool = True,
        postgres_settings: Mapping[str, str] | None = None,
        pg_bin: Path | None = None,
    ) -> None:
        with ExitStack() as stack:
            self.home = Home(home)
            stack.callback(self.home.release)
            self.postgres = (
                Postgres(self.home, settings=postgres_settings, pg_bin=pg_bin) if postgres else None
            )
            self.valkey = Valkey(self.home) if valkey else None
            for server in (self.postgres, self.valkey):
                if server:
                    stack.callback(server.stop)
                    server.start()
            self.home.announce(
                self.postgres.url if self.postgres else None, self.valkey.url if self.valkey else None
            )
            self._stack = stack.pop_all()

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL of the embedded PostgreSQL."""
        assert self.postgres, "PostgreSQL was not asked for"
        return self.postgres.url

    @property
    def broker_url(self) -> str:
        """The URL of the embedded Valkey."""
        assert self.valkey, "Valkey was not asked for"
        return self.valkey.url

    def restart_postgres(self, mode: StopMode = "fast") -> None:
        """Stop PostgreSQL and start it on the same port."""
        assert self.postgres, "PostgreSQL was not asked for"
        self.postgres.restart(mode)

    def restart_valkey(self, mode: StopMode = "fast") -> None:
        """Stop Valkey and start it on the same port."""
        assert self.valkey, "Valkey was not asked for"
        self.valkey.restart(mode)

    def stop(self) -> None:
        """Stop the servers and let another Marquee in; a second call does nothing."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
