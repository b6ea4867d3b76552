"""Movies into the catalog in bulk, for files and for the HTTP API: a bad record is named and stops no other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from catalog.decisions import Verdicted, decide
from catalog.engine import transaction
from catalog.errors import UnknownGenreError
from catalog.ingest import upsert
from catalog.records import MovieRecord

PRIORITY = text("SELECT set_config('marquee.priority', :priority, true)")
GENRES = text("SELECT name, id FROM marquee.genre ORDER BY id")
DEADLOCK = "40P01"
PATIENCE = 5
Numbered = tuple[int, MovieRecord]


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not stored, and why."""

    line: int
    error: str


@dataclass(slots=True)
class Loaded:
    """What became of some rows: the ids of the stored movies by line, and the rows that were refused."""

    ids: dict[int, int] = field(default_factory=dict)
    labels: int = 0
    refused: list[RefusedRow] = field(default_factory=list)


def load(engine: Engine, rows: Sequence[Numbered], *, priority: str, trusted_by: str | None = None) -> Loaded:
    """Store the records, each with its line, in one transaction; where Postgres refuses it, halve and go on.

    Args:
        engine: the catalog.
        rows: line numbers and records, in their order: a later record of the same movie wins.
        priority: interactive, bulk or retag.
        trusted_by: the author of the labels, where the records' `genres` are trusted; else they are ignored.

    Raises:
        DatabaseUnavailableError: Postgres cannot be reached; what was stored before stays.
    """
    loaded = Loaded()
    _load(engine, rows, priority, trusted_by, loaded)
    return loaded


def _load(
    engine: Engine, rows: Sequence[Numbered], priority: str, trusted_by: str | None, loaded: Loaded
) -> None:
    if not rows:
        return
    try:
        ids, labels = _store(engine, [record for _, record in rows], priority, trusted_by)
    except (IntegrityError, DataError, UnknownGenreError) as error:
        if len(rows) == 1:
            loaded.refused.append(RefusedRow(rows[0][0], _reason(error)))
            return
        half = len(rows) // 2
        _load(engine, rows[:half], priority, trusted_by, loaded)
        _load(engine, rows[half:], priority, trusted_by, loaded)
    else:
        loaded.ids.update(zip((line for line, _ in rows), ids, strict=True))
        loaded.labels += labels


def _store(
    engine: Engine, records: Sequence[MovieRecord], priority: str, trusted_by: str | None
) -> tuple[list[int], int]:
    """Store the records together; returns their ids and how many labels were written.

    Two loads of the same movies in different orders can wait for each other: Postgres ends one, which tries again.
    """
    for attempt in range(1, PATIENCE + 1):
        try:
            with transaction(engine) as connection:
                connection.execute(PRIORITY, {"priority": priority})
                ids = upsert(connection, records)
                return ids, _label(connection, ids, records, trusted_by) if trusted_by is not None else 0
        except OperationalError as error:
            if attempt == PATIENCE or getattr(error.orig, "pgcode", None) != DEADLOCK:
                raise
    raise AssertionError


def _reason(error: Any) -> str:
    return error.message if isinstance(error, UnknownGenreError) else " ".join(str(error.orig).split())


def _label(connection: Connection, ids: Sequence[int], records: Sequence[MovieRecord], author: str) -> int:
    """The records' genres as labels: those named hold, the catalog's others do not."""
    known = {r.name: r.id for r in connection.execute(GENRES)}
    verdicts = []
    for movie_id, record in zip(ids, records, strict=True):
        if record.genres is None:
            continue
        if unknown := sorted(set(record.genres) - known.keys()):
            raise UnknownGenreError(
                f"The catalog has no genre named {', '.join(map(repr, unknown))}.",
                mend="Add it to marquee.genre, or correct the name.",
            )
        verdicts += [
            Verdicted(movie_id, i, "accepted" if name in record.genres else "rejected")
            for name, i in known.items()
        ]
    return decide(connection, verdicts, author=author, source="import")
