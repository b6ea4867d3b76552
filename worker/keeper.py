"""Keeping leases alive while the work on their movies gets on, however slow a service is."""

import threading
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Self


class Keeper:
    """Renews leases from a thread of its own, as long as the work in its context makes steps.

    Args:
        renew: renews them; it must not raise.
        every: seconds between two renewals.
        longest: seconds that a step may take; after them the leases run out, so that work that hangs is noticed.
    """

    def __init__(self, renew: Callable[[], None], *, every: float, longest: float) -> None:
        self._renew = renew
        self._every = every
        self._longest = longest
        self._stepped = monotonic()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def step(self) -> None:
        """The work has got on."""
        self._stepped = monotonic()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _keep(self) -> None:
        while not self._done.wait(self._every):
            if monotonic() - self._stepped < self._longest:
                self._renew()
