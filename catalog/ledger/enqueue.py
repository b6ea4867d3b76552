"""Asking for movies to be tagged again: by id, all, the failed ones, or those of an older model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from catalog.engine import transaction
from catalog.ledger.words import EVENT_CHANNEL, Priority

CHUNK = 2000

# Rows under way are left alone (they are on their way), but hurry if somebody waits for them now. Rows whose
# content is at hand for their revision need no fetch and are ready at once, unless a new fetch is asked for.
ENQUEUE = text(f"""
WITH free AS (
    SELECT movie_id FROM marquee.tagging WHERE movie_id = ANY(:ids) FOR UPDATE SKIP LOCKED
), moved AS (
    UPDATE marquee.tagging t SET
        state = CASE WHEN t.state NOT IN ('tagged', 'quarantined') THEN t.state
                     WHEN NOT :refetch AND t.state = 'tagged' AND c.revision = t.revision THEN 'ready'
                     ELSE 'pending' END,
        priority = CASE WHEN t.state IN ('tagged', 'quarantined') THEN :priority
                        ELSE least(t.priority, :priority) END,
        due_at = CASE WHEN t.lease_until IS NULL THEN now() ELSE t.due_at END,
        refetch = t.refetch OR :refetch, deaths = 0, failures = 0, error = NULL
    FROM free LEFT JOIN marquee.content c USING (movie_id)
    WHERE t.movie_id = free.movie_id
    RETURNING t.movie_id, t.revision
), noted AS (
    INSERT INTO marquee.timeline (movie_id, revision, event, detail)
    SELECT movie_id, revision, 'enqueued', jsonb_build_object('priority', :priority, 'refetch', :refetch)
    FROM moved
)
SELECT movie_id, pg_notify('{EVENT_CHANNEL}', '') FROM moved
""")  # noqa: S608

ONE = text("SELECT movie_id FROM marquee.tagging WHERE movie_id = :id FOR UPDATE")

CHOOSE = text("""
SELECT t.movie_id FROM marquee.tagging t
WHERE t.movie_id > :after
  AND (:all OR (:failed AND t.state = 'quarantined')
       OR (:older AND t.state = 'tagged' AND t.tagged_model_id IS DISTINCT FROM
           (SELECT model_id FROM marquee.promotion ORDER BY id DESC LIMIT 1)))
ORDER BY t.movie_id LIMIT :chunk
""")

MISSING = text("""
INSERT INTO marquee.tagging (movie_id, priority)
SELECT m.id, 1 FROM marquee.movie m LEFT JOIN marquee.tagging t ON t.movie_id = m.id
WHERE t.movie_id IS NULL ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which movies: `everything`, those in quarantine (`failed`), those tagged by an `older` model."""

    everything: bool = False
    failed: bool = False
    older: bool = False


def choose(engine: Engine, choice: Choice, chunk: int = CHUNK) -> Iterator[list[int]]:
    """The ids of the chosen movies, chunk by chunk. Choosing everything also adopts rows without a ledger row."""
    if choice.everything:
        with transaction(engine) as connection:
            connection.execute(MISSING)
    after = 0
    while True:
        with transaction(engine) as connection:
            asked = {"after": after, "chunk": chunk, "all": choice.everything}
            rows = connection.execute(CHOOSE, asked | {"failed": choice.failed, "older": choice.older})
            ids = [r.movie_id for r in rows]
        if not ids:
            return
        after = ids[-1]
        yield ids


def enqueue(engine: Engine, ids: Sequence[int], priority: Priority, *, refetch: bool = False) -> set[int]:
    """Ask for the movies to be tagged again; returns the ids that the ledger knows.

    Rows that a catalog writer holds at the moment are taken one by one afterwards, each in a transaction that
    holds no other row, so that no deadlock with that writer is possible.
    """
    done: set[int] = set()
    for start in range(0, len(ids), CHUNK):
        chunk = list(ids[start : start + CHUNK])
        with transaction(engine) as connection:
            done |= _enqueue(connection, chunk, priority, refetch)
        for movie_id in sorted(set(chunk) - done):
            with transaction(engine) as connection:
                connection.execute(ONE, {"id": movie_id})
                done |= _enqueue(connection, [movie_id], priority, refetch)
    return done


def _enqueue(connection: Connection, ids: list[int], priority: Priority, refetch: bool) -> set[int]:
    asked = {"ids": ids, "priority": int(priority), "refetch": refetch}
    return {r.movie_id for r in connection.execute(ENQUEUE, asked)}
