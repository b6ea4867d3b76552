"""One step of a bulk decision: some movies in one transaction, exactly once whatever dies meanwhile.

The movies that are still to do stand in `bulk_movie`; a step takes them out, decides on them and counts them, all
or nothing. Of two who run the same one, one waits for the step of the other and does the next.

A deleted movie is passed over. One that somebody is deleting is left for later: whoever waited for it with other
movies in hand could deadlock with the catalog's writer.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, Row, text
from sqlalchemy.exc import DBAPIError

from catalog.decisions import Verdicted, decide
from catalog.engine import transaction
from catalog.movie_locks import lock_decisions
from catalog.people.editors import EditorRecord
from catalog.review.bulk_runs import Progress, read_progress
from catalog.review.restoring import restore
from catalog.stored import storable

TAKE = text("""
SELECT b.id, b.action_id, b.genre_id, b.verdict, a.undoes, e.id AS editor_id, e.name, e.role
FROM marquee.bulk b JOIN marquee.action a ON a.id = b.action_id JOIN marquee.editor e ON e.id = a.editor_id
WHERE b.id = :id AND b.finished_at IS NULL FOR NO KEY UPDATE OF b
""")
NEXT = text("SELECT movie_id FROM marquee.bulk_movie WHERE bulk_id = :id ORDER BY movie_id LIMIT :chunk")
# Nobody can delete the movies that this returns until the transaction ends.
HOLD = text("""
SELECT movie_id FROM marquee.tagging WHERE movie_id = ANY(CAST(:movies AS bigint[])) FOR KEY SHARE SKIP LOCKED
""")
THERE = text("SELECT movie_id FROM marquee.tagging WHERE movie_id = ANY(CAST(:movies AS bigint[]))")
CHANGES = text("""
SELECT m.movie_id FROM unnest(CAST(:movies AS bigint[])) AS m(movie_id)
LEFT JOIN marquee.label l ON l.movie_id = m.movie_id AND l.genre_id = :genre_id
LEFT JOIN marquee.decision d ON d.id = l.decision_id
WHERE l.decision_id IS NULL OR l.holds <> :holds AND d.source <> 'editor'
ORDER BY m.movie_id
""")
DONE = text(
    "DELETE FROM marquee.bulk_movie WHERE bulk_id = :id AND movie_id = ANY(CAST(:movies AS bigint[]))"
)
COUNT = text("""
UPDATE marquee.bulk SET done = done + :done, changed = changed + :changed,
    finished_at = CASE WHEN NOT EXISTS (SELECT FROM marquee.bulk_movie WHERE bulk_id = :id)
                       THEN clock_timestamp() END
WHERE id = :id
""")
FAIL = text("""
UPDATE marquee.bulk SET finished_at = clock_timestamp(), error = :error WHERE id = :id AND finished_at IS NULL
""")
WAIT = text("SELECT FROM marquee.tagging WHERE movie_id = :movie_id FOR KEY SHARE")
PATIENCE = text("SET LOCAL lock_timeout = '1s'")
MAX_ERROR = 500
TRANSIENT = ("40001", "40P01", "55P03")  # serialization, deadlock, lock not available


def step(engine: Engine, bulk_id: int, chunk: int = 500) -> Progress:
    """Decide on up to `chunk` more movies of the run; nothing where it has ended.

    A run in which Postgres refuses a step ends, and says why; what it did before stands, and can be undone.

    Raises:
        BulkNotFoundError: there is no such run.
        DatabaseUnavailableError: Postgres cannot be reached; the run goes on with the next call.
    """
    held_up = None
    try:
        with transaction(engine) as connection:
            run = connection.execute(TAKE, {"id": bulk_id}).one_or_none()
            if run is not None:
                held_up = _step(connection, run, chunk)
    except DBAPIError as error:
        if getattr(error.orig, "pgcode", None) not in TRANSIENT:
            cause = storable(" ".join(str(error.orig).split()))[:MAX_ERROR]
            with transaction(engine) as connection:
                connection.execute(FAIL, {"id": bulk_id, "error": cause})
    if held_up is not None:
        _wait(engine, held_up)
    with transaction(engine) as connection:
        return read_progress(connection, bulk_id)


def _step(connection: Connection, run: Row[tuple[object, ...]], chunk: int) -> int | None:
    """One chunk; the first movie that somebody is deleting, if there is nothing else left to take."""
    movies = list(connection.execute(NEXT, {"id": run.id, "chunk": chunk}).scalars())
    lock_decisions(connection, movies)
    held = set(connection.execute(HOLD, {"movies": movies}).scalars())
    there = set(connection.execute(THERE, {"movies": movies}).scalars()) if len(held) < len(movies) else held
    done = [m for m in movies if m in held or m not in there]
    if movies and not done:
        return int(movies[0])
    changed = _decide(connection, run, sorted(held))
    connection.execute(DONE, {"id": run.id, "movies": done})
    connection.execute(COUNT, {"id": run.id, "done": len(done), "changed": changed})
    return None


def _decide(connection: Connection, run: Row[tuple[object, ...]], movies: Sequence[int]) -> int:
    editor = EditorRecord(run.editor_id, run.name, run.role)
    if run.undoes is not None:
        return restore(connection, editor, run.action_id, run.undoes, movies)[0]
    asked = {"movies": movies, "genre_id": run.genre_id, "holds": run.verdict == "accepted"}
    said = [Verdicted(m, run.genre_id, run.verdict) for m in connection.execute(CHANGES, asked).scalars()]
    return decide(
        connection, said, author=editor.name, source="editor", action_id=run.action_id, looked=False
    )


def _wait(engine: Engine, movie_id: int) -> None:
    """Wait for whoever deletes the movie, for a second, with nothing else in hand."""
    try:
        with transaction(engine) as connection:
            connection.execute(PATIENCE)
            connection.execute(WAIT, {"movie_id": movie_id})
    except DBAPIError as error:
        if getattr(error.orig, "pgcode", None) not in TRANSIENT:
            raise
