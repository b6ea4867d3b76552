"""Pages of the queue: every filter finds what it says, in every order, by either route, page after page."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from catalog.decisions import Verdicted, decide
from catalog.engine import transaction
from catalog.errors import InvalidCursorError, InvalidFilterError, UnknownGenreError, UnknownModelError
from catalog.review import finding
from catalog.review.filters import ORDERS, STATES, Filter, Order
from catalog.review.queue import QueueRow, read_page, read_rows
from tests.support.ledger import execute, insert, make_ready
from tests.support.models import champion_model
from tests.support.review import Said, change, editor, enter, genre_id, press, tag, tagged

# What the model says of the movies of each batch, and their content.
BATCHES: list[tuple[dict[str, Said], dict[str, Any]]] = [
    ({"Action": (0.97, "accepted"), "Comedy": (0.55, "review")}, {"year": 1987, "language": "en"}),
    ({"Action": (0.9, "accepted"), "Comedy": (0.6, "review"), "Drama": (0.41, "review")}, {"year": 1989}),
    (
        {"Action": (0.02, "rejected"), "Drama": (0.95, "accepted")},
        {"year": 1990, "language": "fr", "plot": None},
    ),
    ({"Comedy": (0.5, "review")}, {"language": "fr", "plot_source": "tmdb", "poster_hash": "a" * 64}),
    ({"Action": (0.99, "accepted"), "Drama": (0.3, "review")}, {"year": 1987, "plot_source": "movie"}),
]
SOUGHT = [
    Filter(),
    Filter(genre="Comedy"),
    Filter(genre="Comedy", band="review"),
    Filter(genre="Action", band="accepted"),
    Filter(genre="Drama", band="rejected"),
    Filter(genre="Drama", band="rejected", year=1987),
    Filter(year=1987),
    Filter(decade=1980),
    Filter(decade=1980, missing="poster", language="none"),
    Filter(language="fr"),
    Filter(language="none"),
    Filter(language="kl"),
    Filter(missing="poster"),
    Filter(missing="plot"),
    Filter(model="m-1"),
    Filter(model="m-2", genre="Action"),
    Filter(source="movie"),
    Filter(source="tmdb", language="fr", missing=None),
    Filter(disputed=True),
]
# Everything that a filter can ask, from the tables that the queue follows from.
MOVIES = """
SELECT r.movie_id, r.state, r.uncertainty, r.rarity, r.tagged_at, r.disagreed_at, r.facets @> '{disputed}' AS disputed,
       c.year, c.language, c.plot, c.plot_source, c.poster_hash, m.version,
       (SELECT jsonb_object_agg(g.name, p.decision) FROM marquee.prediction p JOIN marquee.genre g ON g.id = p.genre_id
        WHERE p.movie_id = r.movie_id) AS bands,
       (SELECT array_agg(genre) FROM marquee.movie_genres WHERE movie_id = r.movie_id) AS genres
FROM marquee.review r JOIN marquee.tagging t USING (movie_id) JOIN marquee.content c USING (movie_id)
JOIN marquee.model m ON m.id = t.tagged_model_id
"""
KEYS: dict[Order, str] = {
    "uncertain": "uncertainty",
    "rare": "rarity",
    "newest": "tagged_at",
    "disagreed": "disagreed_at",
}


@dataclass
class Queue:
    """A queue and what is true of its movies."""

    engine: Engine
    movies: list[Any]

    def expected(self, sought: Filter, order: Order) -> list[int]:
        """The movies by a plain look at each."""
        key = KEYS[order]
        found = [m for m in self.movies if passes(m, sought) and getattr(m, key) is not None]
        return [m.movie_id for m in sorted(found, key=lambda m: (getattr(m, key), m.movie_id), reverse=True)]

    def pages(self, sought: Filter, order: Order, limit: int) -> Iterator[list[QueueRow]]:
        """The movies page by page."""
        after = None
        while True:
            with transaction(self.engine) as connection:
                page = read_page(connection, sought, order, after=after, limit=limit)
            yield page.rows
            after = page.following
            if after is None:
                return

    def found(self, sought: Filter, order: Order, limit: int) -> list[int]:
        """The ids of all pages."""
        return [row.movie_id for rows in self.pages(sought, order, limit) for row in rows]


def passes(movie: Any, sought: Filter) -> bool:
    """Whether the filter means the movie."""
    band = sought.band and movie.bands.get(sought.genre, "rejected") == sought.band
    return all(
        (
            sought.state in (None, movie.state),
            sought.genre is None or band or (sought.band is None and sought.genre in (movie.genres or ())),
            sought.year in (None, movie.year),
            sought.decade is None or (movie.year or 0) // 10 * 10 == sought.decade,
            sought.language in (None, movie.language or "none"),
            sought.missing != "poster" or movie.poster_hash is None,
            sought.missing != "plot" or movie.plot is None,
            sought.model in (None, movie.version),
            sought.source in (None, movie.plot_source),
            not sought.disputed or movie.disputed,
        )
    )


@pytest.fixture
def queue(engine: Engine) -> Queue:
    """Sixty movies of two models; on some an editor has decided, some of those are disputed."""
    ann = editor(engine)
    for version in ("m-1", "m-2"):
        model = champion_model(engine, version)
        for said, content in BATCHES:
            make_ready(engine, insert(engine, 6), **content)
            tag(engine, model, said)
    for movie_id in range(1, 60, 7):
        enter(engine, ann, movie_id, {"Comedy": movie_id % 2 == 0})
    for movie_id in (5, 11, 40):
        press(engine, ann, movie_id, "Action", "rejected")
    for movie_id in (13, 14, 40):
        press(engine, ann, movie_id, "Drama", "rejected")
        change(engine, movie_id)
        tag(engine, model, {"Drama": (0.96, "accepted"), "Action": (0.97, "accepted")})
    return Queue(engine, execute(engine, MOVIES))


def everywhere(sought: Filter) -> list[Filter]:
    """The filter in each state, and in any."""
    return [replace(sought, state=state) for state in (*STATES, None)]


def test_the_examples_tell_filters_apart(queue: Queue) -> None:
    found = [queue.expected(replace(s, state=None), "newest") for s in SOUGHT]
    assert sum(0 < len(f) < len(queue.movies) for f in found) >= len(SOUGHT) - 3
    assert {m.state for m in queue.movies} == set(STATES)
    assert len(queue.expected(Filter(state=None, disputed=True), "disagreed")) >= 3


@pytest.mark.parametrize("budget", [1, 7, 20_000])
@pytest.mark.parametrize("order", ORDERS)
def test_every_filter_finds_what_it_says_in_order(
    queue: Queue, order: Order, budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "BUDGET", budget)
    for example in SOUGHT:
        for sought in everywhere(example):
            assert queue.found(sought, order, 4) == queue.expected(sought, order), sought


@pytest.mark.parametrize("order", ORDERS)
def test_both_routes_find_the_same(queue: Queue, order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    for walks in (True, False):
        monkeypatch.setattr(finding, "walks_first", lambda *_args, walks=walks: walks)
        for example in SOUGHT:
            for sought in everywhere(example):
                assert queue.found(sought, order, 9) == queue.expected(sought, order), (walks, sought)


def test_the_last_page_has_none_after_it_also_where_it_is_full(queue: Queue) -> None:
    wanted = queue.expected(Filter(), "newest")
    pages = list(queue.pages(Filter(), "newest", len(wanted)))
    assert [len(p) for p in pages] == [len(wanted)]


def test_the_next_page_begins_after_the_last_movie_whatever_was_decided(queue: Queue) -> None:
    wanted = queue.expected(Filter(), "newest")
    with transaction(queue.engine) as connection:
        page = read_page(connection, Filter(), "newest", limit=5)
        said = [
            Verdicted(i, genre_id(queue.engine, g), "rejected")
            for i in wanted[:7]
            for g in ("Comedy", "Drama")
        ]
        decide(connection, said, author="bob", source="editor")
        rest = read_page(connection, Filter(), "newest", after=page.following, limit=200)
    assert [r.movie_id for r in page.rows] == wanted[:5]
    assert [r.movie_id for r in rest.rows] == wanted[7:]


def test_ties_are_broken_by_the_id(engine: Engine) -> None:
    ids = tagged(engine, champion_model(engine), 25)
    queue = Queue(engine, [])
    assert queue.found(Filter(), "uncertain", 4) == sorted(ids, reverse=True)
    assert queue.found(Filter(missing="poster"), "rare", 4) == sorted(ids, reverse=True)


def test_a_row_says_what_the_queue_shows(queue: Queue) -> None:
    with transaction(queue.engine) as connection:
        row = read_rows(connection, [8, 999])[0]
    assert isinstance(row.tagged_at, datetime)
    assert replace(row, tagged_at=queue.movies[0].tagged_at) == QueueRow(
        movie_id=8,
        title="movie 2",
        year=1989,
        language=None,
        poster_hash=None,
        state="done",
        asks=[],
        genres=[("Action", pytest.approx(0.9), "accepted"), ("Comedy", pytest.approx(0.6), "accepted")],
        uncertainty=pytest.approx(0.82),  # type: ignore[arg-type]
        tagged_at=queue.movies[0].tagged_at,
        disagreed_at=None,
        holder=None,
    )


def test_a_row_names_first_what_asks(queue: Queue) -> None:
    with transaction(queue.engine) as connection:
        row = read_rows(connection, [9])[0]
    assert row.asks == ["Comedy", "Drama"]
    assert [(name, mark) for name, _, mark in row.genres] == [
        ("Comedy", "you"),
        ("Drama", "you"),
        ("Action", "accepted"),
    ]


def test_what_cannot_be_asked_is_refused(queue: Queue) -> None:
    with transaction(queue.engine) as connection:
        following = read_page(connection, Filter(), "uncertain", limit=1).following
        with pytest.raises(InvalidCursorError):
            read_page(connection, Filter(), "newest", after=following)
        with pytest.raises(UnknownGenreError):
            read_page(connection, Filter(genre="Noir'; --"))
        with pytest.raises(UnknownModelError):
            read_page(connection, Filter(model="m-9"))
        with pytest.raises(InvalidFilterError):
            read_page(connection, Filter(band="accepted"))
        with pytest.raises(InvalidFilterError):
            read_page(connection, Filter(), "movie_id")  # type: ignore[arg-type]


def test_a_page_has_a_largest_size(queue: Queue) -> None:
    with transaction(queue.engine) as connection:
        assert len(read_page(connection, Filter(state=None), limit=0).rows) == 1
        assert len(read_page(connection, Filter(state=None), limit=10**9).rows) == 60
