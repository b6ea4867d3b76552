"""The bodies of the API's answers, in the shapes of TMDB's own, as bytes that are made once and kept."""

import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from worker.offline_tmdb.library import Library, OfflineMovie

GENRE_IDS = {
    "Action": 28, "Adventure": 12, "Animation": 16, "Comedy": 35, "Crime": 80, "Documentary": 99,
    "Drama": 18, "Family": 10751, "Fantasy": 14, "History": 36, "Horror": 27, "Music": 10402,
    "Mystery": 9648, "Romance": 10749, "Science Fiction": 878, "TV Movie": 10770, "Thriller": 53,
    "War": 10752, "Western": 37,
}  # fmt: skip
COUNTRIES = {"en": "US", "ja": "JP", "ko": "KR", "zh": "CN", "hi": "IN", "sv": "SE", "da": "DK"}
PROBLEMS = {
    401: (7, "Invalid API key: You must be granted a valid key."),
    404: (34, "The resource you requested could not be found."),
    422: (20, "Invalid date range: Should be a range no longer than 14 days."),
    429: (25, "Your request count is over the allowed limit."),
    500: (11, "Internal error: Something went wrong, contact TMDb."),
    503: (9, "Service offline: This service is temporarily offline, try again later."),
}
SEARCH_PAGE = 20
CHANGES_PAGE = 100


class Answers:
    """What the API answers about the movies of a library."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.details = lru_cache(maxsize=32_768)(self._details)
        self.found = lru_cache(maxsize=32_768)(self._found)
        self._appended: dict[str, Callable[[OfflineMovie], dict[str, Any]]] = {
            "translations": translations,
            "images": images,
            "external_ids": lambda movie: {"imdb_id": movie.imdb_id, "wikidata_id": None},
            "keywords": lambda movie: {"keywords": [{"id": 1, "name": g.lower()} for g in movie.genres]},
        }

    def _details(self, tmdb_id: int, language: str, appended: str) -> bytes | None:
        movie = self._library.movies.get(tmdb_id)
        if movie is None:
            return None
        body = summary(movie, language) | {
            "belongs_to_collection": None,
            "budget": 0,
            "genres": [{"id": GENRE_IDS.get(genre, 0), "name": genre} for genre in movie.genres],
            "homepage": "",
            "imdb_id": movie.imdb_id,
            "runtime": 0,
            "status": "Released",
            "tagline": "",
        }
        del body["genre_ids"]
        for name in appended.split(","):
            if name in self._appended:
                body[name] = self._appended[name](movie)
        return dumps(body)

    def _found(self, imdb_id: str, language: str) -> bytes:
        movie = self._library.by_imdb_id.get(imdb_id)
        kinds: dict[str, Any] = {
            f"{kind}_results": [] for kind in ("movie", "person", "tv", "tv_episode", "tv_season")
        }
        if movie is not None:
            kinds["movie_results"] = [summary(movie, language) | {"media_type": "movie"}]
        return dumps(kinds)

    def page(self, movies: list[OfflineMovie], number: int, language: str) -> bytes:
        """A page of search results."""
        shown = movies[(number - 1) * SEARCH_PAGE : number * SEARCH_PAGE]
        return paged([summary(movie, language) for movie in shown], len(movies), number, SEARCH_PAGE)


def summary(movie: OfflineMovie, language: str) -> dict[str, Any]:
    """A movie as search and find list it."""
    texts = movie.texts(language.partition("-")[0])
    return {
        "adult": False,
        "backdrop_path": None,
        "genre_ids": [GENRE_IDS.get(genre, 0) for genre in movie.genres],
        "id": movie.tmdb_id,
        "original_language": movie.original_language,
        "original_title": movie.original_title,
        "overview": texts.plot,
        "popularity": 1.0,
        "poster_path": f"/{movie.poster}" if movie.poster else None,
        "release_date": f"{movie.year:04}-01-01" if movie.year else "",
        "title": texts.title,
        "video": False,
        "vote_average": 0.0,
        "vote_count": 0,
    }


def translations(movie: OfflineMovie) -> dict[str, Any]:
    """The translations that can be appended to details."""
    languages = dict.fromkeys((movie.plot_language, *movie.translations))
    return {"translations": [_translation(movie, language) for language in languages]}


def _translation(movie: OfflineMovie, language: str) -> dict[str, Any]:
    texts = movie.texts(language)
    data = {"homepage": "", "overview": texts.plot, "runtime": 0, "tagline": "", "title": texts.title}
    country = COUNTRIES.get(language, language.upper())
    return {
        "iso_3166_1": country,
        "iso_639_1": language,
        "name": language,
        "english_name": language,
        "data": data,
    }


def images(movie: OfflineMovie) -> dict[str, Any]:
    """The images that can be appended to details."""
    posters = [
        {
            "aspect_ratio": 0.667,
            "file_path": f"/{movie.poster}",
            "height": 750,
            "iso_639_1": movie.plot_language,
            "vote_average": 0.0,
            "vote_count": 0,
            "width": 500,
        }
    ]
    return {"backdrops": [], "logos": [], "posters": posters if movie.poster else []}


def paged(results: Iterable[Any], total: int, number: int, size: int) -> bytes:
    """One page of a longer list."""
    pages = max(1, -(-total // size))
    return dumps({"page": number, "results": list(results), "total_pages": pages, "total_results": total})


def configuration(image_url: str) -> bytes:
    """The API's configuration, with the place of the images."""
    sizes = {
        "backdrop_sizes": ["w300", "w780", "w1280", "original"],
        "poster_sizes": ["w92", "w154", "w185", "w342", "w500", "w780", "original"],
    }
    urls = {"base_url": f"{image_url}/", "secure_base_url": f"{image_url}/"}
    return dumps({"change_keys": [], "images": urls | sizes})


def problem(status: int) -> bytes:
    """The body of an error."""
    code, message = PROBLEMS[status]
    return dumps({"success": False, "status_code": code, "status_message": message})


def dumps(body: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
