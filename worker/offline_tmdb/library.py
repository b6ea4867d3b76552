"""The folder of movies that the offline TMDB serves."""

import mimetypes
import os
import re
import tarfile
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError, model_validator

from worker.errors import LibraryError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


class OfflineTranslation(BaseModel):
    """A movie's texts in one more language."""

    title: str = ""
    plot: str = ""


class OfflineMovie(BaseModel):
    """One line of a `*.jsonl` file; what is not named here is ignored.

    `title` and `plot` are in `plot_language`; without it, in the `original_language`, which is English where
    nothing is said.
    """

    tmdb_id: int
    imdb_id: str | None = None
    title: str
    year: int | None = None
    plot: str | None = None
    poster: str | None = None
    genres: tuple[str, ...] = ()
    original_title: str = ""
    original_language: str = "en"
    plot_language: str = ""
    translations: dict[str, OfflineTranslation] = {}

    @model_validator(mode="after")
    def _default(self) -> "OfflineMovie":
        self.original_title = self.original_title or self.title
        self.plot_language = self.plot_language or self.original_language
        return self

    def texts(self, language: str) -> OfflineTranslation:
        """The title and the plot in a language; as TMDB does, a title falls back and a plot does not."""
        if language == self.plot_language:
            return OfflineTranslation(title=self.title, plot=self.plot or "")
        translated = self.translations.get(language, OfflineTranslation())
        return OfflineTranslation(title=translated.title or self.title, plot=translated.plot)


@dataclass(frozen=True, slots=True)
class Poster:
    """A poster's bytes: a part of an open file."""

    file: int
    offset: int
    size: int
    media_type: str

    def read(self) -> bytes:
        """The bytes, read at their place."""
        return os.pread(self.file, self.size, self.offset)


class Library:
    """The movies, found by id, by IMDb id and by title, and the posters, found by name."""

    def __init__(self, source: Path) -> None:
        """Read `source`: a folder, or one `*.jsonl` file whose folder has the posters."""
        folder = source if source.is_dir() else source.parent
        lists = sorted(source.glob("*.jsonl")) if source.is_dir() else [source]
        if not lists or not all(path.is_file() for path in lists):
            raise LibraryError(f"There is no *.jsonl file in {source}.", mend="Name a folder of movies.")
        self.movies = {movie.tmdb_id: movie for path in lists for movie in _movies(path)}
        self.by_imdb_id = {movie.imdb_id: movie for movie in self.movies.values() if movie.imdb_id}
        self.posters = dict(_posters(folder))
        self._by_word: defaultdict[str, set[int]] = defaultdict(set)
        for movie in self.movies.values():
            for word in {*words(movie.title), *words(movie.original_title)}:
                self._by_word[word].add(movie.tmdb_id)

    def search(self, query: str, year: int | None) -> list[OfflineMovie]:
        """The movies whose titles have every word of the query; those with no other word come first."""
        asked = words(query)
        if not asked:
            return []
        ids = set.intersection(*(self._by_word.get(word, set()) for word in asked))
        found = [self.movies[i] for i in sorted(ids)]
        fitting = [movie for movie in found if year is None or movie.year == year]
        return sorted(fitting, key=lambda movie: words(movie.title) != asked)


def words(title: str) -> list[str]:
    """The words of a title, without case and accents."""
    plain = unicodedata.normalize("NFKD", title.casefold())
    return re.findall(r"\w+", "".join(c for c in plain if not unicodedata.combining(c)))


def _movies(path: Path) -> Iterator[OfflineMovie]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield OfflineMovie.model_validate_json(line)
            except ValidationError as error:
                fields = ", ".join(".".join(map(str, e["loc"])) or "JSON" for e in error.errors())
                raise LibraryError(f"{path.name}, line {number}: {fields} is wrong.") from None


def _posters(folder: Path) -> Iterator[tuple[str, Poster]]:
    """Every poster by its name; a file of its own comes last and so wins over a tar's member."""
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path, "r:") as tar:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            for member in tar:
                name = Path(member.name).name
                if member.isfile() and name.lower().endswith(IMAGE_SUFFIXES):
                    yield name, Poster(file, member.offset_data, member.size, _media_type(name))
    yield from _loose_posters((folder, folder / "posters"))


def _loose_posters(folders: Iterable[Path]) -> Iterator[tuple[str, Poster]]:
    for path in (path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())):
        if path.suffix.lower() in IMAGE_SUFFIXES:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            yield path.name, Poster(file, 0, path.stat().st_size, _media_type(path.name))


def _media_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "image/webp"
