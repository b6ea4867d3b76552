"""The queue with a million movies: how long an editor waits for the next movie, and for any filter's first page.

    python -m benchmarks.review [--movies 1000000] [--rounds 3] [--plans] [--json] [--database-url URL]

The catalog is made by SQL (benchmarks/review_catalog.py) in an embedded server with 1 GB of buffers; an empty
database by URL is used instead, and one that an earlier run filled is used as it is. Times are a client's: from the
call to its answer, on one connection, with commits where the web application commits. Every time counts, the first
one of a filter too, when nothing of it is in memory. Beside them stands what client and server had processors for:
on a machine that is busy with other work that is what remains comparable.
"""

import json
import random
import statistics
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Annotated, Any, NamedTuple

import psutil
import typer
from rich.console import Console
from rich.progress import Progress, track
from rich.table import Table
from sqlalchemy import Connection, Engine, event, text

from benchmarks.machine import describe_machine
from benchmarks.review_catalog import LANGUAGES, generate
from catalog.engine import connect, transaction
from catalog.people.editors import EditorRecord, list_editors
from catalog.review import actions
from catalog.review.card import read_card
from catalog.review.counts import read_counts, size
from catalog.review.filters import ORDERS, STATES, Filter, Order
from catalog.review.project import project
from catalog.review.queue import next_movie, read_page
from catalog.review.search import search
from catalog.schema import migrate
from worker.embedded import EmbeddedServers

PAGE_MS, NEXT_MS = 200.0, 50.0
BUFFERS = {"shared_buffers": "1GB"}
ERR = Console(stderr=True)
SKIP = text("""
INSERT INTO marquee.review_skip SELECT e.id, m.movie_id, now() + interval '1 hour' FROM marquee.editor e
CROSS JOIN LATERAL (SELECT movie_id FROM marquee.review WHERE state = 'open'
                    ORDER BY uncertainty DESC, movie_id DESC LIMIT 100) m ON CONFLICT DO NOTHING
""")
TITLES = text("SELECT title FROM marquee.content WHERE movie_id = ANY(:ids)")
Ask = Callable[[Connection], object]
# The next movie is asked for as in daily work, and by filters that few movies pass.
NEXT: list[tuple[Filter, Order]] = [
    *((Filter(), order) for order in ORDERS),
    (Filter(genre="Drama", band="review"), "uncertain"),
    (Filter(genre="Western", band="review"), "uncertain"),
    (Filter(genre="War", band="review", language="fr"), "rare"),
    (Filter(missing="plot"), "newest"),
    (Filter(disputed=True), "disagreed"),
    (Filter(language="ko"), "uncertain"),
    (Filter(model="made-1"), "newest"),
]


def kinds(genres: Sequence[str], chance: random.Random) -> dict[str, list[Filter]]:
    """Filters of every kind, with several values each; each is asked for open movies and for all."""
    years, some = chance.sample(range(1925, 2026), 6), chance.sample(list(genres), 8)
    combined = [
        Filter(
            genre=chance.choice(genres),
            band=chance.choice([None, "accepted", "review", "rejected"]),
            decade=chance.choice([None, 1950, 1990, 2010]),
            language=chance.choice([None, "en", "fr", "is"]),
            missing=chance.choice([None, None, "poster", "plot"]),
            source=chance.choice([None, None, "movie", "tmdb"]),
        )
        for _ in range(20)
    ]
    found = {
        "none": [Filter()],
        "genre": [Filter(genre=g) for g in some],
        **{
            f"band {band}": [Filter(genre=g, band=band) for g in some]
            for band in ("accepted", "review", "rejected")
        },
        "year": [Filter(year=y) for y in years],
        "decade": [Filter(decade=y // 10 * 10) for y in years],
        "language": [Filter(language=language or "none") for language in LANGUAGES],
        "missing": [Filter(missing="poster"), Filter(missing="plot")],
        "model": [Filter(model="made-1"), Filter(model="made-2")],
        "source": [Filter(source="movie"), Filter(source="tmdb")],
        "disputed": [Filter(disputed=True)],
        "combined at random": combined,
        "against the order": [
            Filter(language="ko", source="tmdb"),
            Filter(language="ko", model="made-1"),
            Filter(language="ko", genre="Drama", band="rejected"),
            Filter(model="made-2", decade=1920),
            Filter(model="made-1", genre="Western", band="review"),
            Filter(genre="Drama", band="accepted", year=1921),
        ],
    }
    return {
        kind: [replace(f, state=state) for f in filters for state in ("open", None)]
        + [Filter(state=state) for state in STATES if kind == "none"]
        for kind, filters in found.items()
    }


class Took(NamedTuple):
    """What one transaction took: milliseconds until its answer, and those of processors (client and server)."""

    ms: float
    processor: float


def measured(times: Sequence[Took]) -> dict[str, float]:
    """Of times in milliseconds."""
    found: dict[str, float] = {"n": len(times)}
    for name in ("ms", "processor"):
        ordered = sorted(getattr(t, name) for t in times)
        p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
        found |= {f"{name}_p50": statistics.median(ordered), f"{name}_p95": p95, f"{name}_max": ordered[-1]}
    return found


class Clock:
    """Times transactions on the engine's one connection, whose server process runs on this machine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        with transaction(engine) as connection:
            server = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        self._schedule = Path(f"/proc/{server}/schedstat")

    def time(self, ask: Ask) -> tuple[Took, Any]:
        """What one transaction took, and what was found."""
        busy, start = self._busy(), perf_counter()
        with transaction(self.engine) as connection:
            found = ask(connection)
        return Took((perf_counter() - start) * 1000, self._busy() - busy), found

    def _busy(self) -> float:
        server = int(self._schedule.read_text().split()[0]) / 1e6 if self._schedule.exists() else 0.0
        return server + process_time() * 1000


def pages(clock: Clock, filters: dict[str, list[Filter]], rounds: int) -> tuple[dict[str, Any], list[Any]]:
    """First pages by the kind of filter, and the slowest of all."""
    times: dict[str, list[tuple[Took, Filter, Order]]] = {kind: [] for kind in filters}
    asked = [(k, f, o) for k, some in filters.items() for f in some for o in ORDERS for _ in range(rounds)]
    random.Random(3).shuffle(asked)
    for kind, sought, order in track(asked, "First pages", console=ERR):
        took, _ = clock.time(lambda c, s=sought, o=order: read_page(c, s, o))  # type: ignore[misc]
        times[kind].append((took, sought, order))
    slowest = sorted((t for some in times.values() for t in some), key=lambda t: -t[0].ms)[:8]
    return (
        {kind: measured([t for t, *_ in some]) for kind, some in times.items()},
        [{"ms": t.ms, "processor": t.processor, "order": o, "filter": f.to_query()} for t, f, o in slowest],
    )


def next_movies(clock: Clock, editors: Sequence[EditorRecord], times: int) -> dict[str, Any]:
    """Leases for editors in turn, each of whom holds the one before and has skipped a hundred movies."""
    found = {}
    with transaction(clock.engine) as connection:
        connection.execute(SKIP)
    for sought, order in track(NEXT, "Next movie", console=ERR):
        took: list[Took] = []
        held: dict[int, list[int]] = {e.id: [] for e in editors}
        for n in range(times):
            who = editors[n % len(editors)].id
            ask = partial(next_movie, editor_id=who, filter=sought, order=order, holding=held[who])
            time, movie = clock.time(ask)
            took.append(time)
            held[who] = held[who][-1:] + ([movie] if movie else [])
        found[f"{order}, {json.dumps(sought.to_query()) if sought.to_query() else 'all that ask'}"] = (
            measured(took)
        )
        with transaction(clock.engine) as connection:
            connection.execute(text("DELETE FROM marquee.review_lease"))
    return found


def others(
    clock: Clock, editors: Sequence[EditorRecord], movies: int, chance: random.Random
) -> dict[str, Any]:
    """What else an editor waits for, and what a tag worker pays for the queue."""
    ids = [chance.randint(1, movies) for _ in range(60)]
    with transaction(clock.engine) as connection:
        titles = connection.execute(TITLES, {"ids": ids}).scalars().all()
    words = [t.split()[0] for t in titles[:20]] + [t[:3] for t in titles[20:40]] + list(titles[40:])
    combined = Filter(genre="Drama", band="review", language="en", missing="plot")
    asks: dict[str, list[Ask]] = {
        "search": [lambda c, w=w: search(c, w) for w in (*words, "603", "ext-77")],  # type: ignore[misc]
        "counts of a state": [lambda c: read_counts(c, "open")] * 30,
        "size of a combined filter": [lambda c: size(c, combined)] * 30,
        "card": [lambda c, i=i: read_card(c, i) for i in ids],  # type: ignore[misc]
        "toggle": [lambda c, i=i: toggle(c, editors[0], i) for i in ids],  # type: ignore[misc]
        "finish, and the next movie": [lambda c, i=i: finish(c, editors[1], i) for i in ids],  # type: ignore[misc]
        "project 64 movies": [
            lambda c, i=i: project(c, range(i % (movies - 64) + 1, i % (movies - 64) + 65))
            for i in ids  # type: ignore[misc]
        ],
    }
    return {
        name: measured([clock.time(ask)[0] for ask in some])
        for name, some in track(asks.items(), "Others", console=ERR)
    }


def toggle(connection: Connection, who: EditorRecord, movie_id: int) -> None:
    card = read_card(connection, movie_id)
    genre = card.genres[-1]
    actions.toggle(connection, who, movie_id, genre.id, "accepted", seen=card.seen)


def finish(connection: Connection, who: EditorRecord, movie_id: int) -> None:
    actions.finish(connection, who, movie_id, {}, seen=read_card(connection, movie_id).seen)
    next_movie(connection, who.id, Filter())


def plans(engine: Engine, filters: dict[str, list[Filter]]) -> None:
    """Print the plan of every statement of one page of each kind and order, and of one lease."""
    asks: dict[str, Ask] = {
        f"first page: {kind}, {order}": lambda c, s=some[0], o=order: read_page(c, s, o)  # type: ignore[misc]
        for kind, some in filters.items()
        for order in ORDERS
    }
    asks["next movie"] = lambda c: next_movie(c, 1, Filter())
    for name, ask in asks.items():
        print(f"\n=== {name}")
        with engine.connect() as connection:
            for statement, values in statements(engine, connection, ask):
                if statement.startswith("SET"):
                    connection.exec_driver_sql(statement)
                elif "marquee.review" in statement:
                    rows = connection.exec_driver_sql(
                        "EXPLAIN (ANALYZE, BUFFERS) " + statement, values
                    ).scalars()
                    print("\n".join(rows), end="\n\n")


def statements(engine: Engine, connection: Connection, ask: Ask) -> list[tuple[str, Any]]:
    """What is sent to the database for this, with its values; nothing of it stays."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        sent.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    ask(connection)
    event.remove(engine, "before_cursor_execute", note)
    connection.rollback()
    return sent


def run(
    movies: Annotated[int, typer.Option(min=1000, help="How many movies to make.")] = 1_000_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often to ask for each first page.")] = 3,
    database_url: Annotated[
        str | None, typer.Option(help="A database that is empty, or filled by this.")
    ] = None,
    print_plans: Annotated[bool, typer.Option("--plans", help="Print the query plans too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the queue; exit with 1 where an editor waits too long."""
    with ExitStack() as stack:
        if database_url is None:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "home"
            servers = EmbeddedServers(home, valkey=False, postgres_settings=BUFFERS)
            database_url = stack.enter_context(servers).database_url
        engine = connect(database_url, pool_size=1)
        stack.callback(engine.dispose)
        migrate(engine)
        with transaction(engine) as connection:
            there = connection.execute(text("SELECT count(*) FROM marquee.review")).scalar_one()
        start = perf_counter()
        if not there:
            with Progress(console=ERR) as progress:
                task = progress.add_task("Making the catalog", total=2 * movies)
                for done in generate(engine, movies):
                    progress.update(task, completed=done)
        made = perf_counter() - start
        with transaction(engine) as connection:
            genres = connection.execute(text("SELECT name FROM marquee.genre ORDER BY id")).scalars().all()
            editors = [EditorRecord(e.id, e.name, e.role) for e in list_editors(connection)]
            by_state = {state: read_counts(connection, state)["all"] for state in STATES}
        total = sum(by_state.values())
        clock = Clock(engine)
        filters = kinds(list(genres), random.Random(5))
        first, slowest = pages(clock, filters, rounds)
        found = {
            "machine": describe_machine(),
            "load": [round(n, 1) for n in psutil.getloadavg()],
            "movies": by_state,
            "seconds_to_make": round(made),
            "pages": first,
            "slowest": slowest,
            "next": next_movies(clock, editors, 100),
            "others": others(clock, editors, total, random.Random(6)),
        }
        if print_plans:
            plans(engine, filters)
    if as_json:
        print(json.dumps(found))
    else:
        show(found)
    late = [name for name, m in found["pages"].items() if m["ms_p95"] > PAGE_MS]
    late += [name for name, m in found["next"].items() if m["ms_p95"] > NEXT_MS]
    if late:
        ERR.print(f"Too late: {'; '.join(late)}")
        raise typer.Exit(1)


def show(found: dict[str, Any]) -> None:
    """Print the figures as tables."""
    out = Console(width=130)
    states = ", ".join(f"{n:,} {state}" for state, n in found["movies"].items())
    out.print(f"{found['machine']}, load {found['load']}\n{states}; made in {found['seconds_to_make']} s")
    for part, limit in (("pages", PAGE_MS), ("next", NEXT_MS), ("others", None)):
        wanted = f"at most {limit:g} ms p95" if limit else ""
        table = Table(
            part,
            "times",
            "p50",
            "p95",
            "max, ms",
            "processor p50",
            "p95, ms",
            title=wanted,
            title_justify="left",
        )
        for name, m in found[part].items():
            shown = ("ms_p50", "ms_p95", "ms_max", "processor_p50", "processor_p95")
            table.add_row(name, str(m["n"]), *(f"{m[column]:.1f}" for column in shown))
        out.print(table)
    for slow in found["slowest"]:
        out.print(
            f"slow: {slow['ms']:.0f} ms ({slow['processor']:.0f} of processors), {slow['order']}, {slow['filter']}"
        )


if __name__ == "__main__":
    typer.run(run)
