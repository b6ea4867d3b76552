"""Tagging again after a promotion: the movies of other models come into line, some at a time, as it grows short.

Nothing is remembered but what the queue shows anyway: which model tagged a movie. So whoever dies while this goes
on, it goes on; and what is promoted meanwhile is what counts from then on. The content of these movies is at hand,
so they are ready at once, and new movies go before them.
"""

from sqlalchemy import Connection, text

from catalog.ledger.enqueue import enqueue_free
from catalog.ledger.words import Priority

CHUNK = 1000
RETAGGING = 0x4D54

LOCK = text("SELECT pg_try_advisory_xact_lock(:key)")

WAITING = text("""
SELECT count(*) FROM (
    SELECT FROM marquee.tagging WHERE state = 'ready' AND deaths = 0 AND priority = :retag LIMIT :movies) line
""").bindparams(retag=int(Priority.RETAG))

# From each other model its least certain movies, of those the least certain: the index of each is read from its
# top. What lies there and is under way, or in quarantine, is passed over.
NEXT = text("""
WITH now AS (SELECT model_id, retag FROM marquee.promotion ORDER BY id DESC LIMIT 1)
SELECT found.movie_id
FROM now JOIN marquee.model m ON m.id <> now.model_id AND now.retag
CROSS JOIN LATERAL (
    SELECT r.movie_id, r.uncertainty FROM marquee.review r
    JOIN marquee.tagging t ON t.movie_id = r.movie_id AND t.state = 'tagged'
    WHERE r.model_id = m.id
    ORDER BY r.uncertainty DESC, r.movie_id DESC LIMIT :movies
) found
ORDER BY found.uncertainty DESC, found.movie_id DESC LIMIT :movies
""")


def retag(connection: Connection, movies: int = CHUNK) -> int:
    """Ask for the next `movies` movies of other models than the champion, the least certain first; returns how many.

    None, while as many wait already, while another does this, or where the promotion said not to.
    """
    if not connection.execute(LOCK, {"key": RETAGGING}).scalar_one():
        return 0
    if connection.execute(WAITING, {"movies": movies}).scalar_one() >= movies:
        return 0
    ids = list(connection.execute(NEXT, {"movies": movies}).scalars())
    return len(enqueue_free(connection, ids, Priority.RETAG)) if ids else 0
