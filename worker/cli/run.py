"""`marquee up`, `demo`, `config`, `migrate`: running everything."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from marquee.settings import Settings, load_settings
from worker.cli.options import Json, print_json

if TYPE_CHECKING:
    from worker.demo import DemoResult
    from worker.system import System

app = typer.Typer()
DECISION_STYLES = {"accepted": "bold green", "review": "yellow"}


@app.command(rich_help_panel="Run")
def up(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every part's log here.")] = False,
) -> None:
    """Run everything on this machine until Ctrl-C: servers, relay, fetch, one tag worker a GPU, schedules, review.

    PostgreSQL and Valkey are embedded, unless MARQUEE_DATABASE_URL and MARQUEE_BROKER_URL name your own.

    Example: marquee up
    """
    from worker.system import System

    settings = load_settings()
    console = Console(stderr=True)

    def echo(name: str, line: str) -> None:
        console.print(f"[dim]{name:>6}[/] {escape(line)}", highlight=False)

    with ExitStack() as stack:
        with console.status("Starting …"):
            system = stack.enter_context(System(settings, echo=echo if verbose else None))
        console.print(_panel(settings, system.review_address), highlight=False)
        if settings.database_url is None:
            _print_link(console, system)
        system.supervisor.run()
    console.print("Stopped.")


def _print_link(console: Console, system: "System") -> None:
    """The first way in, as long as nobody has a password."""
    from catalog.engine import transaction
    from worker.links import first_link

    assert system.review_address is not None
    with transaction(system.engine) as connection:
        link = first_link(connection, system.review_address)
    if link is not None:
        console.print("Sign in once as [bold]admin[/], within 24 hours:")
        console.print(link, style="bold cyan", soft_wrap=True, highlight=False)


def _panel(settings: Settings, review: str | None) -> Panel:
    own = settings.masked()
    lines = [
        f"Postgres   {own['database_url'] or 'embedded'}",
        f"Broker     {own['broker_url'] or 'embedded'}",
        f"Data       {settings.home}",
        f"Logs       {settings.home / 'logs'}",
        f"Review     {review}",
        "TMDB       " + ("token set" if settings.tmdb_token else "no token: movies have what they bring"),
        "",
        "In another terminal:  marquee import movies.csv    marquee status    marquee why 1",
        "Ctrl-C stops everything.",
    ]
    return Panel(Text("\n".join(lines)), title="Marquee is up", title_align="left", expand=False)


@app.command(rich_help_panel="Run")
def demo(
    keep: Annotated[
        Path | None, typer.Option(help="Keep the data here, to look at with MARQUEE_HOME and `marquee up`.")
    ] = None,
    review: Annotated[
        bool,
        typer.Option("--review", help="Then keep everything running, and print a link to the review page."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Tag some 40 sample movies with everything embedded, show the result, and stop everything.

    Uses TMDB if MARQUEE_TMDB_TOKEN is set, else an offline TMDB that serves the samples. With --review, Ctrl-C
    stops everything.

    Example: marquee demo
    Example: marquee demo --review
    """
    from worker.demo import run_demo

    started = monotonic()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        tempfile.TemporaryDirectory(prefix="marquee-demo-") as scratch,
        Progress(*columns, console=Console(stderr=True), transient=True) as progress,
    ):
        task = progress.add_task("", total=None)

        def show(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, completed=done, total=total or None)

        def stay(result: "DemoResult", system: "System") -> None:
            progress.stop()
            console = Console()
            show_demo(result, monotonic() - started, console, running=True)
            _print_link(console, system)
            console.print("Ctrl-C stops everything.")
            system.supervisor.wait()

        result = run_demo(load_settings(), keep or Path(scratch), show, stay if review else None)
    seconds = monotonic() - started
    if review:
        Console().print("Stopped.")
    elif as_json:
        timing = {"start": result.seconds_to_start, "tag": result.seconds_to_tag, "all": seconds}
        movies = [{**s.movie, "genres": s.genres} for s in result.stories]
        print_json({"movies": movies, "seconds": {k: round(v, 2) for k, v in timing.items()}})
    else:
        show_demo(result, seconds, Console())
    if any(s.movie["state"] != "tagged" for s in result.stories):
        raise typer.Exit(1)


def show_demo(result: "DemoResult", seconds: float, console: Console, *, running: bool = False) -> None:
    """Print the demo's movies with their genres, and how long it took."""
    table = Table("Movie", "Year", "Plot", "Poster", "Genres", title=None, box=None, pad_edge=False)
    for story in result.stories:
        movie = story.movie
        genres = Text(", ").join(
            Text(f"{g['genre']} {g['confidence']:.2f}", style=DECISION_STYLES.get(g["decision"], ""))
            for g in story.genres
        )
        plot = (movie["language"] or "yes") if movie["plot"] else "—"
        table.add_row(
            movie["title"] or f"TMDB {movie['tmdb_id']}",
            str(movie["year"] or ""),
            plot,
            "yes" if movie["poster_hash"] else "—",
            genres if story.genres else Text("no sure guess: for an editor", style="dim"),
        )
    console.print(table)
    tagged = sum(s.movie["state"] == "tagged" for s in result.stories)
    rate = tagged / result.seconds_to_tag
    console.print(
        f"\n[bold]{tagged} of {len(result.stories)} movies tagged[/] in {result.seconds_to_tag:.1f} s "
        f"({rate:.0f}/s), after {result.seconds_to_start:.1f} s to start everything; {seconds:.1f} s in all."
        + ("" if running else " Nothing is left running."),
        highlight=False,
    )
    console.print(
        "[bold green]green[/]: sure enough to be accepted without an editor; [yellow]yellow[/]: the best guess, "
        "for an editor to confirm. The number is the probability that the genre is right.",
        highlight=False,
    )
    if not running:
        console.print(
            "Decide the doubtful ones in the browser: [bold]marquee demo --review[/] for these movies, "
            "[bold]marquee up[/] for your own.",
            highlight=False,
        )


@app.command(rich_help_panel="Run")
def migrate() -> None:
    """Bring the database to this version's schema. Safe to repeat; run it before the workers of a new version.

    Example: MARQUEE_DATABASE_URL=postgresql://… marquee migrate
    """
    from catalog import schema
    from catalog.engine import connect
    from worker.connections import locate

    engine = connect(locate(load_settings()).database_url, name="marquee migrate")
    before = schema.current_revision(engine)
    schema.migrate(engine)
    after = schema.current_revision(engine)
    engine.dispose()
    said = (
        f"Already at revision {after}."
        if before == after
        else f"Migrated from {before or 'nothing'} to {after}."
    )
    Console().print(said)


@app.command(
    rich_help_panel="Run",
    epilog="\n\n".join(
        f"MARQUEE_{name.upper()}: {field.description}" for name, field in Settings.model_fields.items()
    ),
)
def config(as_json: Json = False) -> None:
    """Print every setting, its variable, its value and its meaning, with secrets masked.

    A setting comes from the environment, else from a .env file here, else it has its default.

    Example: MARQUEE_TMDB_RATE=20 marquee config
    """
    settings = load_settings()
    values = settings.masked()
    if as_json:
        print_json(values)
        return
    table = Table("variable", "value", "meaning", box=None, pad_edge=False)
    for name, field in Settings.model_fields.items():
        shown = Text("" if values[name] is None else str(values[name]))
        if name in settings.model_fields_set:
            shown.stylize("bold cyan")
        table.add_row(f"MARQUEE_{name.upper()}", shown, field.description or "")
    Console().print(table)
