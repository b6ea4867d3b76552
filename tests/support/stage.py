"""Short ways to work on the review page in a browser, as an editor with a keyboard."""

from playwright.sync_api import Page, expect

SURE, DOUBTFUL, LIKELY = ("Action", 0.97), ("Comedy", 0.55), ("Drama", 0.42)
AFTER = """before => new Promise(answer => {
    const stage = document.getElementById("stage");
    const look = () => {
        const movie = Number(stage.firstElementChild.dataset.movie ?? 0);
        if (movie !== before) answer(movie);
        return movie !== before;
    };
    if (!look()) new MutationObserver((_, watch) => look() && watch.disconnect()).observe(stage, { childList: true });
})"""
# What the model says: one genre surely, two doubtfully (the first would stand, the second would not).
SAID = {
    SURE[0]: (SURE[1], "accepted"),
    DOUBTFUL[0]: (DOUBTFUL[1], "review"),
    LIKELY[0]: (LIKELY[1], "review"),
}


def movie_on(page: Page) -> int:
    """The id of the movie on the screen."""
    return int(page.get_by_test_id("card").get_attribute("data-movie") or 0)


def key_of(page: Page, genre: str) -> str:
    """The key that gives or takes away the genre, as the page shows it."""
    return page.locator(f'.genre[data-name="{genre}"] kbd').inner_text().lower()


def await_other(page: Page, movie_id: int) -> None:
    """Wait until this movie is not on the screen any more."""
    expect(page.locator(f'#card[data-movie="{movie_id}"]')).to_have_count(0)


def movie_after(page: Page, movie_id: int) -> int | None:
    """Wait until another movie is on the screen; returns it, or None where the queue is empty."""
    return page.evaluate(AFTER, movie_id) or None


def press_and_go(page: Page, *keys: str) -> int:
    """Press keys, the last of which brings the next movie; returns the one that was on the screen."""
    before = movie_on(page)
    for key in keys:
        page.keyboard.press(key)
    await_other(page, before)
    return before


def await_saved(page: Page) -> None:
    """Wait until the page says that everything is saved."""
    expect(page.get_by_test_id("saving")).to_have_attribute("data-state", "saved")
