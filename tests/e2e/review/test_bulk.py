"""One genre on everything that a filter finds: looked at before, followed while it goes on, taken back at once."""

import re

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.movie_locks import lock_decisions
from catalog.registry import ModelRecord
from tests.support.browser import Visitors
from tests.support.ledger import execute
from tests.support.review import editor, labels, press, tagged
from tests.support.stage import SAID

pytestmark = pytest.mark.xdist_group("browser")


def figure(page: Page, name: str) -> int:
    return int(page.get_by_test_id(name).inner_text())


def test_preview_progress_and_one_undo(engine: Engine, model: ModelRecord, visitors: Visitors) -> None:
    doubtful = tagged(engine, model, 30, SAID)
    sure = tagged(engine, model, 5, {"Drama": (0.9, "accepted"), "Western": (0.4, "review")})
    bob = editor(engine, "bob")
    press(engine, bob, doubtful[0], "Comedy", "rejected")
    press(engine, bob, doubtful[1], "Comedy", "accepted")
    press(engine, bob, doubtful[2], "Western", "accepted")
    before = labels(engine)
    page = visitors.enter(to="/queue?state=any")

    page.get_by_test_id("filter-genre").filter(has_text="Comedy").click()
    page.get_by_test_id("filter-band").filter(has_text="left to an editor").click()
    expect(page.get_by_test_id("total")).to_have_text("30 movies")
    page.get_by_test_id("bulk").click()
    expect(page.get_by_test_id("bulk-genre").locator("option:checked")).to_have_text("Comedy")
    page.get_by_test_id("bulk-preview").click()
    figures = {name: figure(page, f"preview-{name}") for name in ("total", "changes", "same", "kept")}
    assert figures == {"total": 30, "changes": 28, "same": 1, "kept": 1}
    assert labels(engine) == before  # a preview writes nothing
    with transaction(engine) as other:
        lock_decisions(other, doubtful[10:11])  # the run waits for whoever decides on this movie
        page.get_by_test_id("bulk-confirm").click()
        expect(page.get_by_role("heading", name="Under way")).to_be_visible()
        expect(page.get_by_test_id("bulk-text")).to_have_text("0 of 28 movies, 0 changed so far.")
        expect(page.get_by_role("progressbar")).to_have_js_property("value", 0)
    expect(page.get_by_role("heading", name="Finished")).to_be_visible()  # the page looks by itself
    expect(page.get_by_test_id("bulk-text")).to_have_text("28 of 28 movies, 28 changed.")
    after = labels(engine)
    assert {key: said for key, said in after.items() if key not in before} == {
        (movie, "Comedy"): (True, "ada") for movie in doubtful[2:]
    }
    assert before.items() <= after.items()
    assert not {movie for movie, _ in after} & set(sure)

    page.get_by_test_id("bulk-undo").click()
    expect(page.get_by_role("heading", name="Finished")).to_be_visible()
    expect(page.get_by_role("heading", name="Undo: Comedy")).to_be_visible()
    expect(page.get_by_test_id("bulk-text")).to_have_text(re.compile("28 changed"))
    assert labels(engine) == before
    runs = execute(engine, "SELECT kind FROM marquee.action WHERE kind IN ('bulk', 'undo') ORDER BY id")
    assert [r.kind for r in runs] == ["bulk", "undo"]
