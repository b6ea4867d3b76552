"""Editors: who they are, what they may do, and whether they still may."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import Connection, TextClause, text

from catalog.errors import EditorNotFoundError, InvalidEditorError
from catalog.stored import storable

ADD = text("""
INSERT INTO marquee.editor (name, password_hash, role) VALUES (:name, :password_hash, :role)
ON CONFLICT ((lower(name))) DO NOTHING
RETURNING id, name, role
""")
FIND = text("""
SELECT id, name, role, password_hash FROM marquee.editor
WHERE lower(name) = lower(:name) AND disabled_at IS NULL
""")
READ = text("SELECT id, name, role FROM marquee.editor WHERE id = :id AND disabled_at IS NULL")
LIST = text("""
SELECT e.id, e.name, e.role, e.password_hash IS NOT NULL AS has_password, e.created_at, e.disabled_at,
       (SELECT at FROM marquee.action a WHERE a.editor_id = e.id ORDER BY id DESC LIMIT 1) AS acted_at
FROM marquee.editor e ORDER BY lower(e.name)
""")
DISABLE = text("""
UPDATE marquee.editor SET disabled_at = COALESCE(disabled_at, clock_timestamp())
WHERE lower(name) = lower(:name) RETURNING id
""")
ENABLE = text("UPDATE marquee.editor SET disabled_at = NULL WHERE lower(name) = lower(:name) RETURNING id")
SET_PASSWORD = text("""
UPDATE marquee.editor SET password_hash = :password_hash
WHERE lower(name) = lower(:name) AND disabled_at IS NULL RETURNING id
""")
# Whoever sets a password wants every other browser and every link out.
SIGN_OUT = text("DELETE FROM marquee.session WHERE editor_id = :id AND sha256 IS DISTINCT FROM :keeping")
DROP_LINKS = text("DELETE FROM marquee.invitation WHERE editor_id = :id")
RELEASE = text("DELETE FROM marquee.review_lease WHERE editor_id = :id")

Role = Literal["editor", "admin"]
MAX_NAME = 80


@dataclass(frozen=True, slots=True)
class EditorRecord:
    """Somebody who decides; an admin may also govern."""

    id: int
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class EditorListing:
    """An editor as `marquee editors list` shows him; without a password only a link signs him in."""

    id: int
    name: str
    role: Role
    has_password: bool
    created_at: datetime
    disabled_at: datetime | None
    acted_at: datetime | None


def add_editor(
    connection: Connection, name: str, password_hash: str | None, role: Role = "editor"
) -> EditorRecord:
    """Make somebody an editor. Names differ in more than case; a disabled editor keeps his.

    Raises:
        InvalidEditorError: the name is empty, too long or taken, or the role is none.
    """
    name = " ".join(storable(name).split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidEditorError(
            "An editor's name has 1 to 80 characters that can be read.", mend="Give another name."
        )
    if role not in get_args(Role):
        raise InvalidEditorError(
            f"There is no role {role!r}.", mend=f"Roles are {' and '.join(get_args(Role))}."
        )
    asked = {"name": name, "password_hash": password_hash, "role": role}
    row = connection.execute(ADD, asked).one_or_none()
    if row is None:
        raise InvalidEditorError(
            f"There is an editor named {name!r} already.",
            mend="Choose another name; `marquee editors list` shows all, the disabled ones too.",
        )
    return EditorRecord(*row)


def find_editor(connection: Connection, name: str) -> tuple[EditorRecord, str | None] | None:
    """The editor of this name, who is not disabled, with the hash of his password."""
    row = connection.execute(FIND, {"name": " ".join(storable(name).split())}).one_or_none()
    return None if row is None else (EditorRecord(row.id, row.name, row.role), row.password_hash)


def read_editor(connection: Connection, editor_id: int) -> EditorRecord | None:
    """The editor of this id, who is not disabled."""
    row = connection.execute(READ, {"id": editor_id}).one_or_none()
    return None if row is None else EditorRecord(*row)


def list_editors(connection: Connection) -> list[EditorListing]:
    """Every editor, by name."""
    return [EditorListing(*row) for row in connection.execute(LIST)]


def disable_editor(connection: Connection, name: str) -> None:
    """Shut an editor out at once: sessions, links and leases go. What was decided stays.

    Raises:
        EditorNotFoundError: there is none of this name.
    """
    editor_id = _change(connection, DISABLE, name)
    _sign_out(connection, editor_id)
    connection.execute(RELEASE, {"id": editor_id})


def enable_editor(connection: Connection, name: str) -> None:
    """Let a disabled editor in again.

    Raises:
        EditorNotFoundError: there is none of this name.
    """
    _change(connection, ENABLE, name)


def set_password(
    connection: Connection, name: str, password_hash: str, *, keeping: str | None = None
) -> None:
    """Set an editor's password and sign out every browser but the one whose session is `keeping`.

    Raises:
        EditorNotFoundError: there is none of this name, or it is disabled.
    """
    _sign_out(connection, _change(connection, SET_PASSWORD, name, password_hash=password_hash), keeping)


def _change(connection: Connection, statement: TextClause, name: str, **values: str) -> int:
    asked = {"name": " ".join(storable(name).split()), **values}
    found = connection.execute(statement, asked).scalar_one_or_none()
    if found is None:
        raise EditorNotFoundError(
            f"There is no editor named {name!r}.", mend="`marquee editors list` shows all."
        )
    return int(found)


def _sign_out(connection: Connection, editor_id: int, keeping: str | None = None) -> None:
    connection.execute(SIGN_OUT, {"id": editor_id, "keeping": keeping})
    connection.execute(DROP_LINKS, {"id": editor_id})
