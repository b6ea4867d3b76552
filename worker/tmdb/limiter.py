"""The rate limit that the whole fleet shares.

Every worker asks the same counter before each call. The counter is a GCRA (generic cell rate algorithm,
ITU-T I.371): one moment is kept, the earliest at which the next call may start; each grant moves it on by
1/rate. Without any burst, no window of one second ever holds more than `rate` grants.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Protocol
from urllib.parse import urlsplit

from sqlalchemy import Engine

from worker.errors import RateLimitedError

NAME = "tmdb"


@dataclass(frozen=True, slots=True)
class Grant:
    """A call that may start at `at` (seconds since 1970 by the counter's clock), `wait` seconds from now."""

    at: float
    wait: float


class RateLimiter(Protocol):
    """What the client needs: leave to make one call."""

    def acquire(self, timeout: float) -> None:
        """Wait until a call may start.

        Raises:
            RateLimitedError: that would take longer than `timeout` seconds; nothing was reserved.
            FetchUnavailableError: the counter cannot be reached.
        """

    def pause(self, seconds: float) -> None:
        """Grant nothing to anyone for so long: TMDB answered 429."""


class Counter(Protocol):
    """Where the moment is kept; both methods are atomic across the fleet and go by the server's clock."""

    def reserve(self, interval_us: int, timeout_us: int) -> Grant | float:
        """Take the next moment, or return the seconds to it where they are more than the time-out."""

    def postpone(self, delay_us: int) -> None:
        """Move the next moment to at least so far from now."""


class FleetRateLimiter:
    """A `RateLimiter` over a shared counter."""

    def __init__(self, counter: Counter, rate: float, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._counter = counter
        self._interval_us = ceil(1_000_000 / rate)
        self._sleep = sleep

    def reserve(self, timeout: float) -> Grant:
        """Take the next moment within `timeout` seconds, without waiting for it."""
        grant = self._counter.reserve(self._interval_us, int(timeout * 1_000_000))
        if isinstance(grant, Grant):
            return grant
        raise RateLimitedError("The fleet makes as many calls as it may.", retry_after=grant)

    def acquire(self, timeout: float) -> None:
        """Wait for the next moment: see `RateLimiter`."""
        wait = self.reserve(timeout).wait
        if wait > 0:
            self._sleep(wait)

    def pause(self, seconds: float) -> None:
        """Hold the whole fleet back: see `RateLimiter`."""
        self._counter.postpone(int(seconds * 1_000_000))


class Unlimited:
    """A `RateLimiter` that never waits, for a server of one's own."""

    def acquire(self, timeout: float) -> None:
        """Return at once."""

    def pause(self, seconds: float) -> None:
        """Do nothing."""


def open_limiter(rate: float, broker_url: str, engine: Engine) -> FleetRateLimiter:
    """The limiter for a fleet: counted in Redis where the broker is one, in Postgres otherwise."""
    if urlsplit(broker_url).scheme in ("redis", "rediss"):
        from worker.tmdb.redis_counter import RedisCounter

        return FleetRateLimiter(RedisCounter.from_url(broker_url, NAME), rate)
    from worker.tmdb.postgres_counter import PostgresCounter

    return FleetRateLimiter(PostgresCounter(engine, NAME), rate)
