"""A breaker: tells a service that is away from movies that fail."""

import threading


class Breaker:
    """Opens when a service failed so many times in a row that the failures are hardly the movies' own."""

    def __init__(self, failures: int) -> None:
        self._allowed = failures
        self._failures = 0
        self._lock = threading.Lock()

    def success(self) -> None:
        """The service answered."""
        with self._lock:
            self._failures = 0

    def failure(self) -> bool:
        """The service failed; returns whether it is to be left alone for a while."""
        with self._lock:
            self._failures += 1
            return self._failures > self._allowed
