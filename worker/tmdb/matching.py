"""Finding a movie by its title and year: one candidate, or an error that names them."""

import re
import unicodedata
from collections.abc import Sequence

from worker.errors import AmbiguousMatchError, NoMatchError
from worker.tmdb.shapes import Summary

_LATIN_MARKS = re.compile("[\u0300-\u036f]")
_APOSTROPHES = re.compile("['\u2019]")
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def normalised(title: str) -> str:
    """A title without case, accents and punctuation: "Amélie & Co." and "AMELIE AND CO" are the same."""
    plain = _LATIN_MARKS.sub("", unicodedata.normalize("NFKD", title.casefold().replace("&", " and ")))
    words = _BETWEEN_WORDS.sub(" ", _APOSTROPHES.sub("", unicodedata.normalize("NFC", plain))).strip()
    return words or title.casefold().strip()


def candidates(results: Sequence[Summary], title: str, year: int | None) -> list[Summary]:
    """The results of that title whose year fits best: equal, else one off, else any where none is asked."""
    wanted = normalised(title)
    titled = [r for r in results if wanted in (normalised(r.title), normalised(r.original_title))]
    if year is None:
        return titled
    exact = [r for r in titled if r.year == year]
    return exact or [r for r in titled if r.year is not None and abs(r.year - year) == 1]


def only(found: Sequence[Summary], results: Sequence[Summary], title: str, year: int | None) -> Summary:
    """The one candidate that was found.

    Raises:
        NoMatchError: none was; it names the nearest results.
        AmbiguousMatchError: several were; it names them.
    """
    asked = title if year is None else f"{title} ({year})"
    if not found:
        raise NoMatchError(f"TMDB has no movie {asked}.", candidates=[name(r) for r in results[:5]])
    if len(found) > 1:
        raise AmbiguousMatchError(
            f"TMDB has {len(found)} movies {asked}.", candidates=[name(r) for r in found[:5]]
        )
    return found[0]


def name(summary: Summary) -> str:
    """A candidate as an error names it."""
    return f"{summary.title[:80]} ({summary.year or 'no year'}, tmdb_id {summary.id})"
