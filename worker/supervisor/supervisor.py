"""The supervisor: keeps Marquee's parts running side by side, and ends them in order.

`marquee up` runs it in the main thread until Ctrl-C; the demo, the benchmarks and the tests use it as a
context manager.
"""

import contextlib
import queue
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from worker.supervisor.child import Backoff, Child, ChildStatus, Command, Echo


class Supervisor:
    """Runs commands as child processes, none of which outlives this process.

    A child that ends is started again: at once the first time, then after a growing wait.

    Args:
        commands: What to run; started in this order.
        home: The data directory; the children's output is kept in `HOME/logs/NAME.log`.
        stop_order: The names in the order in which to stop them; by default the reverse of the start.
        grace: Seconds that a child has to end before SIGKILL.
        backoff: The waits between restarts.
        echo: Called with a child's name and each line it writes, from several threads.
    """

    def __init__(
        self,
        commands: Sequence[Command],
        home: Path,
        *,
        stop_order: Sequence[str] | None = None,
        grace: float = 10.0,
        backoff: Backoff | None = None,
        echo: Echo | None = None,
    ) -> None:
        names = [command.name for command in commands]
        if len(set(names)) != len(names) or (stop_order is not None and sorted(stop_order) != sorted(names)):
            raise ValueError("Names must differ, and stop_order must hold each of them once.")
        logs = home / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self._changed = threading.Condition()
        self._children = {
            command.name: Child(
                command,
                logs / f"{command.name}.log",
                backoff=backoff or Backoff(),
                changed=self._changed,
                echo=echo,
            )
            for command in commands
        }
        self._stop_order = list(stop_order) if stop_order is not None else names[::-1]
        self._grace = grace
        self._orders: queue.SimpleQueue[None] = queue.SimpleQueue()  # its put() is safe in signal handlers

    def start(self) -> None:
        """Start every child.

        Raises:
            ChildStartError: a program cannot be executed; those already started are stopped again.
        """
        try:
            for child in self._children.values():
                child.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the children one by one, in order; a second call does nothing."""
        for child in self._children.values():
            child.retire()
        for name in self._stop_order:
            self._children[name].stop(self._grace)

    def run(self) -> None:
        """Start, wait for SIGINT, SIGTERM or `request_stop`, and stop. For the main thread.

        A second signal ends the children at once.
        """
        with self._signals(), self:
            self._orders.get()

    def wait(self) -> None:
        """Within its context: wait for SIGINT, SIGTERM or `request_stop`. For the main thread."""
        with self._signals():
            self._orders.get()

    def request_stop(self) -> None:
        """Let `run` or `wait` end; any thread and any signal handler may call it."""
        self._orders.put(None)

    def status(self) -> list[ChildStatus]:
        """How each child is, in the order of the commands."""
        return [child.status() for child in self._children.values()]

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int | None:
        """Send a child a signal, SIGKILL to its whole group; returns the process that got it."""
        child = self._children[name]
        pid = child.status().pid
        child.send(number)
        return pid

    def wait_running(
        self, name: str, *, other_than: int | None = None, timeout: float | None = None
    ) -> int | None:
        """Wait until a child runs, as another process than `other_than`; its pid, or None after `timeout`."""

        def runs() -> int | None:
            pid = self._children[name].status().pid
            return pid if pid != other_than else None

        with self._changed:
            return self._changed.wait_for(runs, timeout)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        asked = False

        def handle(_number: int, _frame: FrameType | None) -> None:
            nonlocal asked
            if asked:
                for child in self._children.values():
                    child.send(signal.SIGKILL)
            asked = True
            self.request_stop()

        before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
