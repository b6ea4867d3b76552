"""The words of the ledger: its states, priorities and limits, and the channels of its hints."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

EVENT_CHANNEL, TAGGED_CHANNEL = "marquee_event", "marquee_tagged"


class State(StrEnum):
    """Where a movie stands on its way to its tags."""

    PENDING = "pending"
    QUEUED = "queued"
    FETCHING = "fetching"
    READY = "ready"
    TAGGING = "tagging"
    TAGGED = "tagged"
    QUARANTINED = "quarantined"


class Priority(IntEnum):
    """Who waits for a movie; the lowest number goes first."""

    INTERACTIVE = 0
    BULK = 1
    RETAG = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """When a movie is tried again, and when it is given up.

    For `grace_seconds` after Postgres started, a worker without its lock is not yet held to be dead.
    """

    max_deaths: int = 3
    max_failures: int = 5
    retry_seconds: float = 2.0
    lease_seconds: float = 60.0
    queue_lease_seconds: float = 5.0
    grace_seconds: float = 5.0
