"""Reading a dataset: a folder with `*.jsonl` and posters in folders or tars.

A line is a movie: `title`, `genres` and, where known, `tmdb_id`, `year`, `language`, `plot` and `poster`, the
name of a file. Texts and posters are cleaned as in the pipeline, so that a score here is the pipeline's.
"""

import hashlib
import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.content import Content
from tagger.errors import PosterError
from tagger.poster import normalise
from tagger.text import clean
from training.errors import DatasetError

IMAGES = (".webp", ".jpg", ".jpeg", ".png")
TRAIN = "train"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a poster's bytes are: a file, and the part of it where it is a tar."""

    file: Path
    offset: int = 0
    size: int = -1

    def read(self) -> bytes:
        """The bytes as they are."""
        with self.file.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


@dataclass(frozen=True, slots=True)
class Movie:
    """A line of a dataset, cleaned.

    Attributes:
        name: the id in the line, or `file:line`.
        content: what the model sees, without the poster.
        genres: the labels.
        poster: where the poster is; None where there is none.
        digest: the SHA-256 of the line.
    """

    name: str
    content: Content
    genres: frozenset[str]
    poster: Place | None
    digest: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """Movies with labels. `contents` reads and normalises posters as it goes."""

    movies: tuple[Movie, ...]
    source: str = ""

    def __len__(self) -> int:
        return len(self.movies)

    def subset(self, rows: Iterable[int]) -> "Dataset":
        """The movies at these places."""
        return replace(self, movies=tuple(self.movies[int(row)] for row in rows))

    @property
    def genres(self) -> tuple[str, ...]:
        """Every label that occurs, in alphabetical order."""
        return tuple(sorted({genre for movie in self.movies for genre in movie.genres}))

    @property
    def sha256(self) -> str:
        """A hash of the lines in their order."""
        return hashlib.sha256("".join(movie.digest for movie in self.movies).encode()).hexdigest()

    def labels(self, genres: Sequence[str]) -> NDArray[np.bool_]:
        """(movies, genres).

        Raises:
            DatasetError: a movie has a genre that is not in the list.
        """
        known = set(genres)
        odd = [
            f"{m.name}: unknown genre {', '.join(sorted(m.genres - known))}"
            for m in self.movies
            if m.genres - known
        ]
        if odd:
            raise DatasetError(
                "The dataset has genres that the model does not know:", odd, mend="Map or remove them."
            )
        rows = [[genre in movie.genres for genre in genres] for movie in self.movies]
        return np.array(rows, dtype=np.bool_).reshape(len(self), len(genres))

    def content(self, row: int) -> Content:
        """A movie's content with its poster, normalised; a poster that is refused counts as missing."""
        movie = self.movies[row]
        if movie.poster is None:
            return movie.content
        try:
            return replace(movie.content, poster=normalise(movie.poster.read()))
        except PosterError:
            return movie.content

    def contents(self) -> Iterator[Content]:
        """Every movie's content, in order."""
        return (self.content(row) for row in range(len(self)))


def read_dataset(path: Path, *, purpose: str = "evaluate") -> Dataset:
    """Read a folder, or one `.jsonl` file with its posters beside it.

    Where a folder has several `.jsonl` files, training reads those called `train…` (all, if none
    does) and evaluation reads the others.

    Raises:
        DatasetError: nothing to read, or lines that cannot be used; every one is named.
    """
    folder = path if path.is_dir() else path.parent
    files = _files(path, purpose)
    posters = find_posters(folder)
    movies: list[Movie] = []
    wrong: list[str] = []
    seen: dict[str, str] = {}
    for file in files:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                at = f"{file.name}:{number}"
                try:
                    movie = _movie(line, at, posters)
                    if movie.name in seen:
                        raise ValueError(f"the same id as {seen[movie.name]}")
                    seen[movie.name] = at
                    movies.append(movie)
                except ValueError as error:
                    wrong.append(f"{at}: {error}")
    if wrong:
        raise DatasetError(
            f"{len(wrong)} lines of {folder} cannot be used:", wrong, mend="Mend or remove them."
        )
    if not movies:
        raise DatasetError(f"There are no movies in {path}.", mend="Name a folder with *.jsonl files.")
    return Dataset(tuple(movies), ", ".join(file.name for file in files))


def find_posters(folder: Path) -> dict[str, Place]:
    """Every image in the folder, its subfolders and its tars, by file name. Nothing is unpacked."""
    found: dict[str, Place] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in IMAGES and path.is_file():
            found[path.name] = Place(path)
        elif path.suffix.lower() == ".tar" and path.is_file():
            try:
                with tarfile.open(path, "r:") as tar:
                    for member in tar:
                        if member.isfile() and member.name.lower().endswith(IMAGES):
                            found[Path(member.name).name] = Place(path, member.offset_data, member.size)
            except tarfile.TarError as error:
                raise DatasetError(f"{path} is not a tar that can be read: {error}.") from None
    return found


def _files(path: Path, purpose: str) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DatasetError(f"There is no dataset at {path}.", mend="Name a folder with *.jsonl files.")
    files = sorted(path.glob("*.jsonl"))
    if not files:
        raise DatasetError(f"There is no .jsonl file in {path}.", mend="Name a folder with *.jsonl files.")
    training = [file for file in files if file.stem.startswith(TRAIN)]
    others = [file for file in files if file not in training]
    return (training or others) if purpose == TRAIN else (others or training)


def _movie(line: bytes, at: str, posters: dict[str, Place]) -> Movie:
    try:
        data: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({error})") from None
    if not isinstance(data, dict):
        raise ValueError("not a JSON object")
    genres = data.get("genres")
    if not isinstance(genres, list) or not all(isinstance(g, str) and g.strip() for g in genres):
        raise ValueError("genres must be a list of names")
    year = data.get("year")
    if year is not None and (not isinstance(year, int) or isinstance(year, bool) or not 1800 <= year <= 2200):
        raise ValueError("year must be a year")
    content = Content(
        title=clean(_text(data, "title")) or "",
        year=year,
        language=_language(data),
        plot=clean(_text(data, "plot")),
    )
    name = data.get("tmdb_id", data.get("id", at))
    digest = hashlib.sha256(line.strip()).hexdigest()
    place = posters.get(Path(_text(data, "poster") or "").name)
    return Movie(str(name), content, frozenset(g.strip() for g in genres), place, digest)


def _text(data: dict[str, Any], key: str) -> str | None:
    value = data.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} must be text")
    return value


def _language(data: dict[str, Any]) -> str | None:
    language = clean(_text(data, "language"))
    if language is not None and not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", language):
        raise ValueError("language must be an ISO 639 code")
    return language
