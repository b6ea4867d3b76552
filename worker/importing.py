"""Importing a file of movies: good rows are upserted in bulk, a bad row is reported and stops nothing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import Engine

from catalog.errors import InvalidMovieError
from catalog.loading import RefusedRow, load
from catalog.records import MovieRecord, read_record
from worker.rowfiles import Row

CHUNK = 500


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
        loaded = load(self.engine, chunk, priority=self.priority, trusted_by=self.trusted_by)
        self.report.imported += len(loaded.ids)
        self.report.labels += loaded.labels
        self.report.refused += loaded.refused
