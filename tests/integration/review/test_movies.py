"""A movie's page: its story, and what an editor changes of it."""

import pytest
from sqlalchemy import Engine

from catalog.registry import ModelRecord
from tests.support.browsing import Browser, KeptPosters
from tests.support.ledger import events, execute, insert, row
from tests.support.review import card, enter, tagged

PNG = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture
def movie(engine: Engine, model: ModelRecord) -> int:
    [movie] = tagged(engine, model)
    return movie


def own(engine: Engine, movie: int) -> tuple[str | None, str | None, str | None]:
    [r] = execute(engine, "SELECT plot, poster_url, poster_hash FROM marquee.movie WHERE id = :id", id=movie)
    return r.plot, r.poster_url, r.poster_hash


def said(answer: object) -> str:
    return str(answer.headers["location"].partition("said=")[2])  # type: ignore[attr-defined]


class TestStory:
    def test_tells_who_did_what_and_when(self, ann: Browser, engine: Engine, movie: int) -> None:
        enter(engine, ann.editor, movie)  # type: ignore[arg-type]
        text = ann.get(f"/movies/{movie}").text
        for words in ("Comedy accepted by ann", "by m-1", "plot: missing, poster: missing", "revision 1"):
            assert words in text, words

    def test_of_a_deleted_movie_remains(self, ann: Browser, engine: Engine, movie: int) -> None:
        execute(engine, "DELETE FROM marquee.movie")
        text = ann.get(f"/movies/{movie}").text
        assert "Deleted" in text
        assert "/edit" not in text
        assert ann.submit(f"/movies/{movie}/edit", plot="x", revision=1).status_code == 404
        assert ann.submit(f"/movies/{movie}/retag").status_code == 404

    def test_there_is_none_of_a_movie_that_never_was(self, ann: Browser) -> None:
        for path in ("/movies/999", "/movies/x"):
            assert ann.get(path).status_code == 404

    def test_one_that_was_not_tagged_yet_has_a_page(self, ann: Browser, engine: Engine) -> None:
        [movie] = insert(engine)
        assert "pending" in ann.get(f"/movies/{movie}").text


class TestEdit:
    def test_a_new_plot_is_a_new_revision_and_the_story_says_whose(
        self, ann: Browser, engine: Engine, movie: int
    ) -> None:
        answer = ann.submit(f"/movies/{movie}/edit", plot="A new plot.\r\nTwo lines.", revision=1)
        assert said(answer) == "edited"
        assert own(engine, movie)[0] == "A new plot.\nTwo lines."
        assert (row(engine, movie).revision, row(engine, movie).state, row(engine, movie).priority) == (
            2, "pending", 0,
        )  # fmt: skip
        assert ("edited", {"by": "ann", "changed": ["plot"]}) in events(engine, movie)
        assert "plot by ann" in ann.get(f"/movies/{movie}").text

    def test_what_is_as_it_was_changes_nothing(self, ann: Browser, engine: Engine, movie: int) -> None:
        plot = card(engine, movie).plot
        assert said(ann.submit(f"/movies/{movie}/edit", plot=plot, revision=1)) == "same"
        assert row(engine, movie).revision == 1
        assert own(engine, movie)[0] is None

    def test_an_empty_plot_gives_it_back(self, ann: Browser, engine: Engine, movie: int) -> None:
        ann.submit(f"/movies/{movie}/edit", plot="mine", revision=1)
        ann.submit(f"/movies/{movie}/edit", plot="", revision=2)
        assert own(engine, movie)[0] is None

    def test_a_poster_url_takes_the_place_of_an_upload(
        self, ann: Browser, engine: Engine, movie: int
    ) -> None:
        files = {"poster": ("p.png", PNG, "image/png")}
        data = {"csrf": ann.token(), "revision": "1"}
        assert said(ann.client.post(f"/movies/{movie}/poster", files=files, data=data)) == "edited"
        assert own(engine, movie)[2] is not None
        plot = card(engine, movie).plot
        ann.submit(f"/movies/{movie}/edit", plot=plot, poster_url="https://example.org/p.jpg", revision=2)
        assert own(engine, movie) == (None, "https://example.org/p.jpg", None)

    def test_what_cannot_be_is_explained_and_nothing_is_written(
        self, ann: Browser, engine: Engine, movie: int
    ) -> None:
        answer = ann.submit(f"/movies/{movie}/edit", poster_url="ftp://example.org/p.jpg", revision=1)
        assert answer.status_code == 422
        assert "poster_url" in answer.text
        for revision in (-1, 2**40, "x"):
            assert ann.submit(f"/movies/{movie}/edit", plot="y", revision=revision).status_code == 422
        assert row(engine, movie).revision == 1

    def test_one_on_what_changed_meanwhile_is_refused(
        self, ann: Browser, bob: Browser, engine: Engine, movie: int
    ) -> None:
        bob.submit(f"/movies/{movie}/edit", plot="his", revision=1)
        answer = ann.submit(f"/movies/{movie}/edit", plot="hers", revision=1)
        assert answer.status_code == 409
        assert "changed by somebody else" in answer.text
        assert own(engine, movie)[0] == "his"

    def test_only_images_are_posters(
        self, ann: Browser, engine: Engine, movie: int, posters: KeptPosters
    ) -> None:
        for data, reason in ((b"<svg>", "it is no image"), (b"", "no file was chosen")):
            answer = ann.client.post(
                f"/movies/{movie}/poster",
                files={"poster": ("p.png", data)},
                data={"csrf": ann.token(), "revision": "1"},
            )
            assert answer.status_code == 422
            assert reason in answer.text
        assert posters.kept == {}
        assert row(engine, movie).revision == 1


class TestAgain:
    def test_tagging_and_fetching_are_asked_for_by_name(
        self, ann: Browser, engine: Engine, movie: int
    ) -> None:
        assert said(ann.submit(f"/movies/{movie}/retag")) == "retag"
        assert row(engine, movie).state == "ready"
        assert said(ann.submit(f"/movies/{movie}/refetch")) == "refetch"
        assert row(engine, movie).refetch
        assert [d for e, d in events(engine, movie) if e == "asked"] == [
            {"by": "ann", "refetch": False},
            {"by": "ann", "refetch": True},
        ]
        assert "a new fetch, by ann" in ann.get(f"/movies/{movie}").text
