"""Counting what a statement sends to those who LISTEN."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from catalog.ledger.words import EVENT_CHANNEL


@contextmanager
def notifications(engine: Engine, channel: str = EVENT_CHANNEL) -> Iterator[Callable[[], int]]:
    """A count of the notifications that were committed on the channel since it was last asked for."""
    pooled = engine.raw_connection()
    raw = pooled.driver_connection
    assert raw is not None
    raw.autocommit = True
    cursor = raw.cursor()
    cursor.execute(f"LISTEN {channel}")

    def heard() -> int:
        cursor.execute("SELECT 1")  # what was committed before is received with the answer
        count = len(raw.notifies)
        raw.notifies.clear()
        return count

    try:
        yield heard
    finally:
        pooled.invalidate()
