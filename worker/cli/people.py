"""`marquee editors` and `marquee tokens`: who may decide in the browser, and which pipelines may use the API."""

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from catalog.engine import transaction
from marquee.settings import load_settings
from worker.cli.options import Json, catalog_of, print_json

editors = typer.Typer(no_args_is_help=True, help="Who may decide in the browser.")
tokens = typer.Typer(no_args_is_help=True, help="Which pipelines may use the HTTP API.")
Name = Annotated[str, typer.Argument(help="The name.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


class RoleName(StrEnum):
    """What an editor may do: decide, or also govern."""

    EDITOR = "editor"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a token may do."""

    MOVIES_READ = "movies:read"
    MOVIES_WRITE = "movies:write"
    DECIDE = "decide"
    ADMIN = "admin"


@editors.command("add")
def add_editor(
    name: Name,
    role: Annotated[RoleName, typer.Option(help="An admin may also govern.")] = RoleName.EDITOR,
    from_stdin: FromStdin = False,
    link: Annotated[
        bool, typer.Option("--link", help="Ask for no password: print a link that signs in once.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make somebody an editor. Without a password, a link is printed that signs in once, within 24 hours.

    On a terminal the password is asked for twice; an empty one is none.

    Example: marquee editors add ada --role admin
    Example: marquee editors add ada --link
    """
    from catalog.people.editors import add_editor as add

    hashed = None if link else _password(from_stdin=from_stdin)
    with catalog_of() as engine, transaction(engine) as connection:
        editor = add(connection, name, hashed, role.value)
        url = None if hashed else _link(connection, editor)
    if as_json:
        print_json({"id": editor.id, "name": editor.name, "role": editor.role, "link": url})
        return
    typer.echo(f"{editor.name} is now an {editor.role}.", err=True)
    if url is not None:
        typer.echo("This link signs in once, within 24 hours:", err=True)
        typer.echo(url)


@editors.command("link")
def editor_link(name: Name, as_json: Json = False) -> None:
    """Print a new link that signs the editor in once, within 24 hours.

    Example: marquee editors link ada
    """
    with catalog_of() as engine, transaction(engine) as connection:
        url = _link(connection, _known(connection, name))
    if as_json:
        print_json({"name": name, "link": url})
    else:
        typer.echo(url)


@editors.command("list")
def list_all_editors(as_json: Json = False) -> None:
    """Show the editors: their role, their way in, and when they last did something.

    Example: marquee editors list
    """
    from catalog.people.editors import list_editors

    with catalog_of() as engine, transaction(engine) as connection:
        found = list_editors(connection)
    columns = ("name", "role", "has_password", "created_at", "acted_at", "disabled_at")
    _show(
        [{c: getattr(e, c) for c in columns} for e in found], as_json, "No editor yet: `marquee editors add`."
    )


@editors.command("disable")
def disable(name: Name) -> None:
    """Shut an editor out at once. What was decided stays.

    Example: marquee editors disable ada
    """
    from catalog.people.editors import disable_editor

    with catalog_of() as engine, transaction(engine) as connection:
        disable_editor(connection, name)
    typer.echo(f"{name} is shut out.", err=True)


@editors.command("enable")
def enable(name: Name) -> None:
    """Let a disabled editor in again.

    Example: marquee editors enable ada
    """
    from catalog.people.editors import enable_editor

    with catalog_of() as engine, transaction(engine) as connection:
        enable_editor(connection, name)
    typer.echo(f"{name} may enter again.", err=True)


@editors.command("password")
def password(name: Name, from_stdin: FromStdin = False) -> None:
    """Set an editor's password. Every browser that is signed in as the editor is signed out.

    Example: marquee editors password ada
    """
    from catalog.people.editors import set_password

    with catalog_of() as engine:
        with transaction(engine) as connection:
            editor = _known(connection, name)
        hashed = _password(from_stdin=from_stdin)
        if hashed is None:
            raise typer.BadParameter("no password was given; `marquee editors link` makes a link instead.")
        with transaction(engine) as connection:
            set_password(connection, editor.name, hashed)
    typer.echo(f"{editor.name} has a new password.", err=True)


@tokens.command("add")
def add_token(
    name: Name,
    scope: Annotated[list[Scope], typer.Option(help="What it may do; give it again for more.")],
    days: Annotated[float | None, typer.Option(help="How long it is valid. Default: until revoked.")] = None,
    as_json: Json = False,
) -> None:
    """Make a token for a pipeline and print it. It is shown this once: only its hash is kept.

    Example: marquee tokens add ingest --scope movies:write --days 365
    """
    from catalog.people.tokens import add_token as add

    with catalog_of() as engine, transaction(engine) as connection:
        plain = add(connection, name, [s.value for s in scope], days)
    if as_json:
        print_json({"name": name, "scopes": [s.value for s in scope], "days": days, "token": plain})
        return
    typer.echo("Keep it: it cannot be shown again. Send it as `Authorization: Bearer …`.", err=True)
    typer.echo(plain)


@tokens.command("list")
def list_all_tokens(as_json: Json = False) -> None:
    """Show the tokens: what they may do, until when, and when they were last used.

    Example: marquee tokens list --json
    """
    from catalog.people.tokens import list_tokens

    with catalog_of() as engine, transaction(engine) as connection:
        found = list_tokens(connection)
    columns = ("name", "scopes", "created_at", "expires_at", "used_at", "revoked_at")
    _show(
        [{c: getattr(t, c) for c in columns} for t in found], as_json, "No token yet: `marquee tokens add`."
    )


@tokens.command("revoke")
def revoke(name: Name) -> None:
    """Make a token invalid from now on.

    Example: marquee tokens revoke ingest
    """
    from catalog.people.tokens import revoke_token

    with catalog_of() as engine, transaction(engine) as connection:
        revoke_token(connection, name)
    typer.echo(f"{name} is revoked.", err=True)


def _known(connection: Connection, name: str) -> Any:
    """The editor of this name."""
    from catalog.errors import EditorNotFoundError
    from catalog.people.editors import find_editor

    found = find_editor(connection, name)
    if found is None:
        raise EditorNotFoundError(
            f"There is no editor named {name!r} who may enter.", mend="`marquee editors list` shows all."
        )
    return found[0]


def _link(connection: Connection, editor: Any) -> str:
    """A one-time link to the review page, wherever the settings or the living one say it is."""
    from worker.links import one_time_link, review_base

    return one_time_link(connection, editor, review_base(connection, load_settings()))


def _password(*, from_stdin: bool) -> str | None:
    """The hash of a password that is typed twice, or read; None where there is none to be had."""
    from review.security.passwords import hash_password

    if from_stdin:
        given = sys.stdin.readline().rstrip("\r\n")
        return hash_password(given)
    if not sys.stdin.isatty():
        return None
    given = typer.prompt("Password (empty for a link)", default="", hide_input=True, show_default=False)
    if not given:
        return None
    if typer.prompt("Once more", hide_input=True) != given:
        raise typer.BadParameter("the two passwords differ.")
    return hash_password(given)


def _show(rows: list[dict[str, Any]], as_json: bool, nothing: str) -> None:
    if as_json:
        print_json(rows)
        return
    if not rows:
        typer.echo(nothing, err=True)
        return
    table = Table(*(c.removesuffix("_at").replace("_", " ") for c in rows[0]), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console().print(table, markup=False)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value)
    return f"{value:%Y-%m-%d %H:%M}" if hasattr(value, "strftime") else str(value)
