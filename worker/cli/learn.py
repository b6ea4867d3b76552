"""`marquee train`, `evaluate` and `predict`: the model's commands, none of which needs a database."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from worker.cli.options import Json

if TYPE_CHECKING:
    from training.features import Progress as Told

app = typer.Typer(no_args_is_help=True, add_completion=False)
Device = Annotated[str, typer.Option(help="Where the model runs: cpu or cuda:N.")]
Artifact = Annotated[Path | None, typer.Option(help="The model's folder. Default: the one that ships.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads. Default: all that are free to use.")]


@app.command(rich_help_panel="Learn")
def train(
    dataset: Annotated[Path, typer.Option(help="A folder with *.jsonl and posters in folders or tars.")],
    out: Annotated[Path, typer.Option(help="Where the artifact is written.")],
    test: Annotated[
        Path | None, typer.Option(help="Movies that are only measured; the scores go into the manifest.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the movies.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same bytes.")] = None,
    folds: Annotated[int | None, typer.Option(min=2, help="Parts for the out-of-fold predictions.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Where features are kept.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Runs side by side, a thread each.")] = 1,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Train an artifact on a folder of movies with labels.

    Example: marquee train --dataset movies/ --out my-model/
    """
    from training.recipe import Recipe
    from training.train import replace_recipe
    from training.train import train as train_artifact

    _use_threads(threads)
    changes = {
        name: value
        for name, value in (("epochs", epochs), ("seed", seed), ("folds", folds))
        if value is not None
    }
    with _bars(quiet=as_json) as told:
        recipe = replace_recipe(Recipe(), **changes)
        artifact = train_artifact(
            dataset, out, recipe, test_dir=test, cache=cache, processes=jobs, progress=told
        )
    metrics = artifact.about["metrics"]
    if as_json:
        typer.echo(json.dumps({"version": artifact.version, "sha256": artifact.sha256, "metrics": metrics}))
        return
    console = Console()
    console.print(f"Wrote [bold]{artifact.version}[/] to {out}, measured on {metrics['measured_on']}:")
    table = Table("movie has", "mAP", "micro-F1", "macro-F1", "ECE")
    for pattern, name in (("both", "plot and poster"), ("plot", "plot only"), ("poster", "poster only")):
        found = metrics[pattern]
        cells = [f"{found[key]['value']:.3f}" for key in ("map", "f1_micro", "f1_macro")]
        table.add_row(name, *cells, f"{found['ece']:.3f}")
    console.print(table)


@app.command(rich_help_panel="Learn")
def evaluate(
    dataset: Annotated[Path, typer.Option(help="A folder with *.jsonl and posters in folders or tars.")],
    artifact: Artifact = None,
    device: Device = "cpu",
    baselines: Annotated[
        Path | None,
        typer.Option(help="A training dataset: train the simple baselines on it and show them beside."),
    ] = None,
    checks: Annotated[bool, typer.Option(help="Also check posters' worth and explanations.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with plots here.")] = None,
    patterns: Annotated[
        bool, typer.Option(help="Also score with the poster, and with the plot, hidden.")
    ] = True,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Score an artifact on movies that it has not seen.

    Example: marquee evaluate --dataset movies/ --html report.html
    """
    from tagger.artifact import default_path
    from training.evaluate import evaluate as evaluate_artifact
    from training.report import show, write_html

    _use_threads(threads)
    with _bars(quiet=as_json) as told:
        report = evaluate_artifact(
            artifact or default_path(),
            dataset,
            device=device,
            patterns=patterns,
            baselines=baselines,
            checks=checks,
            progress=told,
        )
    if html is not None:
        write_html(report, html)
    if as_json:
        typer.echo(json.dumps(report.to_json(), ensure_ascii=False))
    else:
        show(report, Console())


@app.command(rich_help_panel="Look")
def predict(
    title: Annotated[str, typer.Option(help="The movie's title.")] = "",
    plot: Annotated[str | None, typer.Option(help="What happens in it.")] = None,
    poster: Annotated[
        Path | None, typer.Option(help="A JPEG, PNG or WebP file.", exists=True, dir_okay=False)
    ] = None,
    year: Annotated[int | None, typer.Option(help="The year of its release.")] = None,
    artifact: Artifact = None,
    device: Device = "cpu",
    explain: Annotated[
        str | None, typer.Option(help="Say why this genre: words, poster regions, shares.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Predict the genres of one movie, without any database.

    Example: marquee predict --title "Night Train" --plot "A detective hunts a killer." --poster poster.jpg
    """
    from tagger.artifact import default_path
    from tagger.content import Content
    from tagger.poster import normalise
    from tagger.predictor import Predictor
    from tagger.text import clean

    picture = normalise(poster.read_bytes()) if poster is not None else None
    content = Content(title=clean(title) or "", year=year, plot=clean(plot), poster=picture)
    predictor = Predictor.load(artifact or default_path(), device)
    [found] = predictor.predict([content])
    rows = sorted(
        zip(
            predictor.genres, found.confidence.tolist(), found.predicted.tolist(), found.decision, strict=True
        ),
        key=lambda row: -row[1],
    )
    data: dict[str, Any] = {
        "model": predictor.version,
        "genres": [
            {"genre": genre, "confidence": round(confidence, 6), "predicted": predicted, "decision": decision}
            for genre, confidence, predicted, decision in rows
        ],
    }
    if explain is not None:
        from tagger.explain import explain as explain_movie

        data["explanation"] = explain_movie(predictor, content, explain).to_json()
    if as_json:
        typer.echo(json.dumps(data, ensure_ascii=False))
        return
    _print_prediction(data)


def _print_prediction(data: dict[str, Any]) -> None:
    console = Console()
    table = Table("genre", "confidence", "", "decision", title=data["model"])
    for row in data["genres"]:
        if row["predicted"] or row["confidence"] >= 0.1:
            bar = "█" * round(20 * row["confidence"])
            style = "bold" if row["predicted"] else "dim"
            table.add_row(row["genre"], f"{row['confidence']:.3f}", bar, row["decision"], style=style)
    console.print(table)
    if "explanation" in data:
        why = data["explanation"]
        words = ", ".join(f"{w['word']} ({w['weight']:+.2f})" for w in why["top_words"])
        console.print(f"[bold]{why['genre']}[/]: words {words or 'none'}")
        console.print("shares: " + ", ".join(f"{part} {share:.0%}" for part, share in why["shares"].items()))


def _use_threads(threads: int | None) -> None:
    os.environ.setdefault(
        "OMP_WAIT_POLICY", "PASSIVE"
    )  # before torch: idle threads must not spin on a busy machine
    import torch

    from training.train import threads as free

    torch.set_num_threads(threads or free())


@contextmanager
def _bars(*, quiet: bool) -> "Iterator[Told]":
    """Progress bars on standard error, one a stage."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, TextColumn("{task.fields[note]}"), console=Console(stderr=True), disable=quiet
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def told(stage: str, done: int, total: int, note: str = "") -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total, note=note)
            bars.update(tasks[stage], completed=done, total=total, note=note)

        yield told
