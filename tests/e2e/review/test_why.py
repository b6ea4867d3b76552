"""Why a genre: words of the plot, a heat map over the poster and the nearest movies, once a worker has made them."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.explanations import claim_explanations, fail_explanation, finish_explanation
from catalog.registry import ModelRecord
from tests.support.browser import Visitors
from tests.support.ledger import insert, make_ready, scalar
from tests.support.review import tag
from tests.support.stage import SAID, key_of
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("browser")

# The places of words count characters; 🎷 is two units of a script's strings, so later words would shift by one.
PLOT = "A 🎷 clown falls in love with a widow at a funeral."
WORDS = [("clown", 0.8), ("love", 0.3), ("funeral", -0.5)]
REGIONS = [[0.0, 0.1, 0.9], [0.0, 0.0, 0.2], [0.0, -0.6, 0.0], [0.0, 0.0, 0.0]]


def spans() -> list[dict[str, object]]:
    places = [(word, PLOT.index(word), weight) for word, weight in WORDS]
    return [{"word": w, "start": at, "end": at + len(w), "weight": weight} for w, at, weight in places]


def answer(engine: Engine, detail: Any, nearest: list[Any] | str) -> None:
    """Do as a tag worker does, once the page has asked; `nearest` may be why there is nothing."""
    asked = "SELECT count(*) FROM marquee.explanation"
    until(lambda: scalar(engine, asked) == 2, what="the genre and the nearest movies are asked for")
    with transaction(engine) as connection:
        job = claim_explanations(connection, 60)
        assert job is not None
        for request in job.requests:
            made = nearest if request.genre is None else detail
            if isinstance(made, str):
                fail_explanation(connection, job, request, made, final=True)
            else:
                assert finish_explanation(connection, job, request, made)


@pytest.fixture
def poster(visitors: Visitors) -> str:
    drawn = BytesIO()
    Image.new("RGB", (200, 300), "#555555").save(drawn, "PNG")
    return visitors.site.posters.put(drawn.getvalue())


def test_words_regions_and_neighbours_appear(
    engine: Engine, model: ModelRecord, visitors: Visitors, poster: str
) -> None:
    [near, movie] = insert(engine, 2)
    make_ready(engine, [near, movie], plot=PLOT, plot_source="tmdb", poster_hash=poster, poster_source="tmdb")
    tag(engine, model, SAID)
    page = visitors.enter(to=f"/review/{movie}")
    page.keyboard.press(f"Shift+Digit{key_of(page, 'Comedy')}")
    expect(page.get_by_test_id("why-state")).to_have_text("Being computed …")
    expect(page.get_by_test_id("heat")).to_be_hidden()
    found = {"words": spans(), "regions": REGIONS, "shares": {"plot": 0.7, "poster": 0.3}}
    about = {"movie_id": near, "title": "The Near One", "year": 1999, "poster_hash": poster}
    answer(engine, found, [about | {"similarity": 0.87, "genres": ["Comedy"]}])

    words = page.get_by_test_id("why-word")
    expect(words).to_have_text(["clown", "love", "funeral"])
    assert page.get_by_test_id("plot").inner_text() == PLOT
    backgrounds = words.evaluate_all("all => all.map(one => getComputedStyle(one).backgroundColor)")
    assert len(set(backgrounds)) == 3  # by strength and by direction
    assert "rgba(0, 0, 0, 0)" not in backgrounds
    expect(page.get_by_test_id("why-shares")).to_contain_text("70%")
    expect(page.get_by_test_id("nearest")).to_contain_text("The Near One")
    expect(page.get_by_test_id("nearest")).to_contain_text("87% alike")
    heat_lies_on_the_poster(page)

    page.keyboard.press("Escape")
    expect(page.get_by_test_id("why")).to_be_hidden()
    expect(page.get_by_test_id("heat")).to_be_hidden()
    expect(words).to_have_count(0)


def heat_lies_on_the_poster(page: Page) -> None:
    heat = page.get_by_test_id("heat")
    expect(heat).to_be_visible()
    pixels = heat.evaluate(
        "it => Array.from(it.getContext('2d').getImageData(0, 0, it.width, it.height).data)"
    )
    cells = [tuple(pixels[4 * n : 4 * n + 4]) for n in range(12)]
    red, _, blue, alpha = cells[2]
    assert alpha == max(cell[3] for cell in cells)
    assert alpha == pytest.approx(210 * 0.3**0.5, abs=1)  # as faint as the poster's share
    assert red > blue  # amber: it spoke for the genre
    red, _, blue, alpha = cells[7]
    assert blue > red  # blue: against it
    assert alpha > 25
    assert cells[0][3] == 0
    over, under = heat.bounding_box(), page.locator(".poster-frame img").bounding_box()
    assert over is not None
    assert under is not None
    assert over == pytest.approx(under, abs=1)
    assert "for Comedy. The poster spoke for it most at the top right." in (
        heat.get_attribute("aria-label") or ""
    )


def test_what_cannot_be_explained_says_why(engine: Engine, model: ModelRecord, visitors: Visitors) -> None:
    make_ready(engine, insert(engine, 1), plot=None)
    tag(engine, model, SAID)
    page = visitors.enter()
    page.keyboard.press("w")
    expect(page.get_by_test_id("why-state")).to_be_visible()
    answer(engine, "There is no plot to explain.", "There is no vector.")
    expect(page.get_by_test_id("why-state")).to_have_text("There is no plot to explain.")
