"""The queue: a page of it for whoever looks, and the next movie for whoever decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from catalog.review.cursors import Cursor
from catalog.review.filters import Filter, Order, Sought, known_order, seek
from catalog.review.finding import KEYS, Also, find
from catalog.review.leases import lease_from

MAX_PAGE = 200
# So many movies are looked at for one that is free: more than there are editors who ask at the same moment.
CANDIDATES = 32
ROUNDS = 10

# The genres that a movie has now or that ask.
ROWS = text("""
SELECT r.movie_id, COALESCE(c.title, m.title) AS title, COALESCE(c.year, m.year) AS year,
       COALESCE(c.language, m.language) AS language, c.poster_hash, r.state, r.uncertainty, r.tagged_at,
       r.disagreed_at, lease.name AS holder, genres.found AS genres
FROM marquee.review r
LEFT JOIN marquee.movie m ON m.id = r.movie_id
LEFT JOIN marquee.content c ON c.movie_id = r.movie_id
LEFT JOIN LATERAL (
    SELECT e.name FROM marquee.review_lease l JOIN marquee.editor e ON e.id = l.editor_id
    WHERE l.movie_id = r.movie_id AND l.lease_until > clock_timestamp()) lease ON true
CROSS JOIN LATERAL (
    SELECT array_agg(ARRAY[g.name, said.confidence::text,
                           CASE WHEN g.id = ANY(r.asks) THEN 'you' ELSE 'accepted' END]
                     ORDER BY g.id <> ALL(r.asks), said.confidence DESC NULLS LAST, g.name) AS found
    FROM (SELECT genre_id, p.confidence, COALESCE(l.holds, p.predicted) AS holds
          FROM (SELECT * FROM marquee.prediction WHERE movie_id = r.movie_id) p
          FULL JOIN (SELECT * FROM marquee.label WHERE movie_id = r.movie_id) l USING (genre_id)) said
    JOIN marquee.genre g ON g.id = said.genre_id
    WHERE said.holds OR g.id = ANY(r.asks)) genres
WHERE r.movie_id = ANY(:ids)
""")

SKIPPED = """
NOT EXISTS (SELECT FROM marquee.review_skip s
            WHERE s.editor_id = :editor AND s.movie_id = r.movie_id AND s.until > clock_timestamp())
"""
FREE = """
NOT EXISTS (SELECT FROM marquee.review_lease l
            WHERE l.movie_id = r.movie_id AND l.editor_id <> :editor AND l.lease_until > clock_timestamp())
"""
OWN = """
SELECT r.movie_id FROM marquee.review_lease l JOIN marquee.review r ON r.movie_id = l.movie_id
WHERE l.editor_id = :editor AND l.lease_until > clock_timestamp()
"""
CANDIDATE = """
SELECT r.movie_id FROM unnest(CAST(:candidates AS bigint[])) WITH ORDINALITY c(movie_id, place)
JOIN marquee.review r ON r.movie_id = c.movie_id
"""
LOCK = "FOR NO KEY UPDATE OF r SKIP LOCKED"


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A movie in the queue.

    Attributes:
        asks: the names of the genres that ask for a decision.
        genres: the genres that ask or that the movie has now: name, confidence and "you" or "accepted".
        uncertainty: 1 a coin toss, 0 certain.
        holder: the name of the editor who has it open.
    """

    movie_id: int
    title: str | None
    year: int | None
    language: str | None
    poster_hash: str | None
    state: str
    asks: list[str]
    genres: list[tuple[str, float | None, str]]
    uncertainty: float
    tagged_at: datetime
    disagreed_at: datetime | None
    holder: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some movies of the queue, and where the next page begins; None after the last."""

    rows: list[QueueRow]
    following: str | None


def read_page(
    connection: Connection,
    filter: Filter,  # noqa: A002 - it is one
    order: Order = "uncertain",
    *,
    after: str | None = None,
    limit: int = 50,
) -> Page:
    """The movies that the filter finds, from after the place `after` that an earlier page gave as `following`.

    In the order "disagreed" only movies about which model and editor disagree are found.

    Raises:
        InvalidFilterError: the filter or the order cannot be.
        InvalidCursorError: `after` is no place in this order.
        UnknownGenreError: the catalog does not have the filter's genre.
        UnknownModelError: no model has the filter's version.
    """
    order, limit = known_order(order), max(1, min(limit, MAX_PAGE))
    cursor = None if after is None else Cursor.from_text(after, order)
    found = find(connection, seek(connection, filter), order, after=cursor, limit=limit + 1)
    page = found[:limit]
    rows = read_rows(connection, [p.movie_id for p in page])
    following = Cursor(order, page[-1].key, page[-1].movie_id).to_text() if len(found) > limit else None
    return Page(rows, following)


def read_rows(connection: Connection, ids: Sequence[int]) -> list[QueueRow]:
    """The movies as the queue shows them, in the order given; those that are not in the queue are left out."""
    found = {r.movie_id: _row(r) for r in connection.execute(ROWS, {"ids": list(ids)})} if ids else {}
    return [found[i] for i in ids if i in found]


def next_movie(
    connection: Connection,
    editor_id: int,
    filter: Filter,  # noqa: A002 - it is one
    order: Order = "uncertain",
    *,
    holding: Sequence[int] = (),
    lease_seconds: float = 90.0,
) -> int | None:
    """Lease the editor the next movie; None where there is none.

    It is never one that another editor has open, that the editor skipped lately, or one of `holding`. Movies that
    the editor has open besides those (the page was loaded anew) come first.

    Raises:
        InvalidFilterError: the filter or the order cannot be.
        UnknownGenreError: the catalog does not have the filter's genre.
        UnknownModelError: no model has the filter's version.
    """
    order, sought = known_order(order), seek(connection, filter)
    wanted = f"{SKIPPED} AND r.movie_id <> ALL(CAST(:holding AS bigint[]))"
    values = {"editor": editor_id, "holding": list(holding), "lease": lease_seconds}
    own = text(
        f"{OWN} AND {sought.where('r')} AND {wanted} ORDER BY r.{KEYS[order][0]} DESC, r.movie_id DESC"
    )
    found = list(connection.execute(own, {**values, **sought.values}).scalars())
    taken = _lease_one(connection, sought, found, values)
    rounds = 0
    while taken is None and rounds < ROUNDS:
        places = find(connection, sought, order, limit=CANDIDATES, also=Also(f"{FREE} AND {wanted}", values))
        if not places:
            break
        taken = _lease_one(connection, sought, [p.movie_id for p in places], values)
        rounds += 1
    return taken


def _lease_one(
    connection: Connection, sought: Sought, candidates: Sequence[int], values: Mapping[str, Any]
) -> int | None:
    """Lease the first of the candidates that is still free and still wanted; one in other hands is passed over."""
    if not candidates:
        return None
    free = f"{CANDIDATE} WHERE {sought.where('r')} AND {FREE} ORDER BY c.place LIMIT 1 {LOCK}"
    asked = {**values, **sought.values, "candidates": list(candidates)}
    return connection.execute(text(lease_from(free)), asked).scalar_one_or_none()


def _row(found: Any) -> QueueRow:
    genres = [(name, None if c is None else float(c), mark) for name, c, mark in found.genres or ()]
    return QueueRow(
        found.movie_id,
        found.title,
        found.year,
        found.language,
        found.poster_hash,
        found.state,
        [name for name, _, mark in genres if mark == "you"],
        genres,
        found.uncertainty,
        found.tagged_at,
        found.disagreed_at,
        found.holder,
    )
