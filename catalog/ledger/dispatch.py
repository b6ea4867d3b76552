"""The relay's claim: due movies go from `pending` to `queued`, the most urgent first."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from catalog.ledger.words import Priority

CLAIM = text("""
WITH due AS (
    SELECT found.* FROM unnest(ARRAY[0, 1, 2]::smallint[]) AS level(priority)
    CROSS JOIN LATERAL (
        SELECT movie_id, taken_revision FROM marquee.tagging
        WHERE state = 'pending' AND priority = level.priority AND due_at <= now()
        ORDER BY due_at LIMIT :movies FOR NO KEY UPDATE SKIP LOCKED
    ) found
    WHERE level.priority <= :lowest
    LIMIT :movies
), claimed AS (
    UPDATE marquee.tagging t SET
        state = 'queued', taken_revision = t.revision, owner = NULL, claimed_at = clock_timestamp(),
        lease_until = clock_timestamp() + make_interval(secs => :lease)
    FROM due WHERE t.movie_id = due.movie_id
    RETURNING t.movie_id, t.revision, t.priority, t.deaths, t.changed_at, due.taken_revision AS taken_before
), noted AS (
    INSERT INTO marquee.timeline (movie_id, at, revision, event, detail)
    SELECT movie_id, changed_at, revision, 'changed',
           jsonb_build_object('changes', revision - taken_before, 'priority', priority)
    FROM claimed WHERE revision > taken_before
)
SELECT movie_id, priority, deaths FROM claimed ORDER BY priority, movie_id
""")

QUEUED = text("SELECT count(*) FROM marquee.tagging WHERE lease_until IS NOT NULL AND state = 'queued'")

RETURN = text("""
UPDATE marquee.tagging SET state = 'pending', lease_until = NULL
WHERE movie_id IN (SELECT movie_id FROM marquee.tagging
                   WHERE movie_id = ANY(:ids) AND state = 'queued' FOR NO KEY UPDATE SKIP LOCKED)
""")


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A movie that the relay has claimed. A suspect was in a dying worker's hands and travels alone."""

    movie_id: int
    priority: int
    suspect: bool


def claim_pending(
    connection: Connection, movies: int, lease_seconds: float, *, lowest: Priority = Priority.RETAG
) -> list[Dispatch]:
    """Claim up to `movies` due rows; each level of priority is exhausted before the next, down to `lowest`.

    The timeline gets one `changed` event a movie, however many changes collapsed into it.
    """
    asked = {"movies": movies, "lease": lease_seconds, "lowest": int(lowest)}
    rows = connection.execute(CLAIM, asked)
    return [Dispatch(r.movie_id, r.priority, r.deaths > 0) for r in rows]


def queued(connection: Connection) -> int:
    """How many movies wait in the broker, by the ledger's account."""
    return int(connection.execute(QUEUED).scalar_one())


def return_queued(connection: Connection, ids: list[int]) -> None:
    """Give back movies whose message could not be sent."""
    connection.execute(RETURN, {"ids": ids})
