"""The data directory: its lock, its passwords, and the note that tells other commands where the servers are.

- `HOME/lock`: held while Marquee runs here; holds its process id
- `HOME/passwords.json`: made once, mode 0600
- `HOME/run.json`: the endpoints, mode 0600, only while Marquee runs
- `HOME/logs/`: one log a server and a part
- `HOME/postgres/`: the database cluster
- `HOME/valkey/`: the broker's append-only file
"""

import contextlib
import fcntl
import json
import os
import secrets
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from worker.errors import AlreadyRunningError, HomeError
from worker.supervisor.guarded import Account

MIB = 1024 * 1024
DEAD_OWNER_SECONDS = 15.0
MAX_LOG_BYTES = 5 * MIB


@dataclass(frozen=True)
class Endpoints:
    """Where the servers of a running Marquee are; `pid` is that Marquee's process."""

    pid: int
    database_url: str | None
    broker_url: str | None


class Home:
    """A data directory that this process holds.

    Raises:
        AlreadyRunningError: another Marquee holds it.
        HomeError: it cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=home_mode())
            self.logs.mkdir(exist_ok=True, mode=0o700)
            self.lock = _acquire(self.path)
        except OSError as error:
            raise HomeError(
                f"The data directory {self.path} cannot be used: {error.strerror}.",
                mend="Give it to the user that runs Marquee, or choose another with MARQUEE_HOME.",
            ) from error
        self._note.unlink(missing_ok=True)

    @property
    def logs(self) -> Path:
        """Where the logs are."""
        return self.path / "logs"

    @property
    def _note(self) -> Path:
        return self.path / "run.json"

    def password(self, name: str) -> tuple[str, bool]:
        """The password of a server, and whether it was made just now."""
        file = self.path / "passwords.json"
        try:
            known: dict[str, str] = dict(json.loads(file.read_text("utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            known = {}  # lost or damaged: the servers are told new ones
        if made := name not in known:
            known[name] = secrets.token_urlsafe(24)
            write_private(file, json.dumps(known))
        return known[name], made

    def open_log(self, name: str) -> int:
        """A file descriptor that appends to a server's log, which is turned over when it is large."""
        file = self.logs / f"{name}.log"
        with contextlib.suppress(FileNotFoundError):
            if file.stat().st_size > MAX_LOG_BYTES:
                file.replace(file.with_suffix(".log.1"))
        return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def announce(self, database_url: str | None, broker_url: str | None) -> None:
        """Write down where the servers are."""
        note = Endpoints(os.getpid(), database_url, broker_url)
        write_private(self._note, json.dumps(asdict(note)))

    def release(self) -> None:
        """Take the note away and let another Marquee in."""
        self._note.unlink(missing_ok=True)
        os.close(self.lock)


def home_mode() -> int:
    """Private; open for passing only where another user, who runs root's servers, needs the path."""
    return 0o711 if os.geteuid() == 0 and sys.platform != "linux" else 0o700


def write_private(file: Path, text: str, account: Account | None = None) -> None:
    """Write a file that only its owner (the account, or this user) reads, whole or not at all."""
    draft = file.with_name(file.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        if account:
            os.fchown(out.fileno(), account.uid, account.gid)
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory survive a power loss."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def running_endpoints(home: Path) -> Endpoints | None:
    """The endpoints of the Marquee that runs in `home`, or None where none does (or is still starting).

    Raises:
        HomeError: the directory belongs to another user.
    """
    home = home.expanduser().absolute()
    try:
        with (home / "lock").open("rb") as lock:
            if _try_lock(lock.fileno(), fcntl.LOCK_SH):
                return None
            owner = _owner(lock.fileno())
        note = Endpoints(**json.loads((home / "run.json").read_text("utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError) as error:
        raise HomeError(
            f"What runs in {home} cannot be read: {error}.",
            mend="Run this command as the user that runs Marquee there.",
        ) from error
    return note if note.pid == owner else None


def _acquire(home: Path) -> int:
    """Lock the directory. The servers' guards share the lock: where Marquee died, wait until they end."""
    lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + DEAD_OWNER_SECONDS
    probes = 5  # `running_endpoints` elsewhere holds the lock for a moment
    while not _try_lock(lock, fcntl.LOCK_EX):
        owner = _owner(lock)
        if owner is not None and psutil.pid_exists(owner):
            probes -= 1
        if not probes or time.monotonic() > deadline:
            os.close(lock)
            raise AlreadyRunningError(home, owner)
        time.sleep(0.03)
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _try_lock(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(lock: int) -> int | None:
    text = os.pread(lock, 32, 0).strip()
    return int(text) if text.isdigit() else None
