"""What the client brings home: a movie, or the news that there is none."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tagger.text import clean
from worker.errors import MalformedResponseError
from worker.tmdb.shapes import Details, Summary, Translated

ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class TmdbMovie:
    """A movie's content as TMDB has it, cleaned; what it lacks is None.

    `plot_language` is the ISO 639-1 code of the language in which the plot is written: the one asked for,
    else the movie's original one, else English. There are no genres here, and there must never be any.
    """

    tmdb_id: int
    imdb_id: str | None
    title: str
    original_title: str
    original_language: str
    year: int | None
    plot: str | None
    plot_language: str | None
    poster_path: str | None


@dataclass(frozen=True, slots=True)
class Tombstone:
    """TMDB has no such movie: it was deleted, or merged into the movie `merged_into`."""

    reason: Literal["not_found", "merged"]
    identifier: str
    merged_into: int | None = None

    def __str__(self) -> str:
        into = f"merged into {self.merged_into}" if self.merged_into else "not there"
        return f"{self.identifier} is {into} on TMDB."


def is_complete(summary: Summary) -> bool:
    """Whether a result of find or search says all that we ask, so that no second call is needed."""
    return bool(clean(summary.title) and clean(summary.overview) and summary.poster_path)


def from_summary(summary: Summary, asked: str, imdb_id: str | None) -> TmdbMovie:
    """The movie that a complete result of find or search describes, in the `asked` language."""
    return _movie(
        summary,
        imdb_id=imdb_id,
        plot_language=_language(asked),
        title=summary.title,
        plot=summary.overview,
        poster_path=summary.poster_path,
    )


def from_details(details: Details, asked: str, imdb_id: str | None) -> TmdbMovie:
    """The movie of its details, each field falling back by itself: asked, original, English.

    TMDB answers an empty overview where the asked language has none, although another has.
    """
    plots = [(language, texts.overview) for language, texts in _translated(details, asked)]
    plot_language, plot = next(((code, text) for code, text in plots if clean(text)), (None, None))
    titles = [details.title, details.original_title, *(t.title for _, t in _translated(details, asked))]
    title = next((text for text in titles if clean(text)), None)
    return _movie(
        details,
        imdb_id=details.imdb_id or imdb_id,
        plot_language=plot_language,
        title=title,
        plot=plot,
        poster_path=details.poster_path or _other_poster(details, asked),
    )


def _movie(
    summary: Summary,
    *,
    imdb_id: str | None,
    plot_language: str | None,
    title: str | None,
    plot: str | None,
    poster_path: str | None,
) -> TmdbMovie:
    cleaned = clean(title)
    if cleaned is None:
        raise MalformedResponseError(f"TMDB's movie {summary.id} has no title in any language.")
    return TmdbMovie(
        tmdb_id=summary.id,
        imdb_id=imdb_id,
        title=cleaned,
        original_title=clean(summary.original_title) or cleaned,
        original_language=summary.original_language,
        year=summary.year,
        plot=clean(plot),
        plot_language=plot_language,
        poster_path=poster_path,
    )


def _translated(details: Details, asked: str) -> Iterator[tuple[str, Translated]]:
    """The texts with their languages, best first; of one language, the asked country's come first."""
    wanted = _language(asked)
    country = asked.partition("-")[2]
    yield wanted, Translated(title=details.title, overview=details.overview)
    for code in dict.fromkeys((wanted, details.original_language, ENGLISH)):
        same = [t for t in details.translations.translations if t.iso_639_1 == code]
        for translation in sorted(same, key=lambda t: t.iso_3166_1 != country):
            yield code, translation.data


def _other_poster(details: Details, asked: str) -> str | None:
    posters = [image for image in details.images.posters if image.file_path]
    for code in (_language(asked), details.original_language, ENGLISH, None):
        for image in posters:
            if image.iso_639_1 == code:
                return image.file_path
    return None


def _language(asked: str) -> str:
    return asked.partition("-")[0]
