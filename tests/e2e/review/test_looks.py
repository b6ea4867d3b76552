"""Every page by axe, light and dark, wide and on a phone; no page is wider than the phone's screen."""

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]
from playwright.sync_api import Page, ViewportSize, expect
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.registry import ModelRecord
from catalog.review import bulk
from catalog.review.filters import Filter
from tests.support.browser import Visitors
from tests.support.ledger import insert, make_ready, quarantine
from tests.support.review import editor, enter, genre_id, tag, tagged
from tests.support.stage import SAID

pytestmark = pytest.mark.xdist_group("browser")

LONG = "The Extraordinarily-Long-Winded Adventures of Baron Bartholomew von Hohenzollern-Sigmaringen " * 3
UNBROKEN = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 800}
# Where the page can be scrolled sideways: what stands out of the screen and is not in a part that scrolls by itself.
OUTSIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
    [`${document.documentElement.scrollWidth} px`, ...[...document.querySelectorAll("body *")]
        .filter(it => it.getBoundingClientRect().right > innerWidth + 1 && !it.closest(".table-scroll"))
        .map(it => `${it.tagName} ${it.className}`)]"""


@pytest.fixture
def movies(engine: Engine, model: ModelRecord) -> list[int]:
    """Movies of all kinds: usual, with long words, without anything, decided, in quarantine, decided in bulk."""
    ids = tagged(engine, model, 4, SAID)
    odd = insert(engine, 3)
    make_ready(engine, odd[:1], title=LONG, plot=f"{UNBROKEN} {LONG}" * 5, plot_source="tmdb")
    make_ready(engine, odd[1:2], title=UNBROKEN, plot=UNBROKEN * 3, plot_source="movie", note=UNBROKEN)
    make_ready(engine, odd[2:], title=None, plot=None)
    tag(engine, model, SAID)
    quarantine(engine, insert(engine, 1, title=LONG)[0], UNBROKEN * 5)
    bob = editor(engine, UNBROKEN[:70])
    enter(engine, bob, ids[0], {"Comedy": False})
    with transaction(engine) as connection:
        run = bulk.start(connection, bob, Filter(), genre_id(engine, "Action"), "accepted")
    bulk.step(engine, run)
    return ids + odd


def problems(page: Page, said: str, **options: Any) -> list[str]:
    """What axe finds serious or critical, as the page stands."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("options => axe.run(options)", {"resultTypes": ["violations"], **options})
    return [
        f"{page.url} {said}: {v['id']}: {[n['target'] for n in v['nodes']]}"
        for v in found["violations"]
        if v["impact"] in ("serious", "critical")
    ]


def look(page: Page) -> list[str]:
    """All that is wrong with the page as it stands: at a desk by day and by night, and on a phone."""
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")
    found = problems(page, "at a desk")
    page.emulate_media(color_scheme="dark")
    found += problems(page, "in the dark", runOnly=["color-contrast"])
    page.set_viewport_size(PHONE)
    found += problems(page, "on a phone", rules={"color-contrast": {"enabled": False}})
    return found + [f"{page.url} is too wide for a phone: {place}" for place in page.evaluate(OUTSIDE)]


def test_pages_for_visitors(engine: Engine, model: ModelRecord, visitors: Visitors) -> None:
    page = visitors.window()
    page.goto("/sign-in")
    found = look(page)
    page.goto(visitors.site.link())
    found += look(page)
    assert not found, "\n".join(found)


@pytest.mark.timeout(300)  # some fifty runs of axe, on a machine that may be slow
def test_pages_for_editors(engine: Engine, movies: list[int], visitors: Visitors) -> None:
    visitors.allow("status of 404")
    page = visitors.enter(role="admin")
    found = []
    for path in (
        *(f"/review/{movie}" for movie in movies[-3:]),
        "/queue?state=any",
        "/queue?genre=Comedy&year=1950",
        f"/bulk?tag={genre_id(engine, 'Comedy')}&state=any",
        "/bulk/1",
        *(f"/movies/{movie}" for movie in (movies[0], movies[-3])),
        "/dashboard",
        "/account",
        "/editors",
        "/find?q=movie",
        "/?genre=War",
        "/nowhere",
    ):
        page.goto(path)
        found += look(page)
    assert not found, "\n".join(found)


def test_what_opens_on_a_page(engine: Engine, movies: list[int], visitors: Visitors) -> None:
    page = visitors.enter()
    page.keyboard.press("?")
    expect(page.get_by_test_id("help")).to_be_visible()
    found = look(page)
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("movie")
    expect(page.get_by_test_id("found").first).to_be_visible()
    found += look(page)
    page.keyboard.press("Escape")
    expect(page.locator("#find")).to_be_hidden()
    page.keyboard.press("w")
    expect(page.get_by_test_id("why-state")).to_be_visible()
    found += look(page)
    assert not found, "\n".join(found)


def test_no_name_of_a_genre_is_cut_off(engine: Engine, model: ModelRecord, visitors: Visitors) -> None:
    tagged(engine, model, 1, dict.fromkeys(model.genres, (0.99, "accepted")) | {"War": (0.5, "review")})
    page = visitors.enter()
    names = page.locator(".genre-name")
    assert names.count() == 19
    for width in (1920, 1440, 1280, 1100, 1024, 900, 700, 390):
        page.set_viewport_size({"width": width, "height": 800})
        cut = names.evaluate_all(
            "all => all.filter(it => it.scrollWidth > it.clientWidth).map(it => it.innerText)"
        )
        assert cut == [], width
