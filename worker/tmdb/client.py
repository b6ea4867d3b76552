"""TMDB's client: from an identifier, or a title and year, to a movie's content. The fetch task calls it."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from urllib.parse import urlsplit

from worker.errors import AmbiguousMatchError, MalformedResponseError, NoMatchError
from worker.tmdb.api import TmdbApi
from worker.tmdb.limiter import RateLimiter
from worker.tmdb.matching import candidates, only
from worker.tmdb.movie import TmdbMovie, Tombstone, from_details, from_summary, is_complete
from worker.tmdb.shapes import ChangesPage, Configuration, Details, Found, Page, Summary, read

POSTER_WIDTH = 342
CONFIGURATION_SECONDS = 86_400.0
SEARCH_PAGES = 5
CHANGES_DAYS = 14
CHANGES_PAGES = 500


class TmdbClient:
    """Reads movies from TMDB, one call a movie; any number of threads may share it.

    Args:
        token: a v3 API key or a v4 read access token.
        limiter: the fleet's rate limiter; every call asks it first.
        base_url: the API, TMDB's or an offline one's.
        language: the language that is asked for first, such as `en-US`.
        timeout: seconds for one attempt; with its retries a call ends within 20 s.
        sleep: how to wait between attempts.
    """

    def __init__(
        self,
        token: str,
        limiter: RateLimiter,
        *,
        base_url: str = "https://api.themoviedb.org/3",
        language: str = "en-US",
        timeout: float = 10.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = TmdbApi(token, limiter, base_url=base_url, timeout=timeout, sleep=sleep)
        self._language = language
        self._lock = threading.Lock()
        self._configuration: tuple[float, Configuration] | None = None

    def fetch(
        self,
        tmdb_id: int | None = None,
        imdb_id: str | None = None,
        title: str | None = None,
        year: int | None = None,
    ) -> TmdbMovie | Tombstone:
        """The movie's content, by the best identifier that is given.

        One call for a `tmdb_id`. For an `imdb_id`, or a title, the answer of find or search holds a movie's
        texts and poster in the asked language, so that a second call, for the details, is made only where one
        of these is missing and must be looked for in another language.

        Raises:
            FetchUnavailableError: TMDB cannot be reached, or fails; try again later.
            RateLimitedError: the same, not before its `retry_after`.
            InvalidTokenError: TMDB refuses the token.
            MalformedResponseError: the answer is not one of TMDB's.
            NoMatchError: no movie fits the title and year.
            AmbiguousMatchError: several do.
        """
        if tmdb_id is not None:
            return self._details(tmdb_id, imdb_id)
        if imdb_id is not None:
            return self._find(imdb_id)
        if title is not None and title.strip():
            return self._search(title, year)
        raise NoMatchError("The movie has no tmdb_id, no imdb_id and no title to look it up by.")

    def poster_url(self, movie: TmdbMovie) -> str | None:
        """Where the movie's poster is, in the smallest size of at least 342 px; None where it has none.

        TMDB's configuration names the host and the sizes; it is read once a day and process.
        """
        if movie.poster_path is None:
            return None
        images = self._read_configuration().images
        return f"{images.secure_base_url}{_poster_size(images.poster_sizes)}{movie.poster_path}"

    def image_origin(self) -> str:
        """`host` or `host:port` of TMDB's images: a poster may always be read from there."""
        return urlsplit(self._read_configuration().images.secure_base_url).netloc

    def changes(self, start: date, end: date) -> Iterator[int]:
        """The ids of the movies that changed from `start` to `end`, both included, each once.

        TMDB answers at most 14 days and 500 pages at once: longer ranges are asked for in parts.
        """
        seen: set[int] = set()
        while start <= end:
            last = min(end, start + timedelta(days=CHANGES_DAYS - 1))
            for identifier in self._changes(start, last):
                if identifier not in seen:
                    seen.add(identifier)
                    yield identifier
            start = last + timedelta(days=1)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _details(self, tmdb_id: int, imdb_id: str | None) -> TmdbMovie | Tombstone:
        what = f"movie {tmdb_id}"
        body = self._api.get(
            f"movie/{int(tmdb_id)}",
            {
                "language": self._language,
                "append_to_response": "translations,images",
                "include_image_language": "en,null",
            },
        )
        if body is None:
            return Tombstone("not_found", what)
        details = read(Details, body, what)
        if details.id != tmdb_id:
            return Tombstone("merged", what, merged_into=details.id)
        return from_details(details, self._language, imdb_id)

    def _find(self, imdb_id: str) -> TmdbMovie | Tombstone:
        if not re.fullmatch(r"tt\d{5,12}", imdb_id):
            raise NoMatchError(f"{imdb_id[:40]!r} is not an IMDb id (tt and digits).")
        body = self._api.get(f"find/{imdb_id}", {"external_source": "imdb_id", "language": self._language})
        found = read(Found, body, imdb_id).movie_results if body is not None else ()
        if not found:
            return Tombstone("not_found", imdb_id)
        if len(found) > 1:
            raise AmbiguousMatchError(f"TMDB has {len(found)} movies with the IMDb id {imdb_id}.")
        return self._completed(found[0], imdb_id)

    def _search(self, title: str, year: int | None) -> TmdbMovie | Tombstone:
        results = self._search_results(title, year)
        found = candidates(results, title, year)
        if not found and year is not None:  # TMDB's year may be one off
            results = self._search_results(title, None)
            found = candidates(results, title, year)
        return self._completed(only(found, results, title, year), None)

    def _search_results(self, title: str, year: int | None) -> list[Summary]:
        """All results, up to five pages: one candidate among the first twenty proves nothing."""
        asked: dict[str, str | int] = {"query": title[:200], "language": self._language}
        if year is not None:
            asked["year"] = year
        results: dict[int, Summary] = {}
        for number in range(1, SEARCH_PAGES + 1):
            body = self._api.get("search/movie", {**asked, "page": number})
            if body is None:
                raise MalformedResponseError("TMDB does not know its own search.")
            page = read(Page, body, f"the search for {title[:80]!r}")
            results.update((summary.id, summary) for summary in page.results)
            if number >= page.total_pages:
                return list(results.values())
        raise AmbiguousMatchError(f"TMDB has more than {len(results)} movies like {title[:80]!r}.")

    def _completed(self, summary: Summary, imdb_id: str | None) -> TmdbMovie | Tombstone:
        if is_complete(summary):
            return from_summary(summary, self._language, imdb_id)
        return self._details(summary.id, imdb_id)

    def _changes(self, start: date, end: date) -> Iterator[int]:
        page = self._changes_page(start, end, 1)
        if page.total_pages > CHANGES_PAGES and start < end:
            middle = start + (end - start) // 2
            yield from self._changes(start, middle)
            yield from self._changes(middle + timedelta(days=1), end)
            return
        last = min(page.total_pages, CHANGES_PAGES)
        yield from (changed.id for changed in page.results if changed.id is not None)
        for number in range(2, last + 1):
            page = self._changes_page(start, end, number)
            yield from (changed.id for changed in page.results if changed.id is not None)

    def _changes_page(self, start: date, end: date, number: int) -> ChangesPage:
        body = self._api.get(
            "movie/changes",
            {"start_date": start.isoformat(), "end_date": end.isoformat(), "page": number},
        )
        if body is None:
            raise MalformedResponseError("TMDB does not know its own list of changes.")
        return read(ChangesPage, body, f"the changes of {start} to {end}")

    def _read_configuration(self) -> Configuration:
        with self._lock:
            now = time.monotonic()
            if self._configuration is None or now - self._configuration[0] > CONFIGURATION_SECONDS:
                body = self._api.get("configuration", {})
                if body is None:
                    raise MalformedResponseError("TMDB has no configuration.")
                self._configuration = (now, read(Configuration, body, "its configuration"))
            return self._configuration[1]


def _poster_size(sizes: tuple[str, ...]) -> str:
    widths = sorted(int(size[1:]) for size in sizes if re.fullmatch(r"w\d{1,5}", size))
    return next((f"w{width}" for width in widths if width >= POSTER_WIDTH), "original")
