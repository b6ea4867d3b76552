"""Rows of a CSV, JSONL or Parquet file, each with its line or row number; a row that cannot be read says why."""

import csv
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from worker.errors import ImportFileError

MAX_LINE_BYTES = 4 * 1024 * 1024
Progress = Callable[[int], None]


class Row(NamedTuple):
    """A row of a file: its fields, or the error that took their place."""

    line: int
    fields: dict[str, Any] | None
    error: str = ""


def size_of(path: Path) -> int:
    """How much there is to read: bytes of a text file, rows of a Parquet file.

    Raises:
        ImportFileError: the file is missing or of no known kind.
    """
    if not path.is_file():
        raise ImportFileError(f"There is no file {path}.")
    if not os.access(path, os.R_OK):
        raise ImportFileError(f"The file {path} may not be read.")
    return _parquet(path).metadata.num_rows if path.suffix == ".parquet" else path.stat().st_size


def read_rows(path: Path, progress: Progress) -> Iterator[Row]:
    """The rows of the file, by its ending. `progress` is told how much was read, in `size_of`'s units.

    Raises:
        ImportFileError: the file is missing or of no known kind.
    """
    size_of(path)
    kinds = {".csv": _read_csv, ".jsonl": _read_jsonl, ".ndjson": _read_jsonl, ".parquet": _read_parquet}
    if path.suffix not in kinds:
        raise ImportFileError(f"{path.name} is of no known kind.")
    return kinds[path.suffix](path, progress)


def _lines(path: Path, progress: Progress) -> Iterator[tuple[int, str | None]]:
    """The lines of a text file; None for one that is too long or not UTF-8."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES):
            number += 1
            whole = line.endswith(b"\n") or len(line) < MAX_LINE_BYTES
            while not whole:
                rest = file.readline(MAX_LINE_BYTES)
                whole = rest.endswith(b"\n") or len(rest) < MAX_LINE_BYTES
                line = b"\xff"
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                yield number, None
            progress(file.tell())


def _read_jsonl(path: Path, progress: Progress) -> Iterator[Row]:
    for number, line in _lines(path, progress):
        if line is None:
            yield Row(number, None, "not UTF-8, or longer than 4 MiB.")
        elif line.strip():
            try:
                fields = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield Row(number, None, f"not JSON: {error}.")
                continue
            is_object = isinstance(fields, dict)
            yield Row(number, fields if is_object else None, "" if is_object else "not a JSON object.")


def _read_csv(path: Path, progress: Progress) -> Iterator[Row]:
    broken: set[int] = set()

    def lines() -> Iterator[str]:
        for number, line in _lines(path, progress):
            if line is None:
                broken.add(number)
            yield line if line is not None else "\n"

    csv.field_size_limit(MAX_LINE_BYTES)
    reader = csv.DictReader(lines(), strict=True)
    while True:
        before = reader.line_num
        try:
            fields = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            yield Row(reader.line_num, None, f"not CSV: {error}.")
            continue
        finally:
            for number in sorted(n for n in broken if before < n <= reader.line_num):
                broken.discard(number)
                yield Row(number, None, "not UTF-8, or longer than 4 MiB.")
        if None in fields or None in fields.values():
            yield Row(reader.line_num, None, "has not as many fields as the header.")
        else:
            yield Row(reader.line_num, dict(fields))


def _read_parquet(path: Path, progress: Progress) -> Iterator[Row]:
    number = 0
    batches = _parquet(path).iter_batches(batch_size=1000)
    while True:
        try:
            batch = next(batches, None)
        except (OSError, ValueError) as error:
            raise ImportFileError(f"{path.name} is damaged after row {number}: {error}.") from None
        if batch is None:
            return
        for fields in batch.to_pylist():
            number += 1
            yield Row(number, fields)
        progress(number)


def _parquet(path: Path) -> Any:
    try:
        return pq.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise ImportFileError(f"{path.name} is not a Parquet file: {error}.") from None
