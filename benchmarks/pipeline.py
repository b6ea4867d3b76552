"""The pipeline as a whole: nothing lost, nothing changed on the way, how late a lone movie is, how fast many are.

    python -m benchmarks.pipeline [--dataset ../shared/data/val.jsonl] [--lone 50] [--rounds 3] [--json]

Everything runs as in production: embedded servers, a relay, a fetch worker, a tag worker, TMDB's real client
against an offline TMDB on loopback. Figures are ratios within the run:

- a lone movie's commit→tagged time against the fetch and the inference of that same movie, which the ledger's
  timeline has;
- movies a second of the pipeline against a plain loop over the same model and the same stored posters, in a
  process of its own with the machine to itself.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, perf_counter
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sqlalchemy import text

from benchmarks.machine import describe_machine
from catalog.content import read_content
from catalog.engine import connect, transaction
from catalog.ledger.words import TAGGED_CHANNEL
from catalog.listen import Listener
from catalog.overview import read_status
from marquee.log import log_to_stderr
from marquee.settings import load_settings
from worker.offline_tmdb import OfflineTmdb
from worker.system import System

INSERT = text("INSERT INTO marquee.movie (tmdb_id) SELECT unnest(CAST(:ids AS integer[]))")
CLEAR = text("DELETE FROM marquee.movie")
STATES = text("SELECT state, count(*) FROM marquee.tagging GROUP BY state")
TIMES = text("""
SELECT t.event, (t.detail ->> 'ms')::float AS ms FROM marquee.timeline t JOIN marquee.movie m ON m.id = t.movie_id
WHERE m.tmdb_id = :tmdb_id AND t.event IN ('fetched', 'tagged')
""")
BATCHES = text("""
SELECT avg((detail ->> 'batch')::float) FROM marquee.timeline t JOIN marquee.movie m ON m.id = t.movie_id
WHERE event = 'tagged'
""")
GENRES = text("""
SELECT m.tmdb_id, COALESCE(array_agg(g.genre) FILTER (WHERE g.genre IS NOT NULL), '{}') AS genres
FROM marquee.movie m LEFT JOIN marquee.movie_genres g ON g.movie_id = m.id GROUP BY m.tmdb_id
""")
TIMEOUT = 600.0


class Pipeline:
    """A running system, seen from a pipeline that feeds it."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.listener = Listener(connect(system.connections.database_url, name="benchmark"), TAGGED_CHANNEL)
        self.listener.wait(0)

    def states(self) -> dict[str, int]:
        """Movies by state."""
        with transaction(self.system.engine) as connection:
            return dict(connection.execute(STATES).all())

    def workers(self) -> set[str]:
        """The parts that run."""
        with transaction(self.system.engine) as connection:
            return {w["part"] for w in read_status(connection).workers}

    def insert(self, ids: Sequence[int]) -> None:
        """Insert the movies by plain SQL, in one transaction."""
        with transaction(self.system.engine) as connection:
            connection.execute(INSERT, {"ids": list(ids)})

    def await_tagged(self, movies: int, *, hint_only: bool = False) -> None:
        """Return when so many movies are tagged or quarantined."""
        deadline = monotonic() + TIMEOUT
        while monotonic() < deadline:
            heard = self.listener.wait(1.0)
            if hint_only and not heard:
                continue
            states = self.states()
            if states.get("tagged", 0) + states.get("quarantined", 0) >= movies:
                return
        raise SystemExit(f"Not tagged within {TIMEOUT:.0f} s: {self.states()}")

    def clear(self) -> None:
        """Delete all movies."""
        with transaction(self.system.engine) as connection:
            connection.execute(CLEAR)


@contextmanager
def running_pipeline(dataset: Path) -> Iterator[tuple[Pipeline, list[int]]]:
    """Everything running and warm over an offline TMDB of the dataset, and the dataset's TMDB ids."""
    log_to_stderr()
    ids = [json.loads(line)["tmdb_id"] for line in dataset.read_text().splitlines() if line.strip()]
    with OfflineTmdb(dataset) as tmdb, tempfile.TemporaryDirectory() as home:
        settings = load_settings(
            home=Path(home), database_url=None, broker_url=None,
            tmdb_token=tmdb.token, tmdb_url=tmdb.url, tmdb_rate=10_000,
        )  # fmt: skip
        with System(settings, parts=("relay", "fetch", "tag")) as system, system.supervisor:
            pipeline = Pipeline(system)
            pipeline.insert(ids[:1])
            pipeline.await_tagged(1)
            pipeline.clear()
            yield pipeline, ids


def lone_movies(pipeline: Pipeline, ids: Sequence[int]) -> dict[str, Any]:
    """Commit one movie at a time to the idle system; milliseconds from the commit until the tags can be read."""
    waits, ratios, fetches, inferences = [], [], [], []
    for count, tmdb_id in enumerate(track(ids, "Lone movies", console=Console(stderr=True)), start=1):
        pipeline.insert([tmdb_id])
        started = perf_counter()
        pipeline.await_tagged(count, hint_only=True)
        waits.append((perf_counter() - started) * 1000)
        with transaction(pipeline.system.engine) as connection:
            times = {r.event: r.ms for r in connection.execute(TIMES, {"tmdb_id": tmdb_id})}
        fetches.append(times["fetched"])
        inferences.append(times["tagged"])
        ratios.append(waits[-1] / (times["fetched"] + times["tagged"]))
    cuts = statistics.quantiles(waits, n=100, method="inclusive")
    return {
        "movies": len(ids),
        "ms_p50": cuts[49],
        "ms_p95": cuts[94],
        "ms_p99": cuts[98],
        "fetch_ms_p50": statistics.median(fetches),
        "inference_ms_p50": statistics.median(inferences),
        "ratio_p50": statistics.median(ratios),
        "ratio_p95": statistics.quantiles(ratios, n=100, method="inclusive")[94],
    }


def many_movies(pipeline: Pipeline, ids: Sequence[int]) -> float:
    """Commit all movies at once; movies a second from the commit until all are tagged."""
    pipeline.clear()
    pipeline.insert(ids)
    started = perf_counter()
    pipeline.await_tagged(len(ids))
    return len(ids) / (perf_counter() - started)


def plain_loop(database_url: str, posters: str, batch: int) -> float:
    """Movies a second of a bare loop: read the stored posters, predict, batch by batch; nothing else."""
    from tagger.artifact import default_path
    from tagger.content import Content
    from tagger.predictor import Predictor
    from worker.device import prepare_device
    from worker.posters import PosterStore

    device, lanes = prepare_device("cpu", load_settings().cpu_threads)
    predictor, store = Predictor.load(default_path(), device, lanes=lanes), PosterStore(posters)
    engine = connect(database_url)
    with transaction(engine) as connection:
        ids = list(connection.execute(text("SELECT movie_id FROM marquee.content ORDER BY 1")).scalars())
        records = list(read_content(connection, ids).values())
    engine.dispose()

    def predict(some: Sequence[Any]) -> None:
        contents = [
            Content(r.title, r.year, r.language, r.plot, store.get(r.poster_hash) if r.poster_hash else None)
            for r in some
        ]
        predictor.predict(contents)

    predict(records[:batch])
    started = perf_counter()
    for start in range(0, len(records), batch):
        predict(records[start : start + batch])
    return len(records) / (perf_counter() - started)


def scores_of(pipeline: Pipeline, dataset: Path) -> tuple[dict[str, float], dict[str, float]]:
    """The F1 scores from `marquee.movie_genres`, and those that `marquee evaluate` gives for the same movies."""
    import numpy as np

    from tagger.artifact import default_path
    from training.dataset import read_dataset
    from training.evaluate import evaluate
    from training.metrics import f1_scores

    report = evaluate(default_path(), dataset, patterns=False, draws=2)
    movies = read_dataset(dataset)
    with transaction(pipeline.system.engine) as connection:
        tagged = {r.tmdb_id: set(r.genres) for r in connection.execute(GENRES)}
    labels = movies.labels(report.genres)
    predicted = np.array([[g in tagged[int(m.name)] for g in report.genres] for m in movies.movies])
    ours = {name: float(value) for name, value in f1_scores(predicted, labels).items()}
    theirs = {name: float(report.to_json()[name]) for name in ours}
    return ours, theirs


def run(
    dataset: Annotated[Path, typer.Option(help="A *.jsonl file with its posters beside it.")] = Path(
        "../shared/data/val.jsonl"
    ),
    lone: Annotated[int, typer.Option(help="How many movies to commit one at a time.")] = 50,
    rounds: Annotated[int, typer.Option(help="How often to run the whole set, each beside the loop.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the pipeline."""
    with running_pipeline(dataset) as (pipeline, ids):
        found: dict[str, Any] = {"machine": describe_machine(), "lone": lone_movies(pipeline, ids[:lone])}
        pairs = []
        for _ in track(range(rounds), "Whole set", console=Console(stderr=True)):
            pipe = many_movies(pipeline, ids)
            loop = _loop_alone(pipeline.system)
            pairs.append({"pipeline": pipe, "loop": loop, "ratio": pipe / loop})
        states = pipeline.states()
        with transaction(pipeline.system.engine) as connection:
            mean_batch = float(connection.execute(BATCHES).scalar_one())
        ours, theirs = scores_of(pipeline, dataset)
    found |= {
        "movies": len(ids),
        "states": states,
        "lost": len(ids) - states.get("tagged", 0) - states.get("quarantined", 0),
        "rounds": pairs,
        "ratio": statistics.median(p["ratio"] for p in pairs),
        "mean_batch": mean_batch,
        "f1_pipeline": ours,
        "f1_evaluate": theirs,
        "f1_equal": all(round(ours[n], 6) == round(theirs[n], 6) for n in ours),
    }
    print(json.dumps(found, indent=2)) if as_json else _show(found)
    if found["lost"] or not found["f1_equal"]:
        raise typer.Exit(1)


def _loop_alone(system: System) -> float:
    """The plain loop in a process of its own, while the pipeline is idle."""
    settings = system.settings
    code = (
        "import sys; from benchmarks.pipeline import plain_loop; "
        "print(plain_loop(sys.argv[1], sys.argv[2], int(sys.argv[3])))"
    )
    argv = [
        sys.executable,
        "-c",
        code,
        system.connections.database_url,
        settings.posters,
        str(settings.batch_size),
    ]
    return float(subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()[-1])


def _show(found: dict[str, Any]) -> None:
    console = Console()
    lone = found["lone"]
    table = Table("what", "measured", "wanted", title=found["machine"], title_justify="left")
    table.add_row("lost of all movies", f"{found['lost']} of {found['movies']:,}", "0")
    table.add_row(
        "lone movie, commit→tagged p50 / p95 / p99",
        f"{lone['ms_p50']:.0f} / {lone['ms_p95']:.0f} / {lone['ms_p99']:.0f} ms",
        "",
    )
    table.add_row(
        "its fetch + inference, p50", f"{lone['fetch_ms_p50']:.0f} + {lone['inference_ms_p50']:.0f} ms", ""
    )
    table.add_row(
        "commit→tagged ÷ (fetch + inference), p50 / p95",
        f"{lone['ratio_p50']:.2f} / {lone['ratio_p95']:.2f}",
        "≤ 1.5",
    )
    for pair in found["rounds"]:
        table.add_row("movies/s, pipeline / plain loop", f"{pair['pipeline']:.1f} / {pair['loop']:.1f}", "")
    table.add_row("pipeline ÷ plain loop, median", f"{found['ratio']:.2f}", "≥ 0.85")
    table.add_row("movies in a batch, mean seen by a movie", f"{found['mean_batch']:.1f}", "")
    for name, value in found["f1_pipeline"].items():
        table.add_row(
            f"{name}, movie_genres / evaluate", f"{value:.6f} / {found['f1_evaluate'][name]:.6f}", "equal"
        )
    console.print(table)


if __name__ == "__main__":
    typer.run(run)
