"""How many movies of the queue each facet has.

Writers add rows of differences and so never wait for each other. Readers add them up, and put them together
when there are many.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from catalog.review.filters import STATES, Filter, State, seek
from catalog.review.indexes import from_indexes

READ = text("""
SELECT facet, sum(n)::bigint AS movies, count(*) AS rows FROM marquee.review_count
WHERE state = ANY(:states) GROUP BY facet
""")
ALONE = text("SELECT pg_try_advisory_xact_lock(:lock)")
COMPACT = text("""
WITH taken AS (DELETE FROM marquee.review_count RETURNING state, facet, n)
INSERT INTO marquee.review_count (state, facet, n)
SELECT state, facet, sum(n) FROM taken GROUP BY state, facet HAVING sum(n) <> 0
""")
ALL = "all"
MANY_ROWS = 5000
COMPACT_LOCK = 0x4D51_0001


def read_counts(connection: Connection, state: State | None = None) -> dict[str, int]:
    """Facet → movies that have it, in a state or in any; `all` is how many there are."""
    return counted(connection, STATES if state is None else (state,))


def counted(connection: Connection, states: Sequence[State]) -> dict[str, int]:
    """Facet → movies in any of the states that have it."""
    found = connection.execute(READ, {"states": list(states)}).all()
    if sum(r.rows for r in found) > MANY_ROWS:
        compact(connection)
    return {ALL: 0} | {r.facet: r.movies for r in found if r.movies}


def compact(connection: Connection) -> None:
    """Put the rows of each facet together, unless somebody else is at it.

    It takes away rows that are committed and adds their sum: whoever reads meanwhile sees the ones or the other.
    """
    if connection.execute(ALONE, {"lock": COMPACT_LOCK}).scalar_one():
        connection.execute(COMPACT)


def size(connection: Connection, sought: Filter, cap: int = 10_000) -> tuple[int, bool]:
    """How many movies the filter finds, and whether that is exact: beyond `cap` it is `cap`."""
    wanted = seek(connection, sought)
    counts = counted(connection, wanted.states)
    if not wanted.absent and len(wanted.facets) <= 1:
        return counts.get(wanted.facets[0] if wanted.facets else ALL, 0), True
    if wanted.absent and not wanted.facets:  # the bands exclude each other
        return counts[ALL] - sum(counts.get(f, 0) for f in wanted.absent), True
    each = " UNION ALL ".join(
        f"SELECT 1 FROM marquee.review r WHERE {within}"  # noqa: S608
        for within in wanted.within("r")
    )
    query = text(f"SELECT count(*) FROM (SELECT FROM ({each}) each LIMIT :cap + 1) found")  # noqa: S608
    with from_indexes(connection):
        found = int(connection.execute(query, {**wanted.values, "cap": cap}).scalar_one())
    return min(found, cap), found <= cap
