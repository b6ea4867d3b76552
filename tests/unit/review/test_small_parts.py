"""The parts of the web application that need no catalog: paths, keys, charts, numbers in words."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from catalog.review.filters import Filter
from catalog.story import Event
from review.charts import columns, round_up, span, stacked
from review.events import tell
from review.facets import groups
from review.keys import KEYS, TAKEN, keys_for
from review.links import Slice
from review.security.paths import local_path
from review.views import ago, compact, duration, make_templates, number, percent

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class TestPaths:
    @pytest.mark.parametrize("path", ["/", "/queue?state=done", "/review/7?order=rare#x", "/a//b"])
    def test_our_own_are_kept(self, path: str) -> None:
        assert local_path(path) == path

    @pytest.mark.parametrize(
        "path",
        [None, "", "queue", "//host", "/\\host", "\\\\host", "https://host/", "/\t/host", "/a\nb", "/a b", "/a\\b",
         "javascript:alert(1)", "/" + "x" * 2000],
    )  # fmt: skip
    def test_all_else_is_the_start_page(self, path: str | None) -> None:
        assert local_path(path) == "/"

    @given(st.text())
    def test_nothing_leads_away(self, path: str) -> None:
        found = local_path(path)
        assert found.startswith("/")
        assert not found.startswith(("//", "/\\"))


class TestKeys:
    def test_none_means_two_things(self) -> None:
        assert len(set(KEYS)) == len(KEYS)
        assert not set(KEYS) & (TAKEN | set("/? "))
        assert keys_for(range(12)) == [*"1234567890as"]

    def test_there_may_be_more_genres_than_keys(self) -> None:
        found = keys_for(range(100))
        assert len(found) == 100
        assert found[-1] == ""


class TestCharts:
    def test_the_top_is_round(self) -> None:
        assert [round_up(v) for v in (0, -1, 0.3, 1, 1.1, 7, 20, 21, 999, 1000)] == [
            1, 1, 0.5, 1, 2, 10, 20, 50, 1000, 1000,
        ]  # fmt: skip

    def test_bars_stay_within_the_drawing(self) -> None:
        chart = columns([0, 1, 10_000, 5000], width=100, height=50)
        assert chart.top == 10_000
        assert [b.height for b in chart.bars] == [0, 1, 50, 25]
        assert all(b.x >= 0 and b.x + b.width <= 100 and b.y + b.height == 50 for b in chart.bars)
        assert columns([]).bars == []

    def test_spans(self) -> None:
        assert (span(1, 2, 4).start, span(1, 2, 4).width) == (25, 25)
        assert span(0.5, 0.5).width > 0
        assert [(s.start, s.end) for s in stacked([1, 0, 3])] == [(0, 25), (25, 25), (25, 100)]
        assert [s.end for s in stacked([0, 0])] == [0, 0]


class TestWords:
    def test_percent_never_rounds_up_to_all(self) -> None:
        assert [percent(v) for v in (None, 0, 0.123, 0.996, 0.9999, 1)] == [
            "–",
            "0%",
            "12%",
            "99%",
            "99%",
            "100%",
        ]
        assert percent(0.9999, 1) == "99.9%"

    def test_durations(self) -> None:
        shown = [duration(v) for v in (None, 0.057, 1.26, 42, 90, 7200, 200_000)]
        assert shown == ["–", "57 ms", "1.3 s", "42 s", "2 min", "2 h", "2 d"]

    def test_moments(self) -> None:
        now = datetime.now(UTC)
        assert ago(None) == "never"
        assert ago(now + timedelta(hours=1)) == "just now"
        assert ago(now - timedelta(minutes=5)) == "5 min ago"

    def test_numbers_and_details(self) -> None:
        assert (number(1_234_567), number(None), number(0.5, 2)) == ("1,234,567", "–", "0.50")
        assert (compact("x"), compact({"a": NOW}), compact(1.5)) == (
            "x",
            '{"a": "2026-11-20 12:00:00+00:00"}',
            "1.5",
        )


class TestTemplates:
    def test_a_missing_value_is_an_error(self) -> None:
        with pytest.raises(UndefinedError):
            make_templates().from_string("{{ nothing }}").render()

    def test_every_value_is_escaped(self) -> None:
        drawn = make_templates().from_string('<p title="{{ x }}">{{ x }}</p>').render(x="<\"'&>")
        assert drawn == '<p title="&lt;&#34;&#39;&amp;&gt;">&lt;&#34;&#39;&amp;&gt;</p>'

    def test_each_can_be_read(self) -> None:
        templates = make_templates()
        names = templates.list_templates()
        assert len(names) > 15
        for name in names:
            templates.get_template(name)


class TestSlices:
    def test_a_query_comes_back_as_it_went(self) -> None:
        query = "state=done&genre=Science+Fiction&band=review&order=rare"
        assert Slice.parse(query).query == query
        assert Slice.parse("").on("/queue") == "/queue"
        assert Slice.parse("order=nonsense&evil=1&state=").query == ""

    def test_any_state_is_kept(self) -> None:
        part = Slice(Filter(state=None))
        assert Slice.parse(part.query) == part


COUNTS = {"all": 10, "genre:1": 3, "genre:2": 5, "accepted:1": 2, "review:1": 4, "decade:1990": 7, "year:1994": 1,
              "language:none": 2, "model:7": 10, "missing:poster": 1, "disputed": 2}  # fmt: skip


class TestFacets:
    def found(self, part: Slice) -> dict[str, list[tuple[str, int | None, bool]]]:
        made = groups(part, COUNTS, {1: "Action", 2: "Drama", 3: "War"}, {7: "m-1"})
        return {g.key: [(c.name, c.count, c.chosen) for c in g.choices] for g in made}

    def test_each_choice_has_its_count_the_most_frequent_first(self) -> None:
        found = self.found(Slice())
        assert found["genre"] == [("Drama", 5, False), ("Action", 3, False)]
        assert found["language"] == [("unknown", 2, False)]
        assert found["model"] == [("m-1", 10, False)]
        assert "band" not in found
        assert "year" not in found

    def test_a_genre_opens_its_bands_and_a_decade_its_years(self) -> None:
        found = self.found(Slice(Filter(genre="Action", band="review", decade=1990)))
        assert found["band"] == [
            ("has it now", 3, False),
            ("accepted by the model", 2, False),
            ("left to an editor", 4, True),
            ("rejected by the model", 4, False),
        ]
        assert found["year"] == [("1994", 1, False)]

    def test_choosing_again_takes_the_choice_back(self) -> None:
        part = Slice(Filter(genre="Action", band="review"))
        made = groups(part, COUNTS, {1: "Action"}, {})
        assert next(c for g in made if g.key == "genre" for c in g.choices).url == "/queue"

    def test_a_long_group_is_folded_but_not_the_choice(self) -> None:
        counts = {f"genre:{n}": 100 - n for n in range(30)}
        [genre] = [g for g in groups(Slice(Filter(genre="g20")), counts, {n: f"g{n}" for n in range(30)}, {})
                   if g.key == "genre"]  # fmt: skip
        assert len(genre.first) == 9
        assert genre.first[-1].chosen
        assert len(genre.first) + len(genre.rest) == 30


class TestEvents:
    @pytest.mark.parametrize(
        ("event", "detail", "text"),
        [
            ("decided", {"genre": "War", "verdict": "rejected", "source": "editor", "by": "a"}, "War rejected by a"),
            ("decided", {"genre": "War", "verdict": "withdrawn", "source": "import", "by": "x"},
             "War left to the model by x (import)"),
            ("tagged", {"model": "m-1", "ms": 3}, "by m-1"),
            ("failed", {"reason": "no", "failures": 1}, "no"),
            ("fetched", {"plot": "tmdb", "poster": "missing"}, "plot: tmdb, poster: missing"),
            ("edited", {"by": "ann", "changed": ["plot", "poster_url"]}, "plot and poster url by ann"),
            ("finished", {"by": "ann", "seconds": 2.5}, "by ann after 2.5 s"),
            ("undone", {"by": "ann", "action": "skip"}, "skip, by ann"),
            ("something_new", {"x": 1}, ""),
        ],
    )  # fmt: skip
    def test_are_told_in_words(self, event: str, detail: dict[str, object], text: str) -> None:
        assert tell(Event(NOW, 1, event, detail)).text == text

    def test_nothing_is_left_out(self) -> None:
        told = tell(Event(NOW, 1, "tagged", {"model": "m", "genres": {"War": 0.9}, "batch": 3, "note": None}))
        assert (told.genres, told.rest, told.tone) == ({"War": 0.9}, {"batch": 3}, "model")
        assert tell(Event(NOW, 1, "something_new", {})).name == "Something new"
