"""The server goes away while an editor decides: nothing is lost, nothing is done twice, and the page says how it is."""

import re

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import Engine

from catalog.registry import ModelRecord
from tests.support.browser import Visitors
from tests.support.ledger import execute, scalar
from tests.support.review import labels, tagged
from tests.support.stage import SAID, await_other, await_saved, movie_on, press_and_go

pytestmark = pytest.mark.xdist_group("browser")
ACTIONS = re.compile(r"/(review/(\d+/)?(toggle|finish|skip|next)|undo)$")


def unsaved(page: Page, count: int) -> None:
    expect(page.get_by_test_id("saving")).to_have_attribute("data-state", "waiting")
    expect(page.get_by_test_id("saving")).to_contain_text(f"{count} not saved")


def test_what_is_not_saved_waits_for_the_server(
    engine: Engine, model: ModelRecord, visitors: Visitors
) -> None:
    tagged(engine, model, 5, SAID)
    visitors.allow("net::ERR", "dialog: beforeunload")
    page = visitors.enter()
    page.context.set_offline(True)
    first = press_and_go(page, "1", "Enter")  # the next movie was there already
    second = movie_on(page)
    page.keyboard.press("2")
    unsaved(page, 3)
    assert labels(engine) == {}
    page.context.set_offline(False)
    await_saved(page)
    assert labels(engine) == {
        (first, "Comedy"): (False, "ada"),
        (first, "Drama"): (False, "ada"),
        (second, "Drama"): (True, "ada"),
    }
    kinds = execute(engine, "SELECT kind FROM marquee.action ORDER BY id")
    assert [r.kind for r in kinds] == ["toggle", "finish", "toggle"]


def test_what_is_not_saved_outlives_the_page(engine: Engine, model: ModelRecord, visitors: Visitors) -> None:
    tagged(engine, model, 3, SAID)
    visitors.allow("net::ERR", "dialog: beforeunload")
    page = visitors.enter()
    page.context.route(ACTIONS, lambda route: route.abort())
    first = press_and_go(page, "Enter")
    unsaved(page, 1)
    page.context.unroute(ACTIONS)
    page.reload()
    await_saved(page)
    assert labels(engine, [first]).keys() == {(first, "Comedy"), (first, "Drama")}
    assert any("beforeunload" in note for note in visitors.allowed)  # the browser asked before it left


def test_an_action_whose_answer_is_lost_is_not_done_twice(
    engine: Engine, model: ModelRecord, visitors: Visitors
) -> None:
    tagged(engine, model, 3, SAID)
    visitors.allow("net::ERR")
    page = visitors.enter()

    def lose(route: Route) -> None:
        route.fetch()  # the server does it
        route.abort()  # and the page never hears of it

    page.context.route(ACTIONS, lose, times=1)
    movie = movie_on(page)
    page.keyboard.press("Enter")
    unsaved(page, 1)
    assert scalar(engine, "SELECT count(*) FROM marquee.action") == 1
    page.evaluate("dispatchEvent(new Event('online'))")
    await_saved(page)
    await_other(page, movie)
    assert scalar(engine, "SELECT count(*) FROM marquee.action") == 1
    assert len(labels(engine, [movie])) == 2


def test_a_session_that_ended_keeps_the_work(engine: Engine, model: ModelRecord, visitors: Visitors) -> None:
    tagged(engine, model, 3, SAID)
    visitors.allow("status of 401", "status of 403")
    page = visitors.enter()
    execute(engine, "DELETE FROM marquee.session")
    movie = movie_on(page)
    page.keyboard.press("1")
    expect(page.get_by_test_id("signed-out")).to_be_visible()
    assert labels(engine) == {}
    page.context.new_page().goto(visitors.site.link("ada"))
    page.context.pages[1].get_by_test_id("enter").click()
    expect(page.context.pages[1].get_by_test_id("card")).to_be_visible()
    page.get_by_test_id("sign-in-again").click()
    await_saved(page)
    assert labels(engine) == {(movie, "Comedy"): (False, "ada")}
