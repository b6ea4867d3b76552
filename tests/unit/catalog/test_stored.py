"""What Postgres can store: whatever comes in, JSON that it takes goes out."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from catalog.stored import storable, to_json

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(anything)
def test_json_has_nothing_that_postgres_refuses(value: Any) -> None:
    written = to_json(value)
    json.loads(written, parse_constant=lambda name: (_ for _ in ()).throw(ValueError(name)))
    assert "\\u0000" not in written.replace("\\\\", "")
    str(storable(value)).encode()


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
def test_good_text_is_left_as_it_is(value: str) -> None:
    assert storable(value) == value


def test_what_is_taken_out() -> None:
    assert storable("a\x00b\ud800c\x01") == "abc\x01"
    assert storable({"k\x00": [float("nan"), float("-inf"), 1.5, ("\udfff",)]}) == {
        "k": [None, None, 1.5, [""]]
    }
