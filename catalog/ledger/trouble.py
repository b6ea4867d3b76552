"""What happens to a movie that could not be fetched or tagged: back-off, quarantine, hand-back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from catalog.ledger.fence import Held, hold
from catalog.ledger.notes import Note, append
from catalog.ledger.words import Limits, State
from catalog.stored import storable

FAIL = text("""
UPDATE marquee.tagging t SET
    failures = t.failures + 1, owner = NULL, lease_until = NULL, error = f.reason,
    state = CASE WHEN f.final OR t.failures + 1 >= :max_failures THEN 'quarantined'
                 WHEN f.refetch THEN 'pending' ELSE :back END,
    refetch = t.refetch OR f.refetch,
    due_at = clock_timestamp()
        + make_interval(secs => :retry * power(2, t.failures) * (0.5 + random() / 2))
FROM unnest(CAST(:ids AS bigint[]), CAST(:reasons AS text[]), CAST(:finals AS boolean[]),
            CAST(:refetches AS boolean[])) AS f(movie_id, reason, final, refetch)
WHERE t.movie_id = f.movie_id
RETURNING t.movie_id, t.revision, t.failures, t.state, t.error
""")

HAND_BACK = text("""
UPDATE marquee.tagging SET state = :back, owner = NULL, lease_until = NULL,
    due_at = COALESCE(:due_at, clock_timestamp() + make_interval(secs => :delay))
WHERE movie_id = ANY(:ids)
""")

MAX_REASON = 2000
BACK = {State.FETCHING: State.PENDING, State.TAGGING: State.READY}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a movie could not be done. `final` quarantines it at once; `refetch` starts from the fetch."""

    movie_id: int
    revision: int
    reason: str
    final: bool = False
    refetch: bool = False


def fail(
    connection: Connection, owner: int, state: State, failures: Iterable[Failure], limits: Limits
) -> Held:
    """Count a failure on each movie that the worker still owns: tried again later, or quarantined.

    Those that the fence finds `locked` are left to their lease.
    """
    by_id = {f.movie_id: f for f in failures}
    fence = hold(connection, owner, state, {f.movie_id: f.revision for f in by_id.values()})
    kept = [by_id[i] for i in sorted(fence.held)]
    rows = connection.execute(
        FAIL,
        {
            "ids": [f.movie_id for f in kept],
            "reasons": [storable(f.reason[:MAX_REASON]) for f in kept],
            "finals": [f.final for f in kept],
            "refetches": [f.refetch for f in kept],
            "back": BACK[state],
            "max_failures": limits.max_failures,
            "retry": limits.retry_seconds,
        },
    )
    append(
        connection,
        [
            Note(
                r.movie_id,
                r.revision,
                "quarantined" if r.state == State.QUARANTINED else "failed",
                {"during": state, "failures": r.failures, "reason": r.error},
            )
            for r in rows
        ],
    )
    return fence


def hand_back(
    connection: Connection,
    owner: int,
    state: State,
    revisions: Mapping[int, int],
    *,
    due_at: datetime | None = None,
    delay: float = 0.0,
) -> Held:
    """Return movies unharmed, to be due at `due_at` or in `delay` seconds.

    The worker is stopping, or something that they need is away.
    """
    fence = hold(connection, owner, state, revisions)
    asked = {"ids": list(fence.held), "back": BACK[state], "due_at": due_at, "delay": delay}
    connection.execute(HAND_BACK, asked)
    return fence
