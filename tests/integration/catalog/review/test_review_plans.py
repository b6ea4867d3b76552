"""The queue stays cheap with many movies: what a page, a lease or a search reads is bound to what it returns."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from catalog.engine import transaction
from catalog.review import finding
from catalog.review.filters import ORDERS, Filter, Order
from catalog.review.queue import CANDIDATES, next_movie, read_page
from catalog.review.search import RANKED, search
from tests.support.databases import Databases, engine_on
from tests.support.ledger import execute
from tests.support.models import champion_model
from tests.support.review import editor

QUEUE = 50_000
LIMIT = 50
# One movie more than the page shows is looked for, and the planner may read ahead.
FEW = 60

# One in two hundred is Western (genre 19), one in ten is Drama (7); movies of 1950 stand at the orders'
# end; the first of three models tagged its movies long before the others.
FILL = f"""
INSERT INTO marquee.review (movie_id, revision, model_id, state, asks, facets, uncertainty, rarity, tagged_at,
                            disagreed_at)
SELECT n, 1, model, CASE WHEN n % 3 = 0 THEN 'auto' ELSE 'open' END, '{{}}',
       ARRAY['genre:1', 'model:' || model, 'language:' || (ARRAY['en', 'fr'])[1 + n % 2]]
       || CASE WHEN n % 200 = 1 THEN '{{genre:19}}' ELSE '{{}}'::text[] END
       || CASE WHEN n % 10 = 1 THEN '{{genre:7}}' ELSE '{{}}'::text[] END
       || CASE WHEN n <= 1000 THEN '{{year:1950}}' ELSE '{{year:1990}}'::text[] END,
       n::real / {QUEUE}, n::real / {QUEUE}, now() + n * interval '1 second',
       CASE WHEN n % 20 = 1 THEN now() + n * interval '1 second' END
FROM generate_series(1, {QUEUE}) n
CROSS JOIN LATERAL (SELECT CASE WHEN n <= 5000 THEN 1 ELSE 2 + n % 2 END AS model) tagged
"""
# Bob has the hundred movies at the front open.
LEASED = """
INSERT INTO marquee.review_lease SELECT movie_id, 2, now() + interval '1 hour' FROM marquee.review
WHERE state = 'open' ORDER BY uncertainty DESC, movie_id DESC LIMIT 100
"""
# A server that cleans up beside a test would not let go of the test's database.
QUIET = ("review", "review_count", "review_lease", "tagging", "content", "movie")


@pytest.fixture(scope="module")
def filled(databases: Databases, template: str) -> Iterator[Engine]:
    """A queue of many movies, of two models, which the tests leave as it is; titles for as many more."""
    with databases.copy(template) as url, engine_on(url) as engine:
        for table in QUIET:
            execute(engine, f"ALTER TABLE marquee.{table} SET (autovacuum_enabled = off)")
        for version in ("m-1", "m-2", "m-3"):
            champion_model(engine, version)
        for name in ("ann", "bob"):
            editor(engine, name)
        execute(
            engine,
            f"INSERT INTO marquee.movie (title) SELECT 'common word' || n FROM generate_series(1, {QUEUE}) n",
        )
        execute(
            engine,
            "INSERT INTO marquee.content (movie_id, revision, title, sha256, training_allowed) "
            "SELECT id, 1, title, '', true FROM marquee.movie",
        )
        execute(engine, FILL)
        execute(engine, LEASED)
        execute(engine, "ANALYZE")
        yield engine


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


def rows_read(engine: Engine, ask: Callable[[Connection], object], relation: str = "review") -> float:
    """How many rows of the relation are read for what is asked, those included that a filter throws away."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        asked.append((statement, values))

    with engine.connect() as connection:
        with connection.begin() as tried:
            event.listen(engine, "before_cursor_execute", note)
            ask(connection)
            event.remove(engine, "before_cursor_execute", note)
            tried.rollback()
        read = 0.0
        with connection.begin() as explained:
            for statement, values in asked:
                if statement.startswith("SET"):
                    connection.exec_driver_sql(statement)
                    continue
                found = connection.exec_driver_sql("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, values)
                for node in nodes(found.scalar_one()[0]["Plan"]):
                    if node.get("Relation Name") == relation and "Scan" in node["Node Type"]:
                        thrown = sum(n for name, n in node.items() if name.startswith("Rows Removed by"))
                        read += (node["Actual Rows"] + thrown) * node["Actual Loops"]
            explained.rollback()
    return read


def page(sought: Filter, order: Order, after: str | None = None) -> Callable[[Connection], object]:
    return lambda connection: read_page(connection, sought, order, after=after, limit=LIMIT)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("state", ["open", None])
def test_a_page_reads_what_it_shows(filled: Engine, order: Order, state: Any) -> None:
    # Found once, and found again to be shown.
    read = rows_read(filled, page(Filter(state=state), order))
    assert 2 * LIMIT <= read <= 2 * LIMIT + FEW


@pytest.mark.parametrize("order", ORDERS)
def test_a_page_far_down_reads_what_it_shows(filled: Engine, order: Order) -> None:
    with transaction(filled) as connection:
        first = read_page(connection, Filter(), order, limit=200)
        after = read_page(connection, Filter(), order, after=first.following, limit=200).following
    assert after is not None
    assert rows_read(filled, page(Filter(), order, after)) <= 2 * LIMIT + FEW


@pytest.mark.parametrize("order", ["uncertain", "rare", "newest"])
def test_a_common_facet_is_walked_to(filled: Engine, order: Order) -> None:
    read = rows_read(filled, page(Filter(genre="Drama"), order))
    assert 2 * LIMIT <= read <= 12 * LIMIT


@pytest.mark.parametrize("order", ["uncertain", "rare", "newest"])
def test_a_rare_facet_is_gathered(filled: Engine, order: Order) -> None:
    # A walk would read ten thousand; 167 have it and are open.
    assert rows_read(filled, page(Filter(genre="Western"), order)) <= 167 + LIMIT + FEW


@pytest.mark.parametrize("order", ["uncertain", "rare", "newest"])
def test_facets_together_are_looked_up_together(filled: Engine, order: Order) -> None:
    sought = Filter(state=None, genre="Western", year=1950, language="fr")
    assert rows_read(filled, page(sought, order)) <= 2 * 5 + FEW


def test_movies_of_an_older_model_are_found_at_once(filled: Engine) -> None:
    assert 2 * LIMIT <= rows_read(filled, page(Filter(model="m-1"), "newest")) <= 2 * LIMIT + FEW


def test_a_filter_whose_movies_stand_at_the_end_costs_a_budget_and_its_movies(
    filled: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "BUDGET", 3_000)
    movies = 667  # of 1950, open
    read = rows_read(filled, page(Filter(year=1950), "uncertain"))
    assert read <= movies + LIMIT + FEW
    monkeypatch.setattr(finding, "walks_first", lambda *_args: True)
    assert 3_000 < rows_read(filled, page(Filter(year=1950), "uncertain")) <= 3_000 + movies + LIMIT + FEW


def test_the_next_movie_reads_little_more_than_the_candidates(filled: Engine) -> None:
    read = rows_read(filled, lambda connection: next_movie(connection, 1, Filter(), "uncertain"))
    # What another has open is passed over by a second, longer walk; the candidates are read again to be locked.
    assert 100 + CANDIDATES <= read <= 3 * (100 + CANDIDATES)


def test_words_are_looked_up(filled: Engine) -> None:
    read = rows_read(filled, lambda connection: search(connection, "common"), "content")
    assert RANKED <= read <= 2 * RANKED + FEW
    assert rows_read(filled, lambda connection: search(connection, "word4711"), "content") <= 2 + FEW


def test_the_measure_notices_a_page_that_reads_the_whole_queue(filled: Engine) -> None:
    careless = text("SELECT movie_id FROM marquee.review WHERE state = 'open' ORDER BY movie_id % 7 LIMIT 50")
    assert rows_read(filled, lambda connection: connection.execute(careless).all()) >= QUEUE / 2
