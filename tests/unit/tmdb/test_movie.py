"""The answers' shapes, and the fallback from language to language, field by field."""

import json
from dataclasses import fields
from typing import Any

import pytest

from worker.errors import MalformedResponseError
from worker.tmdb.movie import TmdbMovie, from_details
from worker.tmdb.shapes import Details, read


def details(**changes: Any) -> Details:
    body = {
        "id": 7, "title": "Asked", "original_title": "Original", "original_language": "fr",
        "overview": "Asked plot.", "poster_path": "/asked.jpg", "release_date": "2001-04-25",
        "imdb_id": "tt0211915",
        "genres": [{"id": 35, "name": "Comedy"}], "keywords": {"keywords": [{"id": 1, "name": "paris"}]},
        "translations": {"translations": [
            translation("en", "US", "English", "English plot."),
            translation("fr", "FR", "Original", "Texte original."),
        ]},
        "images": {"posters": [
            {"file_path": "/none.jpg", "iso_639_1": None}, {"file_path": "/en.jpg", "iso_639_1": "en"},
        ]},
    }  # fmt: skip
    return read(Details, json.dumps({**body, **changes}).encode(), "movie 7")


def translation(language: str, country: str, title: str, overview: str) -> dict[str, Any]:
    return {
        "iso_639_1": language,
        "iso_3166_1": country,
        "name": "",
        "data": {"title": title, "overview": overview, "homepage": ""},
    }


def test_what_is_asked_for_comes_first() -> None:
    movie = from_details(details(), "de-DE", None)
    assert movie == TmdbMovie(
        tmdb_id=7, imdb_id="tt0211915", title="Asked", original_title="Original", original_language="fr",
        year=2001, plot="Asked plot.", plot_language="de", poster_path="/asked.jpg",
    )  # fmt: skip


@pytest.mark.parametrize("empty", ["", None, " \n", "\x00\u200b"])
def test_an_empty_plot_falls_back_to_the_original_language(empty: str | None) -> None:
    movie = from_details(details(overview=empty), "de-DE", None)
    assert (movie.plot, movie.plot_language, movie.poster_path) == ("Texte original.", "fr", "/asked.jpg")


def test_then_to_english() -> None:
    only_english = {"translations": [translation("en", "US", "English", "English plot.")]}
    movie = from_details(details(overview="", translations=only_english), "de-DE", None)
    assert (movie.plot, movie.plot_language, movie.title) == ("English plot.", "en", "Asked")


def test_another_country_of_the_asked_language_comes_before_other_languages() -> None:
    both = {
        "translations": [
            translation("fr", "FR", "", "Texte."),
            translation("pt", "PT", "", "De Portugal."),
            translation("pt", "BR", "", ""),
        ]
    }
    movie = from_details(details(overview="", translations=both), "pt-BR", None)
    assert (movie.plot, movie.plot_language) == ("De Portugal.", "pt")


def test_no_plot_in_any_language_is_none() -> None:
    movie = from_details(details(overview="", translations={"translations": []}), "en-US", None)
    assert (movie.plot, movie.plot_language) == (None, None)


def test_a_missing_poster_falls_back_by_itself() -> None:
    movie = from_details(details(poster_path=None), "de-DE", None)
    assert (movie.poster_path, movie.plot) == ("/en.jpg", "Asked plot.")


def test_a_poster_without_words_is_better_than_none() -> None:
    posters = {"posters": [{"file_path": "/none.jpg", "iso_639_1": None}]}
    assert from_details(details(poster_path=None, images=posters), "de", None).poster_path == "/none.jpg"


def test_texts_are_cleaned() -> None:
    movie = from_details(details(title="A\x00  B\x07", overview="One\r\n\ttwo"), "en-US", None)
    assert (movie.title, movie.plot) == ("A B", "One two")


def test_a_movie_has_no_place_for_genres_or_keywords() -> None:
    names = {field.name for field in fields(TmdbMovie)}
    assert not names & {"genres", "genre_ids", "keywords"}
    movie = from_details(details(), "en-US", None)
    assert "Comedy" not in repr(movie)
    assert "paris" not in repr(movie)


@pytest.mark.parametrize("date", ["", None, "0000-00-00", "soon"])
def test_a_date_that_is_none_gives_no_year(date: str | None) -> None:
    assert from_details(details(release_date=date), "en-US", None).year is None


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "7"},
        {"id": None},
        {"title": ["a"]},
        {"overview": 7},
        {"release_date": 2001},
        {"translations": []},
        {"translations": {"translations": [{"iso_639_1": "en"}]}},
        {"poster_path": "//elsewhere.example/x.jpg"},
        {"poster_path": "/../../secret"},
        {"poster_path": "/x.jpg?size=1#"},
        {"images": {"posters": [{"file_path": 3}]}},
    ],
)
def test_another_shape_is_refused_and_the_field_is_named(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedResponseError, match=rf"movie 7.*{next(iter(changes))}"):
        details(**changes)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"<html>", b'{"id":', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedResponseError):
        read(Details, body, "movie 7")


def test_a_movie_without_any_title_is_refused() -> None:
    nothing = {"title": " ", "original_title": "", "translations": {"translations": []}}
    with pytest.raises(MalformedResponseError, match="no title"):
        from_details(details(**nothing), "en-US", None)
