"""An editor's newest action: what a page that got no answer asks for, before it does something again."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from catalog.review.action_log import lock_editor

NEWEST = text("""
SELECT id, kind, movie_id FROM marquee.action WHERE editor_id = :editor_id ORDER BY id DESC LIMIT 1
""")
STANDS_LAST = text("""
SELECT b.action_id = (
    SELECT a.id FROM marquee.action a
    WHERE a.editor_id = :editor_id AND a.kind <> 'undo'
      AND NOT EXISTS (SELECT FROM marquee.action u WHERE u.undoes = a.id)
    ORDER BY a.id DESC LIMIT 1)
FROM marquee.bulk b WHERE b.id = :bulk_id
""")


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest action of an editor; 0 and nothing where there is none yet."""

    id: int = 0
    kind: str | None = None
    movie_id: int | None = None


def newest_action(connection: Connection, editor_id: int) -> Newest:
    """The editor's newest action, undos included."""
    row = connection.execute(NEWEST, {"editor_id": editor_id}).one_or_none()
    return Newest() if row is None else Newest(*row)


def done_since(
    connection: Connection, editor_id: int, after: int, kind: str, movie_id: int | None = None
) -> int | None:
    """The id of the editor's newest action, if it is newer than `after`, of this kind and on this movie.

    Then a request whose answer was lost has been carried out. One that is still under way is waited for.
    An undo is not asked for its movie: whoever asks for one does not know it.
    """
    lock_editor(connection, editor_id)
    newest = newest_action(connection, editor_id)
    same = newest.kind == kind and (kind == "undo" or newest.movie_id == movie_id)
    return newest.id if newest.id > after and same else None


def is_next_undo(connection: Connection, editor_id: int, bulk_id: int) -> bool:
    """Whether the editor's next undo would take back this bulk decision."""
    asked = {"editor_id": editor_id, "bulk_id": bulk_id}
    return bool(connection.execute(STANDS_LAST, asked).scalar_one_or_none())
