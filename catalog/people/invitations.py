"""Invitations: links that sign an editor in, once."""

from sqlalchemy import Connection, text

from catalog.people.editors import EditorRecord

INVITE = text("""
INSERT INTO marquee.invitation (sha256, editor_id, expires_at)
VALUES (:sha256, :editor_id, clock_timestamp() + make_interval(secs => :minutes * 60))
""")
PRUNE = text("DELETE FROM marquee.invitation WHERE editor_id = :editor_id AND expires_at < clock_timestamp()")
# Of two browsers with the same link the second waits for the row, and finds it used.
REDEEM = text("""
UPDATE marquee.invitation i SET used_at = clock_timestamp()
FROM marquee.editor e
WHERE i.sha256 = :sha256 AND i.used_at IS NULL AND i.expires_at > clock_timestamp()
  AND e.id = i.editor_id AND e.disabled_at IS NULL
RETURNING e.id, e.name, e.role
""")


def invite(connection: Connection, editor_id: int, sha256: str, minutes: float) -> None:
    """Let whoever shows the key of this hash sign in as the editor, once, within so many minutes."""
    connection.execute(PRUNE, {"editor_id": editor_id})
    connection.execute(INVITE, {"editor_id": editor_id, "sha256": sha256, "minutes": float(minutes)})


def redeem(connection: Connection, sha256: str) -> EditorRecord | None:
    """Use the link up; None where it is unknown, used, too old, or its editor disabled."""
    row = connection.execute(REDEEM, {"sha256": sha256}).one_or_none()
    return None if row is None else EditorRecord(*row)
