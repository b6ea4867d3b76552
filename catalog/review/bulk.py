"""Bulk decisions: one genre, on every movie that a filter finds, with a preview and one undo.

A run never touches another genre, and never a genre of which an editor has said otherwise, be it between the
preview and the run's last step. Its movies are fixed when it starts; it goes on after a crash.
"""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, text

from catalog.errors import UnknownGenreError
from catalog.people.editors import EditorRecord
from catalog.review.action_log import lock_editor, write_action
from catalog.review.bulk_runs import Progress, read_progress, unfinished
from catalog.review.bulk_step import step
from catalog.review.filters import Filter, seek
from catalog.review.queue import QueueRow, read_rows
from catalog.stored import to_json

__all__ = ["Preview", "Progress", "preview", "read_progress", "start", "start_undo", "step", "unfinished"]

BulkVerdict = Literal["accepted", "rejected"]

GENRE = text("SELECT name FROM marquee.genre WHERE id = CAST(:id AS bigint)")
FOUND = """
FROM marquee.review r
LEFT JOIN marquee.label l ON l.movie_id = r.movie_id AND l.genre_id = :genre_id
LEFT JOIN marquee.decision d ON d.id = l.decision_id
WHERE {where}
"""
# An import's label gives way to an editor, an editor's does not to a bulk decision.
CHANGES = "(l.decision_id IS NULL OR l.holds <> :holds AND d.source <> 'editor')"
COUNT = f"""
SELECT count(*) AS total, count(*) FILTER (WHERE {CHANGES}) AS changes,
       count(*) FILTER (WHERE l.holds = :holds) AS same,
       count(*) FILTER (WHERE l.holds <> :holds AND d.source = 'editor') AS kept {FOUND}
"""
SAMPLE = f"SELECT r.movie_id {FOUND} AND {CHANGES} LIMIT :limit"
FIX = f"INSERT INTO marquee.bulk_movie (bulk_id, movie_id) SELECT :bulk_id, r.movie_id {FOUND} AND {CHANGES}"
START = text("""
INSERT INTO marquee.bulk (action_id, genre_id, verdict, filter, total)
VALUES (:action_id, :genre_id, :verdict, CAST(:filter AS jsonb), 0) RETURNING id
""")
SIZED = text("""
UPDATE marquee.bulk SET total = :total, finished_at = CASE WHEN :total = 0 THEN clock_timestamp() END
WHERE id = :bulk_id
""")
# The run that is undone stops where it is: this waits for its step that is under way.
STOP = text("""
UPDATE marquee.bulk SET finished_at = COALESCE(finished_at, clock_timestamp())
WHERE action_id = :undone_id RETURNING id, genre_id
""")
FORGET = text("DELETE FROM marquee.bulk_movie WHERE bulk_id = :bulk_id")
FIX_UNDO = text("""
INSERT INTO marquee.bulk_movie (bulk_id, movie_id)
SELECT DISTINCT :bulk_id, movie_id FROM marquee.decision WHERE action_id = :undone_id
""")


@dataclass(frozen=True, slots=True)
class Preview:
    """What a bulk decision would do.

    Attributes:
        total: movies that the filter finds.
        changes: those that would get the label.
        same: those that have it already, by an editor or an import.
        kept: those of which an editor has said otherwise: never overwritten.
        sample: some of those that would change.
    """

    total: int
    changes: int
    same: int
    kept: int
    sample: list[QueueRow]


def preview(
    connection: Connection,
    filter: Filter,  # noqa: A002 - it is one
    genre_id: int,
    verdict: BulkVerdict,
    *,
    limit: int = 12,
) -> Preview:
    """Count what the decision would do, and show up to `limit` of the movies that it would change.

    Raises:
        InvalidFilterError: the filter cannot be.
        UnknownGenreError: the catalog does not have the genre.
        UnknownModelError: no model has the filter's version.
    """
    _genre(connection, genre_id)
    sought = seek(connection, filter)
    asked = {**sought.values, "genre_id": genre_id, "holds": verdict == "accepted", "limit": limit}
    counts = connection.execute(text(COUNT.format(where=sought.where("r"))), asked).one()
    sample = connection.execute(text(SAMPLE.format(where=sought.where("r"))), asked).scalars().all()
    return Preview(counts.total, counts.changes, counts.same, counts.kept, read_rows(connection, sample))


def start(
    connection: Connection,
    editor: EditorRecord,
    filter: Filter,  # noqa: A002 - it is one
    genre_id: int,
    verdict: BulkVerdict,
) -> int:
    """Fix the movies and return the run's id; `step` does the work. It is one action, with one undo.

    Raises:
        InvalidFilterError: the filter cannot be.
        UnknownGenreError: the catalog does not have the genre.
        UnknownModelError: no model has the filter's version.
    """
    lock_editor(connection, editor.id)
    name = _genre(connection, genre_id)
    sought = seek(connection, filter)
    detail = {"genre": name, "verdict": verdict, "filter": filter.to_query()}
    action_id = write_action(connection, editor, "bulk", detail=detail)
    asked = {
        "action_id": action_id,
        "genre_id": genre_id,
        "verdict": verdict,
        "filter": to_json(filter.to_query()),
    }
    bulk_id = int(connection.execute(START, asked).scalar_one())
    values = {**sought.values, "bulk_id": bulk_id, "genre_id": genre_id, "holds": verdict == "accepted"}
    total = connection.execute(text(FIX.format(where=sought.where("r"))), values).rowcount
    connection.execute(SIZED, {"bulk_id": bulk_id, "total": total})
    return bulk_id


def start_undo(connection: Connection, action_id: int, undone_id: int) -> int:
    """Stop the run of the action `undone_id`, and start one that takes back, as `action_id`, what it decided."""
    stopped = connection.execute(STOP, {"undone_id": undone_id}).one()
    connection.execute(FORGET, {"bulk_id": stopped.id})
    asked = {"action_id": action_id, "genre_id": stopped.genre_id, "verdict": "withdrawn", "filter": "{}"}
    bulk_id = int(connection.execute(START, asked).scalar_one())
    total = connection.execute(FIX_UNDO, {"bulk_id": bulk_id, "undone_id": undone_id}).rowcount
    connection.execute(SIZED, {"bulk_id": bulk_id, "total": total})
    return bulk_id


def _genre(connection: Connection, genre_id: int) -> str:
    name = connection.execute(GENRE, {"id": genre_id}).scalar_one_or_none()
    if name is None:
        raise UnknownGenreError(
            f"The catalog has no genre with the id {genre_id}.", mend="Load the page again."
        )
    return str(name)
