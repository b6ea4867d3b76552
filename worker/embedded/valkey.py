"""The embedded Valkey: Celery's broker, which keeps its messages in an append-only file."""

import signal
import socket
from pathlib import Path

from worker.embedded.account import make_directory
from worker.embedded.binaries import valkey_program
from worker.embedded.home import Home, write_private
from worker.embedded.ports import LOOPBACK
from worker.embedded.server import Server
from worker.errors import HomeError

CONFIG = "valkey.conf"


class Valkey(Server):
    """A Valkey (or Redis) server on loopback, behind a password."""

    name = "valkey"
    title = "Valkey"
    fast_stop = signal.SIGTERM

    def __init__(self, home: Home, *, start_seconds: float = 60.0) -> None:
        super().__init__(home, start_seconds=start_seconds)
        self._password, _ = home.password(self.name)

    @property
    def url(self) -> str:
        """The broker's URL, password included."""
        return f"redis://:{self._password}@{LOOPBACK}:{self.port}/0"

    def prepare(self) -> None:
        """Make the data directory where there is none."""
        if self.directory.exists() and not self.directory.is_dir():
            raise HomeError(f"{self.directory} is not a directory.", mend="Move it away.")
        if not self.directory.exists():
            make_directory(self.directory, self.account)

    def command(self, data: str, port: int) -> list[str | Path]:
        """Write the configuration (the password must not stand on a command line) and name it."""
        write_private(self.directory / CONFIG, self._configuration(port), self.account)
        return [valkey_program(self.account), f"{data}/{CONFIG}"]

    def answers(self, port: int) -> bool:
        """Whether the server has read its file and takes our password."""
        try:
            with socket.create_connection((LOOPBACK, port), timeout=2) as client:
                client.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                with client.makefile("rb") as replies:
                    return [replies.readline(), replies.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
        except OSError:
            return False

    def _configuration(self, port: int) -> str:
        # Relative paths: the server is started in its data directory.
        return "\n".join(
            [
                f"bind {LOOPBACK}",
                f"port {port}",
                "protected-mode yes",
                f"requirepass {self._password}",
                "appendonly yes",
                "appendfsync everysec",
                'save ""',
                "maxmemory-policy noeviction",
                "daemonize no",
                "",
            ]
        )
