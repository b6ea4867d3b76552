"""Movies from outside: check a record's fields, and upsert checked ones in bulk.

Identity is the first given of `id`, `external_id`, `tmdb_id`, `imdb_id`. Fields that a record does not
name keep their value; the triggers decide whether what changed is an event.
"""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import to_jsonable_python
from sqlalchemy import Connection, text

from catalog.errors import InvalidMovieError
from catalog.stored import storable, to_json

# Ids given from outside move the counter on, so that the next movie without one does not collide with them.
ADVANCE = text("""
SELECT setval(counter, newest.id) FROM pg_get_serial_sequence('marquee.movie', 'id') AS counter,
    LATERAL (SELECT max(id) AS id FROM marquee.movie) newest
WHERE newest.id > COALESCE(pg_sequence_last_value(counter::regclass), 0)
""")
KNOWN = text("""
SELECT id, external_id, tmdb_id, imdb_id FROM marquee.movie
WHERE id = ANY(:id) OR external_id = ANY(:external_id) OR tmdb_id = ANY(:tmdb_id) OR imdb_id = ANY(:imdb_id)
""")
IDENTITIES = ("id", "external_id", "tmdb_id", "imdb_id")
MAX_PLOT = 100_000
MAX_INDEXED = 600  # characters: an index of Postgres takes 2,704 bytes
MAX_DEPTH = 50
Key = tuple[str, Any]
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

    id: Annotated[Annotated[int, Field(gt=0, lt=2**63)] | None, AsWhole] = None
    external_id: Annotated[Annotated[str, Field(max_length=MAX_INDEXED)] | None, AsText] = None
    tmdb_id: Annotated[Annotated[int, Field(gt=0, lt=2**31)] | None, AsWhole] = None
    imdb_id: Annotated[Annotated[str, Field(pattern=r"^tt[0-9]{7,10}$")] | None, AsText] = None
    title: Annotated[Annotated[str, Field(max_length=MAX_INDEXED)] | None, AsText] = None
    year: Annotated[Annotated[int, Field(ge=1870, le=2200)] | None, AsWhole] = None
    language: Annotated[Annotated[str, Field(pattern=LANGUAGE)] | None, AsText] = None
    plot: Annotated[str | None, AsText] = None
    poster_url: Annotated[Annotated[str, Field(pattern=r"^https?://", max_length=2000)] | None, AsText] = None
    poster_hash: Annotated[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None, AsText] = None
    attributes: Annotated[dict[str, Any] | None, BeforeValidator(_attributes)] = None
    training_allowed: Annotated[bool | None, BeforeValidator(_plain)] = None
    genres: Annotated[list[str] | None, AsList] = None

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
    if record.identity is None and record.title is None:
        raise InvalidMovieError(f"a movie needs a title or one of {', '.join(IDENTITIES)}.")
    return record


def upsert(connection: Connection, records: Sequence[MovieRecord]) -> list[int]:
    """Insert or update the movies and return their ids, in the order of the records.

    Raises:
        sqlalchemy.exc.IntegrityError: a record contradicts another row's key; nothing is written.
    """
    ids: list[int] = [0] * len(records)
    for turn in _turns(records, _known(connection, records)):
        groups: dict[tuple[str | None, tuple[str, ...]], list[int]] = defaultdict(list)
        for place in turn:
            groups[records[place].identity, _named(records[place])].append(place)
        for (identity, named), places in groups.items():
            rows = [records[p].model_dump(include=set(named), mode="json") for p in places]
            found = connection.execute(_statement(identity, named), {"rows": to_json(rows)}).scalars()
            for place, movie_id in zip(places, found, strict=True):
                ids[place] = movie_id
            if "id" in named:
                connection.execute(ADVANCE)
    return ids


def _keys(record: Any) -> list[Key]:
    return [(name, key) for name in IDENTITIES if (key := getattr(record, name)) is not None]


def _known(connection: Connection, records: Sequence[MovieRecord]) -> list[list[Key]]:
    """The keys of each movie that the records may mean; only where they speak of movies by different keys."""
    named: dict[str, list[Any]] = {name: [] for name in IDENTITIES}
    for name, key in (key for record in records for key in _keys(record)):
        named[name].append(key)
    if sum(map(bool, named.values())) < 2:
        return []
    return [_keys(row) for row in connection.execute(KNOWN, named)]


def _turns(records: Sequence[MovieRecord], known: Sequence[Sequence[Key]]) -> list[list[int]]:
    """The records' places in turns, so that no turn names a movie twice, and a later record comes later.

    Records are of one movie if they share a key, or if others, or the movie in the catalog, link their keys.
    """
    linked: dict[Key, Key] = {}

    def movie(key: Key) -> Key:
        while (link := linked.setdefault(key, key)) != key:
            key = linked[key] = linked[link]
        return key

    keys = [_keys(record) for record in records]
    for first, *others in filter(None, (*keys, *known)):
        for other in others:
            linked[movie(other)] = movie(first)
    turns: dict[int, list[int]] = defaultdict(list)
    taken: Counter[Key] = Counter()
    for place, named in enumerate(keys):
        turn = 0
        if named:
            turn = taken[movie(named[0])]
            taken[movie(named[0])] += 1
        turns[turn].append(place)
    return [turns[turn] for turn in sorted(turns)]


def _named(record: MovieRecord) -> tuple[str, ...]:
    """The columns that a record names, in a fixed order."""
    return tuple(n for n in type(record).model_fields if n in record.model_fields_set and n != "genres")


def _statement(identity: str | None, named: tuple[str, ...]) -> Any:
    """One upsert for the records that name these fields, which are `MovieRecord`'s, never from outside."""
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
