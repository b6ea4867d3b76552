"""Many together, or one alone."""

import threading
from concurrent.futures import ThreadPoolExecutor

from worker.turnstile import Turnstile

WAIT = 10.0


def test_many_may_be_inside_together() -> None:
    turnstile, all_in = Turnstile(), threading.Barrier(4)

    def visit(_: int) -> None:
        with turnstile.enter():
            all_in.wait(WAIT)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(visit, range(4)))


def test_one_alone_waits_for_the_others_and_keeps_them_out() -> None:
    turnstile = Turnstile()
    inside = [0]
    lock = threading.Lock()
    seen_alone: list[int] = []

    def visit(number: int) -> None:
        alone = number % 5 == 0
        with turnstile.enter(alone=alone):
            with lock:
                inside[0] += 1
            if alone:
                seen_alone.append(inside[0])
            with lock:
                inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(visit, range(200)))
    assert seen_alone == [1] * 40


def test_an_error_inside_lets_the_next_in() -> None:
    turnstile = Turnstile()
    for alone in (True, False, True):
        try:
            with turnstile.enter(alone=alone):
                raise ValueError
        except ValueError:
            pass
    with turnstile.enter(alone=True):
        pass
