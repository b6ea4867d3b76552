"""Patience: a result that took work to make is written once Postgres is back, or a row's holder lets it go."""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from catalog.errors import DatabaseUnavailableError
from catalog.ledger.fence import Held

log = structlog.get_logger(__name__)

Result = TypeVar("Result")
PAUSE = 0.2
LAST_SECONDS = 3.0
LOCK_PAUSES = (0.02, 0.08, 0.2, 0.4)


def patiently(
    work: Callable[[], Result], *, seconds: float, stopping: Callable[[], bool] = lambda: False
) -> Result:
    """Do `work`, again and again while Postgres is away, for at most so many seconds.

    A worker that is to stop has three seconds at most, so that it ends by itself and is not killed.

    `work` is a fenced transaction: if its commit went through unseen, the repetition finds nothing to do.

    Raises:
        DatabaseUnavailableError: Postgres did not come back in time.
    """
    started = time.monotonic()
    while True:
        try:
            return work()
        except DatabaseUnavailableError as error:
            if time.monotonic() - started > (min(seconds, LAST_SECONDS) if stopping() else seconds):
                raise
            log.warning("Postgres is away; the result waits", error=error.message)
            time.sleep(PAUSE)


def until_unlocked(finish: Callable[[frozenset[int]], Held], movies: frozenset[int]) -> Held:
    """Finish the movies; those whose rows somebody holds are tried again for a moment, then left to their lease.

    Who asks for movies to be tagged again holds their rows for some milliseconds, a catalog's writer until it
    commits. `finish` is one fenced transaction, given the movies that are still to be finished.
    """
    held: frozenset[int] = frozenset()
    stale: frozenset[int] = frozenset()
    for pause in (0.0, *LOCK_PAUSES):
        if movies:
            time.sleep(pause)
            fence = finish(movies)
            held, stale, movies = held | fence.held, stale | fence.stale, fence.locked
    if movies:
        log.warning("left movies to their lease: a writer holds them", movies=sorted(movies))
    return Held(held, movies, stale)
