"""One lock for all that follows from a movie's predictions and decisions together.

A decision and a tagging of the same movie may end at the same moment, and the queue follows from both: whoever
comes second must see what the first one wrote. Whoever decides takes the lock alone; tag workers, which never
have the same movie, share it and so do not wait for each other.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

# One lock a movie would be too many for a large import, so movies share some, taken in one order.
WANTED = """
FROM (SELECT DISTINCT mod(movie_id, 256)::integer AS bucket
      FROM unnest(CAST(:movies AS bigint[])) AS m(movie_id) ORDER BY bucket) wanted
"""
ALONE = text(f"SELECT pg_advisory_xact_lock(:locks, bucket) {WANTED}")
SHARED = text(f"SELECT pg_advisory_xact_lock_shared(:locks, bucket) {WANTED}")
KEEP = text("SELECT movie_id FROM marquee.tagging WHERE movie_id = :movie FOR KEY SHARE")
DECISION_LOCKS = 0x4D52


def lock_decisions(connection: Connection, movie_ids: Sequence[int]) -> None:
    """Let nobody else decide on the movies or tag them until the transaction ends.

    A statement after this one sees all that they wrote. Take all movies of a transaction in one call: a second
    call may wait for somebody who waits for the first.
    """
    connection.execute(ALONE, {"locks": DECISION_LOCKS, "movies": list(movie_ids)})


def share_decisions(connection: Connection, movie_ids: Sequence[int]) -> None:
    """Let nobody decide on the movies until the transaction ends; others who share them are not held up."""
    connection.execute(SHARED, {"locks": DECISION_LOCKS, "movies": list(movie_ids)})


def keep_movie(connection: Connection, movie_id: int) -> bool:
    """Let nobody delete the movie until the transaction ends; False where it is gone.

    Take it before any row that goes with the movie: whoever held one of those and then waited for somebody who
    deletes the movie would deadlock with him.
    """
    return connection.execute(KEEP, {"movie": movie_id}).one_or_none() is not None
