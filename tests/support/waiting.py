"""Waiting for a condition of the outside: a row, a file, a process."""

import threading
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

Seen = TypeVar("Seen")


def until(look: Callable[[], Seen], *, seconds: float = 20.0, what: str = "") -> Seen:
    """Look until what is seen is true; returns it. Fails after so many seconds."""
    deadline = monotonic() + seconds
    pause = threading.Event()
    while True:
        seen = look()
        if seen:
            return seen
        if monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what or look}; seen last: {seen!r}")
        pause.wait(0.02)
