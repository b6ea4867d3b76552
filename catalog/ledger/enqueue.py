"""Asking for movies to be tagged again: by id, all, the failed ones, or those of an older model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from catalog.engine import transaction
from catalog.ledger.words import EVENT_CHANNEL, Priority
from catalog.registry import model_id

CHUNK = 2000
CHAMPION = "champion"

# A row under way is left alone (it is on its way), but hurries if somebody waits for it now. A row whose
# content is at hand for its revision is ready at once. Where a new fetch is asked for while
# an older one is under way, the row starts anew at its next revision, so that the older cannot pass for it.
# Those that are asked for together stand in line as they were named.
ENQUEUE = text(f"""
WITH free AS (
    SELECT movie_id, array_position(CAST(:ids AS bigint[]), movie_id) AS place,
           state IN ('tagged', 'quarantined') AS at_rest,
           :refetch AND state IN ('fetching', 'ready', 'tagging') AS anew
    FROM marquee.tagging WHERE movie_id = ANY(:ids) FOR NO KEY UPDATE SKIP LOCKED
), moved AS (
    UPDATE marquee.tagging t SET
        state = CASE WHEN NOT free.at_rest AND NOT free.anew THEN t.state
                     WHEN t.state = 'tagged' AND NOT :refetch AND c.revision = t.revision THEN 'ready'
                     ELSE 'pending' END,
        priority = CASE WHEN free.at_rest THEN :priority ELSE least(t.priority, :priority) END,
        due_at = CASE WHEN t.lease_until IS NULL OR free.anew
                      THEN now() - make_interval(secs => 1e-6 * (cardinality(:ids) - free.place))
                      ELSE t.due_at END,
        refetch = t.refetch OR :refetch,
        revision = t.revision + free.anew::integer,
        taken_revision = t.taken_revision + free.anew::integer,
        owner = CASE WHEN NOT free.anew THEN t.owner END,
        lease_until = CASE WHEN NOT free.anew THEN t.lease_until END,
        deaths = CASE WHEN NOT free.at_rest THEN t.deaths ELSE 0 END,
        failures = CASE WHEN NOT free.at_rest THEN t.failures ELSE 0 END,
        error = CASE WHEN NOT free.at_rest THEN t.error END
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

KNOWN = text("SELECT movie_id FROM marquee.tagging WHERE movie_id = ANY(:ids) ORDER BY movie_id")
WAIT = text("SELECT movie_id FROM marquee.tagging WHERE movie_id = :id FOR NO KEY UPDATE")

CHOOSE = text("""
SELECT t.movie_id FROM marquee.tagging t
WHERE t.movie_id > :after
  AND (:all OR (:failed AND t.state = 'quarantined')
       OR (t.state = 'tagged' AND t.tagged_model_id < :older_than)
       OR (t.state = 'tagged' AND :not_champion AND t.tagged_model_id <>
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
    """Which movies: `everything`, those in quarantine (`failed`), those tagged by a model `older_than` another.

    `older_than` is a model's version, or `CHAMPION` for whatever was tagged by any other model.
    """

    everything: bool = False
    failed: bool = False
    older_than: str | None = None


def choose(engine: Engine, choice: Choice, chunk: int = CHUNK) -> Iterator[list[int]]:
    """The ids of the chosen movies, chunk by chunk; `everything` adopts movies that the ledger lacks.

    Raises:
        UnknownModelError: no model has the version that `older_than` names.
    """
    older_than = None
    with transaction(engine) as connection:
        if choice.everything:
            connection.execute(MISSING)
        if choice.older_than is not None and choice.older_than != CHAMPION:
            older_than = model_id(connection, choice.older_than)
    asked = {
        "chunk": chunk,
        "all": choice.everything,
        "failed": choice.failed,
        "older_than": older_than,
        "not_champion": choice.older_than == CHAMPION,
    }
    after = -(2**63)
    while True:
        with transaction(engine) as connection:
            ids = [r.movie_id for r in connection.execute(CHOOSE, asked | {"after": after})]
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
        with transaction(engine) as connection:
            known = connection.execute(KNOWN, {"ids": list(set(chunk) - done)}).scalars().all()
        for movie_id in known:
            with transaction(engine) as connection:
                connection.execute(WAIT, {"id": movie_id})
                done |= _enqueue(connection, [movie_id], priority, refetch)
    return done


def enqueue_free(connection: Connection, ids: list[int], priority: Priority) -> set[int]:
    """Ask for those of the movies to be tagged again whose rows nobody holds; waits for none. Returns their ids."""
    return _enqueue(connection, ids, priority, refetch=False)


def _enqueue(connection: Connection, ids: list[int], priority: Priority, refetch: bool) -> set[int]:
    asked = {"ids": ids, "priority": int(priority), "refetch": refetch}
    return {r.movie_id for r in connection.execute(ENQUEUE, asked)}
