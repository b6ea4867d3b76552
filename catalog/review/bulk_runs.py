"""Runs of bulk decisions: how far each is, and which go on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from catalog.decisions import Verdict
from catalog.errors import BulkNotFoundError

RUNS = """
SELECT b.id, b.total, b.done, b.changed, b.finished_at IS NOT NULL AS finished, b.error, g.name AS genre,
       b.verdict, EXISTS (SELECT FROM marquee.action u WHERE u.undoes = b.action_id) AS undone,
       a.undoes IS NOT NULL AS is_undo, e.name AS editor, b.started_at, b.filter, b.action_id
FROM marquee.bulk b
JOIN marquee.genre g ON g.id = b.genre_id
JOIN marquee.action a ON a.id = b.action_id
JOIN marquee.editor e ON e.id = a.editor_id
"""
READ = text(f"{RUNS} WHERE b.id = :id")
NEWEST = text(f"{RUNS} ORDER BY b.id DESC LIMIT :limit")
UNFINISHED = text("SELECT id FROM marquee.bulk WHERE finished_at IS NULL ORDER BY id")


@dataclass(frozen=True, slots=True)
class Progress:
    """A bulk decision, or the undo of one, as far as it is.

    Attributes:
        id: the run's.
        total: its movies, fixed when it started; of an undo, the decisions that are taken back.
        done: movies that it is through with.
        changed: those that it changed; the others were passed over, because an editor had decided meanwhile or
            the movie is gone.
        finished: whether it has ended.
        error: why it ended early.
        genre: the one genre that it decides.
        verdict: accepted or rejected; withdrawn, of an undo.
        undone: whether its undo has been asked for.
        is_undo: whether it is one.
        editor: who asked for it.
        started_at: when.
        filter: the queue's filter, as a URL carries it.
        action_id: the editor's action that it is.
    """

    id: int
    total: int
    done: int
    changed: int
    finished: bool
    error: str | None
    genre: str
    verdict: Verdict
    undone: bool
    is_undo: bool
    editor: str
    started_at: datetime
    filter: dict[str, str]
    action_id: int


def read_progress(connection: Connection, bulk_id: int) -> Progress:
    """How far the run is.

    Raises:
        BulkNotFoundError: there is no such run.
    """
    row = connection.execute(READ, {"id": bulk_id}).one_or_none()
    if row is None:
        raise BulkNotFoundError(
            f"No bulk decision has the id {bulk_id}.", mend="The dashboard lists the newest."
        )
    return Progress(*row)


def newest_runs(connection: Connection, limit: int = 10) -> list[Progress]:
    """The newest runs, the newest first."""
    return [Progress(*r) for r in connection.execute(NEWEST, {"limit": limit})]


def unfinished(connection: Connection) -> list[int]:
    """The runs that have still something to do, the oldest first."""
    return list(connection.execute(UNFINISHED).scalars())
