"""`marquee status` and `marquee why`: the catalog at a glance, and one movie's whole story."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from catalog.engine import transaction
from catalog.ledger.words import Priority
from catalog.overview import Status, read_status
from catalog.story import Story, find_movie, read_story
from worker.cli.options import Json, catalog_of, print_json

app = typer.Typer()
STATE_STYLES = {"tagged": "green", "quarantined": "red"}


@app.command(rich_help_panel="Look")
def status(as_json: Json = False) -> None:
    """Show movies by state, rates, the oldest waiting movie, the workers and the model.

    Exits with 1 while movies wait and no worker runs that could take them.

    Example: marquee status --json | jq .states.pending
    """
    with catalog_of() as engine, transaction(engine) as connection:
        found = read_status(connection)
    if as_json:
        print_json(found.to_json())
    else:
        _print_status(found)
    parts = {w["part"] for w in found.workers}
    if found.oldest_waiting is not None and not {"relay", "fetch", "tag"} <= parts:
        raise typer.Exit(1)


def _print_status(found: Status) -> None:
    console = Console()
    table = Table(title="Movies", title_justify="left")
    for state in found.states:
        table.add_column(state, justify="right", style=STATE_STYLES.get(state, ""))
    table.add_row(*(f"{count:,}" for count in found.states.values()))
    console.print(table)
    console.print(
        f"Tagged a second: {found.tagged_per_second_minute:g} in the last minute, "
        f"{found.tagged_per_second_hour:g} in the last hour."
    )
    if found.oldest_waiting is not None:
        console.print(f"Oldest waiting: movie {found.oldest_movie}, for {found.oldest_waiting:.1f} s.")
    console.print(f"Champion: {found.champion or 'none yet: a tag worker promotes the one that ships'}")
    for name, reason in found.closed_gates.items():
        console.print(Text(f"Closed gate {name}: {reason}", style="yellow"))
    workers = Table(title="Workers", title_justify="left")
    for column in ("part", "host", "pid", "device", "model", "up for"):
        workers.add_column(column)
    for w in found.workers:
        up = f"{w['seconds']:.0f} s"
        workers.add_row(w["part"], w["host"], str(w["pid"]), w["device"] or "", w["model"] or "", up)
        if w["refusal"]:
            console.print(
                Text(f"{w['part']} worker {w['pid']} cannot load the champion: {w['refusal']}", "yellow")
            )
    console.print(workers if found.workers else "[yellow]No worker runs: `marquee up` starts them.[/]")


@app.command(rich_help_panel="Look")
def why(
    movie: Annotated[str, typer.Argument(help="Its id, TMDB or IMDb or external id, or its exact title.")],
    as_json: Json = False,
) -> None:
    """Print a movie's whole timeline: what changed, what was fetched, what the model and the editors said.

    Example: marquee why "The General"
    """
    with catalog_of() as engine, transaction(engine) as connection:
        story = read_story(connection, find_movie(connection, movie))
    if as_json:
        print_json(
            {
                "movie": story.movie,
                "genres": story.genres,
                "events": [
                    {"at": e.at, "revision": e.revision, "event": e.event, **e.detail} for e in story.events
                ],
            }
        )
    else:
        _print_story(story)


def _print_story(story: Story) -> None:
    console = Console()
    m = story.movie
    heading = Text(f"{m['title'] or '(no title yet)'} ({m['year'] or 'year unknown'})", style="bold")
    heading.append(f"  movie {m['id']}, revision {m['revision']}, {m['state']}", style="default not bold")
    console.print(heading)
    if m["error"]:
        console.print(Text(m["error"], style="red"))
    if m["note"]:
        console.print(Text(m["note"], style="yellow"))
    console.print(
        f"Plot from {m['plot_source'] or 'nowhere'}, poster from {m['poster_source'] or 'nowhere'}."
    )
    for genre in story.genres:
        confidence = f"{genre['confidence']:.3f}" if genre["confidence"] is not None else "    —"
        said = f"{genre['decision']} by {genre['source']} ({genre['model_version'] or 'no model'})"
        console.print(f"  {confidence}  {genre['genre']:<16} {said}", highlight=False)
    table = Table("at", "rev", "event", "detail", title="Timeline", title_justify="left")
    for e in story.events:
        table.add_row(f"{e.at:%Y-%m-%d %H:%M:%S.%f}"[:-3], str(e.revision), e.event, _detail(e.detail))
    console.print(table)


def _detail(detail: dict[str, Any]) -> Text:
    shown = dict(detail)
    if "priority" in shown:
        shown["priority"] = Priority(shown["priority"]).name.lower()
    if isinstance(shown.get("genres"), dict):
        shown["genres"] = ", ".join(f"{n} {c:.2f}" for n, c in shown["genres"].items()) or "none"
    return Text(", ".join(f"{key} {value}" for key, value in shown.items() if value is not None))
