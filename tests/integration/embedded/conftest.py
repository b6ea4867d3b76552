"""Data directories that are ready to start from, and processes that own them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from worker.embedded import EmbeddedServers

OWNER = Path(__file__).with_name("owner.py")
PATIENCE = 20.0


@dataclass(frozen=True)
class Owner:
    """A process that holds embedded servers."""

    process: "subprocess.Popen[str]"
    database_url: str
    broker_url: str
    below: list[psutil.Process]
    guards: list[psutil.Process]
    uids: list[int]

    def finish(self) -> int:
        """Let it end as it should."""
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(PATIENCE)


@contextmanager
def owning(home: Path, *, prefix: Sequence[str] = ()) -> Iterator[Owner]:
    """Run a process that owns the servers of a data directory."""
    with subprocess.Popen(
        [*prefix, sys.executable, str(OWNER), str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line, "the owner did not start"
            told = json.loads(line)
            yield Owner(
                process,
                told["database_url"],
                told["broker_url"],
                [psutil.Process(pid) for pid in told["below"]],
                [psutil.Process(pid) for pid in told["guards"]],
                told["uids"],
            )
        finally:
            process.kill()


def ended(processes: Sequence[psutil.Process]) -> bool:
    """Whether all of them end in time."""
    _, alive = psutil.wait_procs(processes, timeout=PATIENCE)
    return not alive


@pytest.fixture(scope="session")
def stopped_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that was started once. Copy it, never start it."""
    home = tmp_path_factory.mktemp("template") / "home"
    EmbeddedServers(home).stop()
    return home


@pytest.fixture
def home(stopped_home: Path, tmp_path: Path) -> Path:
    """A data directory of the test's own."""
    return copied(stopped_home, tmp_path / "home")


def copied(stopped_home: Path, home: Path) -> Path:
    """Copy a data directory, owners included."""
    subprocess.run(["cp", "-a", stopped_home, home], check=True)
    return home


@pytest.fixture
def servers(home: Path) -> Iterator[EmbeddedServers]:
    """Running servers of the test's own."""
    with EmbeddedServers(home) as running:
        yield running


@pytest.fixture(scope="module")
def shared(stopped_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServers]:
    """Running servers for tests that only look."""
    with EmbeddedServers(copied(stopped_home, tmp_path_factory.mktemp("shared") / "home")) as running:
        yield running
