"""Movies line by line: bad lines are named with their numbers, and what is good is written whatever else comes."""

import asyncio
import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from catalog.engine import transaction
from catalog.errors import DatabaseUnavailableError
from catalog.loading import load
from catalog.people.tokens import add_token
from review.api import bulk
from review.api.lines import MAX_LINE, Inflate, Lines
from tests.support import ledger

NDJSON = {"Content-Type": "application/x-ndjson"}


def send(client: TestClient, content: Any, *, query: str = "", **headers: str) -> Any:
    return client.post(f"/movies/bulk{query}", content=content, headers=NDJSON | headers)


def ndjson(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def titles(engine: Engine) -> list[str]:
    return [r.title for r in ledger.execute(engine, "SELECT title FROM marquee.movie ORDER BY id")]


def test_a_report_by_line(client: TestClient, engine: Engine) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    lines = [
        b'{"external_id": "a", "title": "first"}',
        b"",
        b'{"title": "bad year", "year": 3000}',
        b"not json",
        b'{"title": "not UTF-8 \xff"}',
        b'{"title": "nul\\u0000 and \\ud800 surrogate"}',
        b"[1, 2]",
        b'{"plot": "of what?"}',
        b'{"title": "deep", "attributes": ' + deep + b"}",
        b'{"title": ' + deep + b"}",
        b'{"title": "long", "plot": "' + b"x" * MAX_LINE + b'"}',
        b'{"title": "huge", "id": ' + b"9" * 5000 + b"}",
        b'{"title": "labels", "genres": ["Drama"]}',
        b'{"title": "NaN", "year": NaN, "attributes": {"a": NaN, "b": "\\u0000"}}',
        b'{"' + b"k" * 1000 + b'": 1}',
        b"   ",
        b'{"external_id": "b", "title": "last"}',
    ]
    answer = send(client, b"\n".join(lines))
    assert answer.status_code == 200
    report = answer.json()
    assert [m["line"] for m in report["movies"]] == [1, 6, 14, 17]
    assert [e["line"] for e in report["errors"]] == [3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 15]
    assert (report["lines"], report["accepted"], report["refused"]) == (15, 4, 11)
    by_line = {e["line"]: e["error"] for e in report["errors"]}
    assert "year" in by_line[3]
    assert by_line[5] == "not UTF-8."
    assert "labels=true" in by_line[13]
    assert by_line[11] == f"longer than {MAX_LINE:,} bytes."
    assert max(map(len, by_line.values())) <= 300
    assert sorted(titles(engine)) == ["NaN", "first", "last", "nul and  surrogate"]
    assert client.get(f"/movies/{report['movies'][3]['id']}").json()["external_id"] == "b"


def test_the_later_line_of_a_movie_wins(client: TestClient, engine: Engine) -> None:
    report = send(client, ndjson({"tmdb_id": 5, "title": "old"}, {"tmdb_id": 5, "title": "new"})).json()
    assert report["movies"][0]["id"] == report["movies"][1]["id"]
    assert titles(engine) == ["new"]


def test_thousands_in_chunks_and_a_contradiction(client: TestClient, engine: Engine) -> None:
    rows: list[dict[str, Any]] = [{"external_id": str(n), "title": f"t{n}"} for n in range(2500)]
    rows[1700] = {"external_id": "1700", "imdb_id": "tt0000001"}
    rows[2100] = {"external_id": "2100", "imdb_id": "tt0000001"}
    report = send(client, ndjson(*rows)).json()
    assert (report["accepted"], [e["line"] for e in report["errors"]]) == (2499, [2101])
    assert [m["line"] for m in report["movies"]] == [n for n in range(1, 2501) if n != 2101]
    assert set(ledger.states(engine).values()) == {"pending"}
    assert ledger.scalar(engine, "SELECT min(priority) FROM marquee.tagging") == 1
    again = send(client, ndjson(*rows)).json()
    assert again == report
    assert ledger.scalar(engine, "SELECT max(revision) FROM marquee.tagging") == 1


def test_labels(client: TestClient) -> None:
    rows = [{"tmdb_id": 1, "genres": ["War"]}, {"tmdb_id": 2, "genres": ["Wart"]}, {"tmdb_id": 3}]
    report = send(client, ndjson(*rows), query="?labels=true").json()
    assert (report["labels"], [e["line"] for e in report["errors"]]) == (19, [2])


@pytest.mark.parametrize("body", [b"", b"\n\n \r\n"])
def test_an_empty_body_is_an_empty_report(client: TestClient, body: bytes) -> None:
    report = send(client, body).json()
    assert report == {"lines": 0, "accepted": 0, "refused": 0, "labels": 0, "movies": [], "errors": []}


def test_lines_may_end_as_windows_ends_them(client: TestClient) -> None:
    assert send(client, b'{"title": "A"}\r\n{"title": "B"}\r\n').json()["accepted"] == 2


def test_a_streamed_body_without_a_length(client: TestClient) -> None:
    def pieces() -> Iterator[bytes]:
        for byte in ndjson({"title": "A"}, {"title": "Ä"}):
            yield bytes([byte])

    assert send(client, pieces()).json()["accepted"] == 2


def test_gzip(client: TestClient) -> None:
    one, two = gzip.compress(ndjson({"title": "A"})), gzip.compress(ndjson({"title": "B"}))
    assert send(client, one + two, **{"Content-Encoding": "gzip"}).json()["accepted"] == 2


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b"x" + b, lambda b: b""])
def test_damaged_gzip_says_so(client: TestClient, damage: Any) -> None:
    body = damage(gzip.compress(ndjson({"title": "A"})))
    answer = send(client, body, **{"Content-Encoding": "gzip"})
    assert answer.status_code == 400
    assert "gzip" in answer.json()["detail"]


def test_a_little_gzip_that_means_much_ends_at_the_limit(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MAX_BYTES", 3_000_000)
    body = gzip.compress(ndjson({"title": "A"}) + b" " * 100_000_000)
    assert len(body) < 200_000
    answer = send(client, body, **{"Content-Encoding": "gzip"})
    assert answer.status_code == 413
    assert answer.json()["report"]["accepted"] == 0


def test_too_many_lines_end_at_the_limit_and_the_report_says_what_was_written(
    client: TestClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MAX_LINES", 25)
    monkeypatch.setattr(bulk, "CHUNK_LINES", 10)
    answer = send(client, ndjson(*({"title": f"t{n}"} for n in range(30))))
    assert answer.status_code == 413
    assert [m["line"] for m in answer.json()["report"]["movies"]] == list(range(1, 21))
    assert len(titles(engine)) == 20


def test_postgres_going_away_half_way_says_what_was_written(
    client: TestClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def failing(*args: Any, **options: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            raise DatabaseUnavailableError("Postgres cannot be reached.", mend="Is it running?")
        return load(*args, **options)

    monkeypatch.setattr(bulk, "load", failing)
    monkeypatch.setattr(bulk, "CHUNK_LINES", 10)
    answer = send(client, ndjson(*({"title": f"t{n}"} for n in range(30))))
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    problem = answer.json()
    assert "same lines again" in problem["mend"]
    assert problem["report"]["accepted"] == 10
    assert len(titles(engine)) == 10


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
def test_another_content_type_is_refused(client: TestClient, kind: str) -> None:
    answer = client.post("/movies/bulk", content=b"{}", headers={"Content-Type": kind})
    assert (answer.status_code, "application/x-ndjson" in answer.json()["mend"]) == (415, True)


def test_another_encoding_is_refused(client: TestClient) -> None:
    assert send(client, b"", **{"Content-Encoding": "br"}).status_code == 415


def test_lines_are_cut_the_same_however_the_bytes_come() -> None:
    body = b"one\n\n" + b"x" * (MAX_LINE + 1) + b"\nlast"
    for step in (1000, 7777, len(body)):
        lines = Lines()
        found = [line for i in range(0, len(body), step) for line in lines.feed(body[i : i + step])]
        assert [*found, *lines.end()] == [b"one", b"", None, b"last"]


def test_inflating_gives_every_byte_in_small_pieces() -> None:
    plain = bytes(range(256)) * 10_000
    inflate = Inflate()
    pieces = list(inflate.feed(gzip.compress(plain)))
    inflate.end()
    assert b"".join(pieces) == plain
    assert max(map(len, pieces)) <= 256 * 1024


def test_a_sender_that_goes_away_leaves_what_it_sent(
    app: FastAPI, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half-way through a line: the chunks before are written, the half line is not."""
    monkeypatch.setattr(bulk, "CHUNK_LINES", 10)
    with transaction(engine) as connection:
        token = add_token(connection, "a", ["movies:write"])
    messages = [
        {"type": "http.request", "body": ndjson(*({"title": f"t{n}"} for n in range(25))), "more_body": True},
        {"type": "http.request", "body": b'{"title": "ha', "more_body": True},
        {"type": "http.disconnect"},
    ]
    answers: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        answers.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/api/v1/movies/bulk", "raw_path": b"", "query_string": b"",
        "root_path": "", "scheme": "http", "http_version": "1.1", "server": ("testserver", 80),
        "headers": [(b"authorization", f"Bearer {token}".encode()), (b"content-type", b"application/x-ndjson")],
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    assert answers[0]["status"] == 400
    assert len(titles(engine)) == 20
