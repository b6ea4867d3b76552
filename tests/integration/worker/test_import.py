"""Importing rows: the good ones are stored, a bad one is named with its line."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine

from tests.support import ledger
from worker.importing import Importer, ImportReport
from worker.rowfiles import read_rows


def imported(engine: Engine, path: Path, **options: str) -> ImportReport:
    return Importer(engine, **options).run(read_rows(path, lambda _: None))  # type: ignore[arg-type]


def jsonl(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def titles(engine: Engine) -> list[str]:
    return [r.title for r in ledger.execute(engine, "SELECT title FROM marquee.movie ORDER BY id")]


def test_bad_rows_stop_nothing(engine: Engine, tmp_path: Path) -> None:
    report = imported(
        engine,
        jsonl(
            tmp_path / "m.jsonl",
            {"title": "first"},
            {"title": "bad id", "tmdb_id": -3},
            {"title": "bad year", "year": 3000},
            {"title": "bad imdb", "imdb_id": "0000011"},
            "not json",
            {"plot": "nobody knows of what"},
            {"title": "huge number", "id": 10**30},
            {"title": "no url", "poster_url": "ftp://x"},
            {"title": "last"},
        ),
    )
    assert titles(engine) == ["first", "last"]
    assert [r.line for r in report.refused] == [2, 3, 4, 5, 6, 7, 8]
    assert all(r.error for r in report.refused)
    assert report.imported == 2
    assert set(ledger.states(engine).values()) == {"pending"}


def test_nul_in_text_is_taken_out(engine: Engine, tmp_path: Path) -> None:
    report = imported(engine, jsonl(tmp_path / "m.jsonl", {"title": "a\x00b", "plot": "\x00"}))
    assert report.refused == []
    assert titles(engine) == ["ab"]


def test_the_last_of_duplicate_ids_wins(engine: Engine, tmp_path: Path) -> None:
    rows = [{"tmdb_id": 5, "title": "old"}, {"tmdb_id": 5, "title": "new"}, {"tmdb_id": 5, "title": "newest"}]
    report = imported(engine, jsonl(tmp_path / "m.jsonl", *rows))
    assert (report.imported, report.refused) == (3, [])
    assert titles(engine) == ["newest"]


def test_a_second_import_of_the_same_file_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "m.jsonl", {"tmdb_id": 5, "title": "a"}, {"external_id": "x", "title": "b"})
    imported(engine, path)
    imported(engine, path)
    assert titles(engine) == ["a", "b"]
    assert ledger.scalar(engine, "SELECT max(revision) FROM marquee.tagging") == 1


def test_a_key_of_another_movie_is_refused(engine: Engine, tmp_path: Path) -> None:
    rows = [{"tmdb_id": 5, "imdb_id": "tt0000005"}, {"tmdb_id": 6, "imdb_id": "tt0000005"}, {"tmdb_id": 7}]
    report = imported(engine, jsonl(tmp_path / "m.jsonl", *rows))
    assert [r.line for r in report.refused] == [2]
    assert ledger.scalar(engine, "SELECT count(*) FROM marquee.movie") == 2


def test_empty_cells_of_a_csv_mean_nothing(engine: Engine, tmp_path: Path) -> None:
    """A table that has every column, most of them empty."""
    path = tmp_path / "m.csv"
    path.write_text(
        "external_id,tmdb_id,imdb_id,title,year,language,plot,poster_url,training_allowed,attributes,genres\n"
        'a,,,Full,1999,en,A plot,,false,"{""k"": 1}",Drama|Crime\n'
        "b,,,Empty,,,,,,,\n"
    )
    report = imported(engine, path)
    assert report.refused == []
    rows = ledger.execute(
        engine, "SELECT title, year, training_allowed, attributes FROM marquee.movie ORDER BY external_id"
    )
    assert [tuple(r) for r in rows] == [("Full", 1999, False, {"k": 1}), ("Empty", None, True, None)]


def test_parquet(engine: Engine, tmp_path: Path) -> None:
    table = pa.table(
        {
            "tmdb_id": [1, None],
            "title": ["A", "B"],
            "year": [1999.0, float("nan")],
            "genres": [["Drama"], None],
        }
    )
    pq.write_table(table, tmp_path / "m.parquet")
    report = imported(engine, tmp_path / "m.parquet", trusted_by="me")
    assert report.refused == []
    assert titles(engine) == ["A", "B"]
    assert report.labels == 19


def test_trusted_genres_become_labels(engine: Engine, tmp_path: Path) -> None:
    path = jsonl(
        tmp_path / "m.jsonl",
        {"tmdb_id": 1, "genres": ["Drama", "Crime"]},
        {"tmdb_id": 2, "genres": ["Dramma"]},
        {"tmdb_id": 3, "genres": "Drama|War"},
        {"tmdb_id": 4},
    )
    report = imported(engine, path, trusted_by="the owner")
    assert [r.line for r in report.refused] == [2]
    assert "Dramma" in report.refused[0].error
    held = ledger.execute(
        engine,
        "SELECT m.tmdb_id, g.name FROM marquee.label l JOIN marquee.movie m ON m.id = l.movie_id "
        "JOIN marquee.genre g ON g.id = l.genre_id WHERE l.holds ORDER BY 1, 2",
    )
    assert [tuple(r) for r in held] == [(1, "Crime"), (1, "Drama"), (3, "Drama"), (3, "War")]


def test_genres_that_nobody_trusts_are_ignored(engine: Engine, tmp_path: Path) -> None:
    report = imported(engine, jsonl(tmp_path / "m.jsonl", {"tmdb_id": 1, "genres": ["Dramma"], "extra": 1}))
    assert (report.imported, report.labels) == (1, 0)
    assert report.ignored_columns == {"extra"}
    assert ledger.scalar(engine, "SELECT count(*) FROM marquee.decision") == 0


@pytest.mark.parametrize(("priority", "number"), [("interactive", 0), ("bulk", 1), ("retag", 2)])
def test_priority(engine: Engine, tmp_path: Path, priority: str, number: int) -> None:
    imported(engine, jsonl(tmp_path / "m.jsonl", {"title": "A"}), priority=priority)
    assert ledger.scalar(engine, "SELECT priority FROM marquee.tagging") == number


def test_many_rows_with_a_few_bad_ones(engine: Engine, tmp_path: Path) -> None:
    imported(engine, jsonl(tmp_path / "first.jsonl", {"external_id": "owner", "imdb_id": "tt0000001"}))
    rows: list[object] = [{"external_id": str(n), "title": f"t{n}"} for n in range(1200)]
    for n in (3, 600, 1199):
        rows[n] = {"external_id": str(n), "imdb_id": "tt0000001"}
    report = imported(engine, jsonl(tmp_path / "m.jsonl", *rows))
    assert report.imported == 1197
    assert [r.line for r in report.refused] == [4, 601, 1200]
