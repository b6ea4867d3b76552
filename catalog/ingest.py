"""Movies from outside: check a record's fields, and upsert checked ones in bulk.

Identity is the first given of `id`, `external_id`, `tmdb_id`, `imdb_id`. Fields that a record does not name keep
their value; the triggers decide whether what changed is an event.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from sqlalchemy import Connection, text

from catalog.errors import InvalidMovieError

IDENTITIES = ("id", "external_id", "tmdb_id", "imdb_id")
MAX_PLOT = 100_000


def _plain(value: Any) -> Any:
    """Empty means absent; NUL, which Postgres cannot store, is taken out."""
    if isinstance(value, str):
        value = value.replace("\x00", "").strip()
        return value or None
    if isinstance(value, float) and value != value:  # NaN: an empty cell of a data frame
        return None
    return value


def _list(value: Any) -> Any:
    """Genres may come as a JSON list or as names separated by `|` or `,`."""
    value = _plain(value)
    if not isinstance(value, str):
        return value
    if value.startswith("["):
        return json.loads(value)
    return [part.strip() for part in value.split("|" if "|" in value else ",") if part.strip()]


Text = Annotated[str | None, BeforeValidator(_plain)]
Whole = Annotated[int | None, BeforeValidator(_plain)]


class MovieRecord(BaseModel):
    """A movie as a pipeline gives it. `genres` are trusted labels, and never model input."""

    model_config = ConfigDict(extra="forbid", str_max_length=MAX_PLOT)

    id: Annotated[Whole, Field(gt=0)] = None
    external_id: Text = None
    tmdb_id: Annotated[Whole, Field(gt=0, lt=2**31)] = None
    imdb_id: Annotated[Text, Field(pattern=r"^tt\d{7,10}$")] = None
    title: Annotated[Text, Field(max_length=1000)] = None
    year: Annotated[Whole, Field(ge=1870, le=2200)] = None
    language: Annotated[Text, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = None
    plot: Text = None
    poster_url: Annotated[Text, Field(pattern=r"^https?://", max_length=2000)] = None
    poster_hash: Annotated[Text, Field(pattern=r"^[0-9a-f]{64}$")] = None
    attributes: dict[str, Any] | None = None
    training_allowed: bool | None = None
    genres: Annotated[list[str] | None, BeforeValidator(_list)] = None

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
    except (ValidationError, json.JSONDecodeError) as error:
        if not isinstance(error, ValidationError):
            raise InvalidMovieError("genres: not a JSON list.") from None
        reasons = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:3])
        raise InvalidMovieError(f"{reasons}.") from None
    if record.identity is None and record.title is None:
        raise InvalidMovieError(f"a movie needs a title or one of {', '.join(IDENTITIES)}.")
    return record


def upsert(connection: Connection, records: Sequence[MovieRecord]) -> list[int]:
    """Insert or update the movies and return their ids, in the order of the records.

    Raises:
        sqlalchemy.exc.IntegrityError: a record contradicts another row's key; nothing is written.
    """
    ids: list[int] = [0] * len(records)
    groups: dict[tuple[str | None, tuple[str, ...]], list[int]] = {}
    for place, record in enumerate(records):
        named = tuple(n for n in type(record).model_fields if n in record.model_fields_set and n != "genres")
        groups.setdefault((record.identity, named), []).append(place)
    for (identity, named), places in groups.items():
        for chosen in _without_repeats(records, places, identity):
            rows = [records[p].model_dump(include=set(named), mode="json") for p in chosen]
            found = (
                connection.execute(_statement(identity, named), {"rows": json.dumps(rows)}).scalars().all()
            )
            for place, movie_id in zip(chosen, found, strict=True):
                ids[place] = movie_id
    return ids


def _without_repeats(
    records: Sequence[MovieRecord], places: Sequence[int], identity: str | None
) -> list[list[int]]:
    """Split the places so that no statement names a movie twice; a later record wins by coming later."""
    rounds: list[dict[Any, int]] = []
    for place in places:
        key = getattr(records[place], identity) if identity else place
        for seen in rounds:
            if key not in seen:
                seen[key] = place
                break
        else:
            rounds.append({key: place})
    return [list(seen.values()) for seen in rounds]


def _statement(identity: str | None, named: tuple[str, ...]) -> Any:
    """One upsert for the records that name these fields. The names come from `MovieRecord`, never from outside."""
    values = ", ".join(
        "COALESCE(r.training_allowed, true)" if n == "training_allowed" else f"r.{n}" for n in named
    )
    changes = (
        ", ".join(f"{n} = EXCLUDED.{n}" for n in named if n != identity)
        or f"{identity} = EXCLUDED.{identity}"
    )
    conflict = f"ON CONFLICT ({identity}) DO UPDATE SET {changes}" if identity else ""
    return text(
        f"INSERT INTO marquee.movie ({', '.join(named)}) SELECT {values} "  # noqa: S608
        f"FROM jsonb_populate_recordset(NULL::marquee.movie, CAST(:rows AS jsonb)) r {conflict} RETURNING id"
    )
