"""The log of actions: what each editor did, one row a key press, append-only.

An editor's actions are one sequence, though he may have two pages open: each waits for the one before it, so
that the order of their ids is the order in which they were done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, text

from catalog.decisions import Verdict
from catalog.people.editors import EditorRecord
from catalog.stored import to_json

LOCK = text("SELECT pg_advisory_xact_lock(:locks, :editor_id)")
WRITE = text("""
INSERT INTO marquee.action (editor_id, kind, movie_id, undoes, seconds, detail)
VALUES (:editor_id, :kind, :movie_id, :undoes, :seconds, CAST(:detail AS jsonb)) RETURNING id
""")
HISTORY = text("""
SELECT a.id, a.kind, a.at, a.movie_id, COALESCE(m.title, c.title) AS title, a.seconds,
       EXISTS (SELECT FROM marquee.action u WHERE u.undoes = a.id) AS undone,
       (SELECT COALESCE(jsonb_object_agg(g.name, d.verdict), '{}')
        FROM marquee.decision d JOIN marquee.genre g ON g.id = d.genre_id
        WHERE d.action_id = a.id AND a.movie_id IS NOT NULL) AS verdicts,
       a.detail
FROM marquee.action a
LEFT JOIN marquee.movie m ON m.id = a.movie_id
LEFT JOIN marquee.content c ON c.movie_id = a.movie_id
WHERE a.editor_id = :editor_id AND a.kind <> 'undo' ORDER BY a.id DESC LIMIT :limit
""")
NEWEST = text("SELECT COALESCE(max(id), 0) FROM marquee.action WHERE editor_id = :editor_id")
EDITOR_LOCKS = 0x4D55
MAX_SECONDS = 86_400.0

Kind = Literal["toggle", "finish", "skip", "bulk"]


@dataclass(frozen=True, slots=True)
class Done:
    """An action as the history shows it.

    `verdicts`, by genre, are those on its one movie; of a bulk decision `detail` names genre and verdict.
    """

    action_id: int
    kind: Kind
    at: datetime
    movie_id: int | None
    title: str | None
    seconds: float | None
    undone: bool
    verdicts: dict[str, Verdict]
    detail: dict[str, Any]


def lock_editor(connection: Connection, editor_id: int) -> None:
    """Let the editor's actions follow each other, until the transaction ends; comes before any movie's lock."""
    connection.execute(LOCK, {"locks": EDITOR_LOCKS, "editor_id": editor_id})


def write_action(
    connection: Connection,
    editor: EditorRecord,
    kind: Kind | Literal["undo"],
    movie_id: int | None = None,
    *,
    undoes: int | None = None,
    seconds: float | None = None,
    detail: Mapping[str, Any] | None = None,
) -> int:
    """Log an action of the editor, who is locked; returns its id. `seconds` is how long he looked."""
    looked = seconds is not None and seconds >= 0  # not so for NaN
    asked = {
        "editor_id": editor.id,
        "kind": kind,
        "movie_id": movie_id,
        "undoes": undoes,
        "seconds": min(seconds, MAX_SECONDS) if seconds is not None and looked else None,
        "detail": to_json(dict(detail or {})),
    }
    return int(connection.execute(WRITE, asked).scalar_one())


def history(connection: Connection, editor_id: int, limit: int = 50) -> list[Done]:
    """The editor's newest actions, the newest first, without the undos themselves."""
    return [Done(*r) for r in connection.execute(HISTORY, {"editor_id": editor_id, "limit": limit})]


def newest_action(connection: Connection, editor_id: int) -> int:
    """The id of the editor's newest action, undos included, for a page that asks again; 0 before the first."""
    return int(connection.execute(NEWEST, {"editor_id": editor_id}).scalar_one())
