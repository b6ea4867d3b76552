"""Filters and cursors as text: what goes out in a URL comes back the same, and nothing else gets in."""

import base64
import json
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import InvalidCursorError, InvalidFilterError
from catalog.review.cursors import Cursor
from catalog.review.filters import BANDS, ORDERS, STATES, Filter, Order, known_order

YEARS = st.none() | st.integers(1870, 2200)
TEXTS = st.none() | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=200
).map(str.strip).filter(bool)
FILTERS = st.builds(
    Filter,
    state=st.none() | st.sampled_from(STATES),
    genre=TEXTS,
    year=YEARS,
    decade=YEARS.map(lambda year: year and year // 10 * 10),
    language=st.none() | st.sampled_from(["en", "none", "zh-hant"]),
    missing=st.sampled_from([None, "poster", "plot"]),
    model=TEXTS,
    source=st.sampled_from([None, "movie", "tmdb"]),
    disputed=st.booleans(),
) | st.builds(Filter, genre=st.just("Drama"), band=st.sampled_from(BANDS))


@given(FILTERS)
def test_a_filter_survives_its_url(sought: Filter) -> None:
    assert Filter.from_query(sought.to_query()) == sought


@given(st.dictionaries(st.sampled_from(Filter.__slots__), st.text(max_size=210)))
def test_any_parameters_make_a_filter_or_are_refused(query: dict[str, str]) -> None:
    try:
        found = Filter.from_query(query)
    except InvalidFilterError:
        return
    assert Filter.from_query(found.to_query()) == found


def test_what_is_as_by_default_is_left_out() -> None:
    assert Filter().to_query() == {}
    assert Filter(state=None, year=1999, disputed=True).to_query() == {
        "state": "any",
        "year": "1999",
        "disputed": "1",
    }


def test_other_parameters_and_empty_ones_are_passed_over() -> None:
    query = {"order": "rare", "after": "x" * 999, "genre": " ", "year": "", "language": " EN "}
    assert Filter.from_query(query) == Filter(language="en")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"state": "closed"}, "state"),
        ({"band": "accepted"}, "band"),
        ({"band": "sure", "genre": "Drama"}, "band"),
        ({"year": "99"}, "year"),
        ({"year": "١٩٩٩"}, "year"),
        ({"year": "1869"}, "year"),
        ({"decade": "1995"}, "decade"),
        ({"missing": "title"}, "missing"),
        ({"source": "wikipedia"}, "source"),
        ({"disputed": "perhaps"}, "disputed"),
        ({"genre": "a\0b"}, "genre"),
        ({"model": "x" * 201}, "model"),
        ({"genre": "\ud800"}, "genre"),
    ],
)
def test_what_cannot_be_is_refused_by_name(query: dict[str, str], name: str) -> None:
    with pytest.raises(InvalidFilterError, match=name) as refused:
        Filter.from_query(query)
    assert refused.value.mend


def test_an_unknown_order_is_refused() -> None:
    assert [known_order(order) for order in ORDERS] == list(ORDERS)
    with pytest.raises(InvalidFilterError, match="order"):
        known_order("random()")


@given(
    st.one_of(
        st.builds(
            Cursor,
            order=st.sampled_from(["uncertain", "rare"]),
            key=st.floats(0, 1, width=32),
            movie_id=st.integers(0, 2**63 - 1),
        ),
        st.builds(
            Cursor,
            order=st.sampled_from(["newest", "disagreed"]),
            key=st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5))])),
            movie_id=st.integers(0, 2**63 - 1),
        ),
    )
)
def test_a_cursor_survives_its_url(cursor: Cursor) -> None:
    assert Cursor.from_text(cursor.to_text(), cursor.order) == cursor


@given(st.text(max_size=250), st.sampled_from(ORDERS))
def test_any_text_is_no_cursor(given_text: str, order: Order) -> None:
    with pytest.raises(InvalidCursorError):
        Cursor.from_text(given_text, order)


@pytest.mark.parametrize(
    "inside",
    [
        ["newest", "2026-11-20T00:00:00+00:00", 1],
        ["uncertain", "0.5", 1],
        ["uncertain", True, 1],
        ["uncertain", 0.5, "1"],
        ["uncertain", 0.5, True],
        ["uncertain", 0.5, -1],
        ["uncertain", 0.5, 2**63],
        ["uncertain", 1.5, 1],
        ["uncertain", float("nan"), 1],
        ["uncertain", 0.5],
        {"uncertain": 0.5},
        None,
    ],
)
def test_a_cursor_of_another_shape_or_order_is_refused(inside: object) -> None:
    forged = base64.urlsafe_b64encode(json.dumps(inside).encode()).decode()
    with pytest.raises(InvalidCursorError, match="place"):
        Cursor.from_text(forged, "uncertain")


@pytest.mark.parametrize("at", ["2026-11-20T00:00:00", "yesterday", 5, None])
def test_a_time_without_a_zone_is_no_key(at: object) -> None:
    forged = base64.urlsafe_b64encode(json.dumps(["newest", at, 1]).encode()).decode()
    with pytest.raises(InvalidCursorError):
        Cursor.from_text(forged, "newest")
