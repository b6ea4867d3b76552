"""The watch for promotions: a thread of the tag worker that loads a new champion while the old model tags.

LISTEN is its hint, a look each second its certainty. It also says, in the worker's row, which model tags here and why
that is not the champion.
"""

import os
import threading
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy import Engine

from catalog.errors import DatabaseUnavailableError
from catalog.listen import Listener
from catalog.liveness import Presence
from catalog.registry import CHAMPION_CHANNEL
from worker.champion import Champion

log = structlog.get_logger(__name__)


class ChampionWatch:
    """Keeps `champion` up with the catalog until its context ends.

    Args:
        engine: the catalog.
        champion: the models on the worker's device.
        presence: the worker's sign of life, which names the model.
        poll_seconds: how often it looks without a hint.
    """

    def __init__(
        self,
        engine: Engine,
        champion: Champion,
        presence: Presence | None = None,
        *,
        poll_seconds: float = 1.0,
    ) -> None:
        self.engine = engine
        self.champion = champion
        self.presence = presence
        self.poll_seconds = poll_seconds
        self._bell, self._ring = os.pipe()
        self._stopping = False
        self._listener = Listener(engine, CHAMPION_CHANNEL)
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        os.write(self._ring, b"x")
        self._thread.join()
        os.close(self._bell)
        os.close(self._ring)

    def look(self) -> None:
        """Bring the models up to date, and say which one tags."""
        try:
            self.champion.follow(self.engine)
        except DatabaseUnavailableError as error:
            log.warning("Postgres is away", error=error.message)
        except Exception:
            log.exception("the watch for promotions broke off; it looks again")
        self._tell()

    def _tell(self) -> None:
        if self.presence is None:
            return
        now, refusal = self.champion.now, self.champion.refusal
        self.presence.model_id = None if now is None else now.record.id
        self.presence.refusal = None if refusal is None else refusal.reason

    def _run(self) -> None:
        while not self._stopping:
            self.look()
            if not self._stopping:
                self._listener.wait(self.poll_seconds, self._bell)
        self._listener.close()
