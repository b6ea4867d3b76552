"""Bulk decisions go on in the background, step by step, and after a restart."""

import threading

import structlog
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.review.bulk import step, unfinished
from marquee.errors import MarqueeError

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 2.0


class BulkRunner:
    """One thread that steps through the bulk decisions that are not finished, each in turn."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, with what an earlier process left unfinished."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="bulk", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the step under way; the rest goes on at the next start."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wake(self) -> None:
        """There is something to do."""
        self._wake.set()

    def run_once(self) -> bool:
        """One step of each unfinished bulk decision; whether any was made."""
        with transaction(self._engine) as connection:
            waiting = unfinished(connection)
        return sum(map(self._step, waiting)) > 0

    def _step(self, bulk_id: int) -> bool:
        if self._stopping.is_set():
            return False
        try:
            step(self._engine, bulk_id)
        except MarqueeError as error:
            log.warning("a bulk decision waits", bulk=bulk_id, error=str(error))
        except Exception:
            log.exception("a bulk decision could not go on", bulk=bulk_id)
        else:
            return True
        return False

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                if self.run_once():
                    continue
            except MarqueeError as error:
                log.warning("bulk decisions wait", error=str(error))
            self._wake.wait(PAUSE_SECONDS)
