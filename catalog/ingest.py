"""Movies from outside into the catalog: checked records are upserted in bulk.

Identity is the first given of `id`, `external_id`, `tmdb_id`, `imdb_id`. Fields that a record does not
name keep their value; the triggers decide whether what changed is an event.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text

from catalog.records import IDENTITIES, MovieRecord
from catalog.stored import to_json

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
Key = tuple[str, Any]


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
