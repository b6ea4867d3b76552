"""Ingestion into the database: who is meant, what is kept, and what follows from it."""

from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from catalog.engine import transaction
from catalog.ingest import upsert
from catalog.records import MAX_INDEXED, read_record
from tests.support.ledger import execute, row, scalar


def put(engine: Engine, *records: dict[str, Any]) -> list[int]:
    with transaction(engine) as connection:
        return upsert(connection, [read_record(r) for r in records])


def movie(engine: Engine, movie_id: int) -> Any:
    return execute(engine, "SELECT * FROM marquee.movie WHERE id = :id", id=movie_id)[0]


def count(engine: Engine) -> int:
    return int(scalar(engine, "SELECT count(*) FROM marquee.movie"))


@pytest.mark.parametrize(
    "key", [{"id": 40}, {"external_id": "e-1"}, {"tmdb_id": 11}, {"imdb_id": "tt0000011"}], ids=str
)
def test_the_same_key_is_the_same_movie(engine: Engine, key: dict[str, Any]) -> None:
    first = put(engine, key | {"title": "a", "year": 1999})
    assert put(engine, key | {"title": "b"}) == first
    assert count(engine) == 1
    assert (movie(engine, first[0]).title, movie(engine, first[0]).year) == ("b", 1999)
    assert row(engine, first[0]).revision == 2
    assert put(engine, key | {"title": "b"}) == first
    assert row(engine, first[0]).revision == 2
    assert put(engine, key) == first


def test_the_first_given_key_says_which_movie_is_meant(engine: Engine) -> None:
    one = put(engine, {"external_id": "e-1", "tmdb_id": 1, "title": "a"})
    assert put(engine, {"external_id": "e-1", "tmdb_id": 2, "title": "a"}) == one
    assert movie(engine, one[0]).tmdb_id == 2


def test_a_movie_without_a_key_is_always_new(engine: Engine) -> None:
    assert put(engine, {"title": "a"}, {"title": "a"}) == [1, 2]


def test_ids_come_back_in_the_order_of_the_records(engine: Engine) -> None:
    records: list[dict[str, Any]] = [
        {"tmdb_id": 3, "title": "c"},
        {"title": "x"},
        {"imdb_id": "tt0000001", "plot": "p"},
        {"tmdb_id": 1, "title": "a"},
        {"tmdb_id": 2, "title": "b", "year": 2000},
    ]
    ids = put(engine, *records)
    assert [movie(engine, i).title for i in ids] == ["c", "x", None, "a", "b"]
    assert put(engine, *[records[n] for n in (4, 3, 0)]) == [ids[4], ids[3], ids[0]]


def test_of_duplicates_in_one_batch_the_later_wins(engine: Engine) -> None:
    ids = put(
        engine,
        {"tmdb_id": 1, "title": "first", "year": 1990},
        {"tmdb_id": 1, "title": "second", "plot": "p"},
        {"tmdb_id": 1, "title": "third", "year": 1992},
        {"external_id": "e", "tmdb_id": 2, "title": "fourth"},
        {"tmdb_id": 2, "title": "fifth"},
        {"external_id": "e", "title": "sixth"},
    )
    assert ids == [1, 1, 1, ids[3], ids[3], ids[3]]
    assert (movie(engine, 1).title, movie(engine, 1).year, movie(engine, 1).plot) == ("third", 1992, "p")
    assert movie(engine, ids[3]).title == "sixth"


def test_the_last_record_of_a_movie_wins_whatever_key_each_names(engine: Engine) -> None:
    """What links the keys may be another record, or the movie as it stands."""
    (known,) = put(engine, {"external_id": "e", "tmdb_id": 1, "title": "before"})
    ids = put(
        engine,
        {"external_id": "e", "title": "a"},
        {"external_id": "e", "title": "b", "plot": "p"},
        {"tmdb_id": 1, "title": "c"},
    )
    assert ids == [known] * 3
    assert (movie(engine, known).title, movie(engine, known).plot) == ("c", "p")
    *ids, _ = put(
        engine,
        {"tmdb_id": 2, "imdb_id": "tt0000002", "title": "a"},
        {"imdb_id": "tt0000002", "title": "b"},
        {"tmdb_id": 2, "title": "c"},
        {"imdb_id": "tt0000003", "title": "another"},
    )
    assert len(set(ids)) == 1
    assert movie(engine, ids[0]).title == "c"


def test_the_longest_keys_and_titles_fit_their_indexes(engine: Engine) -> None:
    longest = "".join(chr(0x20000 + 97 * n % 40_000) for n in range(MAX_INDEXED))
    (movie_id,) = put(engine, {"external_id": longest, "title": longest})
    assert movie(engine, movie_id).external_id == longest


def test_characters_that_postgres_refuses_do_not_arrive(engine: Engine) -> None:
    record = {
        "external_id": "e\x00",
        "title": "a\x00b \ud83d\x01",
        "plot": "two\nlines",
        "attributes": {"k\x00": ["v\x00", float("nan"), {"x": "\udfff"}], "n": float("inf"), "ok": 1.5},
    }
    (movie_id,) = put(engine, record)
    stored = movie(engine, movie_id)
    assert (stored.external_id, stored.title, stored.plot) == ("e", "ab \x01", "two\nlines")
    assert stored.attributes == {"k": ["v", None, {"x": ""}], "n": None, "ok": 1.5}


def test_a_record_that_contradicts_another_movies_key_is_refused_whole(engine: Engine) -> None:
    put(engine, {"tmdb_id": 1, "title": "a"}, {"tmdb_id": 2, "external_id": "e", "title": "b"})
    with pytest.raises(IntegrityError):
        put(engine, {"title": "new"}, {"external_id": "e", "tmdb_id": 1})
    assert count(engine) == 2


def test_ids_from_outside_move_the_counter_on(engine: Engine) -> None:
    assert put(engine, {"id": 1, "title": "a"}, {"title": "b"}, {"id": 7, "title": "c"}) == [1, 8, 7]
    assert put(engine, {"title": "d"}) == [9]
    assert put(engine, {"id": 3, "title": "e"}) == [3]
    assert put(engine, {"title": "f"}) == [10]


def test_what_is_not_named_keeps_its_value_and_what_is_named_empty_does_not(engine: Engine) -> None:
    (movie_id,) = put(engine, {"tmdb_id": 1, "title": "a", "plot": "p", "training_allowed": False})
    put(engine, {"tmdb_id": 1, "plot": ""})
    assert (movie(engine, movie_id).title, movie(engine, movie_id).plot) == ("a", None)
    assert movie(engine, movie_id).training_allowed is False


def test_nothing_is_nothing(engine: Engine) -> None:
    assert put(engine) == []
