"""Text from outside stays text: script in titles, plots, names and explanations is shown, and never runs."""

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.explanations import ask, claim_explanations, finish_explanation
from catalog.people.tokens import add_token
from catalog.registry import ModelRecord
from tests.support.browser import Visitors
from tests.support.ledger import insert, make_ready, quarantine
from tests.support.review import change, editor, enter, genre_id, tag
from tests.support.stage import SAID, await_saved, movie_on, press_and_go

pytestmark = pytest.mark.xdist_group("browser")
SCRIPT = "Reel <script>window.broken = 1; alert('title')</script>"
IMAGE = "\"'><img src=x onerror=\"window.broken = 1; alert('plot')\"><svg onload=alert(1)>"
NAME = "<img src=x onerror=alert(1)>"


def harmless(page: Page) -> None:
    """None of it became a part of the page."""
    expect(page.locator("main")).to_be_visible()
    assert page.evaluate("window.broken") is None
    assert page.locator('img[src="x"], svg[onload], [onerror]').count() == 0
    assert page.locator("script:not([src])").count() == 0


def test_script_stays_text(engine: Engine, model: ModelRecord, visitors: Visitors) -> None:
    movies = insert(engine, 3, title=SCRIPT)
    make_ready(engine, movies, title=SCRIPT, plot=IMAGE, plot_source="tmdb", note=IMAGE)
    tag(engine, model, SAID)
    enter(engine, editor(engine, NAME + " again"), movies[0], {"Comedy": False})
    visitors.allow("status of 409")
    page = visitors.enter(NAME, role="admin")
    expect(page.get_by_test_id("title")).to_have_text(SCRIPT)
    expect(page.get_by_test_id("plot")).to_have_text(IMAGE)
    harmless(page)

    movie = movie_on(page)
    with transaction(engine) as connection:
        ask(connection, movie, [genre_id(engine, "Comedy")])
        job = claim_explanations(connection, 60)
        assert job is not None
        near = {"movie_id": movies[0], "title": SCRIPT, "year": None, "poster_hash": None, "similarity": 0.9}
        words = [{"word": "x", "start": 0, "end": len(IMAGE), "weight": 1.0}]
        made = {"genre": "Comedy", "words": words, "regions": [], "shares": {IMAGE: 1.0}}
        for request in job.requests:
            finish_explanation(
                connection, job, request, made if request.genre else [near | {"genres": [IMAGE]}]
            )
    page.keyboard.press("w")
    expect(page.get_by_test_id("nearest")).to_contain_text(SCRIPT)
    expect(page.get_by_test_id("why-word")).to_have_text(IMAGE)
    harmless(page)

    page.keyboard.press("/")
    page.keyboard.type("reel")
    expect(page.get_by_test_id("found").first).to_contain_text(SCRIPT)
    page.keyboard.press("Escape")
    change(engine, movie, IMAGE)
    press_and_go(page, "Enter")
    expect(page.get_by_test_id("conflict")).to_contain_text(SCRIPT)
    harmless(page)
    page.get_by_test_id("conflict-again").click()
    expect(page.get_by_test_id("title")).to_have_text(IMAGE)
    press_and_go(page, "Escape", "Space")
    page.keyboard.press("u")
    expect(page.get_by_test_id("toast")).to_contain_text(IMAGE)
    harmless(page)


def test_script_stays_text_on_every_page(engine: Engine, model: ModelRecord, visitors: Visitors) -> None:
    movies = insert(engine, 3, title=SCRIPT)
    make_ready(engine, movies[:2], title=SCRIPT, plot=IMAGE, note=IMAGE)
    tag(engine, model, SAID)
    quarantine(engine, movies[2], IMAGE)
    enter(engine, editor(engine, SCRIPT), movies[0])
    page = visitors.enter(NAME, role="admin")
    page.keyboard.press("1")
    await_saved(page)
    with transaction(engine) as connection:
        add_token(connection, NAME, ["admin"])
    for path, text in {
        "/queue?state=any": SCRIPT,
        f"/movies/{movies[0]}": IMAGE,
        "/find?q=reel": SCRIPT,
        "/account": SCRIPT,
        "/editors": SCRIPT,
        f"/bulk?tag={genre_id(engine, 'Western')}&state=any": SCRIPT,
        "/dashboard": IMAGE,
    }.items():
        page.goto(path)
        expect(page.locator("main")).to_contain_text(text)
        harmless(page)
