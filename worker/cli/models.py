"""`marquee models …`: the models that the catalog knows, and which of them is champion."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from catalog.engine import transaction
from catalog.model_details import ModelDetails, find_model, read_details
from catalog.registry import (
    before_champion,
    champion,
    promote,
    read_model,
    roll_back,
    take_turn,
)
from worker.cli.model_facts import METRICS, PATTERNS, bands, facts, metric
from worker.cli.options import Json, catalog_of, print_json

app = typer.Typer(no_args_is_help=True, help="Which models there are, and which of them tags.")
Model = Annotated[str, typer.Argument(metavar="MODEL", help="Its version, or a beginning that no other has.")]
Reason = Annotated[str, typer.Option(help="Why: it is kept, and shown beside the promotion.")]
NoRetag = Annotated[
    bool, typer.Option("--no-retag", help="Leave movies that another model tagged as they are.")
]


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """Show the models, the newest first: scores, movies whose newest tags are theirs, when they became champion.

    Example: marquee models list
    """
    with catalog_of() as engine, transaction(engine) as connection:
        found = read_details(connection)
    if as_json:
        print_json([_summary(m) for m in found])
        return
    if not found:
        Console().print("No model yet: a tag worker brings the one that ships, `marquee models add` another.")
        return
    table = Table("model", "", "movies", *METRICS.values(), "trained on", "champion since", "why")
    for m in found:
        last = m.promotions[0] if m.promotions else None
        style = "bold" if m.champion else ""
        table.add_row(
            Text(m.version),
            _standing(m),
            f"{m.movies:,}",
            *(_number(metric(m.manifest, "both", name)) for name in METRICS),
            m.data_sha256[:12],
            f"{last.at:%Y-%m-%d %H:%M}" if last else "never",
            Text(last.reason if last else ""),
            style=style,
        )
    Console().print(table)


@app.command()
def show(model: Model, as_json: Json = False) -> None:
    """Show a model: where it lies, what it was trained on, its scores and bands, and when it was champion and why.

    Example: marquee models show default-7bbe
    """
    with catalog_of() as engine, transaction(engine) as connection:
        [found] = read_details(connection, find_model(connection, model))
    if as_json:
        print_json(asdict(found))
        return
    console = Console()
    console.print(Text.assemble((found.version, "bold"), "  ", _standing(found)))
    table = Table(show_header=False)
    table.add_row("place", Text(found.uri))
    table.add_row("sha256", found.sha256)
    table.add_row("registered", f"{found.registered_at:%Y-%m-%d %H:%M}")
    table.add_row("movies whose newest tags are its", f"{found.movies:,}")
    for name, value in facts(found.manifest).items():
        table.add_row(name, Text(value))
    console.print(table)
    console.print(_scores([found]))
    console.print(_bands([found]))
    log = Table("since", "why", "evidence", title="Champion", title_justify="left")
    for p in found.promotions:
        why = f"{p.reason} (a roll-back)" if p.roll_back else p.reason
        log.add_row(f"{p.at:%Y-%m-%d %H:%M:%S}", Text(why), Text(_brief(p.evidence)))
    console.print(log if found.promotions else "It never was champion.")


@app.command()
def diff(a: Model, b: Model, as_json: Json = False) -> None:
    """Show two models side by side: data, encoders, genres, scores and bands. What differs is bold.

    Example: marquee models diff default-7bbe default-91c2
    """
    with catalog_of() as engine, transaction(engine) as connection:
        pair = [read_details(connection, find_model(connection, name))[0] for name in (a, b)]
    if as_json:
        print_json({m.version: _compared(m) for m in pair})
        return
    console = Console()
    table = Table("", *(escape(m.version) for m in pair))
    both = [facts(m.manifest) | {"sha256": m.sha256} for m in pair]
    for name in sorted(set(both[0]) | set(both[1])):
        _add(table, name, *(side.get(name, "") for side in both))
    sets = [set(map(str, m.manifest.get("genres", []))) for m in pair]
    _add(
        table,
        "genres that the other lacks",
        *(", ".join(sorted(x - y)) or "none" for x, y in _both_ways(sets)),
    )
    console.print(table)
    console.print(_scores(pair))
    console.print(_bands(pair))


@app.command()
def add(
    path: Annotated[Path, typer.Argument(help="The artifact's folder, where every tag worker finds it.")],
    as_json: Json = False,
) -> None:
    """Verify an artifact whole and make it known. It does not tag before it is promoted.

    Refused: a changed byte, a missing file, one that the manifest does not name, a pickle, genres that the catalog
    lacks.

    Example: marquee models add /srv/models/2026-11
    """
    from worker.registering import register_artifact

    with catalog_of() as engine, transaction(engine) as connection:
        before = {m.id for m in read_details(connection)}
        model_id = register_artifact(connection, path)
        record = read_model(connection, model_id)
    data = {"model": record.version, "sha256": record.sha256, "uri": record.uri, "known": model_id in before}
    if as_json:
        print_json(data)
    elif model_id in before:
        _say(f"{record.version} is known already; it is taken from {record.uri} now.")
    else:
        _say(f"{record.version} is known now. `marquee models promote {record.version}` lets it tag.")


@app.command("promote")
def promote_model(
    model: Model, reason: Reason = "by hand", no_retag: NoRetag = False, as_json: Json = False
) -> None:
    """Make a model champion. Its artifact is verified; tag workers load it beside the old one and swap between batches.

    Then movies that another model tagged are tagged again, the least certain first, behind all others.

    Example: marquee models promote default-91c2 --reason "trained on the new labels"
    """
    from worker.registering import verify

    with catalog_of() as engine, transaction(engine) as connection:
        record = read_model(connection, find_model(connection, model))
        verify(record)
        take_turn(connection)
        old = champion(connection)
        promote(connection, record.id, reason, _by_hand(old.version if old else None), retag=not no_retag)
    _tell(record.version, old.version if old else None, as_json=as_json)


@app.command()
def rollback(reason: Reason = "by hand", no_retag: NoRetag = False, as_json: Json = False) -> None:
    """Make the model champion again that was it before. It takes effect within two seconds.

    Like an undo: the next roll-back goes one promotion further back. After promotions of A, B and C, roll-backs bring
    back B, then A; a promotion of D then starts anew, and a roll-back from it brings back A.

    Example: marquee models rollback --reason "too many Westerns"
    """
    from worker.registering import verify

    with catalog_of() as engine, transaction(engine) as connection:
        take_turn(connection)
        old, before = champion(connection), before_champion(connection)
        if before is not None:
            verify(read_model(connection, before))
        now = roll_back(connection, reason, _by_hand(old.version if old else None), retag=not no_retag)
    _tell(now.version, old.version if old else None, as_json=as_json)


def _by_hand(old: str | None) -> dict[str, Any]:
    return {"by": "the command line", "instead_of": old}


def _tell(version: str, old: str | None, *, as_json: bool) -> None:
    if as_json:
        print_json({"champion": version, "before": old})
    else:
        _say(f"{version} is champion" + (f", and {old} no more." if old else "."))


def _say(line: str) -> None:
    Console().print(Text(line), soft_wrap=True)


def _summary(m: ModelDetails) -> dict[str, Any]:
    data = asdict(m)
    del data["manifest"]
    return data | {"metrics": {name: metric(m.manifest, "both", name) for name in METRICS}}


def _compared(m: ModelDetails) -> dict[str, Any]:
    return {
        "sha256": m.sha256,
        "facts": facts(m.manifest),
        "genres": m.manifest.get("genres", []),
        "metrics": {p: {n: metric(m.manifest, p, n) for n in METRICS} for p in PATTERNS},
        "bands": bands(m.manifest),
    }


def _standing(m: ModelDetails) -> Text:
    if m.champion:
        return Text("champion", style="green")
    return Text("before it" if m.before else "", style="dim")


def _scores(models: list[ModelDetails]) -> Table:
    table = Table(
        "movie has", "score", *(escape(m.version) for m in models), title="Scores", title_justify="left"
    )
    for pattern, shown in PATTERNS.items():
        for name, label in METRICS.items():
            values = [_number(metric(m.manifest, pattern, name)) for m in models]
            _add(table, shown, label, *values, same=len(set(values)) == 1)
    return table


def _bands(models: list[ModelDetails]) -> Table:
    columns = [escape(f"{m.version}: {end}") for end in ("rejected below", "accepted from") for m in models]
    title = "Bands of movies with plot and poster"
    table = Table("genre", *columns, title=title, title_justify="left")
    read = [bands(m.manifest) for m in models]
    for genre in sorted(set().union(*read)):
        ends = [[_number(r.get(genre, {}).get(end)) for r in read] for end in ("low", "high")]
        _add(table, genre, *ends[0], *ends[1], same=all(len(set(end)) == 1 for end in ends))
    return table


def _add(table: Table, *cells: str, same: bool | None = None) -> None:
    """A row; bold where what it compares differs."""
    if same is None:
        same = len(set(cells[1:])) == 1
    alone = len(cells) < 3 or same
    table.add_row(*(Text(c) for c in cells), style="" if alone else "bold")


def _both_ways(pair: list[set[str]]) -> list[tuple[set[str], set[str]]]:
    return [(pair[0], pair[1]), (pair[1], pair[0])]


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"


def _brief(evidence: dict[str, Any]) -> str:
    return ", ".join(
        f"{key} {value}" for key, value in evidence.items() if isinstance(value, str | int | float)
    )
