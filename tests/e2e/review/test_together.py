"""Editors at the same time: one queue for two, and a movie that changes while it is on the screen."""

import pytest
import requests
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from catalog.registry import ModelRecord
from tests.support.browser import Visitors
from tests.support.ledger import execute
from tests.support.review import change, editor, labels, press, retag, tagged
from tests.support.stage import SAID, await_other, await_saved, movie_after, movie_on, press_and_go

pytestmark = pytest.mark.xdist_group("browser")


@pytest.mark.timeout(300)  # 400 requests and as many key presses, on a machine that may be slow
def test_two_editors_share_a_queue_of_200(engine: Engine, model: ModelRecord, visitors: Visitors) -> None:
    ids = tagged(engine, model, 200, SAID)
    pages = {name: visitors.enter(name) for name in ("ada", "bob")}
    seen: dict[str, list[int]] = {name: [movie_on(page)] for name, page in pages.items()}
    busy = dict(pages)
    while busy:
        for page in busy.values():
            page.keyboard.press("Enter")
        for name, page in list(busy.items()):
            movie = movie_after(page, seen[name][-1])
            if movie is None:
                del busy[name]
            else:
                seen[name].append(movie)
    for page in pages.values():
        await_saved(page)
    assert sorted(seen["ada"] + seen["bob"]) == ids  # none twice, none lost
    assert min(len(movies) for movies in seen.values()) > 50
    made = execute(engine, "SELECT e.name, a.movie_id FROM marquee.action a "
                   "JOIN marquee.editor e ON e.id = a.editor_id WHERE a.kind = 'finish'")  # fmt: skip
    assert sorted((r.name, r.movie_id) for r in made) == sorted(
        (name, movie) for name, movies in seen.items() for movie in movies
    )
    found = labels(engine)
    assert len(found) == 2 * len(ids)
    assert all(found[movie, "Comedy"] == (True, name) for name in seen for movie in seen[name])


def test_a_movie_that_another_has_open_can_only_be_looked_at(
    engine: Engine, model: ModelRecord, visitors: Visitors
) -> None:
    tagged(engine, model, 2, SAID)
    ada = visitors.enter("ada")
    bob = visitors.enter("bob", to=f"/review/{movie_on(ada)}")
    expect(bob.get_by_test_id("held")).to_contain_text("ada has this movie open")
    for key in ("1", "Enter"):
        bob.keyboard.press(key)
    await_other(bob, movie_on(ada))
    await_saved(bob)
    assert labels(engine) == {}


def difference(page: Page, text: str) -> None:
    expect(page.get_by_test_id("conflict")).to_be_visible()
    expect(page.get_by_test_id("conflict-difference")).to_contain_text(text)


def test_what_the_api_said_meanwhile_is_shown_and_not_overwritten(
    engine: Engine, model: ModelRecord, visitors: Visitors
) -> None:
    tagged(engine, model, 3, SAID)
    visitors.allow("status of 409")
    page = visitors.enter()
    movie = movie_on(page)
    answer = requests.post(
        f"{visitors.site.url}/api/v1/movies/{movie}/decisions",
        json={"decisions": [{"genre": "Comedy", "verdict": "rejected"}]},
        headers={"Authorization": f"Bearer {visitors.site.token('decide')}"},
        timeout=10,
    )
    assert answer.status_code == 200
    before = labels(engine)
    page.keyboard.press("2")
    difference(page, "pipeline")
    expect(page.get_by_test_id("conflict-difference")).to_contain_text("Comedy")
    expect(page.get_by_test_id("conflict").get_by_text("Drama: accepted")).to_be_visible()
    assert labels(engine) == before
    page.keyboard.press("Enter")  # "Look again" has the focus
    expect(page.get_by_test_id("conflict")).to_be_hidden()
    assert movie_on(page) == movie
    expect(page.locator('.genre[data-name="Comedy"]')).to_have_attribute("data-holds", "no")
    page.keyboard.press(page.locator('.genre[data-name="Drama"]').get_attribute("data-key") or "")
    press_and_go(page, "Enter")
    await_saved(page)
    assert labels(engine, [movie]) == before | {(movie, "Drama"): (True, "ada")}


def test_a_movie_that_changed_shows_its_difference(
    engine: Engine, model: ModelRecord, visitors: Visitors
) -> None:
    tagged(engine, model, 3, SAID)
    visitors.allow("status of 409")
    page = visitors.enter()
    first = movie_on(page)
    change(engine, first, "Another title")
    retag(engine, model, {"Western": (0.5, "review")})
    press_and_go(page, "Enter")  # the page goes on at once; the answer comes behind
    difference(page, "text or poster changed")
    expect(page.get_by_test_id("conflict-mine").locator("li")).to_have_count(1)
    assert labels(engine) == {}
    page.get_by_test_id("conflict-again").click()
    expect(page.get_by_test_id("title")).to_have_text("Another title")
    assert press_and_go(page, "Enter") == first
    await_saved(page)
    assert labels(engine) == {(first, "Western"): (True, "ada")}


def test_theirs_can_be_taken(engine: Engine, model: ModelRecord, visitors: Visitors) -> None:
    tagged(engine, model, 2, SAID)
    visitors.allow("status of 409")
    page = visitors.enter()
    movie = movie_on(page)
    execute(engine, "DELETE FROM marquee.review_lease")
    press(engine, editor(engine, "bob"), movie, "Comedy", "rejected")
    execute(engine, "DELETE FROM marquee.review_lease")
    press_and_go(page, "Enter")
    difference(page, "bob")
    page.get_by_test_id("conflict-theirs").click()
    expect(page.get_by_test_id("conflict")).to_be_hidden()
    assert movie_on(page) != movie
    assert labels(engine) == {(movie, "Comedy"): (False, "bob")}
