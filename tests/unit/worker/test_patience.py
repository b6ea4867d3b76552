"""How long a result waits for Postgres."""

import pytest

import worker.patience
from catalog.errors import DatabaseUnavailableError
from catalog.ledger.fence import Held
from worker.patience import patiently, until_unlocked


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that only `sleep` moves."""
    now = [0.0]

    class Clock:
        monotonic = staticmethod(lambda: now[0])

        @staticmethod
        def sleep(seconds: float) -> None:
            now[0] += seconds

    monkeypatch.setattr(worker.patience, "time", Clock)
    return now


def away() -> None:
    raise DatabaseUnavailableError("Postgres cannot be reached.")


def test_tries_again_until_it_is_back() -> None:
    failures = [away, away]
    assert patiently(lambda: failures.pop()() if failures else "done", seconds=10) == "done"


def test_gives_up_in_the_end(clock: list[float]) -> None:
    with pytest.raises(DatabaseUnavailableError):
        patiently(away, seconds=10)
    assert 10 < clock[0] < 11


def test_a_worker_that_is_to_stop_gives_up_sooner(clock: list[float]) -> None:
    with pytest.raises(DatabaseUnavailableError):
        patiently(away, seconds=30, stopping=lambda: clock[0] > 1)
    assert clock[0] < 4


def test_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError):
        patiently(lambda: 1 // 0, seconds=10)


def test_what_somebody_holds_is_tried_again(clock: list[float]) -> None:
    asked: list[frozenset[int]] = []

    def finish(movies: frozenset[int]) -> Held:
        asked.append(movies)
        locked = movies & {2} if len(asked) < 3 else frozenset[int]()
        return Held(movies - locked - {3}, locked, movies & {3})

    fence = until_unlocked(finish, frozenset({1, 2, 3}))
    assert fence == Held(frozenset({1, 2}), frozenset(), frozenset({3}))
    assert asked == [{1, 2, 3}, {2}, {2}]


def test_what_is_held_for_long_is_left_to_its_lease(clock: list[float]) -> None:
    fence = until_unlocked(lambda movies: Held(frozenset(), movies, frozenset()), frozenset({1}))
    assert fence.locked == {1}
    assert clock[0] < 1


def test_nothing_to_finish_asks_nobody() -> None:
    assert until_unlocked(lambda _: pytest.fail("asked"), frozenset()).held == frozenset()
