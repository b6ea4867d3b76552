"""What PostgreSQL and Valkey have in common: how an embedded server is started, watched and stopped."""

import contextlib
import itertools
import os
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, Literal

import structlog

from worker.embedded import ports
from worker.embedded.account import account_for, reachable
from worker.embedded.binaries import server_environment
from worker.embedded.home import Home
from worker.errors import ServerStartError, WorkerError
from worker.supervisor.guarded import Account, GuardedProcess

StopMode = Literal["fast", "kill"]
CommandOf = Callable[[str], list[str | Path]]
TAIL_BYTES = 3000

_log = structlog.get_logger(__name__)


class Server(ABC):
    """One embedded server, with its data in `HOME/NAME`.

    After the first start it keeps its port, so that clients find it again when it comes back. It comes back
    by itself where it ends without having been told to (the system may kill it when memory is short).
    """

    name: ClassVar[str]
    title: ClassVar[str]
    fast_stop: ClassVar[signal.Signals]

    def __init__(self, home: Home, *, start_seconds: float = 60.0) -> None:
        self.directory = home.path / self.name
        self.port: int | None = None
        self._home = home
        self._start_seconds = start_seconds
        self._process: GuardedProcess | None = None
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._dismissed = threading.Event()
        self._dismissed.set()

    @abstractmethod
    def prepare(self) -> None:
        """Make the data directory, or check the one that is there."""

    @abstractmethod
    def command(self, data: str, port: int) -> list[str | Path]:
        """The command line that runs the server on the port, its data being reachable as `data`."""

    @abstractmethod
    def answers(self, port: int) -> bool:
        """Whether the server takes connections and our password."""

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL by which clients reach the server."""

    @property
    def account(self) -> Account | None:
        """The user that the server runs as; None is the present one."""
        return account_for(self.directory)

    @property
    def pid(self) -> int | None:
        """The server's process, where it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def log(self) -> Path:
        """The server's log."""
        return self._home.logs / f"{self.name}.log"

    def start(self) -> None:
        """Start the server, on its old port where it had one, and wait until it answers.

        Raises:
            EmbeddedError: it does not come up; the message says why.
        """
        with self._lock:
            if self.pid is not None:
                return
            self.prepare()
            deadline = time.monotonic() + self._start_seconds
            choices = iter([self.port]) if self.port else ports.candidates(self._home.path, self.name)
            for port in choices:
                if self._start_on(port, deadline):
                    self.port = port
                    self._dismissed.clear()
                    self._changed.notify_all()
                    return
            raise ServerStartError(
                f"No port is free for {self.title}.", mend="Stop what holds the ports from 20000 to 31999."
            )

    def wait_running(self, *, other_than: int | None = None, timeout: float | None = None) -> int | None:
        """Wait until the server answers, as another process than `other_than`; its pid, or None too late."""

        def runs() -> int | None:
            pid = None if self._dismissed.is_set() else self.pid
            return pid if pid != other_than else None

        with self._changed:
            return self._changed.wait_for(runs, timeout)

    def stop(self, mode: StopMode = "fast", *, grace: float = 30.0) -> None:
        """Stop the server: cleanly, or as a power loss would. It can be started again."""
        self._dismissed.set()
        with self._lock:
            self._dismissed.set()
            if self._process:
                self._process.stop(signal.SIGKILL if mode == "kill" else self.fast_stop, grace=grace)

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop the server and start it again on the same port."""
        with self._lock:
            self.stop(mode)
            self.start()

    def _start_on(self, port: int, deadline: float) -> bool:
        """Start on a port and wait for an answer; False where somebody else took the port."""
        while True:
            logged = self.log.stat().st_size if self.log.exists() else 0
            with self.launch(lambda data: self.command(data, port)) as process:
                self._process = process
            if self._await_answer(process, port, deadline):
                return True
            tail = self.log_tail(logged)
            if process.returncode is None:
                process.stop(self.fast_stop)
                self._fail(f"did not answer within {self._start_seconds:.0f} s", tail)
            if not ports.is_free(port):
                if self.port is None:
                    return False
                self._fail(f"cannot come back: port {port}, where its clients know it, was taken", tail)
            if not self.may_retry(tail) or time.monotonic() > deadline:
                self._fail(f"ended with code {process.returncode} while it started", tail)

    def may_retry(self, tail: str) -> bool:  # noqa: ARG002 (for those who override it)
        """Whether a failed start is worth another try, by what the log says."""
        return False

    @contextlib.contextmanager
    def launch(
        self, command: CommandOf, *, directory: Path | None = None, text: str | None = None
    ) -> Iterator[GuardedProcess]:
        """Run one of the server's programs as the server's user, with the log as its output."""
        directory, account = directory or self.directory, self.account
        log = self._home.open_log(self.name)
        try:
            with reachable(directory, account) as (data, descriptors):
                yield GuardedProcess(
                    command(data),
                    env=server_environment(),
                    cwd=directory,
                    output=log,
                    account=account,
                    text=text,
                    pass_fds=descriptors,
                    hold_fds=[self._home.lock],
                    umask=0o077,
                    stop_signal=self.fast_stop,
                    orphan_grace=10.0,
                    on_exit=self._come_back,
                )
        finally:
            os.close(log)

    def log_tail(self, start: int = 0) -> str:
        """The end of the log, from byte `start` on."""
        with self.log.open("rb") as log:
            log.seek(max(start, log.seek(0, os.SEEK_END) - TAIL_BYTES))
            return log.read().decode("utf-8", "replace").strip()

    def _come_back(self, code: int) -> None:
        """Start the server again after it ended; runs in a thread of the process that ended."""
        for attempt in itertools.count(1):
            with self._lock:
                if self._dismissed.is_set() or self.pid is not None:
                    return
                _log.warning("server ended, starting it again", server=self.title, code=code, attempt=attempt)
                try:
                    self.start()
                except WorkerError as error:
                    _log.error("server does not come back", server=self.title, error=str(error))
                else:
                    return
            self._dismissed.wait(min(30.0, 2.0**attempt))

    def _await_answer(self, process: GuardedProcess, port: int, deadline: float) -> bool:
        pause = 0.01
        while process.wait(pause) is None:
            if self.answers(port):
                return True
            if time.monotonic() > deadline:
                return False
            pause = min(pause * 1.3, 0.2)
        return False

    def _fail(self, what: str, tail: str) -> None:
        raise ServerStartError(
            f"{self.title} in {self.directory} {what}.",
            mend=f"The whole log is {self.log}.",
            log_tail=tail,
        )
