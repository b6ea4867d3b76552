"""Reading rows: every kind of file, and every kind of bad row with its line."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import worker.rowfiles
from worker.errors import ImportFileError
from worker.rowfiles import Row, read_rows


def rows(path: Path) -> list[Row]:
    return list(read_rows(path, lambda _: None))


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def good(found: list[Row]) -> list[tuple[int, object]]:
    return [(r.line, (r.fields or {}).get("title")) for r in found if r.fields is not None]


def bad(found: list[Row]) -> dict[int, str]:
    return {r.line: r.error for r in found if r.fields is None}


def test_csv_with_bom_quotes_and_line_breaks(tmp_path: Path) -> None:
    data = '\ufefftitle,plot\r\nA,"one\r\ntwo, ""three"""\r\nB,x\r\n'
    found = rows(written(tmp_path / "m.csv", data.encode()))
    assert found[0].fields == {"title": "A", "plot": 'one\r\ntwo, "three"'}
    assert good(found) == [(3, "A"), (4, "B")]


def test_csv_bad_rows_have_their_line_and_stop_nothing(tmp_path: Path) -> None:
    data = b"title,plot\nA,x\nB\nC,x,y\n\xff\xfe,x\nD,x\n"
    found = rows(written(tmp_path / "m.csv", data))
    assert [title for _, title in good(found)] == ["A", "D"]
    assert set(bad(found)) == {3, 4, 5}
    assert "UTF-8" in bad(found)[5]
    assert "header" in bad(found)[3]


def test_csv_with_a_quote_that_never_ends(tmp_path: Path) -> None:
    found = rows(written(tmp_path / "m.csv", b'title,plot\nA,x\nB,"never\nC,x\n'))
    assert good(found)[0] == (2, "A")
    assert bad(found)


def test_a_csv_without_a_header_has_no_rows(tmp_path: Path) -> None:
    assert rows(written(tmp_path / "m.csv", b"")) == []


def test_jsonl_bad_rows_have_their_line_and_stop_nothing(tmp_path: Path) -> None:
    data = b'{"title":"A"}\n\n{"title":\n[1]\n"text"\n\xff\n' + b"[" * 100_000 + b'\n{"title":"B"}'
    found = rows(written(tmp_path / "m.jsonl", data))
    assert good(found) == [(1, "A"), (8, "B")]
    assert set(bad(found)) == {3, 4, 5, 6, 7}


def test_jsonl_with_a_bom(tmp_path: Path) -> None:
    assert good(rows(written(tmp_path / "m.jsonl", b'\xef\xbb\xbf{"title":"A"}'))) == [(1, "A")]


def test_a_line_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker.rowfiles, "MAX_LINE_BYTES", 50)
    data = b'{"title":"A"}\n{"title":"' + b"x" * 500 + b'"}\n{"title":"B"}\n'
    found = rows(written(tmp_path / "m.jsonl", data))
    assert good(found) == [(1, "A"), (3, "B")]
    assert set(bad(found)) == {2}


def test_parquet(tmp_path: Path) -> None:
    table = pa.table({"title": ["A", None], "year": [1999, 2000]})
    pq.write_table(table, tmp_path / "m.parquet")
    found = rows(tmp_path / "m.parquet")
    assert found == [Row(1, {"title": "A", "year": 1999}), Row(2, {"title": None, "year": 2000})]


def test_a_parquet_file_that_is_damaged_within(tmp_path: Path) -> None:
    pq.write_table(pa.table({"title": [f"{n}" * 50 for n in range(5000)]}), tmp_path / "m.parquet")
    data = bytearray((tmp_path / "m.parquet").read_bytes())
    data[4:2000] = bytes(1996)
    written(tmp_path / "m.parquet", bytes(data))
    with pytest.raises(ImportFileError):
        rows(tmp_path / "m.parquet")


@pytest.mark.parametrize("name", ["none.csv", "m.xlsx", "m.parquet", "m"])
def test_a_file_that_cannot_be_read_says_so(tmp_path: Path, name: str) -> None:
    if not name.startswith("none"):
        written(tmp_path / name, b"something")
    with pytest.raises(ImportFileError) as caught:
        rows(tmp_path / name)
    assert caught.value.mend


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(ImportFileError):
        rows(tmp_path / "d.csv")


def test_progress_reaches_the_size(tmp_path: Path) -> None:
    path = written(tmp_path / "m.jsonl", b'{"title":"A"}\n{"title":"B"}\n')
    told: list[int] = []
    list(read_rows(path, told.append))
    assert told[-1] == path.stat().st_size
