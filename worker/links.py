"""Links that sign an editor in once, for whoever stands at the terminal."""

from sqlalchemy import Connection

from catalog.overview import read_status
from catalog.people.editors import EditorRecord, add_editor, find_editor, list_editors
from catalog.people.invitations import invite
from catalog.people.keys import fingerprint, new_key
from marquee.settings import Settings
from worker.address import address

FIRST_EDITOR = "admin"
LINK_MINUTES = 24 * 60.0


def one_time_link(
    connection: Connection, editor: EditorRecord, base: str, minutes: float = LINK_MINUTES
) -> str:
    """A link to the review page at `base` that signs the editor in once, within so many minutes."""
    key = new_key()
    invite(connection, editor.id, fingerprint(key), minutes)
    return f"{base.rstrip('/')}/enter?token={key}"


def first_link(connection: Connection, base: str) -> str | None:
    """A link for whoever starts an empty Marquee: it signs in the editor `admin`, who is made for it.

    None where people have their own way in: somebody has a password, or the editor was disabled.
    """
    editors = list_editors(connection)
    if any(editor.has_password and editor.disabled_at is None for editor in editors):
        return None
    if not editors:
        return one_time_link(connection, add_editor(connection, FIRST_EDITOR, None, "admin"), base)
    found = find_editor(connection, FIRST_EDITOR)
    return one_time_link(connection, found[0], base) if found is not None else None


def review_base(connection: Connection, settings: Settings) -> str:
    """The URL of the review page: the public one, else that of the page that runs now, else the settings' own."""
    if settings.review_url:
        return settings.review_url
    running = [w["device"] for w in read_status(connection).workers if w["part"] == "web"]
    return running[-1] if running else address(settings, settings.review_port)
