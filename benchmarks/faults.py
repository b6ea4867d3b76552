"""Three faults, each in the middle of a run over the real movies: what was lost, what was done twice.

    python -m benchmarks.faults [--dataset ../shared/data/val.jsonl] [--json]

The tag worker is killed with SIGKILL within a batch; the broker forgets everything; Postgres is stopped for five
seconds. After each, every movie must be tagged, once in effect, with the genres of an undisturbed run.
"""

import json
from collections.abc import Callable
from pathlib import Path
from threading import Event
from time import perf_counter
from typing import Annotated, Any

import redis
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from benchmarks.machine import describe_machine
from benchmarks.pipeline import GENRES, Pipeline, running_pipeline
from catalog.engine import transaction
from worker.system import System

HELD = text("SELECT movie_id FROM marquee.tagging WHERE state = 'tagging'")
NOW = text("SELECT clock_timestamp()")
LATE = text("""
SELECT extract(epoch FROM max(claimed_at) - CAST(:since AS timestamptz))::float FROM marquee.tagging
WHERE movie_id = ANY(:ids)
""")
EFFECTS = text("""
SELECT count(*) AS written, count(DISTINCT (movie_id, revision)) AS wanted FROM marquee.prediction_log
""")


def kill_tag_worker(system: System) -> None:
    """SIGKILL; the supervisor starts another."""
    system.supervisor.kill("tag")


def flush_broker(system: System) -> None:
    """FLUSHALL: every message and queue is gone."""
    with redis.Redis.from_url(system.connections.broker_url) as client:
        client.flushall()


def stop_postgres(system: System) -> None:
    """Postgres is away for five seconds."""
    assert system.servers is not None
    assert system.servers.postgres is not None
    system.servers.postgres.stop()
    Event().wait(5.0)
    system.servers.postgres.start()


FAULTS: dict[str, Callable[[System], None]] = {
    "none": lambda _: None,
    "SIGKILL of the tag worker": kill_tag_worker,
    "FLUSHALL of the broker": flush_broker,
    "Postgres stopped for 5 s": stop_postgres,
}


def genres_of(pipeline: Pipeline) -> dict[int, frozenset[str]]:
    """The genres of every movie, from the view."""
    with transaction(pipeline.system.engine) as connection:
        return {r.tmdb_id: frozenset(r.genres) for r in connection.execute(GENRES)}


def run_with(pipeline: Pipeline, ids: list[int], fault: Callable[[System], None]) -> dict[str, Any]:
    """Insert all movies, let the fault happen once a fifth is tagged, and look at what became of them."""
    system = pipeline.system
    pipeline.clear()
    pipeline.insert(ids)
    started = perf_counter()
    pipeline.await_tagged(len(ids) // 5)
    with transaction(system.engine) as connection:
        held = list(connection.execute(HELD).scalars())
        since = connection.execute(NOW).scalar_one()
    fault(system)
    pipeline.await_tagged(len(ids))
    seconds = perf_counter() - started
    states = pipeline.states()
    with transaction(system.engine) as connection:
        effects = connection.execute(EFFECTS).one()
        late = connection.execute(LATE, {"since": since, "ids": held}).scalar_one()
    return {
        "seconds": seconds,
        "tagged": states.get("tagged", 0),
        "quarantined": states.get("quarantined", 0),
        "lost": len(ids) - sum(states.get(s, 0) for s in ("tagged", "quarantined")),
        "written_twice": effects.written - effects.wanted,
        "held_at_the_fault": len(held),
        "held_claimed_again_after_s": max(0.0, late or 0.0),
    }


def run(
    dataset: Annotated[Path, typer.Option(help="A *.jsonl file with its posters beside it.")] = Path(
        "../shared/data/val.jsonl"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run the whole set once undisturbed, and once with each fault."""
    found: dict[str, Any] = {}
    undisturbed: dict[int, frozenset[str]] = {}
    with running_pipeline(dataset) as (pipeline, ids):
        for name, fault in FAULTS.items():
            found[name] = run_with(pipeline, ids, fault)
            genres = genres_of(pipeline)
            undisturbed = undisturbed or genres
            found[name]["other_genres"] = sum(genres[i] != undisturbed[i] for i in ids)
    if as_json:
        print(json.dumps({"machine": describe_machine(), "faults": found}, indent=2))
    else:
        _show(found)
    if any(f["lost"] or f["written_twice"] or f["quarantined"] or f["other_genres"] for f in found.values()):
        raise typer.Exit(1)


def _show(found: dict[str, Any]) -> None:
    columns = ("tagged", "quarantined", "lost", "written_twice", "other_genres")
    names = ("tagged", "quarantined", "lost", "written twice", "other genres")
    table = Table("fault", *names, "held, run again within", "seconds", title=describe_machine())
    for fault, f in found.items():
        again = (
            f"{f['held_at_the_fault']}, {f['held_claimed_again_after_s']:.1f} s" if fault != "none" else ""
        )
        table.add_row(fault, *(f"{f[c]:,}" for c in columns), again, f"{f['seconds']:.0f}")
    Console().print(table)


if __name__ == "__main__":
    typer.run(run)
