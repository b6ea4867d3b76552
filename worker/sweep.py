"""The tag worker's sweep: a drain on every wake-up, and one each second in case a wake-up was lost."""

import threading
from types import TracebackType
from typing import Protocol, Self

import structlog

from catalog.errors import DatabaseUnavailableError

log = structlog.get_logger(__name__)


class Drains(Protocol):
    """What a sweep runs."""

    def run(self) -> int:
        """Tag until nothing is ready."""


class Sweep:
    """Runs the drain now (`drain`) and every so many seconds, until its context ends.

    So the tag worker goes on from the ledger alone while the broker is away.
    """

    def __init__(self, drain: Drains, *, seconds: float) -> None:
        self._drain = drain
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._sweep, name="sweep", daemon=True)

    def drain(self) -> int:
        """Drain now; Postgres being away ends it, the next sweep tries again."""
        try:
            return self._drain.run()
        except DatabaseUnavailableError as error:
            log.warning("Postgres is away", error=error.message)
        except Exception:
            log.exception("a drain broke off; the next sweep tries again")
        return 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _sweep(self) -> None:
        while not self._stopping.wait(self._seconds):
            self.drain()
