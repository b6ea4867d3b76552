"""What every user of the embedded servers relies on: data, addresses, passwords, one owner."""

import os
import signal
import socket
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.embedded import EmbeddedServers, running_endpoints
from worker.embedded.ports import candidates
from worker.errors import AlreadyRunningError


def query(url: str, sql: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url.replace("+psycopg2", ""))) as connection, connection:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []


def keys(url: str) -> int:
    with redis.Redis.from_url(url) as client:
        return int(client.dbsize())


def fill(servers: EmbeddedServers) -> None:
    query(servers.database_url, "CREATE TABLE kept AS SELECT 'été' AS word")
    with redis.Redis.from_url(servers.broker_url) as client:
        for number in range(50):
            client.set(f"key-{number}", number)


def assert_filled(servers: EmbeddedServers) -> None:
    assert query(servers.database_url, "SELECT word FROM kept") == [("été",)]
    assert keys(servers.broker_url) == 50


def test_data_survives_a_stop_and_a_start(home: Path) -> None:
    with EmbeddedServers(home) as servers:
        fill(servers)
    with EmbeddedServers(home) as servers:
        assert_filled(servers)


@pytest.mark.parametrize("mode", ["fast", "kill"])
def test_data_and_address_survive_a_restart_under_way(servers: EmbeddedServers, mode: Any) -> None:
    fill(servers)
    before = servers.database_url, servers.broker_url
    servers.restart_postgres(mode)
    servers.restart_valkey(mode)
    assert (servers.database_url, servers.broker_url) == before
    assert_filled(servers)


def test_a_killed_server_comes_back_by_itself(servers: EmbeddedServers) -> None:
    fill(servers)
    assert servers.postgres
    assert servers.valkey
    for server in (servers.postgres, servers.valkey):
        killed = server.pid
        assert killed
        os.kill(killed, signal.SIGKILL)
        assert server.wait_running(other_than=killed, timeout=20) not in (None, killed)
    assert_filled(servers)


def test_the_role_owns_the_database_and_is_no_superuser(servers: EmbeddedServers) -> None:
    [(role, owner, superuser)] = query(
        servers.database_url,
        """SELECT rolname, pg_get_userbyid(datdba), rolsuper FROM pg_roles, pg_database
           WHERE rolname = current_user AND datname = current_database()""",
    )
    assert (role, owner, superuser) == ("marquee", "marquee", False)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("jit", "off"),
        ("max_connections", "100"),
        ("shared_buffers", "128MB"),
    ],
)
def test_postgres_is_set_for_a_small_machine(shared: EmbeddedServers, setting: str, value: str) -> None:
    assert query(shared.database_url, f"SHOW {setting}") == [(value,)]


def test_letters_of_all_languages_are_letters(shared: EmbeddedServers) -> None:
    assert query(shared.database_url, "SELECT lower('ÅÉ'), 'é' ~ '^[[:alpha:]]$'") == [("åé", True)]


def test_the_broker_refuses_rather_than_forgets(shared: EmbeddedServers) -> None:
    with redis.Redis.from_url(shared.broker_url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}


def test_only_loopback_listens(shared: EmbeddedServers) -> None:
    assert shared.postgres
    assert shared.valkey
    for server in (shared.postgres, shared.valkey):
        process = psutil.Process(server.pid)
        listening = [c.laddr for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
        assert {address.ip for address in listening} == {"127.0.0.1"}
        assert [c.laddr for c in process.net_connections("unix") if c.laddr] == []


def test_a_wrong_password_is_refused(shared: EmbeddedServers) -> None:
    assert shared.postgres
    assert shared.valkey
    for user in ("marquee", "postgres"):
        with pytest.raises(
            psycopg2.OperationalError, match=r"password authentication failed|no pg_hba.conf entry"
        ):
            psycopg2.connect(
                host="127.0.0.1", port=shared.postgres.port, user=user, password="wrong", dbname="marquee"
            )
    assert shared.valkey.port
    for password in ("wrong", None):
        with redis.Redis(port=shared.valkey.port, password=password, retry=Retry(NoBackoff(), 0)) as client:
            with pytest.raises(redis.AuthenticationError):
                client.ping()


def test_what_holds_a_password_is_private_and_no_command_line_does(shared: EmbeddedServers) -> None:
    home = shared.home.path
    for name in ("passwords.json", "run.json", "valkey/valkey.conf"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert shared.postgres
    assert shared.valkey
    password = shared.broker_url.partition(":")[2].partition("@")[0].strip("/:")
    for server in (shared.postgres, shared.valkey):
        process = psutil.Process(server.pid)
        assert password not in " ".join([*process.cmdline(), *process.environ().values()])


def test_a_second_start_is_refused_with_the_pid_of_the_first(shared: EmbeddedServers) -> None:
    with pytest.raises(AlreadyRunningError, match=str(os.getpid())) as refusal:
        EmbeddedServers(shared.home.path)
    assert refusal.value.pid == os.getpid()
    assert query(shared.database_url, "SELECT 1") == [(1,)]


def test_other_commands_find_the_running_servers(home: Path) -> None:
    assert running_endpoints(home) is None
    with EmbeddedServers(home) as servers:
        found = running_endpoints(home)
        assert found is not None
        assert (found.pid, found.database_url, found.broker_url) == (
            os.getpid(),
            servers.database_url,
            servers.broker_url,
        )
    assert running_endpoints(home) is None
    assert not (home / "run.json").exists()


def test_only_the_servers_asked_for_are_started(tmp_path: Path) -> None:
    with EmbeddedServers(tmp_path / "home", postgres=False) as servers:
        assert servers.postgres is None
        found = running_endpoints(tmp_path / "home")
        assert found is not None
        assert (found.database_url, found.broker_url) == (None, servers.broker_url)


def test_a_taken_port_is_left_to_who_has_it(home: Path) -> None:
    wished = next(candidates(home, "postgres"))
    with socket.create_server(("127.0.0.1", wished)):
        with EmbeddedServers(home, valkey=False) as servers:
            assert servers.postgres
            assert servers.postgres.port != wished
            assert query(servers.database_url, "SELECT 1") == [(1,)]
    with EmbeddedServers(home, valkey=False) as servers:
        assert servers.postgres
        assert servers.postgres.port == wished


def test_lost_passwords_are_made_anew(home: Path) -> None:
    (home / "passwords.json").unlink()
    with EmbeddedServers(home) as servers:
        assert query(servers.database_url, "SELECT 1") == [(1,)]
        assert keys(servers.broker_url) == 0
