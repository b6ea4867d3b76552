"""The embedded PostgreSQL: the ledger's home.

A new cluster is prepared beside its place and renamed into it when it is whole, so a crash on the way leaves
nothing half made. Its superuser cannot log in at all; the role `marquee`, which can, is an ordinary one that
owns the database `marquee`.
"""

import contextlib
import shutil
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import psycopg2

from worker.embedded.account import make_directory
from worker.embedded.binaries import postgres_bin
from worker.embedded.home import Home, sync_directory, write_private
from worker.embedded.ports import LOOPBACK
from worker.embedded.server import Server
from worker.errors import HomeError, ServerStartError

NAME = "marquee"
HBA = f"""\
# The role {NAME}, by password, over loopback; nobody else, and no other way.
host all {NAME} {LOOPBACK}/32 scram-sha-256
"""
CREATE = f"""\
CREATE ROLE {NAME} LOGIN CREATEDB PASSWORD '{{password}}'
CREATE DATABASE {NAME} OWNER {NAME}
"""
BUILTIN_LOCALE_SINCE = SYNC_METHOD_SINCE = 17
LINUX = sys.platform == "linux"
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "64MB",  # what the triggers see of a load of 100,000 movies fits; it would go through a file
    "huge_pages": "off",  # a container may promise pages that it does not have
    "max_parallel_workers_per_gather": "0",  # these two would need /dev/shm, of which a container has little,
    "max_parallel_maintenance_workers": "0",  # and small machines have no idle cores
    "jit": "off",
    "fsync": "on",
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
if LINUX:
    SETTINGS["recovery_init_sync_method"] = "syncfs"  # one call after a crash, not one a file


class Postgres(Server):
    """A PostgreSQL server on loopback, behind a password.

    Args:
        home: The data directory.
        settings: Settings of the server beside Marquee's own.
        pg_bin: Where PostgreSQL's programs are; None looks for them.
        start_seconds: How long a start may take (a recovery after a crash included).
    """

    name = "postgres"
    title = "PostgreSQL"
    fast_stop = signal.SIGINT

    def __init__(
        self,
        home: Home,
        *,
        settings: Mapping[str, str] | None = None,
        pg_bin: Path | None = None,
        start_seconds: float = 60.0,
    ) -> None:
        super().__init__(home, start_seconds=start_seconds)
        self._pg_bin = pg_bin
        self._settings = SETTINGS | dict(settings or {})
        self._password, self._new_password = home.password(self.name)

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of the database, password included."""
        return f"postgresql+psycopg2://{NAME}:{self._password}@{LOOPBACK}:{self.port}/{NAME}"

    def prepare(self) -> None:
        """Make a cluster where there is none; check the one that is there."""
        self._bin, version = postgres_bin(self.account, self._pg_bin)
        if not self.directory.exists():
            self._make_cluster(version)
            return
        self._check_cluster(version)
        self._clear_leftover()
        if self._new_password:
            self._run_sql(self.directory, f"ALTER ROLE {NAME} PASSWORD '{self._password}'\n")
            self._new_password = False

    def command(self, data: str, port: int) -> list[str | Path]:
        """The server in the foreground."""
        settings = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        return [self._bin / "postgres", "-D", data, "-p", str(port), *settings]

    def answers(self, port: int) -> bool:
        """Whether the role can log in to the database."""
        if not self._says_ready():  # a knock before that is but noise in the log
            return False
        try:
            psycopg2.connect(
                host=LOOPBACK, port=port, user=NAME, password=self._password, dbname=NAME, connect_timeout=5
            ).close()
        except psycopg2.OperationalError:
            return False
        return True

    def may_retry(self, tail: str) -> bool:
        """After a SIGKILL the last back ends need a moment to see that their postmaster is gone."""
        return "shared memory block" in tail

    def _says_ready(self) -> bool:
        """Whether the server's pid file, in its eighth line, tells that it takes connections."""
        try:
            return (self.directory / "postmaster.pid").read_text("utf-8").split("\n")[7].strip() == "ready"
        except (FileNotFoundError, IndexError):
            return False

    def _make_cluster(self, version: int) -> None:
        draft = self.directory.with_name("postgres.new")
        account = self.account
        if draft.exists():
            shutil.rmtree(draft)
        make_directory(draft, account)
        locale = (
            ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            if version >= BUILTIN_LOCALE_SINCE
            else ["--locale=C.UTF-8"]
        )
        options = ["--username=postgres", "--auth=reject", "--encoding=UTF8", "--no-sync", *locale]
        self._run(draft, ["initdb"], options)
        write_private(draft / "pg_hba.conf", HBA, account)
        self._run_sql(draft, CREATE.format(password=self._password), fsync="off")
        by_one_call = ["--sync-method=syncfs"] if LINUX and version >= SYNC_METHOD_SINCE else []
        self._run(draft, ["initdb", "--sync-only"], by_one_call)  # all at once, before the name is given
        draft.rename(self.directory)
        sync_directory(self.directory.parent)
        self._new_password = False

    def _run_sql(self, directory: Path, sql: str, *, fsync: str = "on") -> None:
        """Run statements, one a line, without a server, as the superuser."""
        settings = [
            "exit_on_error=on",
            "password_encryption=scram-sha-256",
            "huge_pages=off",
            f"fsync={fsync}",
        ]
        options = [part for setting in settings for part in ("-c", setting)]
        self._run(directory, ["postgres", "--single"], [*options, "postgres"], sql)

    def _run(self, directory: Path, program: list[str], options: list[str], text: str | None = None) -> None:
        head: list[str | Path] = [self._bin / program[0], *program[1:]]
        logged = self.log.stat().st_size if self.log.exists() else 0

        def command(data: str) -> list[str | Path]:
            return [*head, "-D", data, *options]

        with self.launch(command, directory=directory, text=text) as process:
            code = process.wait()
        if code:
            raise ServerStartError(
                f"PostgreSQL's {program[0]} in {directory} ended with code {code}.",
                mend=f"The whole log is {self.log}.",
                log_tail=self.log_tail(logged),
            )

    def _check_cluster(self, version: int) -> None:
        try:
            made_by = int((self.directory / "PG_VERSION").read_text("ascii"))
        except (OSError, ValueError) as error:
            raise HomeError(
                f"{self.directory} is not a PostgreSQL data directory of Marquee.",
                mend="Move it away, or choose another data directory with MARQUEE_HOME.",
            ) from error
        if made_by != version:
            raise HomeError(
                f"The database in {self.directory} was made by PostgreSQL {made_by}; the programs in "
                f"{self._bin} are version {version}.",
                mend=f"Set MARQUEE_PG_BIN to the bin directory of a PostgreSQL {made_by}.",
            )

    def _clear_leftover(self) -> None:
        """Remove the pid file of a server that a power loss or SIGKILL ended; stop a server that did survive.

        We hold the lock of the data directory, so no other Marquee's server can be meant. PostgreSQL alone
        would refuse to start where that process id belongs to somebody else by now.
        """
        file = self.directory / "postmaster.pid"
        try:
            pid = int(file.read_text("utf-8").split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError):
            process = psutil.Process(pid)
            if process.name() == "postgres" and self.directory.samefile(process.cwd()):
                process.send_signal(self.fast_stop)
                psutil.wait_procs([process], timeout=30)
        file.unlink(missing_ok=True)
