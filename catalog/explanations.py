"""Why a movie has a genre, and the nearest movies with labels: asked for here, made by a tag worker, kept here.

An explanation belongs to one revision of the movie and to the model that tagged it: of others nothing is shown,
and it is made anew. A worker that dies leaves its lease to run out, and another worker takes the request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, text

from catalog.content import ContentRecord, read_content
from catalog.ledger.notes import notify
from catalog.stored import to_json

EXPLAIN_CHANNEL = "marquee_explain"
ATTEMPTS = 3
TOLD = 500

# Of a movie that is being deleted nothing is asked, rather than to wait for that. Rows are locked in one order, by
# movie and genre, by all who write several; `place` is their turn. That no movie is near was perhaps found before
# there were labels: whoever looks has it looked for again.
ASK = """
INSERT INTO marquee.explanation AS e (movie_id, genre_id, revision, model_id, priority, asked_at)
SELECT t.movie_id, wanted.genre_id, t.tagged_revision, t.tagged_model_id, :priority,
       statement_timestamp() + wanted.place * interval '1 microsecond'
FROM ({wanted}) AS wanted(movie_id, genre_id, place)
JOIN marquee.tagging t ON t.movie_id = wanted.movie_id AND t.tagged_revision IS NOT NULL
LEFT JOIN marquee.genre g ON g.id = wanted.genre_id
WHERE (wanted.genre_id IS NULL OR g.id IS NOT NULL)
  AND NOT EXISTS (
    SELECT FROM marquee.explanation old
    WHERE old.movie_id = t.movie_id AND old.genre_id IS NOT DISTINCT FROM wanted.genre_id
      AND old.revision = t.tagged_revision AND old.model_id = t.tagged_model_id
      AND CASE WHEN old.done_at IS NULL THEN old.priority <= :priority
          ELSE :priority > 0 OR NOT {none_near} OR NOT EXISTS (SELECT FROM marquee.label WHERE holds) END)
ORDER BY t.movie_id, wanted.genre_id FOR KEY SHARE OF t SKIP LOCKED
ON CONFLICT (movie_id, genre_id) DO UPDATE SET
    revision = EXCLUDED.revision, model_id = EXCLUDED.model_id, priority = EXCLUDED.priority,
    asked_at = EXCLUDED.asked_at,
    attempts = CASE WHEN {same} AND e.done_at IS NULL THEN e.attempts ELSE 0 END,
    lease_until = CASE WHEN {same} THEN e.lease_until END,
    done_at = NULL, detail = NULL, error = NULL
WHERE NOT {same} OR CASE WHEN e.done_at IS NULL THEN e.priority > EXCLUDED.priority
    ELSE EXCLUDED.priority = 0 AND {none_near_now} END
"""
NONE_NEAR = "({0}.genre_id IS NULL AND {0}.error IS NULL AND {0}.detail = '[]')"
SAME = "(e.revision = EXCLUDED.revision AND e.model_id = EXCLUDED.model_id)"
SAYS = {"same": SAME, "none_near": NONE_NEAR.format("old"), "none_near_now": NONE_NEAR.format("e")}
ASK_MOVIE = text(
    ASK.format(wanted="SELECT CAST(:movie_id AS bigint), unnest(CAST(:genres AS smallint[])), 0", **SAYS)
)
ASK_QUEUE = text(
    ASK.format(
        wanted="""
    SELECT movie_id, unnest(array_append(asks, NULL)), row_number() OVER () FROM (
        SELECT movie_id, asks FROM marquee.review WHERE state = 'open'
        ORDER BY uncertainty DESC, movie_id DESC LIMIT :movies) first""",
        **SAYS,
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
WHERE id IN (
    SELECT id FROM marquee.explanation
    WHERE done_at IS NULL AND lease_until < clock_timestamp() AND attempts >= :attempts
    FOR UPDATE SKIP LOCKED)
""")

# All that is asked of the movie whose turn it is: a model explains several genres for the price of one. A movie
# that is under way to be tagged anew is left until it is; one in quarantine will not be.
DUE = """
    SELECT w.id, w.movie_id, t.tagged_revision, t.tagged_model_id
    FROM marquee.explanation w
    JOIN marquee.tagging t ON t.movie_id = w.movie_id
    JOIN marquee.content c ON c.movie_id = w.movie_id
    WHERE w.done_at IS NULL AND (w.lease_until IS NULL OR w.lease_until < clock_timestamp())
      AND (c.revision = t.tagged_revision OR t.state = 'quarantined')
"""
CLAIM = text(f"""
WITH first AS MATERIALIZED (
    {DUE} AND w.priority <= :priority
    ORDER BY w.priority, w.asked_at, w.id LIMIT 1 FOR UPDATE OF w SKIP LOCKED
), due AS MATERIALIZED (
    {DUE} AND w.movie_id = (SELECT movie_id FROM first) FOR UPDATE OF w SKIP LOCKED
)
UPDATE marquee.explanation e SET
    lease_until = clock_timestamp() + make_interval(secs => :lease),
    attempts = CASE WHEN (e.revision, e.model_id) = (due.tagged_revision, due.tagged_model_id)
                    THEN e.attempts + 1 ELSE 1 END,
    revision = due.tagged_revision, model_id = due.tagged_model_id
FROM due WHERE e.id = due.id
RETURNING e.id, e.movie_id, e.genre_id, e.revision, e.model_id, e.attempts, e.priority,
    (SELECT name FROM marquee.genre g WHERE g.id = e.genre_id) AS genre
""")  # noqa: S608

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
FROM (SELECT tagged_revision = :revision AND tagged_model_id = :model_id AS same
      FROM marquee.tagging WHERE movie_id = :movie_id) now_is
WHERE {HELD}
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
class Request:
    """A claimed request for one genre or, without one, for the nearest movies."""

    id: int
    genre: str | None
    attempt: int


@dataclass(frozen=True, slots=True)
class ExplainJob:
    """All that was asked of one movie and claimed, at the revision and by the model that tagged it.

    `content` is None where the movie has changed since. `ahead`: nobody waits for any of it.
    """

    movie_id: int
    revision: int
    model_id: int
    content: ContentRecord | None
    requests: tuple[Request, ...]
    ahead: bool


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


def claim_explanations(
    connection: Connection, lease_seconds: float, *, ahead: bool = True
) -> ExplainJob | None:
    """Take what is asked of the next movie, one that an editor waits for first; without `ahead` no other."""
    connection.execute(
        GIVE_UP, {"attempts": ATTEMPTS, "error": f"A worker ended {ATTEMPTS} times while it explained this."}
    )
    rows = connection.execute(CLAIM, {"lease": lease_seconds, "priority": int(ahead)}).all()
    if not rows:
        return None
    one = rows[0]
    content = read_content(connection, [one.movie_id]).get(one.movie_id)
    return ExplainJob(
        movie_id=one.movie_id,
        revision=one.revision,
        model_id=one.model_id,
        content=content if content is not None and content.revision == one.revision else None,
        requests=tuple(Request(r.id, r.genre, r.attempts) for r in sorted(rows, key=_place)),
        ahead=all(r.priority > 0 for r in rows),
    )


def _place(row: Row[Any]) -> tuple[bool, int]:
    return row.genre_id is None, row.genre_id or 0


def finish_explanation(connection: Connection, job: ExplainJob, request: Request, detail: Any) -> bool:
    """Keep what was made; False where the movie or the request has changed meanwhile, and nothing was kept."""
    return _finish(connection, job, request, detail, None)


def fail_explanation(
    connection: Connection, job: ExplainJob, request: Request, error: str, *, final: bool, delay: float = 2.0
) -> None:
    """Say why it could not be made: for good where `final` or after three attempts, else it is tried again."""
    if final or request.attempt >= ATTEMPTS:
        _finish(connection, job, request, None, error[:TOLD])
    else:
        connection.execute(RETURN, _held(job, request) | {"taken": 0, "delay": delay})


def return_explanations(connection: Connection, job: ExplainJob, *, delay: float = 0.0) -> None:
    """Give back what was not tried, to be claimed from `delay` seconds on; what is finished stays so."""
    for request in job.requests:
        connection.execute(RETURN, _held(job, request) | {"taken": 1, "delay": delay})


def _finish(
    connection: Connection, job: ExplainJob, request: Request, detail: Any, error: str | None
) -> bool:
    told = {"detail": None if detail is None else to_json(detail), "error": error}
    asked = _held(job, request) | told | {"movie_id": job.movie_id}
    return bool(connection.execute(FINISH, asked).scalar_one_or_none())


def _held(job: ExplainJob, request: Request) -> dict[str, Any]:
    return {
        "id": request.id,
        "attempt": request.attempt,
        "revision": job.revision,
        "model_id": job.model_id,
    }
