"""A turnstile: many may be inside together, or one alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turnstile:
    """Lets threads in together, unless one asks to be alone.

    A movie that was in a dying worker's hands is fetched alone, so that it can take no other with it.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._alone = False

    @contextmanager
    def enter(self, *, alone: bool = False) -> Iterator[None]:
        """Be inside: with others, or alone once they have left."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            if alone:
                self._alone = True
                self._changed.wait_for(lambda: self._inside == 0)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                if alone:
                    self._alone = False
                self._changed.notify_all()
