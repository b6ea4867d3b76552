"""Sessions: a browser that is signed in. One stays while it is used, and goes when its editor is disabled."""

from sqlalchemy import Connection, text

from catalog.people.editors import EditorRecord

# FOR SHARE: of an editor that is being disabled at the same moment, no session is left behind.
OPEN = text("""
WITH allowed AS (SELECT id FROM marquee.editor WHERE id = :editor_id AND disabled_at IS NULL FOR SHARE)
INSERT INTO marquee.session (sha256, editor_id, seen_at, expires_at)
SELECT :sha256, id, clock_timestamp(), clock_timestamp() + make_interval(secs => :hours * 3600) FROM allowed
""")
PRUNE = text("DELETE FROM marquee.session WHERE editor_id = :editor_id AND expires_at < clock_timestamp()")
READ = text("""
SELECT e.id, e.name, e.role, s.seen_at < clock_timestamp() - make_interval(secs => :stale) AS stale
FROM marquee.session s JOIN marquee.editor e ON e.id = s.editor_id
WHERE s.sha256 = :sha256 AND s.expires_at > clock_timestamp() AND e.disabled_at IS NULL
""")
# A session lasts as long from its last use as it was opened for.
SLIDE = text("""
UPDATE marquee.session SET
    expires_at = clock_timestamp() + (expires_at - seen_at), seen_at = clock_timestamp()
WHERE sha256 = :sha256 AND seen_at < clock_timestamp() - make_interval(secs => :stale)
""")
CLOSE = text("DELETE FROM marquee.session WHERE sha256 = :sha256")
STALE_SECONDS = 60.0


def open_session(connection: Connection, editor_id: int, sha256: str, hours: float) -> None:
    """Sign a browser in, until it was not used for so many hours; nothing happens for a disabled editor."""
    connection.execute(PRUNE, {"editor_id": editor_id})
    connection.execute(OPEN, {"editor_id": editor_id, "sha256": sha256, "hours": float(hours)})


def read_session(connection: Connection, sha256: str) -> EditorRecord | None:
    """Whose session this is, if it is one; its use is noted at most once a minute."""
    row = connection.execute(READ, {"sha256": sha256, "stale": STALE_SECONDS}).one_or_none()
    if row is None:
        return None
    if row.stale:
        connection.execute(SLIDE, {"sha256": sha256, "stale": STALE_SECONDS})
    return EditorRecord(row.id, row.name, row.role)


def close_session(connection: Connection, sha256: str) -> None:
    """Sign a browser out."""
    connection.execute(CLOSE, {"sha256": sha256})
