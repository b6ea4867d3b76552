"""`marquee import` and `marquee enqueue`: ways in for pipelines that do not write SQL."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from catalog.ledger.words import Priority
from worker.cli.options import Json, catalog_of, print_json

app = typer.Typer()
SHOWN_ERRORS = 20


class PriorityName(StrEnum):
    """The priorities by name."""

    INTERACTIVE = "interactive"
    BULK = "bulk"
    RETAG = "retag"


PriorityOption = Annotated[PriorityName, typer.Option(help="Who waits for these movies.")]


@app.command("import", rich_help_panel="Feed")
def import_file(
    file: Annotated[Path, typer.Argument(help="A .csv with a header, a .jsonl or a .parquet file.")],
    priority: PriorityOption = PriorityName.BULK,
    trusted_by: Annotated[
        str | None,
        typer.Option(help="Take the rows' genres as true labels, given by this name. Else they are ignored."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Insert or update the movies of a file. A bad row is reported with its line and does not stop the others.

    Columns: id, external_id, tmdb_id, imdb_id, title, year, language, plot, poster_url, training_allowed,
    attributes, genres. A movie is found again by the first of id, external_id, tmdb_id and imdb_id that its row
    has. Columns that the file does not have keep their value; an empty cell clears it.

    Exits with 1 if a row was refused.

    Example: marquee import movies.csv
    """
    from worker.importing import Importer
    from worker.rowfiles import read_rows, size_of

    total = size_of(file)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with catalog_of() as engine, Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(f"Importing {file.name}", total=total)
        rows = read_rows(file, lambda done: progress.update(task, completed=done))
        report = Importer(engine, priority=priority, trusted_by=trusted_by).run(rows)
    if as_json:
        print_json(report.to_json())
    else:
        console = Console()
        console.print(f"Imported {report.imported:,} movies, refused {len(report.refused):,} rows.")
        if report.labels:
            console.print(f"Took {report.labels:,} labels from {trusted_by}.")
        if report.ignored_columns:
            console.print(f"Ignored columns: {', '.join(sorted(report.ignored_columns))}.", markup=False)
        for row in report.refused[:SHOWN_ERRORS]:
            console.print(f"  line {row.line}: {row.error}", markup=False, highlight=False)
        if len(report.refused) > SHOWN_ERRORS:
            console.print(f"  … and {len(report.refused) - SHOWN_ERRORS:,} more (--json lists all)")
    if report.refused:
        raise typer.Exit(1)


@app.command(rich_help_panel="Feed")
def enqueue(
    ids: Annotated[list[int] | None, typer.Argument(help="Ids of movies in the catalog.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All movies.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="The movies in quarantine.")] = False,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--where-model-older-than",
            metavar="VERSION",
            help="Movies tagged by a model registered before this one; `champion`: by any other model.",
        ),
    ] = None,
    refetch: Annotated[bool, typer.Option("--refetch", help="Fetch plot and poster anew.")] = False,
    priority: Annotated[
        PriorityName | None, typer.Option(help="Default: interactive for ids, else retag.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Have movies tagged again. Movies under way are left alone; unchanged ones need no inference.

    Exits with 1 if an id is not in the catalog.

    Example: marquee enqueue 17 42 --refetch
    Example: marquee enqueue --where-model-older-than champion
    """
    from catalog.ledger.enqueue import Choice, choose
    from catalog.ledger.enqueue import enqueue as ask

    choice = Choice(everything=everything, failed=failed, older_than=older_than)
    if bool(ids) == (everything or failed or older_than is not None):
        raise typer.BadParameter("give ids, or one of --all, --failed, --where-model-older-than.")
    level = priority or (PriorityName.INTERACTIVE if ids else PriorityName.RETAG)
    done: set[int] = set()
    count = 0
    with catalog_of() as engine:
        for chunk in [ids] if ids else choose(engine, choice):
            done = ask(engine, chunk, Priority[level.name], refetch=refetch)
            count += len(done)
    unknown = sorted(set(ids or ()) - done)
    if as_json:
        print_json({"enqueued": count, "unknown": unknown})
    else:
        Console().print(f"Enqueued {count:,} movies.")
        if unknown:
            Console(stderr=True).print(f"Not in the catalog: {', '.join(map(str, unknown))}.")
    if unknown:
        raise typer.Exit(1)
