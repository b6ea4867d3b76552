"""`marquee review`: the review page and the HTTP API in the foreground, for production."""

from typing import Annotated

import typer

from marquee.log import configure_logging
from marquee.settings import load_settings
from worker.cli.options import catalog_of

app = typer.Typer()
CONNECTIONS = 16


@app.command(rich_help_panel="Run")
def review(
    host: Annotated[
        str | None, typer.Option(help="The address to listen at. Default: MARQUEE_REVIEW_HOST.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="The port; 0 is any free one. Default: MARQUEE_REVIEW_PORT.")
    ] = None,
) -> None:
    """Serve the review page and the HTTP API. Several may run side by side.

    `marquee up` runs it already. Who may sign in: `marquee editors`. Pipelines: `marquee tokens`.

    Example: marquee review --port 8484
    """
    from worker.web import serve

    given = {
        name: value for name, value in (("review_host", host), ("review_port", port)) if value is not None
    }
    settings = load_settings(**given)
    configure_logging(settings)
    with catalog_of(settings, name="review", pool_size=CONNECTIONS) as engine:
        serve(settings, engine)
