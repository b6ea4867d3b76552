"""When a service's failures are no longer the movies' own."""

from worker.breaker import Breaker


def test_opens_after_several_failures_in_a_row() -> None:
    breaker = Breaker(3)
    assert [breaker.failure() for _ in range(5)] == [False, False, False, True, True]


def test_a_success_begins_anew() -> None:
    breaker = Breaker(1)
    assert [breaker.failure(), breaker.failure()] == [False, True]
    breaker.success()
    assert breaker.failure() is False
