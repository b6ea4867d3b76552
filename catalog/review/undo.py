"""Undo: an editor walks back over what he did, without limit, across sessions and days.

Nothing is taken out of the log. An undo is an action too, and its decisions say what stands again: the label goes
back to the very decision that it stood on before, or to nobody's. That happens only where the label still stems
from the decision that is undone; what somebody else has decided since is kept.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from catalog.movie_locks import keep_movie, lock_decisions
from catalog.people.editors import EditorRecord
from catalog.review import leases
from catalog.review.action_log import Kind, lock_editor, write_action
from catalog.review.bulk import start_undo
from catalog.review.project import project
from catalog.review.restoring import restore

NEWEST = text("""
SELECT a.id, a.kind, a.movie_id, a.detail FROM marquee.action a
WHERE a.editor_id = :editor_id AND a.kind <> 'undo' AND a.id = COALESCE(CAST(:only AS bigint), a.id)
  AND NOT EXISTS (SELECT FROM marquee.action u WHERE u.undoes = a.id)
ORDER BY a.id DESC LIMIT 1
""")
# Only the finish that made it so is taken back. Where the one before it was undone meanwhile, the one before that
# holds.
UNFINISH = text("""
WITH RECURSIVE before AS (
    SELECT CAST(:finished_before AS timestamptz) AS at
    UNION ALL
    SELECT CAST(a.detail ->> 'finished_before' AS timestamptz)
    FROM before JOIN marquee.action a ON a.movie_id = :movie_id AND a.kind = 'finish'
        AND CAST(a.detail ->> 'finished_at' AS timestamptz) = before.at
    WHERE EXISTS (SELECT FROM marquee.action u WHERE u.undoes = a.id)
)
UPDATE marquee.review SET finished_at = CASE WHEN EXISTS (SELECT FROM before WHERE at IS NULL) THEN NULL
                                             ELSE (SELECT min(at) FROM before) END
WHERE movie_id = :movie_id AND finished_at = CAST(:finished_at AS timestamptz)
""")
UNSKIP = text("""
WITH was AS (SELECT CAST(:skipped_before AS timestamptz) AS until), gone AS (
    DELETE FROM marquee.review_skip s USING was WHERE was.until IS NULL
      AND s.editor_id = :editor_id AND s.movie_id = :movie_id AND s.until = CAST(:until AS timestamptz)
)
UPDATE marquee.review_skip s SET until = was.until FROM was
WHERE was.until IS NOT NULL AND s.editor_id = :editor_id AND s.movie_id = :movie_id
  AND s.until = CAST(:until AS timestamptz)
""")


@dataclass(frozen=True, slots=True)
class Undone:
    """What was undone, by the action `action_id`.

    Attributes:
        action_id: the undo's own.
        undone_id: the action that was undone.
        kind: what that one was.
        movie_id: its movie, which the editor has open again if `holder` is None; None for a bulk decision.
        restored: decisions that were taken back.
        kept: decisions that somebody has changed since, or whose movie is gone: they are left as they are.
        bulk_id: where the undo of a bulk decision goes on, in steps; its decisions are not yet counted here.
        holder: who has the movie open, if it is another editor.
    """

    action_id: int
    undone_id: int
    kind: Kind
    movie_id: int | None
    restored: int = 0
    kept: int = 0
    bulk_id: int | None = None
    holder: str | None = None


def undo(
    connection: Connection, editor: EditorRecord, *, only: int | None = None, lease_seconds: float = 90.0
) -> Undone | None:
    """Undo the editor's newest action that is not yet undone, or his action `only`; None where there is none.

    The movie is opened for the editor for `lease_seconds`, if nobody else has it open.
    """
    lock_editor(connection, editor.id)
    newest = connection.execute(NEWEST, {"editor_id": editor.id, "only": only}).one_or_none()
    if newest is None:
        return None
    action_id = write_action(connection, editor, "undo", newest.movie_id, undoes=newest.id)
    if newest.kind == "bulk":
        bulk_id = start_undo(connection, action_id, newest.id)
        return Undone(action_id, newest.id, newest.kind, None, bulk_id=bulk_id)
    movie_id = int(newest.movie_id)
    lock_decisions(connection, [movie_id])
    keep_movie(connection, movie_id)
    detail = {"editor_id": editor.id, "movie_id": movie_id, **newest.detail}
    if newest.kind == "finish":
        connection.execute(UNFINISH, detail)
    if newest.kind == "skip":
        connection.execute(UNSKIP, detail)
    restored, kept = restore(connection, editor, action_id, newest.id, [movie_id])
    if newest.kind == "finish" and not restored:
        project(connection, [movie_id])
    holder = leases.take(connection, movie_id, editor.id, lease_seconds)
    return Undone(action_id, newest.id, newest.kind, movie_id, restored, kept, holder=holder)
