"""LISTEN: the hint that the ledger has changed. A hint only: whoever waits here also polls.

One raw psycopg2 connection, waited on with `select`; when it breaks, the next wait connects anew.
"""

import select
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

log = structlog.get_logger(__name__)


class Listener:
    """Waits for notifications on one channel. Not to be shared between threads."""

    def __init__(self, engine: Engine, channel: str) -> None:
        self.engine = engine
        self.channel = channel
        self._pooled: Any = None
        self._raw: Any = None

    @property
    def connected(self) -> bool:
        """Whether LISTEN is in force."""
        return self._raw is not None and not self._raw.closed

    def wait(self, seconds: float, *wakers: int) -> bool:
        """Wait for a notification, for a readable descriptor among `wakers`, or for `seconds`.

        Returns whether there may be something to do at once: a notification came, or LISTEN had to be
        established anew and may have missed one.
        """
        try:
            if not self.connected:
                self._connect()
                return True
            readable, _, _ = select.select([self._raw, *wakers], [], [], seconds)
            if self._raw not in readable:
                return False
            self._raw.poll()
            heard = bool(self._raw.notifies)
            self._raw.notifies.clear()
            return heard
        except (DBAPIError, self.engine.dialect.dbapi.Error, OSError) as error:  # type: ignore[union-attr]
            log.warning("LISTEN broke, polling until it is back", error=str(error).strip())
            self.close()
            select.select(list(wakers), [], [], min(seconds, 0.5))
            return False

    def close(self) -> None:
        """Drop the connection."""
        if self._pooled is not None:
            self._pooled.invalidate()
        self._pooled = self._raw = None

    def _connect(self) -> None:
        self._pooled = self.engine.raw_connection()
        raw = self._pooled.driver_connection
        raw.set_session(autocommit=True)
        with raw.cursor() as cursor:
            cursor.execute(f"LISTEN {self.channel}")
        self._raw = raw
