"""A child process that cannot outlive Marquee, even when Marquee is killed with SIGKILL.

Each child hangs below a guard (`guard.py`, which says how it works). The pipe that keeps it alive is
closed on exec, so programs that Marquee starts do not hold it; a bare `os.fork()` without exec would.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from worker.errors import ChildStartError

GUARD = Path(__file__).with_name("guard.py")


@dataclass(frozen=True)
class Account:
    """The user and group that a child runs as."""

    uid: int
    gid: int


class GuardedProcess:
    """One running child below its guard.

    Args:
        argv: The program and its arguments.
        env: The child's whole environment; None hands on ours.
        cwd: The child's working directory, entered before the user is changed.
        output: Where its output and errors go: a file descriptor, or `subprocess.PIPE` (then read `output`).
        account: The user to run as; needs root.
        text: What the child reads on its standard input; nothing by default.
        pass_fds: File descriptors that the child keeps.
        hold_fds: File descriptors that the guard alone keeps until the child has ended (a lock, for example).
        umask: The child's umask; -1 keeps ours.
        stop_signal: What the child gets when Marquee has died.
        orphan_grace: Seconds it then has before SIGKILL.
        on_exit: Called with the exit code, from a thread of its own, after the child has ended.

    Raises:
        ChildStartError: the program could not be executed.
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        output: int = subprocess.DEVNULL,
        account: Account | None = None,
        text: str | None = None,
        pass_fds: Sequence[int] = (),
        hold_fds: Sequence[int] = (),
        umask: int = -1,
        stop_signal: signal.Signals = signal.SIGTERM,
        orphan_grace: float = 0.0,
        on_exit: Callable[[int], None] | None = None,
    ) -> None:
        self.returncode: int | None = None
        self._done = threading.Event()
        self._lifeline = threading.RLock()  # reentrant: a signal handler may interrupt its holder
        self._on_exit = on_exit
        report, report_end = os.pipe()
        options = {
            "report": report_end,
            "stdin": None,
            "pass_fds": list(pass_fds),
            "uid": account.uid if account else None,
            "gid": account.gid if account else None,
            "stop": int(stop_signal),
            "grace": orphan_grace,
        }
        self._report = os.fdopen(report, encoding="utf-8", errors="replace")
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, report_end)
            inherited = [report_end, *pass_fds, *hold_fds]
            if text is not None:
                stdin = stack.enter_context(tempfile.TemporaryFile())
                stdin.write(text.encode())
                stdin.seek(0)
                options["stdin"] = stdin.fileno()
                inherited.append(stdin.fileno())
            try:
                self._guard = subprocess.Popen(
                    [sys.executable, "-I", "-S", GUARD, json.dumps(options), *argv],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=env,
                    cwd=cwd,
                    umask=umask,
                    pass_fds=inherited,
                    start_new_session=True,
                )
            except OSError as error:
                self._report.close()
                raise ChildStartError(str(argv[0]), str(error)) from error
        self.pid = self._await_start(str(argv[0]))
        threading.Thread(target=self._await_end, name=f"guard-of-{self.pid}", daemon=True).start()

    @property
    def output(self) -> IO[bytes]:
        """The child's output, where `subprocess.PIPE` was asked for."""
        assert self._guard.stdout is not None
        return self._guard.stdout

    def send(self, number: signal.Signals) -> None:
        """Send the child a signal; SIGKILL goes to its whole group. Nothing happens once it has ended.

        The guard, which has not reaped the child, delivers it: it cannot hit another that got the same id.
        """
        lifeline = self._guard.stdin
        assert lifeline is not None
        with self._lifeline, contextlib.suppress(BrokenPipeError):
            if not lifeline.closed:
                os.write(lifeline.fileno(), bytes([number]))

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the child to end; its exit code (negative: a signal), or None after `timeout` seconds."""
        self._done.wait(timeout)
        return self.returncode

    def stop(self, number: signal.Signals = signal.SIGTERM, *, grace: float = 10.0) -> int:
        """Send a signal, wait, and send SIGKILL after `grace` seconds. Returns the exit code."""
        self.send(number)
        if self.wait(grace) is None:
            self.send(signal.SIGKILL)
        code = self.wait()
        assert code is not None
        return code

    def _await_start(self, program: str) -> int:
        word, _, rest = self._report.readline().strip().partition(" ")
        if word == "started":
            return int(rest)
        self._close()
        if self._guard.stdout:
            self._guard.stdout.close()
        raise ChildStartError(program, rest or "its guard ended at once")

    def _await_end(self) -> None:
        code = -int(signal.SIGKILL)
        for line in self._report:
            code = int(line.split()[1])
            break
        else:  # the guard was killed: Linux has killed the child with it, other systems have not
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        self._close()
        self.returncode = code
        self._done.set()
        if self._on_exit:
            self._on_exit(code)

    def _close(self) -> None:
        self._guard.wait()
        self._report.close()
        with self._lifeline:
            assert self._guard.stdin is not None
            self._guard.stdin.close()
