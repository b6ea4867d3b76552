"""Leases: a movie is open with one editor, and free again some seconds after that editor's page fell silent."""

from collections.abc import Sequence

from sqlalchemy import Connection, text


def lease_from(movies: str) -> str:
    """The statement that leases the movies that a query gives, but for those that another editor has open."""
    return f"""
INSERT INTO marquee.review_lease AS l (movie_id, editor_id, lease_until)
SELECT movie_id, :editor, clock_timestamp() + make_interval(secs => :lease) FROM ({movies}) free
ON CONFLICT (movie_id) DO UPDATE SET editor_id = EXCLUDED.editor_id, lease_until = EXCLUDED.lease_until
WHERE l.editor_id = EXCLUDED.editor_id OR l.lease_until <= clock_timestamp()
RETURNING l.movie_id
"""  # noqa: S608


# A movie that no model has tagged has no place in the queue, and nothing to lease.
TAKE = text(lease_from("SELECT movie_id FROM marquee.review WHERE movie_id = :movie"))
HOLDER = text("""
SELECT e.name FROM marquee.review_lease l JOIN marquee.editor e ON e.id = l.editor_id
WHERE l.movie_id = :movie AND l.editor_id <> :editor AND l.lease_until > clock_timestamp()
""")
MINE = """
movie_id IN (SELECT movie_id FROM marquee.review_lease
             WHERE editor_id = :editor AND movie_id = ANY(CAST(:movies AS bigint[])) ORDER BY movie_id FOR UPDATE)
"""
KEEP = text(f"""
UPDATE marquee.review_lease SET lease_until = clock_timestamp() + make_interval(secs => :lease)
WHERE {MINE} RETURNING movie_id
""")  # noqa: S608
RELEASE = text(f"DELETE FROM marquee.review_lease WHERE {MINE}")  # noqa: S608


def take(connection: Connection, movie_id: int, editor_id: int, lease_seconds: float) -> str | None:
    """Open the movie for the editor, or go on having it open; else the name of the editor who has it."""
    asked = {"movie": movie_id, "editor": editor_id, "lease": lease_seconds}
    if connection.execute(TAKE, asked).first() is None:
        other = holder(connection, movie_id, editor_id)
        if other is not None:
            return other
        connection.execute(TAKE, asked)  # the other lease ended between the two statements
    return None


def holder(connection: Connection, movie_id: int, editor_id: int) -> str | None:
    """The name of the other editor who has the movie open; None where it is free or this editor's."""
    asked = {"movie": movie_id, "editor": editor_id}
    found: str | None = connection.execute(HOLDER, asked).scalar_one_or_none()
    return found


def keep(connection: Connection, editor_id: int, movie_ids: Sequence[int], lease_seconds: float) -> list[int]:
    """The heartbeat: let the editor's leases end so many seconds from now; the ids that are still the editor's.

    A lease that has ended but that nobody else took goes on.
    """
    asked = {"editor": editor_id, "movies": list(movie_ids), "lease": lease_seconds}
    return sorted(r.movie_id for r in connection.execute(KEEP, asked))


def release(connection: Connection, editor_id: int, movie_ids: Sequence[int]) -> None:
    """Give back those of the movies that the editor has open."""
    connection.execute(RELEASE, {"editor": editor_id, "movies": list(movie_ids)})
