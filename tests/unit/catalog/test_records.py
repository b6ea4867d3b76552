"""Records from pipelines: every bad field is named, odd but harmless ones are taken as they are meant."""

from typing import Any

import pytest

from catalog.errors import InvalidMovieError
from catalog.records import MAX_INDEXED, MAX_PLOT, MovieRecord, read_record


def nested(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"a": value}
    return value


BAD: dict[str, list[Any]] = {
    "id": [0, -1, 2**63, "x", 1.5, True],
    "tmdb_id": [0, -3, 2**31, "seven", 1.5, False, float("inf")],
    "imdb_id": ["7", "tt123", "nm0000001", "tt12345678901", "tt\u0661\u0662\u0663\u0664\u0665\u0666\u0667"],
    "external_id": [["e"], {"e": 1}, True, "e" * (MAX_INDEXED + 1)],
    "title": ["t" * (MAX_INDEXED + 1), ["t"]],
    "year": [1869, 2201, "soon", True],
    "language": ["english!", "e", "12"],
    "plot": ["p" * (MAX_PLOT + 1), 5.5],
    "poster_url": ["ftp://example.org/p.jpg", "p.jpg", "file:///p.jpg", "https://" + "x" * 2000],
    "poster_hash": ["abc", "A" * 64, "g" * 64],
    "attributes": ["[]", "{broken", [1], 7, "[" * 100_000, nested(1000), {"a": b"\xff"}],
    "training_allowed": ["perhaps", 7],
    "genres": ["[broken", "[" * 100_000, 7, [7], {"a": 1}],
    "directed_by": ["Somebody"],
}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, values in BAD.items() for v in values])
def test_a_bad_field_is_named(field: str, value: Any) -> None:
    with pytest.raises(InvalidMovieError) as caught:
        read_record({"title": "A title"} | {field: value})
    assert field in caught.value.message


def test_every_bad_field_is_named() -> None:
    with pytest.raises(InvalidMovieError) as caught:
        read_record({field: values[0] for field, values in BAD.items()})
    assert all(field in caught.value.message for field in BAD)


def test_a_movie_needs_a_key_or_a_title() -> None:
    for fields in ({}, {"plot": "p"}, {"title": "  "}, {"tmdb_id": None}, {"external_id": "\x00"}):
        with pytest.raises(InvalidMovieError, match="needs a title or one of id, external_id"):
            read_record(fields)


@pytest.mark.parametrize(
    ("field", "value", "taken"),
    [
        ("title", 1917, "1917"),
        ("title", " Été\x00 ", "Été"),
        ("title", "tab\there", "tab\there"),
        ("title", "bell\x07", "bell\x07"),
        ("title", "\ud800half", "half"),
        ("external_id", 42, "42"),
        ("year", "1999", 1999),
        ("year", 1999.0, 1999),
        ("year", float("nan"), None),
        ("year", "", None),
        ("plot", "", None),
        ("plot", float("nan"), None),
        ("language", "pt-BR", "pt-BR"),
        ("tmdb_id", 2**31 - 1, 2**31 - 1),
        ("imdb_id", "tt0133093", "tt0133093"),
        ("training_allowed", "false", False),
        ("training_allowed", "", None),
        ("attributes", '{"a": 1}', {"a": 1}),
        ("attributes", "", None),
        ("genres", "Drama|Sci, Fi", ["Drama", "Sci, Fi"]),
        ("genres", "Drama, War", ["Drama", "War"]),
        ("genres", '["Drama", "War"]', ["Drama", "War"]),
        ("genres", ["Drama"], ["Drama"]),
        ("genres", "", None),
    ],
)
def test_a_value_is_taken_as_it_is_meant(field: str, value: Any, taken: Any) -> None:
    record = read_record({"tmdb_id": 1} | {field: value})
    assert getattr(record, field) == taken


def test_identity_is_the_first_given_key() -> None:
    keys = {"id": 1, "external_id": "e", "tmdb_id": 2, "imdb_id": "tt0000003"}
    for name in list(keys):
        assert MovieRecord(**keys).identity == name  # type: ignore[arg-type]
        del keys[name]
    assert MovieRecord(title="t").identity is None
