"""Everything on this machine: the servers that are not the user's own, the schema, and every part as a process.

with System(settings) as system:
    system.supervisor.run()         # until a signal: `marquee up`

with System(settings) as system, system.supervisor:
    ...                             # while a block lasts: the demo, the benchmarks, the tests
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from pydantic import SecretStr
from sqlalchemy import Engine

from catalog.engine import connect
from catalog.schema import migrate
from marquee.settings import Settings
from worker.address import address, free_port
from worker.connections import Connections
from worker.embedded import EmbeddedServers
from worker.supervisor import Command, Supervisor
from worker.supervisor.child import Echo

PARTS = ("relay", "fetch", "tag", "beat", "web")


class System:
    """The servers, migrated, with a supervisor that is ready to start the parts.

    Args:
        settings: where Postgres and the broker are, and everything else.
        parts: which parts to run; `tag` stands for one worker a device, `web` for the review page.
        echo: called with a part's name and each line it writes.

    Raises:
        AlreadyRunningError: another Marquee runs in the same data directory.
        AddressError: somebody else listens at the review page's address.
        EmbeddedError: an embedded server does not come up.
        DatabaseUnavailableError: the user's own Postgres cannot be reached.
    """

    servers: EmbeddedServers | None = None
    connections: Connections
    engine: Engine
    supervisor: Supervisor
    review_port: int | None = None

    def __init__(self, settings: Settings, *, parts: Sequence[str] = PARTS, echo: Echo | None = None) -> None:
        self.settings = settings
        self.parts = parts
        self.echo = echo
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.connections = self._connect(stack)
            self.engine = connect(self.connections.database_url, name="marquee up")
            stack.callback(self.engine.dispose)
            migrate(self.engine)
            if "web" in self.parts:
                self.review_port = free_port(self.settings)
            self.supervisor = Supervisor(
                [command for part in self.parts for command in self.commands(part)],
                self.settings.home,
                echo=self.echo,
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _connect(self, stack: ExitStack) -> Connections:
        settings = self.settings
        own_database, own_broker = settings.database_url, settings.broker_url
        servers = stack.enter_context(
            EmbeddedServers(
                settings.home,
                postgres=own_database is None,
                valkey=own_broker is None,
                pg_bin=settings.pg_bin,
            )
        )
        self.servers = servers
        return Connections(
            own_database.get_secret_value() if own_database else servers.database_url,
            own_broker.get_secret_value() if own_broker else servers.broker_url,
        )

    @property
    def review_address(self) -> str | None:
        """The URL of the review page, where it is one of the parts."""
        return None if self.review_port is None else address(self.settings, self.review_port)

    def commands(self, part: str) -> list[Command]:
        """The command lines of a part: one, or one a device."""
        if part == "web":
            argv = [sys.executable, "-m", "worker.cli", "review", "--port", str(self.review_port)]
            return [Command(part, argv, self._environment())]
        argv = [sys.executable, "-m", "worker.cli", "worker", part]
        if part != "tag":
            return [Command(part, argv, self._environment())]
        devices = [self.settings.device] if self.settings.device != "auto" else visible_devices()
        return [
            Command(
                "tag" if len(devices) == 1 else f"tag{n}", [*argv, "--device", device], self._environment()
            )
            for n, device in enumerate(devices)
        ]

    def _environment(self) -> Mapping[str, str]:
        """The settings as the parts read them, whatever `.env` or directory they are started in."""
        names = self.settings.model_fields_set - {"database_url", "broker_url", "home"}
        return {
            **os.environ,
            **{f"MARQUEE_{name.upper()}": _as_variable(getattr(self.settings, name)) for name in names},
            "MARQUEE_HOME": str(self.settings.home),
            "MARQUEE_DATABASE_URL": self.connections.database_url,
            "MARQUEE_BROKER_URL": self.connections.broker_url,
        }


def _as_variable(value: object) -> str:
    """A setting's value as its environment variable says it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, list):
        return json.dumps(value)
    return "" if value is None else str(value)


def visible_devices() -> list[str]:
    """One device a GPU that is visible, else the CPU. Asked of the driver's tool: this process needs no torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        count = len([d for d in visible.split(",") if d.strip() not in ("", "-1")])
    elif shutil.which("nvidia-smi"):
        found = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
        count = sum(line.startswith("GPU ") for line in found.stdout.splitlines())
    else:
        count = 0
    return [f"cuda:{n}" for n in range(count)] or ["cpu"]
