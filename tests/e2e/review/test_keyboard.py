"""An editor at work: a password, twenty movies by keyboard alone, what is undone, skipped and looked for."""

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.people.editors import add_editor
from catalog.registry import ModelRecord
from review.security.passwords import hash_password
from tests.support.browser import Visitors
from tests.support.ledger import execute
from tests.support.review import labels, tagged
from tests.support.stage import SAID, await_other, await_saved, key_of, movie_on, press_and_go

pytestmark = pytest.mark.xdist_group("browser")
PASSWORD = "three cats on a roof"
AS_SHOWN = {"Comedy": True, "Drama": False}
# What an editor may press before Enter, and what stands then by his word.
WAYS: list[tuple[list[str], dict[str, bool]]] = [
    ([], AS_SHOWN),
    (["Comedy"], {"Comedy": False, "Drama": False}),
    (["Drama"], {"Comedy": True, "Drama": True}),
    (["Action", "Western"], AS_SHOWN | {"Action": False, "Western": True}),
    (["Comedy", "Comedy", "Western", "Western"], AS_SHOWN),
]


def sign_in(page: Page, password: str) -> None:
    page.get_by_test_id("name").fill("ada")
    page.get_by_test_id("password").fill(password)
    page.keyboard.press("Enter")


def test_twenty_movies_by_keyboard_alone(engine: Engine, model: ModelRecord, visitors: Visitors) -> None:
    with transaction(engine) as connection:
        add_editor(connection, "ada", hash_password(PASSWORD), "editor")
    tagged(engine, model, 24, SAID)
    visitors.allow("status of 401")
    page = visitors.window()

    page.goto("/queue?state=any")
    sign_in(page, "two cats on a roof")
    expect(page.get_by_test_id("sign-in-error")).to_contain_text("name or the password is wrong")
    sign_in(page, PASSWORD)
    expect(page.get_by_test_id("rows")).to_be_visible()  # where he wanted to go
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # past "Skip to the content" and the brand: Review

    expect(page.get_by_test_id("card")).to_be_visible()
    keys = {genre: key_of(page, genre) for genre in ("Comedy", "Drama", "Action", "Western")}
    assert [keys["Comedy"], keys["Drama"], keys["Action"]] == ["1", "2", "3"]
    assert keys["Western"].isalpha()
    said: dict[int, dict[str, bool]] = {}
    for turn in range(20):
        pressed, stands = WAYS[turn % len(WAYS)]
        said[press_and_go(page, *(keys[genre] for genre in pressed), "Enter")] = stands
    await_saved(page)
    assert len(said) == 20
    found = labels(engine)
    assert {place: holds for place, (holds, _) in found.items()} == {
        (movie, genre): holds for movie, stands in said.items() for genre, holds in stands.items()
    }
    assert {by for _, by in found.values()} == {"ada"}
    finishes = execute(engine, "SELECT seconds FROM marquee.action WHERE kind = 'finish'")
    assert len(finishes) == 20
    assert all(0 <= f.seconds < 60 for f in finishes)
    expect(page.get_by_test_id("session")).to_contain_text("20 decided")

    # The last movie had four keys and Enter: five times U and it is as the model left it, on the screen again.
    last, before = list(said)[-1], labels(engine, list(said)[:-1])
    for left in ("Enter", "Western", "Western", "Comedy", "Comedy"):
        page.keyboard.press("u")
        if left == "Enter":
            expect(page.locator(f'#card[data-movie="{last}"]')).to_be_visible()
    expect(page.get_by_test_id("toast")).to_contain_text("Undone: a genre")
    await_saved(page)
    assert labels(engine, [last]) == {}
    assert labels(engine) == before
    assert execute(engine, "SELECT count(*) AS n FROM marquee.action WHERE kind = 'undo'")[0].n == 5
    expect(page.get_by_test_id("session")).to_contain_text("19 decided")
    page.keyboard.press("Enter")
    await_other(page, last)

    skipped = press_and_go(page, "Space")
    await_saved(page)
    assert execute(engine, "SELECT movie_id FROM marquee.action WHERE kind = 'skip'")[0].movie_id == skipped
    assert labels(engine, [skipped]) == {}
    rest = [press_and_go(page, "Enter") for _ in range(3)]
    assert skipped not in rest
    expect(page.get_by_test_id("empty")).to_be_visible()


def test_help_and_find(engine: Engine, model: ModelRecord, visitors: Visitors) -> None:
    ids = tagged(engine, model, 12, SAID)
    page = visitors.enter()
    here = movie_on(page)
    page.keyboard.press("?")
    expect(page.get_by_test_id("help")).to_be_visible()
    page.keyboard.press("Enter")  # presses the help's own button, and decides nothing
    expect(page.get_by_test_id("help")).to_be_hidden()
    page.keyboard.press("?")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("help")).to_be_hidden()

    page.keyboard.press("/")
    page.keyboard.type("movie 12u")
    expect(page.get_by_test_id("find-results")).to_contain_text("No movie has these words")
    page.keyboard.press("Backspace")
    expect(page.get_by_test_id("found")).to_have_count(1)
    assert movie_on(page) == here
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/movies/{ids[11]}")
    expect(page.get_by_test_id("title")).to_have_text("movie 12")
    assert labels(engine) == {}


def test_the_focus_is_seen(engine: Engine, model: ModelRecord, visitors: Visitors) -> None:
    tagged(engine, model, 2, SAID)
    page = visitors.enter()
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        place = page.evaluate(
            """() => {
                const on = document.activeElement, style = getComputedStyle(on), box = on.getBoundingClientRect();
                return {
                    name: on.dataset.testid ?? on.tagName,
                    ring: on.matches(":focus-visible") && (style.boxShadow !== "none" || style.outlineStyle !== "none"),
                    seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight,
                };
            }"""
        )
        if place["name"] == "BODY":
            break
        reached.append(place)
    assert [p for p in reached if not (p["ring"] and p["seen"])] == []
    names = {p["name"] for p in reached}
    assert {"brand", "nav-queue", "open-find", "finish", "skip", "undo"} <= names
    assert sum(name.startswith("toggle-") for name in names) == 19
