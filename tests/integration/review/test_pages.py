"""Every page, over whatever movies there are: it is drawn, and everything in it is text."""

import hashlib
from html.parser import HTMLParser

import pytest
from sqlalchemy import Engine

from catalog.ledger.words import State
from catalog.registry import ModelRecord
from review.views import TMDB_NOTICE
from tests.support.browsing import Browser, KeptPosters
from tests.support.ledger import execute, insert, make_ready
from tests.support.review import tag, tagged

SCRIPT = "<script>alert('x')</script>"
WEIRD = (
    SCRIPT,
    "The extraordinarily long title " * 10,
    "قصة حب في القاهرة",
    "Emoji 🎬👨‍👩‍👧‍👦",
    "\"quotes\" & 'apostrophes' {{ 7 * 7 }} {% raw %}",
    "\u202e\u0000\ud800 odd characters".replace("\u0000", "").replace("\ud800", ""),
    "x" * 300,
    " ",
    None,
)
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 "


class Elements(HTMLParser):
    """The elements of a page, and the attributes that would run something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts: list[dict[str, str | None]] = []
        self.handlers: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self.scripts.append(dict(attrs))
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]


def safe(page: str) -> bool:
    found = Elements(page)
    ours = all((s.get("src") or "").startswith("/static/") for s in found.scripts)
    return ours and not found.handlers and SCRIPT not in page


@pytest.fixture
def weird(engine: Engine, model: ModelRecord, posters: KeptPosters) -> list[int]:
    """Movies of every strange kind; the first has a poster."""
    ids = []
    for title in WEIRD:
        [movie] = insert(engine, title=title, plot=None)
        execute(engine, "UPDATE marquee.movie SET title = :title WHERE id = :id", id=movie, title=title)
        ids.append(movie)
    digest = posters.put(WEBP)
    for place, movie in enumerate(ids):
        make_ready(
            engine,
            [movie],
            plot=SCRIPT if place == 0 else None,
            plot_source="tmdb" if place == 0 else None,
            poster_hash=digest if place == 0 else None,
            poster_source="tmdb" if place == 0 else None,
            language="<b>" if place == 0 else None,
            note=SCRIPT,
            year=2000 if place % 2 else None,
        )
    tag(engine, model)
    return ids


def test_every_movies_pages_are_drawn_and_all_is_text(ann: Browser, weird: list[int]) -> None:
    for movie in weird:
        for path in (f"/review/{movie}", f"/movies/{movie}"):
            answer = ann.get(path)
            assert answer.status_code == 200, path
            assert safe(answer.text), path
            assert TMDB_NOTICE in answer.text
    assert "{{ 7 * 7 }} {% raw %}" in ann.get(f"/review/{weird[4]}").text
    text = ann.get(f"/review/{weird[0]}").text
    assert text.count("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;") >= 2


def test_the_queue_draws_them_too(ann: Browser, weird: list[int]) -> None:
    for query in ("", "?order=rare", "?order=newest", "?order=disagreed", "?state=any", "?missing=poster",
                  "?genre=Comedy&band=review", "?language=none", "?state=done"):  # fmt: skip
        answer = ann.get(f"/queue{query}")
        assert answer.status_code == 200, query
        assert safe(answer.text), query
        assert TMDB_NOTICE in answer.text
    assert ann.get("/queue").text.count('data-testid="row"') == len(weird)
    assert "No movie is found by these filters" in ann.get("/queue?state=done").text


def test_counts_stand_beside_the_filters(ann: Browser, weird: list[int]) -> None:
    text = ann.get("/queue").text
    assert '<span>no poster</span><span class="count">8</span>' in text
    assert 'href="/queue?missing=poster"' in text
    chosen = ann.get("/queue?missing=poster").text
    assert 'href="/queue" aria-current="true" data-testid="filter-missing"' in chosen
    assert chosen.count('data-testid="row"') == 8


def test_pages_follow_each_other_by_cursor(ann: Browser, engine: Engine, model: ModelRecord) -> None:
    tagged(engine, model, 60)
    first = ann.get("/queue?order=newest").text
    assert first.count('data-testid="row"') == 50
    following = (
        first.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    )
    second = ann.get(following).text
    assert second.count('data-testid="row"') == 10
    assert 'rel="next"' not in second
    assert ann.get("/queue?after=nonsense").status_code == 422


def test_a_filter_that_cannot_be_is_explained(ann: Browser) -> None:
    for query in ("year=soon", "genre=Nonsense", "band=accepted", "model=none", "state=x", "decade=1994"):
        answer = ann.get(f"/queue?{query}")
        assert answer.status_code == 422, query
        assert "That does not work" in answer.text
        assert safe(answer.text)


def test_an_empty_catalog_has_pages(admin: Browser) -> None:
    for path in ("/queue", "/dashboard", "/account", "/editors", "/find", "/bulk"):
        assert admin.get(path).status_code == 200, path
    assert "Nothing is left to decide" in admin.get("/").text


def test_a_name_is_text(make_browser: object, engine: Engine, admin: Browser, model: ModelRecord) -> None:
    [movie] = tagged(engine, model)
    evil = make_browser().enter("<script>alert('x')</script>")  # type: ignore[operator]
    evil.get(f"/review/{movie}")
    for page in (
        evil.get("/account"),
        evil.get("/queue"),
        admin.get("/queue"),
        admin.get("/editors"),
        admin.get(f"/review/{movie}"),
    ):
        assert page.status_code == 200
        assert safe(page.text)


class TestFind:
    def test_by_words_and_by_id(self, ann: Browser, engine: Engine, model: ModelRecord) -> None:
        [movie] = insert(engine, title="Das Boot", imdb_id="tt0082096")
        make_ready(engine, [movie])
        tag(engine, model)
        for words in ("boot", "das boo", "tt0082096", str(movie)):
            assert [f["movie_id"] for f in ann.ask(f"/find?q={words}")["found"]] == [movie]
        assert f'href="/movies/{movie}"' in ann.get("/find?q=boot").text

    def test_anything_can_be_typed(self, ann: Browser, weird: list[int]) -> None:
        for words in ("' OR 1=1 --", "a & b | !c", SCRIPT, "%00", "🎬", "\\", "x" * 200, "   "):
            answer = ann.get("/find", params={"q": words})
            assert answer.status_code == 200, words
            assert safe(answer.text)
        assert ann.get("/find", params={"q": "x" * 201}).status_code == 422


class TestPosters:
    def test_one_is_served_for_good(self, ann: Browser, posters: KeptPosters) -> None:
        digest = posters.put(WEBP)
        answer = ann.get(f"/posters/{digest}")
        assert answer.content == WEBP
        assert answer.headers["content-type"] == "image/webp"
        assert "immutable" in answer.headers["cache-control"]

    @pytest.mark.parametrize(
        ("data", "kind"),
        [(b"\xff\xd8\xff\xe0", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"),
         (b"<svg onload=alert(1)>", "application/octet-stream")],
    )  # fmt: skip
    def test_the_type_is_what_the_bytes_are(
        self, ann: Browser, posters: KeptPosters, data: bytes, kind: str
    ) -> None:
        digest = hashlib.sha256(data).hexdigest()
        posters.kept[digest] = data
        answer = ann.get(f"/posters/{digest}")
        assert answer.headers["content-type"] == kind
        assert answer.headers["x-content-type-options"] == "nosniff"

    def test_there_is_no_other(self, ann: Browser) -> None:
        for digest in ("0" * 64, "0" * 63, "A" * 64, "..%2f..%2fetc%2fpasswd", "x" * 64):
            assert ann.get(f"/posters/{digest}").status_code == 404


class TestDashboard:
    def test_quarantine_has_its_reasons_and_a_way_out(
        self, admin: Browser, ann: Browser, engine: Engine, model: ModelRecord
    ) -> None:
        tagged(engine, model)
        gone = insert(engine, 3)
        execute(
            engine,
            "UPDATE marquee.tagging SET state = 'quarantined', error = :error WHERE movie_id = ANY(:ids)",
            ids=gone, error=SCRIPT,
        )  # fmt: skip
        page = admin.get("/dashboard").text
        assert safe(page)
        assert page.count('data-testid="retry"') == 3
        assert 'data-testid="retry"' not in ann.get("/dashboard").text
        assert admin.submit("/dashboard/retry", movie=gone[0]).headers["location"] == "/dashboard?retried=1"
        assert admin.submit("/dashboard/retry-all").headers["location"] == "/dashboard?retried=2"
        states = execute(engine, "SELECT state FROM marquee.tagging WHERE movie_id = ANY(:ids)", ids=gone)
        assert {r.state for r in states} == {State.PENDING}
        assert "2 movies will be tried again" in admin.get("/dashboard?retried=2").text

    def test_what_is_measured_is_shown(self, ann: Browser, engine: Engine, model: ModelRecord) -> None:
        tagged(engine, model, 20, audit_share=1.0)
        for _ in range(3):
            movie = ann.saved("/review/next")["movie_id"]
            seen = ann.ask(f"/review/{movie}/card")["html"].partition('data-seen="')[2].partition('"')[0]
            ann.saved(f"/review/{movie}/finish", seen=seen)
        page = ann.get("/dashboard").text
        assert 'data-testid="tile-precision">100.0%' in page
        assert 'data-testid="agreement"' in page
        assert 'data-testid="champion"' in page
        assert 'data-testid="latency-p50"' in page
        assert '<rect class="chart-bar"' in page
