import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tagger.text import MAX_CHARACTERS, clean


@given(st.text(max_size=300))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean(text)
    assert clean(once) == once


@given(st.text(max_size=300))
def test_what_is_left_is_clean(text: str) -> None:
    cleaned = clean(text)
    if cleaned is not None:
        assert cleaned == unicodedata.normalize("NFC", cleaned)
        assert cleaned.strip() == cleaned
        assert "  " not in cleaned
        assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in cleaned)


def test_nul_and_control_characters_go() -> None:
    assert clean("A\x00 gho\x07st\r\n\tin\u2028the\u200b house\x1b[31m") == "A ghost in the house[31m"


def test_empty_is_missing() -> None:
    assert clean(None) is None
    assert clean("") is None
    assert clean(" \x00\n\u200b ") is None


def test_long_text_is_cut() -> None:
    assert len(clean("word " * 100_000) or "") <= MAX_CHARACTERS
    assert clean("x" * (MAX_CHARACTERS + 5)) == "x" * MAX_CHARACTERS


def test_accents_are_composed_and_joiners_stay() -> None:
    assert clean("Ame\u0301lie") == "Amélie"
    assert clean("\u0646\u200c\u0645") == "\u0646\u200c\u0645"
