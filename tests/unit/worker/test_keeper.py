"""The keeper: leases are renewed while the work gets on, and no longer."""

import threading

from worker.keeper import Keeper

WAIT = 10.0


def test_it_renews_while_the_work_lasts() -> None:
    renewed = threading.Semaphore(0)
    with Keeper(renewed.release, every=0.01, longest=WAIT):
        assert all(renewed.acquire(timeout=WAIT) for _ in range(3))
    assert "keeper" not in {thread.name for thread in threading.enumerate()}


def test_work_that_makes_no_step_loses_its_lease() -> None:
    renewed = threading.Semaphore(0)
    with Keeper(renewed.release, every=0.01, longest=0.0) as keeper:
        keeper.step()
        assert not renewed.acquire(timeout=0.1)


def test_short_work_renews_nothing() -> None:
    renewed = threading.Semaphore(0)
    with Keeper(renewed.release, every=WAIT, longest=WAIT):
        pass
    assert not renewed.acquire(blocking=False)
