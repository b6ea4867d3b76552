"""A movie as a pipeline gives it: its fields are untrusted, and each bad one is named."""

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import to_jsonable_python

from catalog.errors import InvalidMovieError
from catalog.stored import storable

IDENTITIES = ("id", "external_id", "tmdb_id", "imdb_id")
MAX_PLOT = 100_000
MAX_INDEXED = 600  # characters: an index of Postgres takes 2,704 bytes
MAX_DEPTH = 50
LANGUAGE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"


def _plain(value: Any) -> Any:
    """Empty means absent, as does NaN, a data frame's empty cell; what Postgres cannot store is taken out."""
    if isinstance(value, str):
        return storable(value).strip() or None
    if isinstance(value, float) and math.isnan(value):
        return None
    return value


def _whole(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("should be a whole number")
    return _plain(value)


def _text(value: Any) -> Any:
    """Text; a number is taken as its digits (a title may be 1917, an external id often is a number)."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _plain(value)


def _list(value: Any) -> Any:
    """Genres may come as a JSON list or as names separated by `|` or `,`."""
    value = _plain(value)
    if not isinstance(value, str) or value.startswith("["):
        return _object(value)
    return [part.strip() for part in value.split("|" if "|" in value else ",") if part.strip()]


def _object(value: Any) -> Any:
    """What a file without structure gives as JSON text."""
    value = _plain(value)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise ValueError("should be JSON") from None


def _attributes(value: Any) -> Any:
    """What can be stored as JSON, and walked without end of the stack."""
    value = _object(value)
    if _depth_exceeds(value, MAX_DEPTH):
        raise ValueError(f"should be nested at most {MAX_DEPTH} deep")
    try:
        return to_jsonable_python(value)
    except ValueError:
        raise ValueError("should be JSON") from None


def _depth_exceeds(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list | tuple):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_depth_exceeds(v, levels - 1) for v in inner)


# Limits stand on the inner type: a value that turns out to be absent has none to keep.
AsText, AsWhole, AsList = BeforeValidator(_text), BeforeValidator(_whole), BeforeValidator(_list)


class MovieRecord(BaseModel):
    """A movie as a pipeline gives it. `genres` are trusted labels, and never model input."""

    model_config = ConfigDict(extra="forbid", str_max_length=MAX_PLOT)

    id: Annotated[Annotated[int, Field(gt=0, lt=2**63)] | None, AsWhole] = Field(
        None, description="The movie's id in the catalog."
    )
    external_id: Annotated[Annotated[str, Field(max_length=MAX_INDEXED)] | None, AsText] = Field(
        None, description="Your own key of the movie: the best way to name it.", examples=["movie-42"]
    )
    tmdb_id: Annotated[Annotated[int, Field(gt=0, lt=2**31)] | None, AsWhole] = Field(
        None, description="The movie's id at TMDB.", examples=[603]
    )
    imdb_id: Annotated[Annotated[str, Field(pattern=r"^tt[0-9]{7,10}$")] | None, AsText] = Field(
        None, description="The movie's id at IMDb.", examples=["tt0133093"]
    )
    title: Annotated[Annotated[str, Field(max_length=MAX_INDEXED)] | None, AsText] = Field(
        None,
        description="The title; a movie needs one, or one of the ids above.",
        examples=["The Lighthouse Keeper"],
    )
    year: Annotated[Annotated[int, Field(ge=1870, le=2200)] | None, AsWhole] = Field(
        None, description="The year of its release.", examples=[1999]
    )
    language: Annotated[Annotated[str, Field(pattern=LANGUAGE)] | None, AsText] = Field(
        None, description="The language of the plot: a code such as `en` or `pt-BR`.", examples=["en"]
    )
    plot: Annotated[str | None, AsText] = Field(
        None,
        description="The plot; without one, TMDB's is fetched.",
        examples=["A keeper finds a letter that was never sent."],
    )
    poster_url: Annotated[Annotated[str, Field(pattern=r"^https?://", max_length=2000)] | None, AsText] = (
        Field(
            None,
            description="Where its poster can be fetched; without one, TMDB's is.",
            examples=["https://images.example/42.jpg"],
        )
    )
    poster_hash: Annotated[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None, AsText] = Field(
        None, description="The SHA-256 of a poster that the poster store has."
    )
    attributes: Annotated[dict[str, Any] | None, BeforeValidator(_attributes)] = Field(
        None,
        description="Whatever else you want to keep with the movie; it is never model input.",
        examples=[{"studio": "A"}],
    )
    training_allowed: Annotated[bool | None, BeforeValidator(_plain)] = Field(
        None, description="Whether models may learn from the movie; null means yes."
    )
    genres: Annotated[list[str] | None, AsList] = Field(
        None,
        description="Trusted labels, never model input: these hold, the catalog's others do not.",
        examples=[["Drama"]],
    )

    @property
    def identity(self) -> str | None:
        """The name of the field that says which movie this is; None for a movie that is always new."""
        return next((name for name in IDENTITIES if getattr(self, name) is not None), None)


def read_record(fields: Mapping[str, Any]) -> MovieRecord:
    """Check the fields of one movie.

    Raises:
        InvalidMovieError: a field cannot be stored; the message names it.
    """
    try:
        record = MovieRecord.model_validate(dict(fields))
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InvalidMovieError(f"{reasons}.") from None
    return known_record(record)


def known_record(record: MovieRecord) -> MovieRecord:
    """The record, if it says which movie it is.

    Raises:
        InvalidMovieError: it has neither a title nor an id.
    """
    if record.identity is None and record.title is None:
        raise InvalidMovieError(f"a movie needs a title or one of {', '.join(IDENTITIES)}.")
    return record
