"""The fleet's rate counter in Redis or Valkey: one script, one round trip, the server's clock."""

import re
from typing import Any, Self, cast

import redis

from worker.errors import FetchUnavailableError
from worker.tmdb.limiter import Grant

RESERVE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local at = math.max(tonumber(redis.call('GET', KEYS[1])) or 0, now)
local interval, timeout = tonumber(ARGV[1]), tonumber(ARGV[2])
if at - now > timeout then return {0, at, at - now} end
local ttl = math.ceil((at + interval - now) / 1000) + 1000
redis.call('SET', KEYS[1], string.format('%.0f', at + interval), 'PX', ttl)
return {1, at, at - now}
"""

POSTPONE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local at = math.max(tonumber(redis.call('GET', KEYS[1])) or 0, now + tonumber(ARGV[1]))
redis.call('SET', KEYS[1], string.format('%.0f', at), 'PX', math.ceil((at - now) / 1000) + 1000)
"""


class RedisCounter:
    """The next moment, in microseconds since 1970, under one key that expires once it has passed."""

    def __init__(self, client: redis.Redis, name: str) -> None:
        self._key = f"marquee:rate:{name}"
        self._reserve = client.register_script(RESERVE)
        self._postpone = client.register_script(POSTPONE)

    @classmethod
    def from_url(cls, url: str, name: str) -> Self:
        """Connect as the broker's URL says, with short time-outs; Celery spells one option in its own way."""
        url = re.sub(r"(?<=ssl_cert_reqs=)CERT_(\w+)", lambda match: match[1].lower(), url)
        return cls(redis.Redis.from_url(url, socket_timeout=2.0, socket_connect_timeout=2.0), name)

    def reserve(self, interval_us: int, timeout_us: int) -> Grant | float:
        """See `Counter`."""
        granted, at, wait = _call(self._reserve, self._key, interval_us, timeout_us)
        return Grant(at / 1e6, wait / 1e6) if granted else wait / 1e6

    def postpone(self, delay_us: int) -> None:
        """See `Counter`."""
        _call(self._postpone, self._key, delay_us)


def _call(script: Any, key: str, *numbers: int) -> tuple[int, int, int]:
    try:
        return cast("tuple[int, int, int]", script(keys=[key], args=list(numbers)))
    except redis.RedisError as error:
        kind = type(error).__name__
    raise FetchUnavailableError(
        f"The rate limiter's Redis cannot be reached: {kind}.", mend="Check MARQUEE_BROKER_URL."
    )
