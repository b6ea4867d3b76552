"""The tag worker's steps: claim a micro-batch of `ready` movies, and finish it in one fenced transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from catalog.content import ContentRecord, read_content
from catalog.ledger.fence import Held, hold
from catalog.ledger.notes import Note, append, notify
from catalog.ledger.words import TAGGED_CHANNEL, Priority, State
from catalog.predictions import MoviePrediction, write_predictions
from catalog.registry import ModelRecord
from catalog.review.project import project
from catalog.webhooks.news import announce_tagged, open_for_review

# Movies that were in a dying worker's hands go first: after one death a few together, so that the many who are
# innocent soon run again; after more than one each alone, so that the culprit can take no other with it.
CLAIM = text("""
WITH alone AS (
    SELECT movie_id FROM marquee.tagging
    WHERE state = 'ready' AND deaths > 1 AND due_at <= now()
    ORDER BY due_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
), few AS (
    SELECT movie_id FROM marquee.tagging
    WHERE state = 'ready' AND deaths = 1 AND due_at <= now() AND NOT EXISTS (SELECT FROM alone)
    ORDER BY due_at LIMIT :suspects FOR NO KEY UPDATE SKIP LOCKED
), suspect AS (
    SELECT movie_id FROM alone UNION ALL SELECT movie_id FROM few
), due AS (
    SELECT found.movie_id FROM unnest(ARRAY[0, 1, 2]::smallint[]) AS level(priority)
    CROSS JOIN LATERAL (
        SELECT movie_id FROM marquee.tagging
        WHERE state = 'ready' AND deaths = 0 AND priority = level.priority AND due_at <= now()
        ORDER BY due_at LIMIT :movies FOR NO KEY UPDATE SKIP LOCKED
    ) found
    WHERE level.priority <= :lowest AND NOT EXISTS (SELECT FROM suspect)
    LIMIT :movies
)
UPDATE marquee.tagging t SET
    state = 'tagging', owner = :owner, claimed_at = clock_timestamp(),
    lease_until = clock_timestamp() + make_interval(secs => :lease)
WHERE t.movie_id IN (SELECT movie_id FROM suspect UNION ALL SELECT movie_id FROM due)
RETURNING t.movie_id, t.revision, t.deaths
""")

FINISH = text("""
UPDATE marquee.tagging t SET
    state = 'tagged', owner = NULL, lease_until = NULL, deaths = 0, failures = 0, error = NULL,
    tagged_at = clock_timestamp(), tagged_revision = t.revision, tagged_model_id = :model_id,
    tagged_sha256 = f.sha256
FROM unnest(CAST(:ids AS bigint[]), CAST(:hashes AS text[])) AS f(movie_id, sha256)
WHERE t.movie_id = f.movie_id
""")


@dataclass(frozen=True, slots=True)
class TagJob:
    """A movie to tag: its content at the revision that was claimed. A suspect was in a dying worker's hands."""

    movie_id: int
    revision: int
    content: ContentRecord
    suspect: bool = False


def claim_ready(
    connection: Connection,
    owner: int,
    movies: int,
    lease_seconds: float,
    *,
    suspects: int = 1,
    lowest: Priority = Priority.RETAG,
) -> list[TagJob]:
    """Take up to `movies` ready movies, the most urgent first, down to `lowest`; or suspects, and none with them.

    `suspects` is how many may go together after one death; after more than one, each goes alone.
    """
    asked = {
        "movies": movies,
        "owner": owner,
        "lease": lease_seconds,
        "suspects": suspects,
        "lowest": int(lowest),
    }
    claimed = connection.execute(CLAIM, asked).all()
    content = read_content(connection, [r.movie_id for r in claimed]) if claimed else {}
    return [TagJob(r.movie_id, r.revision, content[r.movie_id], r.deaths > 0) for r in claimed]


def finish_tagging(
    connection: Connection,
    owner: int,
    model: ModelRecord,
    results: Sequence[tuple[TagJob, MoviePrediction]],
    seconds: float,
    *,
    audit_share: float = 0.0,
) -> Held:
    """Write the predictions of those movies that the worker still owns, and their new state, together.

    `seconds` is how long the batch was on the device, for the timeline. `audit_share` is the share of the tags
    accepted by the model that editors are to judge unawares.
    """
    fence = hold(connection, owner, State.TAGGING, {job.movie_id: job.revision for job, _ in results})
    kept = sorted((r for r in results if r[0].movie_id in fence.held), key=lambda r: r[0].movie_id)
    if kept:
        ids = [job.movie_id for job, _ in kept]
        hashes = [job.content.sha256 for job, _ in kept]
        open_before = open_for_review(connection, ids)
        write_predictions(
            connection, model, [(job.movie_id, job.revision, job.content.sha256, p) for job, p in kept]
        )
        connection.execute(FINISH, {"ids": ids, "hashes": hashes, "model_id": model.id})
        timing = {
            "model": model.version,
            "worker": owner,
            "batch": len(results),
            "ms": round(seconds * 1000, 1),
        }
        append(
            connection,
            [
                Note(job.movie_id, job.revision, "tagged", {"genres": p.genres(model.genres)} | timing)
                for job, p in kept
            ],
        )
        notify(connection, TAGGED_CHANNEL)
        project(connection, ids, audit_share=audit_share)
        announce_tagged(connection, ids, open_before)
    return fence
