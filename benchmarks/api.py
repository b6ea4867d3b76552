"""How fast the HTTP API upserts movies, beside plain SQL that stores the same movies.

    python -m benchmarks.api --movies 20000 --rounds 5

`marquee review` runs as a process of its own over an embedded Postgres with its usual settings. In each round,
after all tables are emptied, one request sends all movies as NDJSON (all new), and one sends them again with
another plot (all known). So does plain SQL from this process: upserts of a thousand rows a statement, a
transaction each, and one COPY, which can only insert. The triggers are on everywhere: every movie is an event.
The result is the median of the rounds, and of the rounds' ratios.
"""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import psycopg2
import psycopg2.extensions
import requests
from psycopg2.extras import execute_values

from benchmarks.bulk_insert import movies as made_up
from benchmarks.machine import describe_machine
from catalog.engine import connect, transaction
from catalog.people.tokens import add_token
from catalog.schema import migrate
from worker.embedded import EmbeddedServers
from worker.embedded.ports import candidates

WANTED = 2_000
CHUNK = 1_000
COLUMNS = ("tmdb_id", "imdb_id", "title", "year", "language", "plot")
Row = tuple[Any, ...]
Cursor = psycopg2.extensions.cursor
INSERT = f"INSERT INTO marquee.movie ({', '.join(COLUMNS)}) VALUES %s"
UPSERT = (
    f"{INSERT} ON CONFLICT (tmdb_id) DO UPDATE SET "
    + ", ".join(f"{c} = EXCLUDED.{c}" for c in COLUMNS[1:])
    + " RETURNING id"
)


def main() -> int:
    """Run the benchmark; 0 where the target is met and every movie is there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--movies", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, EmbeddedServers(Path(home) / "home", valkey=False) as servers:
        result = measure(servers.database_url, Path(home), asked.movies, asked.rounds)
    if asked.json:
        print(json.dumps(result))
    else:
        print(f"{describe_machine()}\n{asked.movies:,} movies, {asked.rounds} rounds; movies a second")
        for name, found in result["ways"].items():
            print(f"{name}: {found['rate']:,.0f} (from {found['slowest']:,.0f} to {found['fastest']:,.0f})")
        for name, ratio in result["ratios"].items():
            print(f"{name}: {ratio:.2f}")
        print(f"at least {WANTED:,} movies a second by the API wanted")
    return 0 if result["met"] else 1


def measure(url: str, home: Path, count: int, rounds: int) -> dict[str, Any]:
    """Store `count` movies in each way, `rounds` times after one to warm up."""
    engine = connect(url)
    migrate(engine)
    with transaction(engine) as connection:
        token = add_token(connection, "benchmark", ["movies:write"])
    engine.dispose()
    rows = [row[1:] for row in made_up(count)]
    changed = [(*row[:-1], f"{row[-1]} Again.") for row in rows]
    connection = psycopg2.connect(url.replace("postgresql+psycopg2", "postgresql"))
    connection.autocommit = True
    try:
        with serving(url, home) as address, connection.cursor() as cursor:
            bodies = ndjson(rows), ndjson(changed)
            found = [
                one_round(cursor, address, token, bodies, (rows, changed), turn) for turn in range(-1, rounds)
            ][1:]
    finally:
        connection.close()
    rates = {name: [count / seconds[name] for seconds in found] for name in found[0]}
    ways = {
        name: {"rate": statistics.median(r), "slowest": min(r), "fastest": max(r)}
        for name, r in rates.items()
    }
    pairs = [("API, new", "SQL upsert, new"), ("API, known", "SQL upsert, known"), ("API, new", "COPY, new")]
    ratios = {
        f"{one} ÷ {other}": statistics.median(a / b for a, b in zip(rates[one], rates[other], strict=True))
        for one, other in pairs
    }
    met = min(ways["API, new"]["rate"], ways["API, known"]["rate"]) >= WANTED
    return {"movies": count, "rounds": rounds, "ways": ways, "ratios": ratios, "met": met}


def one_round(
    cursor: Cursor,
    address: str,
    token: str,
    bodies: tuple[bytes, bytes],
    rows: tuple[Sequence[Row], Sequence[Row]],
    turn: int,
) -> dict[str, float]:
    """The seconds of each way; which goes first changes from round to round."""
    seconds = {}

    def by_api() -> None:
        for name, body in zip(("API, new", "API, known"), bodies, strict=True):
            seconds[name] = timed(lambda body=body: post(address, token, body, len(rows[0])))

    def by_sql() -> None:
        for name, given in zip(("SQL upsert, new", "SQL upsert, known"), rows, strict=True):
            seconds[name] = timed(lambda given=given: upsert(cursor, given))

    def by_copy() -> None:
        lines = io.StringIO("".join("\t".join(map(str, row)) + "\n" for row in rows[0]))
        copy = f"COPY marquee.movie ({', '.join(COLUMNS)}) FROM STDIN"
        seconds["COPY, new"] = timed(lambda: cursor.copy_expert(copy, lines))

    ways = [by_api, by_sql, by_copy]
    for way in ways if turn % 2 else ways[::-1]:
        cursor.execute("TRUNCATE marquee.movie, marquee.tagging, marquee.arrival RESTART IDENTITY CASCADE")
        way()
        cursor.execute("SELECT count(*) FROM marquee.tagging WHERE state = 'pending'")
        assert cursor.fetchone() == (len(rows[0]),), "a movie is missing"
    return seconds


def timed(work: Callable[[], object]) -> float:
    """The seconds that it takes."""
    start = perf_counter()
    work()
    return perf_counter() - start


def post(address: str, token: str, body: bytes, count: int) -> None:
    """Send the movies in one request."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    answer = requests.post(f"{address}/api/v1/movies/bulk", data=body, headers=headers, timeout=600)
    assert answer.status_code == 200, answer.text
    assert answer.json()["accepted"] == count, answer.text[:500]


def upsert(cursor: Cursor, rows: Sequence[Row]) -> None:
    """Store the movies by plain SQL: a statement and a transaction for each thousand."""
    for start in range(0, len(rows), CHUNK):
        cursor.execute("BEGIN")
        execute_values(cursor, UPSERT, rows[start : start + CHUNK], page_size=CHUNK, fetch=True)
        cursor.execute("COMMIT")


def ndjson(rows: Sequence[Row]) -> bytes:
    """The movies, one a line."""
    return b"".join(json.dumps(dict(zip(COLUMNS, row, strict=True))).encode() + b"\n" for row in rows)


@contextmanager
def serving(url: str, home: Path) -> Iterator[str]:
    """`marquee review` over the database, at a free port."""
    port = next(candidates(home, "web"))
    address = f"http://127.0.0.1:{port}"
    settings = {
        "MARQUEE_DATABASE_URL": url,
        "MARQUEE_BROKER_URL": "redis://127.0.0.1:1",  # the web process asks for none
        "MARQUEE_HOME": str(home),
        "MARQUEE_REVIEW_PORT": str(port),
        "MARQUEE_LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "worker.cli", "review"]
    with subprocess.Popen(command, env=os.environ | settings) as process:
        try:
            pause, ends_at = threading.Event(), perf_counter() + 60
            while not alive(address):
                assert process.poll() is None, "the web process has ended"
                assert perf_counter() < ends_at, "the web process does not answer"
                pause.wait(0.1)
            yield address
        finally:
            process.terminate()


def alive(address: str) -> bool:
    """Whether the web process answers."""
    try:
        return requests.get(f"{address}/healthz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


if __name__ == "__main__":
    sys.exit(main())
