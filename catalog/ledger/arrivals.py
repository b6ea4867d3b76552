"""Arrivals: how the movies of a bulk load come into line.

A statement that inserts more than a thousand movies at bulk priority leaves their ledger rows *fresh*: pending,
without `due_at`, and so in no index of those that wait, whose entries the writer would else wait for. The trigger
notes one *arrival* in the same transaction: the first and the last id of the load. When the line grows short the
relay goes through those ids, a stretch at a time, and gives each fresh row its place, by the time of the load.

Nothing is lost, whatever dies when, because of one rule: *every fresh row lies within an arrival.* A load commits
both or neither. `line_up` takes a stretch off an arrival in the transaction that lines the stretch up, and where a
look at the stretch afterwards still finds fresh rows, they become an arrival of their own, tried again later. Such
rows are a writer's who has not committed, or of a load that overlaps and has its own arrival. A fresh row that the
look does not see was committed later, and its arrival with it.

A change and `enqueue` give a fresh row its place at once; a deleted one leaves ids without a row behind.
"""

from sqlalchemy import Connection, text

from catalog.ledger.words import Priority

STRETCH = 1000

OLDEST = text("""
SELECT id, at, first_id, last_id FROM marquee.arrival WHERE due_at <= clock_timestamp()
ORDER BY at LIMIT 1 FOR UPDATE SKIP LOCKED
""")

# Rows that somebody holds do not count: a writer who holds the whole line for an hour would else hold up the load.
BEFORE = text("""
SELECT count(*) FROM (
    SELECT FROM marquee.tagging
    WHERE state = 'pending' AND priority = :bulk AND due_at <= :at
    ORDER BY due_at LIMIT :movies FOR NO KEY UPDATE SKIP LOCKED) ahead
""").bindparams(bulk=int(Priority.BULK))

# Without an upper bound, whose selectivity is a guess before the load is analyzed and would have it sorted whole.
LAST = text(
    "SELECT movie_id FROM marquee.tagging WHERE movie_id >= :first ORDER BY movie_id OFFSET :rows LIMIT 1"
)

PLACE = text("""
UPDATE marquee.tagging SET due_at = changed_at
WHERE movie_id = ANY(ARRAY(SELECT movie_id FROM marquee.tagging
                           WHERE movie_id BETWEEN :first AND :last AND due_at IS NULL
                           FOR NO KEY UPDATE SKIP LOCKED))
""")

PUT_OFF = text("""
INSERT INTO marquee.arrival (at, due_at, first_id, last_id, tries)
SELECT a.at, clock_timestamp() + make_interval(secs => power(2, a.tries)), t.first_id, t.last_id, least(a.tries + 1, 6)
FROM marquee.arrival a CROSS JOIN (
    SELECT min(movie_id) AS first_id, max(movie_id) AS last_id FROM marquee.tagging
    WHERE movie_id BETWEEN :first AND :last AND due_at IS NULL) t
WHERE a.id = :id AND t.first_id IS NOT NULL
""")

SHORTEN = text("UPDATE marquee.arrival SET first_id = :last + 1 WHERE id = :id")
END = text("DELETE FROM marquee.arrival WHERE id = :id")


def line_up(connection: Connection, movies: int, *, stretch: int = STRETCH) -> bool:
    """Give the next ledger rows of the oldest arrival their places, if fewer than `movies` wait before them.

    Goes over `stretch` rows at most; returns whether it went over any. Other relays pass the arrival over
    until the transaction ends.
    """
    arrival = connection.execute(OLDEST).one_or_none()
    if arrival is None:
        return False
    if connection.execute(BEFORE, {"at": arrival.at, "movies": movies}).scalar_one() >= movies:
        return False
    asked = {"first": arrival.first_id, "rows": stretch - 1}
    last = connection.execute(LAST, asked).scalar_one_or_none()
    if last is None or last > arrival.last_id:
        last = arrival.last_id
    cut = {"id": arrival.id, "first": arrival.first_id, "last": last}
    connection.execute(PLACE, cut)
    connection.execute(PUT_OFF, cut)
    connection.execute(SHORTEN if last < arrival.last_id else END, cut)
    return True
