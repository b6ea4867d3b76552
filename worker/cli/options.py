"""What several commands share: the settings, the connection, and how data is printed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from sqlalchemy import Engine

from catalog.engine import connect
from catalog.schema import check_schema
from marquee.settings import Settings, load_settings
from worker.connections import locate

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


def print_json(data: Any) -> None:
    """Print data as JSON on standard output."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))


@contextmanager
def catalog_of(
    settings: Settings | None = None, *, name: str = "cli", pool_size: int = 4
) -> Iterator[Engine]:
    """The catalog that the settings lead to, its schema checked; `name` is shown in `pg_stat_activity`.

    Raises:
        NotRunningError: there is none.
        SchemaError: it is of another version.
    """
    url = locate(settings or load_settings()).database_url
    engine = connect(url, name=f"marquee {name}", pool_size=pool_size)
    try:
        check_schema(engine)
        yield engine
    finally:
        engine.dispose()
