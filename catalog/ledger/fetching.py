"""The fetch worker's steps: `queued` → `fetching` → `ready`, or to `tagged` where nothing changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from catalog.content import ContentRecord, read_content, write_content
from catalog.ledger.fence import Held, hold
from catalog.ledger.notes import Note, append, notify
from catalog.ledger.words import EVENT_CHANNEL, TAGGED_CHANNEL, State
from catalog.review.project import project
from catalog.webhooks.news import announce

# The table's lock comes first: TRUNCATE holds it while it deletes ledger rows, and whoever waited for it with
# such a row in hand would deadlock.
CLAIM = text("""
LOCK TABLE marquee.movie IN ACCESS SHARE MODE;
UPDATE marquee.tagging t SET
    state = 'fetching', owner = :owner, claimed_at = clock_timestamp(),
    lease_until = clock_timestamp() + make_interval(secs => :lease)
WHERE movie_id IN (SELECT movie_id FROM marquee.tagging
                   WHERE movie_id = ANY(:ids) AND state = 'queued' FOR NO KEY UPDATE SKIP LOCKED)
RETURNING t.movie_id, t.revision, t.refetch, t.failures
""")

MOVIES = text("""
SELECT id, tmdb_id, imdb_id, title, year, language, plot, poster_url, poster_hash, training_allowed
FROM marquee.movie WHERE id = ANY(:ids)
""")

# Failures and deaths are forgotten when the movie is tagged, not before: one that can be fetched but never
# tagged would else go round for ever.
FINISH = text(f"""
UPDATE marquee.tagging t SET
    state = CASE WHEN same.content THEN 'tagged' ELSE 'ready' END,
    tagged_revision = CASE WHEN same.content THEN t.revision ELSE t.tagged_revision END,
    tagged_at = CASE WHEN same.content THEN clock_timestamp() ELSE t.tagged_at END,
    owner = NULL, lease_until = NULL, due_at = clock_timestamp(),
    deaths = CASE WHEN same.content THEN 0 ELSE t.deaths END,
    failures = CASE WHEN same.content THEN 0 ELSE t.failures END,
    refetch = false, error = NULL
FROM unnest(CAST(:ids AS bigint[]), CAST(:hashes AS text[])) AS f(movie_id, sha256)
JOIN marquee.tagging before ON before.movie_id = f.movie_id
CROSS JOIN LATERAL (SELECT (before.tagged_sha256 = f.sha256 AND before.tagged_model_id =
    (SELECT model_id FROM marquee.promotion ORDER BY id DESC LIMIT 1)) IS TRUE AS content) same
WHERE t.movie_id = f.movie_id
RETURNING t.movie_id, t.state, pg_notify('{EVENT_CHANNEL}', '')
""")  # noqa: S608


@dataclass(frozen=True, slots=True)
class FetchJob:
    """A movie to fetch: what its owner wrote of it, and the content that an earlier fetch left."""

    movie_id: int
    revision: int
    refetch: bool
    failures: int
    tmdb_id: int | None
    imdb_id: str | None
    title: str | None
    year: int | None
    language: str | None
    plot: str | None
    poster_url: str | None
    poster_hash: str | None
    training_allowed: bool
    before: ContentRecord | None


def claim_queued(
    connection: Connection, owner: int, ids: Sequence[int], lease_seconds: float
) -> list[FetchJob]:
    """Take those of the movies that still wait in the queue; a second copy of a message takes none.

    The movies are read after their ledger rows are locked, by a statement of its own: so a row that is seen
    here belongs to the revision that was claimed, and a later change waits and then supersedes it.
    """
    asked = {"ids": list(ids), "owner": owner, "lease": lease_seconds}
    claimed = {r.movie_id: r for r in connection.execute(CLAIM, asked)}
    if not claimed:
        return []
    before = read_content(connection, list(claimed))
    rows = connection.execute(MOVIES, {"ids": list(claimed)}).all()
    return [
        FetchJob(
            movie_id=r.id,
            revision=claimed[r.id].revision,
            refetch=claimed[r.id].refetch,
            failures=claimed[r.id].failures,
            tmdb_id=r.tmdb_id,
            imdb_id=r.imdb_id,
            title=r.title,
            year=r.year,
            language=r.language,
            plot=r.plot,
            poster_url=r.poster_url,
            poster_hash=r.poster_hash,
            training_allowed=r.training_allowed,
            before=before.get(r.id),
        )
        for r in sorted(rows, key=lambda r: r.id)
    ]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of finished movies: `ready` for the model, already `tagged`, or dropped by the fence."""

    ready: frozenset[int]
    tagged: frozenset[int]
    fence: Held


def finish_fetch(
    connection: Connection, owner: int, records: Mapping[int, ContentRecord], seconds: Mapping[int, float]
) -> Fetched:
    """Write the content of the movies that the worker still owns and pass them on.

    A movie whose content and champion are those that tagged it last needs no inference: it is `tagged`.
    `seconds` is how long each fetch took, for the timeline.
    """
    fence = hold(connection, owner, State.FETCHING, {i: r.revision for i, r in records.items()})
    kept = [records[i] for i in sorted(fence.held)]
    if not kept:
        return Fetched(frozenset(), frozenset(), fence)
    write_content(connection, kept)
    rows = connection.execute(
        FINISH, {"ids": [r.movie_id for r in kept], "hashes": [r.sha256 for r in kept]}
    ).all()
    states = {r.movie_id: r.state for r in rows}
    append(connection, [_note(r, states[r.movie_id], seconds.get(r.movie_id, 0.0)) for r in kept])
    by_state = {s: frozenset(i for i in states if states[i] == s) for s in (State.READY, State.TAGGED)}
    if by_state[State.TAGGED]:
        notify(connection, TAGGED_CHANNEL)
        project(connection, list(by_state[State.TAGGED]))
        announce(connection, "tagged", by_state[State.TAGGED])
    return Fetched(by_state[State.READY], by_state[State.TAGGED], fence)


def _note(record: ContentRecord, state: str, seconds: float) -> Note:
    detail = {
        "plot": record.plot_source or "missing",
        "poster": record.poster_source or "missing",
        "ms": round(seconds * 1000, 1),
    }
    if record.note:
        detail["note"] = record.note
    event = "fetched" if state == State.READY else "unchanged"
    return Note(record.movie_id, record.revision, event, detail)
