"""Draw the picture of the demo that the README shows: run the demo, and save what it prints as an SVG.

python -m scripts.draw_demo docs/images/demo.svg
"""

import re
import tempfile
from io import StringIO
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console

from marquee.settings import load_settings
from worker.cli.run import show_demo
from worker.demo import run_demo

WIDTH = 118


def draw(file: Annotated[Path, typer.Argument(help="Where to write the SVG.")]) -> None:
    """Run the demo and draw what it prints."""
    started = monotonic()
    with tempfile.TemporaryDirectory() as home:
        result = run_demo(load_settings(tmdb_token=None), Path(home), lambda *_: None)
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    show_demo(result, monotonic() - started, console)
    picture = console.export_svg(title="make demo")
    picture = re.sub(r"@font-face\s*{.*?}\s*", "", picture, flags=re.DOTALL)  # no font from afar
    picture = re.sub(r"<!--.*?-->\s*", "", picture, flags=re.DOTALL)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    typer.run(draw)
