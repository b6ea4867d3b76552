"""One supervised child: it is started, its output is collected, and when it ends it is started again."""

import contextlib
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Literal

from worker.errors import ChildStartError
from worker.supervisor.guarded import GuardedProcess

MAX_LOG_BYTES, OLD_LOGS = 5 * 1024 * 1024, 3
MAX_LINE_BYTES = 64 * 1024
LAST_WORDS_SECONDS = 1.0

State = Literal["starting", "running", "waiting", "stopped"]
Echo = Callable[[str, str], None]


@dataclass(frozen=True)
class Command:
    """A part of Marquee that runs as a process: its name, its command line and its whole environment."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None


@dataclass(frozen=True)
class Backoff:
    """The wait before a restart, in seconds: nothing at first, then `first`, doubling up to `longest`.

    A child that lived for `healthy` seconds begins anew.
    """

    first: float = 1.0
    longest: float = 30.0
    healthy: float = 60.0

    def delay(self, deaths: int) -> float:
        """The wait after so many deaths in a row."""
        return 0.0 if deaths <= 1 else min(self.longest, self.first * 2.0 ** min(deaths - 2, 60))


@dataclass(frozen=True)
class ChildStatus:
    """How a child is: `uptime` in seconds while it runs, its restarts, and the code it last ended with."""

    name: str
    state: State
    pid: int | None
    uptime: float
    restarts: int
    last_exit: int | None


class Child:
    """Keeps one command running, from a thread of its own, until it is stopped."""

    def __init__(
        self,
        command: Command,
        log: Path,
        *,
        backoff: Backoff,
        changed: threading.Condition,
        echo: Echo | None,
    ) -> None:
        self.command = command
        self._backoff = backoff
        self._changed = changed  # guards what follows, and is notified when any of it changes
        self._state: State = "starting"
        self._process: GuardedProcess | None = None
        self._started_at = 0.0
        self._restarts = 0
        self._last_exit: int | None = None
        self._refused: ChildStartError | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_running, name=f"keep-{command.name}", daemon=True)
        self._output = _Output(command.name, log, echo)

    def start(self) -> None:
        """Start the child and wait until its program runs.

        Raises:
            ChildStartError: the program cannot be executed.
        """
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._state != "starting")
            if self._refused:
                raise self._refused

    def status(self) -> ChildStatus:
        """How the child is now."""
        with self._changed:
            alive = self._process is not None and self._state == "running"
            return ChildStatus(
                name=self.command.name,
                state=self._state,
                pid=self._process.pid if self._process and alive else None,
                uptime=time.monotonic() - self._started_at if alive else 0.0,
                restarts=self._restarts,
                last_exit=self._last_exit,
            )

    def send(self, number: signal.Signals) -> None:
        """Send the child a signal, SIGKILL to its whole group. Signal handlers may call it."""
        if process := self._process:
            process.send(number)

    def retire(self) -> None:
        """From now on, do not start the child again."""
        self._stopping.set()

    def stop(self, grace: float) -> None:
        """End the child for good: SIGTERM, and SIGKILL after `grace` seconds."""
        self.retire()
        while self._thread.is_alive():
            self.send(signal.SIGTERM)
            self._thread.join(grace)
            self.send(signal.SIGKILL)
            grace = 1.0
        self._set("stopped", None)
        self._output.close()

    def _environment(self) -> dict[str, str]:
        env = os.environ if self.command.env is None else self.command.env
        return {"PYTHONUNBUFFERED": "1", **env}

    def _keep_running(self) -> None:
        deaths = 0
        while not self._stopping.is_set():
            try:
                process = GuardedProcess(
                    self.command.argv, env=self._environment(), cwd=self.command.cwd, output=subprocess.PIPE
                )
            except ChildStartError as error:
                if self._state == "starting":
                    self._refused = error
                    break
                self._output.write(f"marquee: {error}")
            else:
                self._set("running", process)
                collector = self._output.collect(process)
                self._last_exit = process.wait()
                collector.join(LAST_WORDS_SECONDS)
                if time.monotonic() - self._started_at >= self._backoff.healthy:
                    deaths = 0
            if self._stopping.is_set():
                break
            deaths += 1
            delay = self._backoff.delay(deaths)
            self._output.write(f"marquee: ended with code {self._last_exit}, starts again in {delay:.0f} s")
            self._set("waiting", None)
            self._stopping.wait(delay)
        self._set("stopped", None)

    def _set(self, state: State, process: GuardedProcess | None) -> None:
        with self._changed:
            if state == "running":
                self._restarts += self._state != "starting"
                self._started_at = time.monotonic()
            self._state, self._process = state, process
            self._changed.notify_all()
        if process and self._stopping.is_set():  # `stop` came while the process was being made
            process.send(signal.SIGTERM)


class _Output:
    """The log file of a child, turned over by size, with an echo of each line."""

    def __init__(self, name: str, log: Path, echo: Echo | None) -> None:
        self._name = name
        self._echo = echo
        self._file = RotatingFileHandler(
            log, maxBytes=MAX_LOG_BYTES, backupCount=OLD_LOGS, encoding="utf-8", errors="replace"
        )

    def collect(self, process: GuardedProcess) -> threading.Thread:
        """Write down what the child says, in a thread, until nobody holds its end of the pipe any more."""
        thread = threading.Thread(target=self._collect, args=[process], name=f"log-{self._name}", daemon=True)
        thread.start()
        return thread

    def _collect(self, process: GuardedProcess) -> None:
        with process.output as stream:
            while line := stream.readline(MAX_LINE_BYTES):
                self.write(line.decode("utf-8", "replace").rstrip("\n"))

    def write(self, line: str) -> None:
        """Write one line."""
        self._file.handle(logging.makeLogRecord({"msg": line}))
        if self._echo:
            with contextlib.suppress(OSError, ValueError):  # our own output is closed: the log goes on
                self._echo(self._name, line)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
