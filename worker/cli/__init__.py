"""The command line: `marquee`, one tree. The commands of a group stand in the module of its name.

Exit codes: 0 what was asked is done and true; 1 it is not; 2 wrong usage or settings; 3 nothing runs here, or
another Marquee does.
"""

import sys

import typer
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import DBAPIError

from marquee.errors import MarqueeError
from marquee.log import log_to_stderr
from worker.cli import feed, learn, look, models, parts, people, run, serve

app = typer.Typer(
    name="marquee",
    help="Marquee tags the movies of a catalog with their genres.\n\n"
    "Start with [bold]marquee demo[/bold]: it runs everything on sample movies and shows the result. "
    "[bold]marquee up[/bold] runs everything on your own.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
)
for group in (run.app, serve.app, feed.app, look.app, learn.app):
    app.registered_commands += group.registered_commands
app.add_typer(parts.app, name="worker", rich_help_panel="Run")
app.add_typer(models.app, name="models", rich_help_panel="Learn")
app.add_typer(people.editors, name="editors", rich_help_panel="Govern")
app.add_typer(people.tokens, name="tokens", rich_help_panel="Govern")


def main() -> None:
    """Run the command line; an error that has a mend is shown with it, and no traceback."""
    console = Console(stderr=True)
    log_to_stderr()
    try:
        app()
    except MarqueeError as error:
        console.print(f"[bold red]Error:[/] {escape(error.message)}", highlight=False)
        if error.mend:
            console.print(f"[bold]Mend:[/] {escape(error.mend)}", highlight=False)
        sys.exit(error.exit_code)
    except DBAPIError as error:
        console.print(f"[bold red]Postgres refused:[/] {escape(str(error.orig).strip())}", highlight=False)
        sys.exit(1)
