"""However Marquee or a guard dies, no server is left, and the next start finds its data."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.integration.embedded.conftest import ended, owning
from worker.embedded import EmbeddedServers, running_endpoints


def test_a_killed_owner_leaves_no_server(home: Path) -> None:
    with owning(home) as owner:
        found = running_endpoints(home)
        assert found is not None
        assert found.pid == owner.process.pid
        owner.process.kill()
        assert ended(owner.below)
    assert running_endpoints(home) is None


def test_the_next_start_waits_for_the_servers_of_a_killed_owner(home: Path) -> None:
    with owning(home) as owner:
        owner.process.kill()
        owner.process.wait()
        with EmbeddedServers(home) as servers:
            assert ended(owner.below)
            assert servers.postgres
            assert servers.postgres.pid


def test_an_owner_that_is_told_to_end_stops_its_servers(home: Path) -> None:
    with owning(home) as owner:
        assert owner.finish() == 0
        assert ended(owner.below)
    assert not (home / "postgres" / "postmaster.pid").exists()


def test_a_killed_guard_takes_its_server_along_and_both_come_back(servers: EmbeddedServers) -> None:
    assert servers.postgres
    server = psutil.Process(servers.postgres.pid)
    guard = server.parent()
    assert guard
    guard.kill()
    assert ended([server])
    assert servers.postgres.wait_running(other_than=server.pid, timeout=20) not in (None, server.pid)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux's parent-death signal")
def test_owner_and_guards_killed_together_leave_no_server(home: Path) -> None:
    with owning(home) as owner:
        for pid in [*(guard.pid for guard in owner.guards), owner.process.pid]:
            os.kill(pid, signal.SIGKILL)
        assert ended(owner.below)
        assert (home / "postgres" / "postmaster.pid").exists()
    with EmbeddedServers(home) as servers:
        assert servers.postgres


def test_the_pid_file_of_a_power_loss_is_no_obstacle(home: Path) -> None:
    pid_file = home / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{home / 'postgres'}\n1700000000\n25432\n\n127.0.0.1\n 1 2\nready\n")
    (home / "run.json").write_text('{"pid": 1, "database_url": null, "broker_url": null}')
    assert running_endpoints(home) is None
    with EmbeddedServers(home, valkey=False) as servers:
        assert servers.postgres
        assert servers.postgres.pid
