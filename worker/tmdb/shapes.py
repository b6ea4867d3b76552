"""The shapes of TMDB's answers, as far as Marquee reads them.

The answers are untrusted: types are checked strictly, and what is not named here is never looked at. That
goes for `genres`, `genre_ids` and `keywords` above all: they must never reach the model.
"""

import re
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from worker.errors import MalformedResponseError


def _image_path(path: str | None) -> str | None:
    """An image's path is joined to a URL: only a plain file name may pass."""
    if path and not re.fullmatch(r"/[\w-][\w.-]*", path):
        raise ValueError("not the path of an image")
    return path or None


def _imdb_id(identifier: str | None) -> str | None:
    return identifier if identifier and re.fullmatch(r"tt\d{5,12}", identifier) else None


def _year(date: object) -> int | None:
    """The year of `YYYY-MM-DD`; TMDB has empty dates, too."""
    if isinstance(date, str):
        return int(date[:4]) if re.match(r"[12]\d{3}(-|$)", date) else None
    if date is not None:
        raise ValueError("not a date")
    return None


ImagePath = Annotated[str | None, AfterValidator(_image_path)]
Year = Annotated[int | None, BeforeValidator(_year)]


class Shape(BaseModel):
    """Strict about the types of what is read, indifferent to the rest."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Translated(Shape):
    """A movie's texts in one language; empty where nobody has written them."""

    title: str | None = None
    overview: str | None = None


class Translation(Shape):
    """One language (and country) of a movie's translations."""

    iso_639_1: str
    iso_3166_1: str = ""
    data: Translated


class Translations(Shape):
    """The `translations` that can be appended to details."""

    translations: tuple[Translation, ...] = ()


class Image(Shape):
    """One of a movie's posters."""

    file_path: ImagePath
    iso_639_1: str | None = None


class Images(Shape):
    """The `images` that can be appended to details."""

    posters: tuple[Image, ...] = ()


class Summary(Shape):
    """A movie as find and search list it."""

    id: int
    title: str
    original_title: str = ""
    original_language: str = ""
    overview: str | None = None
    poster_path: ImagePath = None
    year: Year = Field(None, validation_alias="release_date")


class Details(Summary):
    """A movie's details with what is appended to them."""

    imdb_id: Annotated[str | None, AfterValidator(_imdb_id)] = None
    translations: Translations = Translations()
    images: Images = Images()


class Found(Shape):
    """The answer of find: of the several kinds of thing, the movies."""

    movie_results: tuple[Summary, ...]


class Page(Shape):
    """A page of search results."""

    results: tuple[Summary, ...]
    total_pages: int


class Changed(Shape):
    """A movie that changed."""

    id: int | None


class ChangesPage(Shape):
    """A page of changed movies."""

    results: tuple[Changed, ...]
    total_pages: int


class ImageHost(Shape):
    """Where images are, and the sizes in which posters are kept."""

    secure_base_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+/$")]
    poster_sizes: tuple[str, ...]


class Configuration(Shape):
    """The API's configuration."""

    images: ImageHost


S = TypeVar("S", bound=Shape)


def read(shape: type[S], body: bytes, what: str) -> S:
    """Read `body` as `shape`.

    Raises:
        MalformedResponseError: it is no JSON, or has another shape; the message names the fields.
    """
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        wrong = [".".join(map(str, e["loc"])) or "JSON" for e in error.errors(include_input=False)[:3]]
    raise MalformedResponseError(f"TMDB's answer for {what} has a wrong shape (at {', '.join(wrong)}).")
