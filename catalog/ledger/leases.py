"""Renewing a lease: a worker that lives keeps what it took, however long a service makes it wait."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from catalog.ledger.words import State

RENEW = text("""
UPDATE marquee.tagging SET lease_until = clock_timestamp() + make_interval(secs => :lease)
WHERE movie_id IN (SELECT movie_id FROM marquee.tagging
                   WHERE movie_id = ANY(:ids) AND owner = :owner AND state = :state FOR NO KEY UPDATE SKIP LOCKED)
""")


def renew(connection: Connection, owner: int, state: State, ids: Sequence[int], lease_seconds: float) -> None:
    """Let the leases of those of the movies that the worker still owns end so many seconds from now."""
    asked = {"ids": list(ids), "owner": owner, "state": state, "lease": lease_seconds}
    connection.execute(RENEW, asked)
