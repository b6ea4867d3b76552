"""Promotions and roll-backs under a steady stream of movies: what failed, what was mixed, how long tagging paused.

    python -m benchmarks.swap [--dataset ../shared/data/val.jsonl] [--rounds 20] [--rate 4] [--json]

Everything runs as in production (see benchmarks.pipeline). First the stream runs without a swap, for comparison; then
each round promotes an artifact that the tag worker has never seen (a copy of the one that ships under another name, so
that its hash differs), waits until it tags, rolls back, and waits until the old one tags. Last, one more is promoted
and stays, and its predecessor's movies are tagged again in the background, as some are all the while. A pause is the
time between the ends of two batches.
"""

import json
import os
import shutil
import statistics
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from sqlalchemy import Connection, Engine, text

from benchmarks.machine import describe_machine
from benchmarks.pipeline import Pipeline, running_pipeline
from catalog.engine import transaction
from catalog.registry import promote, roll_back
from tagger.artifact import MANIFEST, default_path
from worker.registering import register_artifact

LAST = text("SELECT model_id, at FROM marquee.promotion ORDER BY id DESC LIMIT 1")
FIRST_USE = text("""
SELECT extract(epoch FROM min(at) - CAST(:at AS timestamptz))::float FROM marquee.prediction_log
WHERE model_id = :model_id AND at > :at
""")
LATE_USE = text("""
SELECT COALESCE(extract(epoch FROM max(l.at) - CAST(:at AS timestamptz)), 0)::float FROM marquee.prediction_log l
WHERE l.model_id <> :model_id AND l.at > :at AND l.at < :until
""")
PAUSE = text("""
SELECT max(extract(epoch FROM gap))::float FROM (
    SELECT at - lag(at) OVER (ORDER BY at) AS gap FROM marquee.prediction_log WHERE at BETWEEN :since AND :until) g
""")
MIXED = text("""
SELECT count(*) AS batches, count(*) FILTER (WHERE models > 1) AS mixed FROM (
    SELECT count(DISTINCT model_id) AS models FROM marquee.prediction_log GROUP BY xmin::text) b
""")
FAILED = text("""
SELECT (SELECT count(*) FROM marquee.tagging WHERE failures + deaths > 0 OR state = 'quarantined')
     + (SELECT count(*) FROM marquee.timeline WHERE event IN ('failed', 'recovered', 'quarantined'))
""")
WAITS = text("""
SELECT extract(epoch FROM min(t.at) - c.at)::float AS seconds
FROM marquee.timeline c JOIN marquee.timeline t USING (movie_id, revision)
WHERE c.event = 'changed' AND t.event = 'tagged' AND c.at BETWEEN :since AND :until GROUP BY c.movie_id, c.at
""")
AGAIN = text("""
SELECT count(DISTINCT l.movie_id)
FROM marquee.prediction_log l JOIN marquee.prediction_log old USING (movie_id, revision)
WHERE l.model_id = :model_id AND old.model_id <> :model_id AND l.at < :until
""")
NOW = text("SELECT clock_timestamp()")
TIMEOUT = 120.0
BACKLOG = 500
SECONDS = 15.0


def copies(folder: Path, count: int) -> Iterator[Path]:
    """Artifacts like the one that ships but for their name, and so their hash."""
    for n in range(count):
        made = folder / f"swap-{n}"
        shutil.copytree(
            default_path(), made, copy_function=shutil.copyfile if n == 0 else _link(folder / "swap-0")
        )
        manifest = json.loads((made / MANIFEST).read_text())
        (made / MANIFEST).unlink()
        (made / MANIFEST).write_text(json.dumps(manifest | {"name": f"swap-{n}"}))
        yield made


def _link(first: Path) -> Callable[[str, str], object]:
    def link(source: str, target: str) -> None:
        name = Path(source).name
        if name == MANIFEST:
            shutil.copyfile(source, target)
        else:
            os.link(first / name, target)

    return link


@contextmanager
def stream(pipeline: Pipeline, ids: Sequence[int], rate: float) -> Iterator[Callable[[], int]]:
    """So many movies a second, one by one, while the context lasts; gives how many there were."""
    stop, sent = threading.Event(), [0]

    def run() -> None:
        for tmdb_id in ids:
            if stop.wait(1 / rate):
                return
            pipeline.insert([tmdb_id])
            sent[0] += 1
        raise SystemExit("The dataset has too few movies for so many rounds: lower --rate.")

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        try:
            yield lambda: sent[0]
        finally:
            stop.set()
            running.result()


def now(engine: Engine) -> datetime:
    with transaction(engine) as connection:
        return connection.execute(NOW).scalar_one()


def change(engine: Engine, how: Callable[[Connection], object]) -> tuple[float, float]:
    """Promote or roll back; seconds until the first tags of the new champion, and until the last of the old one."""
    with transaction(engine) as connection:
        how(connection)
    with transaction(engine) as connection:
        made = connection.execute(LAST).one()
    asked = {"model_id": made.model_id, "at": made.at}
    deadline = monotonic() + TIMEOUT
    while monotonic() < deadline:
        with transaction(engine) as connection:
            first = connection.execute(FIRST_USE, asked).scalar_one()
        if first is not None:
            break
        threading.Event().wait(0.1)
    else:
        raise SystemExit(f"The new champion did not tag within {TIMEOUT:.0f} s.")
    with transaction(engine) as connection:
        until = connection.execute(NOW).scalar_one()
        return first, connection.execute(LATE_USE, asked | {"until": until}).scalar_one()


def measure(pipeline: Pipeline, since: datetime, until: datetime) -> dict[str, float]:
    """The longest pause between two batches, and how long the stream's movies waited for their first tags."""
    window = {"since": since, "until": until}
    with transaction(pipeline.system.engine) as connection:
        pause = connection.execute(PAUSE, window).scalar_one()
        waits = [r.seconds for r in connection.execute(WAITS, window)]
    cuts = statistics.quantiles(waits, n=20, method="inclusive")
    return {
        "longest_pause": pause,
        "movie_p50": statistics.median(waits),
        "movie_p95": cuts[18],
        "movie_max": max(waits),
    }


def run(dataset: Path, rounds: int, rate: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, running_pipeline(dataset) as (pipeline, ids):
        engine = pipeline.system.engine
        made = []
        for artifact in copies(Path(folder), rounds + 1):
            with transaction(engine) as connection:
                made.append(register_artifact(connection, artifact))
        promotions, rollbacks = [], []
        pipeline.insert(ids[:BACKLOG])
        pipeline.await_tagged(BACKLOG)
        with stream(pipeline, ids[BACKLOG:], rate) as sent:
            started = now(engine)
            threading.Event().wait(SECONDS)
            begun = now(engine)
            for model in track(made[:-1], "Swaps", console=Console(stderr=True)):
                promotions.append(change(engine, lambda c, m=model: promote(c, m, "a swap")))
                rollbacks.append(change(engine, lambda c: roll_back(c, "a swap back")))
            ended = now(engine)
            change(engine, lambda c: promote(c, made[-1], "the last one"))
            stayed = now(engine)
            threading.Event().wait(SECONDS)
            finished = now(engine)
            movies = sent()
        with transaction(engine) as connection:
            batches = connection.execute(MIXED).one()
            failed = connection.execute(FAILED).scalar_one()
            again = connection.execute(AGAIN, {"model_id": made[-1], "until": finished}).scalar_one()
        return {
            "machine": describe_machine(),
            "rounds": rounds,
            "movies": movies,
            "batches": batches.batches,
            "failed_movies": failed,
            "mixed_batches": batches.mixed,
            "without_swaps": measure(pipeline, started, begun),
            "with_swaps": measure(pipeline, begun, ended),
            "tagging_again": measure(pipeline, stayed, finished),
            "tagged_again": again,
            "promotion_first_tags": _summary([first for first, _ in promotions]),
            "rollback_first_tags": _summary([first for first, _ in rollbacks]),
            "rollback_last_of_the_other": _summary([last for _, last in rollbacks]),
        }


def _summary(seconds: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(seconds), "longest": max(seconds)}


def main(
    dataset: Annotated[Path, typer.Option(help="A file of movies, posters beside it.")] = Path(
        "../shared/data/val.jsonl"
    ),
    rounds: Annotated[int, typer.Option(min=1, help="Promotions, each rolled back.")] = 20,
    rate: Annotated[float, typer.Option(min=0.1, help="New movies a second.")] = 4.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    found = run(dataset, rounds, rate)
    if as_json:
        typer.echo(json.dumps(found))
        return
    console = Console()
    for name, value in found.items():
        shown = ", ".join(f"{k} {v:.3f} s" for k, v in value.items()) if isinstance(value, dict) else value
        console.print(f"{name.replace('_', ' '):28} {shown}", highlight=False)


if __name__ == "__main__":
    typer.run(main)
