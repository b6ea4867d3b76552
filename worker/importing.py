"""Importing a file of movies: good rows are upserted in bulk, a bad row is reported and stops nothing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import DataError, IntegrityError

from catalog.decisions import Verdicted, decide
from catalog.engine import transaction
from catalog.errors import InvalidMovieError, UnknownGenreError
from catalog.ingest import upsert
from catalog.records import MovieRecord, read_record
from catalog.registry import genre_ids
from worker.rowfiles import Row

CHUNK = 500
PRIORITY = text("SELECT set_config('marquee.priority', :priority, true)")


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not imported, and why."""

    line: int
    error: str


@dataclass(slots=True)
class ImportReport:
    """What an import did."""

    imported: int = 0
    labels: int = 0
    refused: list[RefusedRow] = field(default_factory=list)
    ignored_columns: set[str] = field(default_factory=set)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self) | {"ignored_columns": sorted(self.ignored_columns)}


class Importer:
    """Upserts rows into the catalog.

    Args:
        engine: the catalog.
        priority: interactive, bulk or retag.
        trusted_by: the author of the labels, where the rows' `genres` are trusted; else they are ignored.
    """

    def __init__(self, engine: Engine, *, priority: str = "bulk", trusted_by: str | None = None) -> None:
        self.engine = engine
        self.priority = priority
        self.trusted_by = trusted_by
        self.report = ImportReport()

    def run(self, rows: Iterable[Row]) -> ImportReport:
        """Import the rows, chunk by chunk, each chunk in a transaction of its own."""
        checked = self._checked(rows)
        while chunk := list(islice(checked, CHUNK)):
            self._write(chunk)
        self.report.refused.sort(key=lambda r: r.line)
        return self.report

    def _checked(self, rows: Iterable[Row]) -> Iterator[tuple[int, MovieRecord]]:
        known = set(MovieRecord.model_fields)
        for row in rows:
            if row.fields is None:
                self.report.refused.append(RefusedRow(row.line, row.error))
                continue
            self.report.ignored_columns |= set(map(str, row.fields)) - known
            try:
                yield row.line, read_record({k: v for k, v in row.fields.items() if k in known})
            except InvalidMovieError as error:
                self.report.refused.append(RefusedRow(row.line, error.message))

    def _write(self, chunk: Sequence[tuple[int, MovieRecord]]) -> None:
        """Write a chunk; where Postgres refuses it, find the rows that it is about by halving."""
        try:
            with transaction(self.engine) as connection:
                connection.execute(PRIORITY, {"priority": self.priority})
                records = [record for _, record in chunk]
                ids = upsert(connection, records)
                labels = self._labels(connection, ids, records)
        except (IntegrityError, DataError, UnknownGenreError) as error:
            if len(chunk) == 1:
                said = error.message if isinstance(error, UnknownGenreError) else str(error.orig).strip()
                self.report.refused.append(RefusedRow(chunk[0][0], said))
                return
            half = len(chunk) // 2
            self._write(chunk[:half])
            self._write(chunk[half:])
        else:
            self.report.imported += len(chunk)
            self.report.labels += labels

    def _labels(self, connection: Any, ids: Sequence[int], records: Sequence[MovieRecord]) -> int:
        """The rows' genres as labels: those named hold, the catalog's others do not."""
        if self.trusted_by is None:
            return 0
        rows = connection.execute(text("SELECT name, id FROM marquee.genre"))
        every = {r.name: r.id for r in rows}
        verdicts = []
        for movie_id, record in zip(ids, records, strict=True):
            if record.genres is not None:
                holding = set(genre_ids(connection, tuple(record.genres)))
                verdicts += [
                    Verdicted(movie_id, i, "accepted" if i in holding else "rejected") for i in every.values()
                ]
        return decide(connection, verdicts, author=self.trusted_by, source="import")
