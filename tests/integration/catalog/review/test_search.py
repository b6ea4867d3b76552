"""Find: by words of the title and by ids, whatever is typed."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.review import search as searching
from catalog.review.search import search
from tests.support.ledger import execute, insert, make_ready
from tests.support.models import champion_model
from tests.support.review import tag

TITLES = {
    1: "The Spider-Man of Alcatraz",
    2: "Alcatraz",
    3: "Escape from Alcatraz",
    4: "Amélie & <script>alert('x')</script>",
    5: "It",
    6: "Italian for Beginners",
    7: "千と千尋の神隠し",
    8: "O'Brother \\ Where",
}


@pytest.fixture
def catalog(engine: Engine) -> Engine:
    """The movies of `TITLES`, tagged, but for the last two."""
    for title in TITLES.values():
        insert(engine, 1, title=title)
    execute(
        engine,
        "UPDATE marquee.movie SET tmdb_id = 603, imdb_id = 'tt0133093', external_id = 'a/7' WHERE id = 1",
    )
    make_ready(engine, sorted(TITLES))
    tag(engine, champion_model(engine))
    insert(engine, 1, title="Never fetched", external_id="b/9")
    return engine


def found(engine: Engine, words: str, limit: int = 20) -> list[int]:
    with transaction(engine) as connection:
        return [f.movie_id for f in search(connection, words, limit)]


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ("alcatraz", [2, 3, 1]),
        ("ALCA", [2, 3, 1]),
        ("alc", [2, 3, 1]),
        ("al", []),
        ("alcatraz escape", [3]),
        ("it", [5]),
        ("ita", [6]),
        ("spider-man", [1]),
        ("spider", [1]),
        ("Amélie", [4]),
        ("<script>", []),
        ("千と千尋の神隠し", [7]),
        ("o'brother", [8]),
        ("\\", []),
        ("1", [1]),
        ("603", [1]),
        ("tt0133093", [1]),
        ("a/7", [1]),
        ("b/9", [9]),
        ("never fetched", [9]),
        ("", []),
        (" \n ", []),
        ("no such", []),
        ("9" * 30, []),
    ],
)
def test_what_is_found(catalog: Engine, words: str, ids: list[int]) -> None:
    assert found(catalog, words) == ids


def test_what_is_told(catalog: Engine) -> None:
    with transaction(catalog) as connection:
        assert search(connection, "escape") == [searching.Found(3, "Escape from Alcatraz", None, "open")]
        assert search(connection, "b/9") == [searching.Found(9, "Never fetched", None, "pending")]


def test_the_limit(catalog: Engine) -> None:
    assert found(catalog, "alcatraz", 2) == [2, 3]
    assert found(catalog, "alcatraz", 0) == [2]


def test_the_exact_title_is_found_among_more_than_are_ranked(
    catalog: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "RANKED", 1)
    assert found(catalog, "alcatraz")[0] == 2


@pytest.mark.parametrize(
    "words",
    [
        "a & b | !c <-> d:*",
        "'; DROP TABLE marquee.movie; --",
        "\0\0",
        "\ud800",
        ":limit %s %(x)s {0}",
        "' \\' '' :* &",
        "(((",
        "\u202e\u0000\uffff",
        "x" * 100_000,
        "http://user:pass@host/path?q=1&r=%00",
        "-1e999 0x10 1.5.2",
        "<!--&lt;b>",
    ],
)
def test_hostile_words_find_nothing_and_break_nothing(catalog: Engine, words: str) -> None:
    assert found(catalog, words) == []


@given(st.text(max_size=60) | st.lists(st.sampled_from("'\\:*&|!()<>- a1é\0"), max_size=30).map("".join))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_anything_may_be_typed(catalog: Engine, words: str) -> None:
    assert set(found(catalog, words)) <= set(range(1, 10))
