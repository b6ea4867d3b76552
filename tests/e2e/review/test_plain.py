"""Without JavaScript: signing in, deciding with the buttons, the queue, a movie's page."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.people.editors import add_editor
from catalog.registry import ModelRecord
from review.security.passwords import hash_password
from tests.support.browser import Visitors
from tests.support.review import genre_id, labels, tagged
from tests.support.stage import SAID, movie_on

pytestmark = pytest.mark.xdist_group("browser")


def test_without_javascript(engine: Engine, model: ModelRecord, visitors: Visitors) -> None:
    with transaction(engine) as connection:
        add_editor(connection, "ada", hash_password("three cats on a roof"), "editor")
    tagged(engine, model, 3, SAID)
    page = visitors.window(java_script_enabled=False)
    page.goto("/queue")
    page.get_by_test_id("name").fill("ada")
    page.get_by_test_id("password").fill("three cats on a roof")
    page.get_by_test_id("sign-in").click()
    expect(page.get_by_test_id("row")).to_have_count(3)
    page.get_by_test_id("review-these").click()

    first = movie_on(page)
    page.get_by_test_id(f"toggle-{genre_id(engine, 'Comedy')}").click()
    assert movie_on(page) == first
    expect(page.locator('.genre[data-name="Comedy"]')).to_have_attribute("data-holds", "no")
    page.get_by_test_id("finish").click()
    assert movie_on(page) != first
    assert labels(engine) == {(first, "Comedy"): (False, "ada"), (first, "Drama"): (False, "ada")}
    page.get_by_test_id("undo").click()
    assert movie_on(page) == first
    assert labels(engine).keys() == {(first, "Comedy")}
    page.get_by_test_id("skip").click()
    second = movie_on(page)
    assert second != first

    page.get_by_test_id("movie-link").click()
    expect(page.get_by_test_id("timeline")).to_be_visible()
    page.get_by_test_id("retag").click()
    expect(page.get_by_test_id("said")).to_contain_text("tagged again")
    page.get_by_test_id("nav-queue").click()
    expect(page.get_by_test_id("filters")).to_be_visible()
    page.get_by_test_id("open-find").click()
    page.get_by_role("searchbox").fill("movie 3")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="movie 3")).to_be_visible()
