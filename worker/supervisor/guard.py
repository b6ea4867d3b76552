"""The guard of one child process: a small program that never lets its child outlive Marquee.

It is run by `worker.supervisor.guarded`, as `python -I -S guard.py OPTIONS PROGRAM [ARGUMENT…]`, imports the
standard library alone, and has one thread. Its standard input is a pipe whose other end only Marquee holds:

- a byte on it is the number of a signal for the child (SIGKILL goes to the child's whole process group);
- its end means that Marquee is gone, however it died: the child gets its stop signal, and SIGKILL after a
  grace.

Should the guard itself be killed, then Linux kills the child (`PR_SET_PDEATHSIG`, which is bound to the
*thread* that forked: here the only one), and Marquee, which sees the guard's report end, kills the group on
every system.

The report is written to a pipe: `started PID` or `failed REASON`, and at last `exited CODE` (negative: a
signal).
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

PR_SET_PDEATHSIG = 1
LIFELINE = 0


def die_with_parent(parent: int) -> Callable[[], None]:
    """What the child does between fork and exec, after its user was set (a change of user would undo it)."""
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def in_child() -> None:
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # the guard died before the line above
                os._exit(1)

    return in_child


def start(options: dict[str, Any], argv: list[str]) -> "subprocess.Popen[bytes]":
    """Start the child in a process group of its own, as the user that the options name."""
    stdin, uid = options["stdin"], options["uid"]
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        pass_fds=options["pass_fds"],
        process_group=0,
        user=uid,
        group=options["gid"],
        extra_groups=None if uid is None else [],
        preexec_fn=die_with_parent(os.getpid()),  # noqa: PLW1509 (there is but one thread)
    )


def deliver(child: "subprocess.Popen[bytes]", number: int) -> None:
    """Send a signal to the child, or SIGKILL to its whole group."""
    with contextlib.suppress(ProcessLookupError):
        if number == signal.SIGKILL:
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.send_signal(number)


def watch(child: "subprocess.Popen[bytes]", bell: int, stop: int, grace: float) -> int:
    """Pass signals on until the child has ended; return its code."""
    lifeline: list[int] = [LIFELINE]
    deadline: float | None = None
    while child.poll() is None:
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select([*lifeline, bell], [], [], timeout)
        if LIFELINE in ready:
            orders = os.read(LIFELINE, 64)
            for number in orders:
                deliver(child, number)
            if not orders:  # Marquee is gone
                lifeline, deadline = [], time.monotonic() + grace
                deliver(child, stop)
        if bell in ready and signal.SIGTERM in os.read(bell, 64):
            deliver(child, stop)
        if deadline is not None and time.monotonic() >= deadline:
            deliver(child, signal.SIGKILL)
            deadline = None
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)  # what the child left behind in its group
    return child.returncode


def main() -> None:
    """Start the child, watch it, and report."""
    options = json.loads(sys.argv[1])
    bell, ring = os.pipe()
    os.set_blocking(ring, False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # handlers, which exec resets, not SIG_IGN, which it keeps
    signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
    with os.fdopen(options["report"], "w", encoding="utf-8") as report:
        try:
            child = start(options, sys.argv[2:])
        except (OSError, subprocess.SubprocessError) as error:
            report.write(f"failed {error}\n")
            return
        report.write(f"started {child.pid}\n")
        report.flush()
        code = watch(child, bell, options["stop"], options["grace"])
        with contextlib.suppress(BrokenPipeError):
            report.write(f"exited {code}\n")
            report.flush()


if __name__ == "__main__":
    main()
