"""Finding the first movies of the queue by filter and order, reading little more than is returned.

There are two routes. The *walk* reads the order's index from where the page begins, and looks at each movie
whether the filter wants it: right for filters that many movies pass. The *gather* takes the movies that have all
the facets from the facets' index, and sorts them: right for filters that few pass. The counts of the facets say
which one is likely the shorter. A walk that has read `BUDGET` movies and not filled the page gives way to the
gather.

So a page costs at most a walk of `BUDGET` movies and a gather of those that pass; only a filter that many movies
pass, all of them far from where the order begins, makes the gather long. A filter without a facet (a state, or a
band "rejected") can only be walked, as far as it takes.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import Connection, text

from catalog.review.counts import ALL, counted
from catalog.review.cursors import Cursor
from catalog.review.filters import Order, Sought
from catalog.review.indexes import from_indexes

# The column that an order goes by, and its type.
KEYS: dict[Order, tuple[str, str]] = {
    "uncertain": ("uncertainty", "real"),
    "rare": ("rarity", "real"),
    "newest": ("tagged_at", "timestamptz"),
    "disagreed": ("disagreed_at", "timestamptz"),
}
BUDGET = 20_000


@dataclass(frozen=True, slots=True)
class Place:
    """A movie and its key in the order."""

    movie_id: int
    key: datetime | float


@dataclass(frozen=True, slots=True)
class Also:
    """What else must be true of a movie: a condition on `r`, and its values."""

    where: str = "true"
    values: Mapping[str, Any] = field(default_factory=dict)


def find(
    connection: Connection,
    sought: Sought,
    order: Order,
    *,
    after: Cursor | None = None,
    limit: int,
    also: Also | None = None,
) -> list[Place]:
    """The first `limit` movies in the order, from after the cursor; in "disagreed" those that have a disagreement."""
    also = also or Also()
    counts = counted(connection, sought.states) if sought.facets or order == "newest" else {}
    streams = streams_of(sought, order, counts)
    far = likely_walk(sought, order, counts, limit)
    values = {**sought.values, **also.values, "limit": limit}
    if after is not None:
        values |= {"key": after.key, "movie": after.movie_id}
    if not streams:
        return []
    by_walking = text(walk(sought, order, streams, also, after))
    for budget in budgets(sought, counts, far, limit):
        rows = connection.execute(by_walking, {**values, "budget": budget}).all()
        found = [Place(r.movie_id, r.key) for r in rows if r.wanted]
        if len(found) == limit or not rows or rows[-1].walked < budget:
            return found
    with from_indexes(connection):
        rows = connection.execute(text(gather(sought, order, also, after)), values).all()
    return [Place(r.movie_id, r.key) for r in rows]


def budgets(sought: Sought, counts: Mapping[str, int], far: float | None, limit: int) -> Iterator[int]:
    """How many movies to walk at most before the gather: first what is likely enough, then what is affordable.

    The planner is told too: to it, a walk without a bound were one through all movies, for which it would sort
    them. Where a walk is the only way, it goes on ever further.
    """
    if far is None:
        yield from (limit * 4**n for n in count())
    elif walks_first(sought, counts, far):
        likely = limit + 4 * far
        yield from (int(likely), BUDGET) if likely < BUDGET else (BUDGET,)


def streams_of(sought: Sought, order: Order, counts: Mapping[str, int]) -> list[str]:
    """The conditions under each of which the order's index gives movies in order."""
    states = [f"state = '{state}'" for state in sought.states]
    if order != "newest":
        return states
    known = [int(facet.removeprefix("model:")) for facet in counts if facet.startswith("model:")]
    models = sorted(known) if sought.model_id is None else [sought.model_id]
    return [f"{state} AND model_id = {model}" for state in states for model in models]


def likely_walk(sought: Sought, order: Order, counts: Mapping[str, int], limit: int) -> float | None:
    """How many movies a walk would read to fill the page, were the facets independent; None: it is the only way."""
    looked_at = [f for f in sought.facets if order != "newest" or f != f"model:{sought.model_id}"]
    if not looked_at:
        return None
    movies = float(max(counts[ALL], 1))
    share = math.prod(counts.get(facet, 0) / movies for facet in looked_at)
    return limit / share if share else math.inf


def walks_first(sought: Sought, counts: Mapping[str, int], far: float | None) -> bool:
    """Whether to walk that far, rather than to gather what can be no more than the rarest facet's movies."""
    return far is None or far <= min(BUDGET, *(counts.get(facet, 0) for facet in sought.facets))


def walk(sought: Sought, order: Order, streams: Sequence[str], also: Also, after: Cursor | None) -> str:
    """Read in order, from the index; the last movie of the budget is returned whether it is wanted or not."""
    merged = " UNION ALL ".join(_stream(order, stream, after) for stream in streams)
    return f"""
SELECT movie_id, key, wanted, walked FROM (
    SELECT movie_id, key, {sought.has("r")} AND {also.where} AS wanted, row_number() OVER () AS walked
    FROM (SELECT movie_id, key, facets FROM ({merged}) merged ORDER BY key DESC, movie_id DESC LIMIT :budget) r
) numbered WHERE wanted OR walked = :budget LIMIT :limit
"""  # noqa: S608


def gather(sought: Sought, order: Order, also: Also, after: Cursor | None) -> str:
    """Take all that have the facets, from their index, and sort. OFFSET 0 keeps the planner from walking."""
    key, _ = KEYS[order]
    gathered = " UNION ALL ".join(
        f"(SELECT movie_id, {key} AS key FROM marquee.review r"  # noqa: S608
        f" WHERE {within} AND {_after(order, after)} AND {also.where} OFFSET 0)"
        for within in sought.within("r")
    )
    return f"""
SELECT movie_id, key FROM ({gathered}) gathered ORDER BY key DESC, movie_id DESC LIMIT :limit
"""  # noqa: S608


def _stream(order: Order, stream: str, after: Cursor | None) -> str:
    key, _ = KEYS[order]
    return f"""
(SELECT movie_id, {key} AS key, facets FROM marquee.review
 WHERE {stream} AND {_after(order, after)} ORDER BY {key} DESC, movie_id DESC LIMIT :budget)
"""  # noqa: S608


def _after(order: Order, after: Cursor | None) -> str:
    key, kind = KEYS[order]
    known = f"{key} IS NOT NULL"
    return known if after is None else f"{known} AND ({key}, movie_id) < (CAST(:key AS {kind}), :movie)"
