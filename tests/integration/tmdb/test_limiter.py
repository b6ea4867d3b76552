"""The fleet's rate limit against real servers: no window holds more grants than the rate.

Grants carry the moment for which they were given, by the server's clock; the tests reckon with those moments
and wait for none.
"""

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import pytest
import redis
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from worker.errors import FetchUnavailableError, RateLimitedError
from worker.tmdb import FleetRateLimiter, open_limiter
from worker.tmdb.postgres_counter import PostgresCounter
from worker.tmdb.redis_counter import RedisCounter

RATE = 35.0
FOREVER = 600.0


@contextmanager
def limiter_on(broker_url: str, database_url: str) -> Iterator[FleetRateLimiter]:
    engine = create_engine(database_url, pool_size=16)
    yield open_limiter(RATE, broker_url, engine)
    engine.dispose()


def moments(broker_url: str, database_url: str, threads: int, each: int) -> list[float]:
    """The moments that `threads` threads are granted, `each` of them so many."""
    granted: list[float] = []
    together = threading.Barrier(threads)
    with limiter_on(broker_url, database_url) as limiter:

        def reserve() -> None:
            together.wait()
            granted.extend(limiter.reserve(FOREVER).at for _ in range(each))

        workers = [threading.Thread(target=reserve) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    return granted


def busiest_second(granted: list[float]) -> int:
    """The most grants in any window of one second."""
    granted = sorted(granted)
    return max(sum(start <= other < start + 1 for other in granted) for start in granted)


@pytest.fixture(params=["redis", "postgres"])
def fleet(request: pytest.FixtureRequest, broker_url: str, database_url: str) -> tuple[str, str]:
    """The URLs with which a fleet is limited by one server or by the other."""
    return (broker_url if request.param == "redis" else "amqp://elsewhere/", database_url)


@pytest.fixture
def limiter(fleet: tuple[str, str]) -> Iterator[FleetRateLimiter]:
    with limiter_on(*fleet) as limiter:
        yield limiter


def test_the_brokers_scheme_chooses_the_server(broker_url: str, engine: Engine) -> None:
    assert isinstance(open_limiter(RATE, broker_url, engine)._counter, RedisCounter)
    assert isinstance(open_limiter(RATE, "amqps://host/", engine)._counter, PostgresCounter)


def test_threads_together_keep_the_rate(fleet: tuple[str, str]) -> None:
    granted = moments(*fleet, threads=12, each=25)
    assert len(set(granted)) == 300
    assert busiest_second(granted) <= RATE
    assert max(granted) - min(granted) == pytest.approx(299 / RATE, rel=0.1)


def test_processes_together_keep_the_rate(fleet: tuple[str, str]) -> None:
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as pool:
        runs = [pool.submit(moments, *fleet, threads=4, each=20) for _ in range(3)]
        granted = [moment for run in runs for moment in run.result()]
    assert len(granted) == 240
    assert busiest_second(granted) <= RATE


def test_an_idle_fleet_does_not_wait(limiter: FleetRateLimiter) -> None:
    assert limiter.reserve(0.0).wait == 0


def test_too_long_a_wait_reserves_nothing(limiter: FleetRateLimiter) -> None:
    first = limiter.reserve(0.0).at
    for _ in range(20):
        with pytest.raises(RateLimitedError) as caught:
            limiter.reserve(0.0)
        assert 0 < caught.value.retry_after <= 1 / RATE + 0.001
    assert limiter.reserve(1.0).at - first == pytest.approx(1 / RATE, abs=0.05)


def test_a_pause_holds_everybody_back(limiter: FleetRateLimiter, fleet: tuple[str, str]) -> None:
    limiter.pause(60.0)
    limiter.pause(5.0)
    with limiter_on(*fleet) as another, pytest.raises(RateLimitedError) as caught:
        another.acquire(timeout=1.0)
    assert 50 < caught.value.retry_after <= 60


def test_acquiring_waits_for_the_moment(fleet: tuple[str, str]) -> None:
    waits: list[float] = []
    with limiter_on(*fleet) as limiter:
        sleepy = FleetRateLimiter(limiter._counter, RATE, sleep=waits.append)
        for _ in range(10):
            sleepy.acquire(timeout=FOREVER)
    assert sum(waits) > 0
    assert max(waits) <= 9 / RATE + 0.001


def test_a_flushed_redis_starts_anew(broker_url: str, engine: Engine) -> None:
    limiter = open_limiter(RATE, broker_url, engine)
    limiter.pause(300.0)
    with redis.Redis.from_url(broker_url) as client:
        client.flushdb()
        client.script_flush()
    assert limiter.reserve(0.0).wait == 0


def test_a_clock_that_was_set_back_does_not_stop_a_fleet(engine: Engine) -> None:
    limiter = open_limiter(RATE, "amqp://elsewhere/", engine)
    limiter.reserve(0.0)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE marquee.rate_limit SET theoretical_arrival = now() + interval '1 day'")
        )
    assert limiter.reserve(0.0).wait == 0


@pytest.mark.parametrize("act", [lambda r: r.acquire(1.0), lambda r: r.pause(1.0)])
@pytest.mark.parametrize("broker_url", ["redis://127.0.0.1:1/0", "amqp://elsewhere/"])
def test_a_server_that_is_away_is_a_reason_to_try_again(
    broker_url: str, act: Callable[[FleetRateLimiter], None]
) -> None:
    nobody = create_engine("postgresql+psycopg2://user:secret@127.0.0.1:1/none", poolclass=NullPool)
    with pytest.raises(FetchUnavailableError, match=r"MARQUEE_(BROKER|DATABASE)_URL") as caught:
        act(open_limiter(RATE, broker_url, nobody))
    assert "secret" not in str(caught.value)
