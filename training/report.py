"""An evaluation for people: a table on the terminal, and a page with plots for a browser."""

from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from rich.console import Console
from rich.table import Table

from training.evaluate import Report

TOP = (("mAP", "map"), ("micro-F1", "f1_micro"), ("macro-F1", "f1_macro"), ("weighted F1", "f1_weighted"),
       ("samples F1", "f1_samples"), ("exact match", "exact_match"), ("ROC AUC", "roc_auc"),
       ("ECE", "ece"))  # fmt: skip


def show(report: Report, console: Console) -> None:
    """Print the scores, the patterns, the bands and each genre."""
    data = report.to_json()
    console.print(f"[bold]{data['artifact']['version']}[/] on {data['movies']} movies")
    table = Table("movies", *(name for name, _ in TOP))
    for name, row in rows_of(data):
        table.add_row(name, *(f"{row[key]:.4f}" if key in row else "" for _, key in TOP))
    console.print(table)
    bands = data["bands"]
    up, down = bands["accepted"], bands["rejected"]
    console.print(
        f"accepted: {up['pairs']} tags, {_percent(up['precision'])} right, {up['recall']:.1%} of all labels; "
        f"rejected: right {_percent(down['negative_value'])}, {down['coverage']:.1%} of all pairs"
    )
    genres = Table("genre", "movies", "AP", "95 %", "F1", "95 %", "accepted", "precision")
    for genre, row in data["genres"].items():
        genres.add_row(
            genre, str(row["movies"]), _number(row["ap"]), _interval(row["ap_interval"]), _number(row["f1"]),
            _interval(row["f1_interval"]), str(row["accepted"]), _percent(row["accepted_precision"]),
        )  # fmt: skip
    console.print(genres)


def rows_of(data: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The rows of the table of scores: all, by pattern, by era, by plot length, and the baselines."""
    rows: list[tuple[str, dict[str, Any]]] = [("all", data)]
    rows += [
        (name.replace("_", " "), row)
        for name, row in data.get("by_pattern", {}).items()
        if name != "as_given"
    ]
    rows += [(f"years {name}", row) for name, row in data["by_era"].items()]
    rows += [(f"plots of {name} characters", row) for name, row in data["by_plot_length"].items()]
    rows += [(f"baseline: {name}", row) for name, row in data.get("baselines", {}).items()]
    return rows


def write_html(report: Report, path: Path) -> None:
    """Write the page; pictures are inside it."""
    data = report.to_json()
    environment = Environment(loader=PackageLoader("training"), autoescape=select_autoescape())
    page = environment.get_template("evaluation.html.j2").render(
        data=data, top=TOP, rows=rows_of(data), plots=_plots(data), percent=_percent, number=_number
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def _plots(data: dict[str, Any]) -> dict[str, str]:
    """PNG pictures in base64 by their captions."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    def picture(draw: Any, size: tuple[float, float] = (5, 4)) -> str:
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots())
        out = BytesIO()
        figure.savefig(out, format="png", dpi=110)
        return b64encode(out.getvalue()).decode()

    def reliability(axes: Any) -> None:
        points = data["reliability"]
        axes.plot([0, 1], [0, 1], color="0.7", lw=1)
        axes.plot([p["confidence"] for p in points], [p["share"] for p in points], marker="o")
        axes.set(xlabel="confidence", ylabel="share that is true", xlim=(0, 1), ylim=(0, 1))

    def risk(axes: Any) -> None:
        points = data["risk_coverage"]
        axes.plot([p["coverage"] for p in points], [p["risk"] for p in points])
        axes.set(xlabel="share of pairs answered, surest first", ylabel="share that is wrong", xlim=(0, 1))
        axes.set_ylim(bottom=0)

    def genres(axes: Any) -> None:
        known = {genre: row for genre, row in data["genres"].items() if row["ap"] is not None}
        names = sorted(known, key=lambda genre: known[genre]["ap"])
        low = [known[n]["ap"] - min(known[n]["ap"], known[n]["ap_interval"][0]) for n in names]
        high = [max(known[n]["ap"], known[n]["ap_interval"][1]) - known[n]["ap"] for n in names]
        axes.barh(names, [known[n]["ap"] for n in names], xerr=[low, high], color="#5b8", ecolor="0.3")
        axes.set(xlabel="average precision, with its 95 % interval", xlim=(0, 1))

    return {
        "Reliability": picture(reliability),
        "Risk and coverage": picture(risk),
        "Genres": picture(genres, (6.5, 6)),
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{value:.1%}"


def _interval(ends: list[float | None]) -> str:
    return f"{_number(ends[0])} to {_number(ends[1])}"
