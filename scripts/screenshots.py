"""Photograph the review page for the documents: the demo with its sample movies, the shipped model, and Chromium.

python -m scripts.screenshots docs/images
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image
from playwright.sync_api import Page, ViewportSize, expect, sync_playwright
from sqlalchemy import Engine, text

from catalog.decisions import Verdicted, decide
from catalog.engine import transaction
from catalog.movie_locks import lock_decisions
from catalog.people.editors import EditorRecord, add_editor
from catalog.registry import genre_ids
from catalog.review.actions import finish
from catalog.review.card import Card, read_card
from catalog.review.filters import Filter
from catalog.review.queue import read_page
from marquee.settings import load_settings
from worker.demo import DemoResult, run_demo
from worker.links import one_time_link
from worker.system import System

DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
MOST_BYTES = 150_000
DECIDED = 14
# A picture is the same at whatever hour it is taken.
STOP_THE_CLOCK = """() => {
    for (const [place, time] of document.querySelectorAll("time").entries()) {
        const second = String(59 - (place % 60)).padStart(2, "0");
        time.textContent = /ago|now/.test(time.textContent) ? "2 min ago" : `2026-01-15 09:30:${second}`;
    }
    for (const line of document.querySelectorAll("#conflict-difference li")) {
        line.textContent = line.textContent.replace(/\\d\\d:\\d\\d UTC/, "09:30 UTC");
    }
}"""
GIVE_UP = text(
    "UPDATE marquee.tagging SET state = 'quarantined', failures = 5, error = :error WHERE movie_id = :id"
)


class Studio:
    """Takes the pictures of one run into a folder."""

    def __init__(self, folder: Path, system: System) -> None:
        assert system.review_address is not None
        self.folder, self.engine, self.url = folder, system.engine, system.review_address

    @contextmanager
    def browser(self) -> Iterator[Any]:
        """The system's Chromium."""
        path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        if path is None:
            raise typer.BadParameter("no Chromium: apt-get install chromium")
        with sync_playwright() as playwright:
            running = playwright.chromium.launch(executable_path=path)
            yield running
            running.close()

    def shoot(self, page: Page, name: str) -> None:
        """Take one picture of what the window shows."""
        page.evaluate(STOP_THE_CLOCK)
        page.evaluate("Promise.all([...document.images].map(it => it.decode().catch(() => 0)))")
        taken = Image.open(BytesIO(page.screenshot(animations="disabled", caret="hide"))).convert("RGB")
        for colours in (0, 256, 128, 64):
            drawn = BytesIO()
            fewer = taken.quantize(colours, Image.Quantize.MAXCOVERAGE, kmeans=1) if colours else taken
            fewer.save(drawn, "PNG", optimize=True)
            if drawn.tell() < MOST_BYTES:
                break
        (self.folder / f"{name}.png").write_bytes(drawn.getvalue())

    def take_all(self) -> None:
        """Every page, one after the other."""
        with transaction(self.engine) as connection:
            grace = add_editor(connection, "grace", None, "editor")
            ada = add_editor(connection, "ada", None, "admin")
            link = one_time_link(connection, ada, self.url)
        movie = work(self.engine, grace)
        with self.browser() as browser:
            expect.set_options(timeout=120_000)
            page = browser.new_page(base_url=self.url, viewport=DESK, color_scheme="light")
            page.goto("/sign-in")
            self.shoot(page, "sign-in")
            page.goto(link)
            page.get_by_test_id("enter").click()
            self._review(page, movie)
            self._others(page)

    def _review(self, page: Page, movie: int) -> None:
        page.goto(f"/review/{movie}")
        self.shoot(page, "review")
        page.emulate_media(color_scheme="dark")
        self.shoot(page, "review-dark")
        page.emulate_media(color_scheme="light")
        page.keyboard.press("w")
        expect(page.get_by_test_id("heat")).to_be_visible()
        expect(page.get_by_test_id("nearest")).to_be_visible()
        self.shoot(page, "why")
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        self.shoot(page, "help")
        page.keyboard.press("Escape")
        page.set_viewport_size(PHONE)
        self.shoot(page, "review-phone")
        page.set_viewport_size(DESK)
        with transaction(self.engine) as connection:
            lock_decisions(connection, [movie])
            said = [Verdicted(movie, genre, "rejected") for genre in genre_ids(connection, ("Thriller",))]
            decide(connection, said, author="token:festival", source="editor")
        page.keyboard.press("1")
        expect(page.get_by_test_id("conflict")).to_be_visible()
        self.shoot(page, "conflict")
        page.get_by_test_id("conflict-again").click()
        page.goto(f"/movies/{movie}")
        self.shoot(page, "movie")

    def _others(self, page: Page) -> None:
        with transaction(self.engine) as connection:
            [thriller] = genre_ids(connection, ("Thriller",))
        for path, name in {
            "/queue": "queue",
            "/queue?state=any&genre=Comedy&order=newest": "queue-filtered",
            f"/bulk?state=any&genre=Thriller&tag={thriller}": "bulk",
            "/dashboard": "dashboard",
            "/editors": "editors",
            "/account": "account",
            "/?language=fi": "empty",
        }.items():
            page.goto(path)
            self.shoot(page, name)


def work(engine: Engine, editor: EditorRecord) -> int:
    """An editor decides some movies, one is given up; returns one that is worth a picture and left undecided."""
    with transaction(engine) as connection:
        rows = read_page(connection, Filter(), "uncertain").rows
        cards = [read_card(connection, row.movie_id) for row in rows]
    shown = next(card for card in cards if is_whole(card))
    others = [card for card in cards if card.movie_id != shown.movie_id]
    for place, card in enumerate(others[-DECIDED:]):
        weakest = min((g for g in card.genres if g.holds), key=lambda g: g.confidence or 0.0, default=None)
        said = {weakest.id: False} if weakest is not None and place % 2 else {}
        with transaction(engine) as connection:
            finish(connection, editor, card.movie_id, said, seen=card.seen, seconds=4.0)
    with transaction(engine) as connection:
        error = "The poster is no image that can be read: it is damaged."
        connection.execute(GIVE_UP, {"id": others[0].movie_id, "error": error})
    return shown.movie_id


def is_whole(card: Card) -> bool:
    """Whether it has a plot and a poster, and several genres ask."""
    return bool(card.plot and card.poster_hash) and sum(genre.asks for genre in card.genres) > 1


def photograph(folder: Annotated[Path, typer.Argument(help="Where to write the PNGs.")]) -> None:
    """Run the demo and take a picture of every page."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["MARQUEE_REVIEW_PORT"] = "0"

    def stay(_: DemoResult, system: System) -> None:
        Studio(folder, system).take_all()

    with tempfile.TemporaryDirectory() as home:
        run_demo(load_settings(tmdb_token=None), Path(home), lambda *_: None, stay)


if __name__ == "__main__":
    typer.run(photograph)
