"""A movie's page and the dashboard: what happened, what an editor changes of it, what went wrong."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import Engine

from catalog.registry import ModelRecord
from tests.support.browser import Visitors
from tests.support.ledger import content, insert, make_ready, quarantine, row
from tests.support.review import editor, enter, tag, tagged
from tests.support.stage import SAID

pytestmark = pytest.mark.xdist_group("browser")


def test_the_story_of_a_movie_and_a_new_plot(engine: Engine, model: ModelRecord, visitors: Visitors) -> None:
    [movie] = tagged(engine, model, 1, SAID)
    enter(engine, editor(engine, "bob"), movie, {"Comedy": False})
    page = visitors.enter(to=f"/movies/{movie}")
    story = page.get_by_test_id("timeline")
    for told in ("Comedy rejected by bob", "Drama rejected by bob", f"by {model.version}"):
        expect(story).to_contain_text(told)
    assert page.get_by_test_id("event").count() >= 4
    expect(page.get_by_test_id("movie-genres")).to_contain_text("Action")
    expect(page.get_by_test_id("movie-genres")).not_to_contain_text("Comedy")

    page.get_by_test_id("edit").locator("summary").click()
    page.get_by_test_id("edit-plot").fill("A clerk finds a map in a library book.")
    page.get_by_test_id("edit-save").click()
    expect(page.get_by_test_id("said")).to_contain_text("Saved")
    expect(story.get_by_test_id("event").filter(has_text="plot by ada")).to_have_count(1)
    assert (row(engine, movie).revision, row(engine, movie).state) == (2, "pending")
    make_ready(engine, [movie], plot="A clerk finds a map in a library book.", plot_source="movie")
    tag(engine, model, SAID)
    page.reload()
    expect(page.get_by_text("A clerk finds a map").first).to_be_visible()
    assert content(engine, movie).revision == 2

    page.get_by_test_id("retag").click()
    expect(page.get_by_test_id("said")).to_contain_text("tagged again")
    expect(story).to_contain_text("new tags, by ada")
    assert row(engine, movie).state != "tagged"


def test_the_dashboard_and_a_second_try(engine: Engine, model: ModelRecord, visitors: Visitors) -> None:
    ids = tagged(engine, model, 6, SAID)
    enter(engine, editor(engine, "bob"), ids[0], {"Comedy": False})
    [broken] = insert(engine, 1, title="The Broken Reel")
    quarantine(engine, broken, "The poster is no image.")
    page = visitors.enter(role="admin", to="/dashboard")
    for tile, figure in {"movies": "7", "queue": "5", "quarantine": "1", "waiting": "0"}.items():
        expect(page.get_by_test_id(f"tile-{tile}")).to_have_text(figure)
    expect(page.get_by_test_id("tile-coverage")).to_have_text(re.compile(r"^\d+\.\d%$"))
    agreement = page.get_by_test_id("agreement").locator("li")
    expect(agreement).to_have_text([re.compile(r"Comedy\s*0%\s*of 1"), re.compile(r"Drama\s*100%\s*of 1")])
    expect(page.get_by_test_id("models")).to_contain_text(model.version)
    expect(page.get_by_test_id("champion")).to_be_visible()
    bars = page.get_by_test_id("throughput").locator("rect")
    assert bars.count() >= 1
    drawn = bars.last.bounding_box()
    assert drawn is not None
    assert drawn["height"] > 20

    expect(page.get_by_test_id("quarantine")).to_contain_text("The poster is no image.")
    page.get_by_test_id("retry").click()
    expect(page.get_by_test_id("retried")).to_contain_text("1 movie will be tried again")
    expect(page.get_by_test_id("quarantine-empty")).to_be_visible()
    assert row(engine, broken).state in ("pending", "ready")


def test_an_editor_may_not_what_an_admin_may(engine: Engine, model: ModelRecord, visitors: Visitors) -> None:
    quarantine(engine, insert(engine, 1)[0], "The poster is no image.")
    visitors.allow("status of 403")
    page = visitors.enter(to="/dashboard")
    expect(page.get_by_test_id("quarantine")).to_be_visible()
    expect(page.get_by_test_id("retry")).to_have_count(0)
    page.goto("/editors")
    expect(page.get_by_test_id("error")).to_contain_text("Only an admin")
