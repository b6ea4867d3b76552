"""Why a movie has a genre, and the nearest movies with labels: asked for here, made by a tag worker, kept here.

An explanation belongs to one revision of the movie and to the model that tagged it: of others nothing is shown,
and it is made anew. A worker that dies leaves its lease to run out, and another worker takes the request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, text

from catalog.content import ContentRecord, read_content
from catalog.ledger.notes import notify
from catalog.stored import to_json

EXPLAIN_CHANNEL = "marquee_explain"
ATTEMPTS = 3
TOLD = 500

ASK = """
INSERT INTO marquee.explanation AS e (movie_id, genre_id, revision, model_id, priority)
SELECT t.movie_id, wanted.genre_id, t.tagged_revision, t.tagged_model_id, :priority
FROM ({wanted}) AS wanted(movie_id, genre_id)
JOIN marquee.tagging t ON t.movie_id = wanted.movie_id AND t.tagged_revision IS NOT NULL
LEFT JOIN marquee.genre g ON g.id = wanted.genre_id
WHERE (wanted.genre_id IS NULL OR g.id IS NOT NULL)
  AND NOT EXISTS (
    SELECT FROM marquee.explanation old
    WHERE old.movie_id = t.movie_id AND old.genre_id IS NOT DISTINCT FROM wanted.genre_id
      AND old.revision = t.tagged_revision AND old.model_id = t.tagged_model_id
      AND (old.done_at IS NOT NULL OR old.priority <= :priority))
ORDER BY t.movie_id, wanted.genre_id
ON CONFLICT (movie_id, genre_id) DO UPDATE SET
    revision = EXCLUDED.revision, model_id = EXCLUDED.model_id, priority = EXCLUDED.priority,
    asked_at = EXCLUDED.asked_at,
    attempts = CASE WHEN {same} THEN e.attempts ELSE 0 END,
    lease_until = CASE WHEN {same} THEN e.lease_until END,
    done_at = NULL, detail = NULL, error = NULL
WHERE NOT {same} OR (e.done_at IS NULL AND e.priority > EXCLUDED.priority)
"""
SAME = "(e.revision = EXCLUDED.revision AND e.model_id = EXCLUDED.model_id)"
ASK_MOVIE = text(
    ASK.format(wanted="SELECT CAST(:movie_id AS bigint), unnest(CAST(:genres AS smallint[]))", same=SAME)
)
ASK_QUEUE = text(
    ASK.format(
        wanted="""
    SELECT first.movie_id, unnest(array_append(first.asks, NULL)) FROM (
        SELECT movie_id, asks FROM marquee.review WHERE state = 'open'
        ORDER BY uncertainty DESC, movie_id LIMIT :movies) first""",
        same=SAME,
    )
)

READ = text("""
SELECT e.genre_id, e.done_at IS NOT NULL AS done, e.detail, e.error
FROM marquee.explanation e
JOIN marquee.tagging t ON t.movie_id = e.movie_id
WHERE e.movie_id = :movie_id AND e.revision = t.tagged_revision AND e.model_id = t.tagged_model_id
""")

GIVE_UP = text("""
UPDATE marquee.explanation SET done_at = clock_timestamp(), lease_until = NULL, error = :error
WHERE done_at IS NULL AND lease_until < clock_timestamp() AND attempts >= :attempts
""")

# A movie that is under way to be tagged anew is left until it is; one in quarantine will not be.
CLAIM = text("""
UPDATE marquee.explanation e SET
    lease_until = clock_timestamp() + make_interval(secs => :lease),
    attempts = CASE WHEN (e.revision, e.model_id) = (due.tagged_revision, due.tagged_model_id)
                    THEN e.attempts + 1 ELSE 1 END,
    revision = due.tagged_revision, model_id = due.tagged_model_id
FROM (
    SELECT w.id, t.tagged_revision, t.tagged_model_id
    FROM marquee.explanation w
    JOIN marquee.tagging t ON t.movie_id = w.movie_id
    JOIN marquee.content c ON c.movie_id = w.movie_id
    WHERE w.done_at IS NULL AND (w.lease_until IS NULL OR w.lease_until < clock_timestamp())
      AND w.priority <= :priority AND (c.revision = t.tagged_revision OR t.state = 'quarantined')
    ORDER BY w.priority, w.asked_at, w.id LIMIT 1 FOR UPDATE OF w SKIP LOCKED
) due
WHERE e.id = due.id
RETURNING e.id, e.movie_id, e.genre_id, e.revision, e.model_id, e.attempts, e.priority,
    (SELECT name FROM marquee.genre g WHERE g.id = e.genre_id) AS genre
""")

HELD = (
    "e.id = :id AND e.attempts = :attempt AND e.revision = :revision AND e.model_id = :model_id "
    "AND e.done_at IS NULL"
)

# What was tagged anew meanwhile is free to be claimed at once, for what it is now.
FINISH = text(f"""
UPDATE marquee.explanation e SET
    lease_until = NULL,
    done_at = CASE WHEN now_is.same THEN clock_timestamp() END,
    detail = CASE WHEN now_is.same THEN CAST(:detail AS jsonb) END,
    error = CASE WHEN now_is.same THEN CAST(:error AS text) END
FROM (SELECT movie_id, tagged_revision = :revision AND tagged_model_id = :model_id AS same
      FROM marquee.tagging WHERE movie_id = :movie_id) now_is
WHERE now_is.movie_id = e.movie_id AND {HELD}
RETURNING now_is.same
""")  # noqa: S608

RETURN = text(f"""
UPDATE marquee.explanation e SET attempts = e.attempts - :taken,
    lease_until = CASE WHEN :delay > 0 THEN clock_timestamp() + make_interval(secs => :delay) END
WHERE {HELD}
""")  # noqa: S608


@dataclass(frozen=True, slots=True)
class ExplanationRecord:
    """What there is of an explanation.

    `detail` of a genre: its words with spans in the plot, regions and shares; without a genre: the nearest movies.
    """

    state: Literal["asked", "done", "failed"]
    detail: Any = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ExplainJob:
    """A claimed request. Without a genre it asks for the nearest movies.

    `content` is None where the movie has changed since `model_id` tagged it.
    """

    id: int
    movie_id: int
    genre: str | None
    revision: int
    model_id: int
    attempt: int
    ahead: bool
    content: ContentRecord | None


def ask(
    connection: Connection,
    movie_id: int,
    genre_ids: Sequence[int],
    *,
    neighbours: bool = True,
    ahead: bool = False,
) -> None:
    """Ask for the explanations of these genres and, with `neighbours`, for the nearest movies.

    What is asked for or there already is left as it is, unless the movie was tagged anew since. With `ahead`
    nobody waits for them. A movie that was never tagged, and a genre that does not exist, are passed over.
    """
    wanted = [*dict.fromkeys(genre_ids), *([None] if neighbours else [])]
    asked = {"movie_id": movie_id, "genres": wanted, "priority": int(ahead)}
    if connection.execute(ASK_MOVIE, asked).rowcount:
        notify(connection, EXPLAIN_CHANNEL)


def ask_ahead(connection: Connection, movies: int) -> int:
    """Ask for what is missing of so many movies that come first in the queue; returns how many were asked for."""
    return int(connection.execute(ASK_QUEUE, {"movies": movies, "priority": 1}).rowcount)


def read_explanations(connection: Connection, movie_id: int) -> dict[int | None, ExplanationRecord]:
    """What there is for the movie as it is tagged now, by genre id; the nearest movies under None."""
    return {
        r.genre_id: ExplanationRecord(
            "asked" if not r.done else "failed" if r.error is not None else "done", r.detail, r.error
        )
        for r in connection.execute(READ, {"movie_id": movie_id})
    }


def claim_explanation(
    connection: Connection, lease_seconds: float, *, ahead: bool = True
) -> ExplainJob | None:
    """Take the next request, those that an editor waits for first; without `ahead` no others."""
    connection.execute(
        GIVE_UP, {"attempts": ATTEMPTS, "error": f"A worker ended {ATTEMPTS} times while it explained this."}
    )
    row = connection.execute(CLAIM, {"lease": lease_seconds, "priority": int(ahead)}).one_or_none()
    if row is None:
        return None
    content = read_content(connection, [row.movie_id]).get(row.movie_id)
    return ExplainJob(
        id=row.id,
        movie_id=row.movie_id,
        genre=row.genre,
        revision=row.revision,
        model_id=row.model_id,
        attempt=row.attempts,
        ahead=row.priority > 0,
        content=content if content is not None and content.revision == row.revision else None,
    )


def finish_explanation(connection: Connection, job: ExplainJob, detail: Any) -> bool:
    """Keep what was made; False where the movie or the request has changed meanwhile, and nothing was kept."""
    return _finish(connection, job, detail, None)


def fail_explanation(
    connection: Connection, job: ExplainJob, error: str, *, final: bool, delay: float = 2.0
) -> None:
    """Say why it could not be made: for good where `final` or after three attempts, else it is tried again."""
    if final or job.attempt >= ATTEMPTS:
        _finish(connection, job, None, error[:TOLD])
    else:
        connection.execute(RETURN, _held(job) | {"taken": 0, "delay": delay})


def return_explanation(connection: Connection, job: ExplainJob, *, delay: float = 0.0) -> None:
    """Give a request back that was not tried, from `delay` seconds on."""
    connection.execute(RETURN, _held(job) | {"taken": 1, "delay": delay})


def _finish(connection: Connection, job: ExplainJob, detail: Any, error: str | None) -> bool:
    values = {"movie_id": job.movie_id, "detail": None if detail is None else to_json(detail), "error": error}
    return bool(connection.execute(FINISH, _held(job) | values).scalar_one_or_none())


def _held(job: ExplainJob) -> dict[str, Any]:
    return {"id": job.id, "attempt": job.attempt, "revision": job.revision, "model_id": job.model_id}
