"""Patience with Postgres: a result that took work to make is written once Postgres is back."""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from catalog.errors import DatabaseUnavailableError

log = structlog.get_logger(__name__)

Result = TypeVar("Result")
PAUSE = 0.2
LAST_SECONDS = 3.0


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
