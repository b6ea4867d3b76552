"""The fence: which of the rows that a worker claimed may it still finish?

A row is *held* if the worker owns it at the revision that it took and its lock is had at once; *locked* if
somebody else (a catalog writer in an open transaction) has the lock; *stale* if the movie changed, was deleted
or was given to another worker. What is locked is tried again for a moment and then left to its lease; what is
stale is dropped.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text

from catalog.ledger.words import State

HOLD = text("""
SELECT movie_id, revision FROM marquee.tagging
WHERE movie_id = ANY(:ids) AND owner = :owner AND state = :state FOR NO KEY UPDATE SKIP LOCKED
""")

OWNED = text("""
SELECT movie_id, revision FROM marquee.tagging
WHERE movie_id = ANY(:ids) AND owner = :owner AND state = :state
""")


@dataclass(frozen=True, slots=True)
class Held:
    """What the fence found: `held` may be written now, `locked` tried again or left to its lease, `stale` dropped."""

    held: frozenset[int]
    locked: frozenset[int]
    stale: frozenset[int]


def hold(connection: Connection, owner: int, state: State, revisions: Mapping[int, int]) -> Held:
    """Lock the rows of `revisions` (movie id → revision) that `owner` may still finish, waiting for none."""
    asked = {"ids": list(revisions), "owner": owner, "state": state}

    def at_revision(query: object) -> frozenset[int]:
        rows = connection.execute(query, asked)  # type: ignore[call-overload]
        return frozenset(r.movie_id for r in rows if revisions[r.movie_id] == r.revision)

    held = at_revision(HOLD)
    locked = frozenset() if len(held) == len(revisions) else at_revision(OWNED) - held
    return Held(held, locked, frozenset(revisions) - held - locked)
