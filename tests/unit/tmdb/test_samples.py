"""The movies that ship with Marquee are whole, varied and small."""

import json
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from scripts.draw_samples.__main__ import SCENES, encoded
from tagger.poster import normalise
from tagger.text import clean
from worker.offline_tmdb.answers import GENRE_IDS
from worker.samples import FOLDER

MOVIES: list[dict[str, Any]] = [
    json.loads(line) for line in (FOLDER / "movies.jsonl").read_text().splitlines()
]
POSTERS = sorted(movie["poster"] for movie in MOVIES if movie.get("poster"))


def test_every_genre_and_nearly_every_decade_is_there() -> None:
    assert {genre for movie in MOVIES for genre in movie["genres"]} == set(GENRE_IDS)
    assert len({movie["year"] // 10 for movie in MOVIES}) >= 10


def test_no_movie_is_there_twice() -> None:
    for key in ("tmdb_id", "imdb_id", "title"):
        assert len({movie[key] for movie in MOVIES}) == len(MOVIES) >= 40


def test_plots_are_of_a_usual_length_and_clean() -> None:
    for plot in (movie["plot"] for movie in MOVIES if movie.get("plot")):
        assert 200 <= len(plot) <= 450
        assert clean(plot) == plot


def test_something_is_missing_here_and_there() -> None:
    missing = [(not movie.get("plot"), not movie.get("poster")) for movie in MOVIES]
    assert missing.count((True, False)) == 2
    assert missing.count((False, True)) == 2
    assert missing.count((True, True)) == 1


def test_one_plot_is_in_another_language() -> None:
    foreign = [m for m in MOVIES if m.get("plot_language", m.get("original_language", "en")) != "en"]
    assert [movie["title"] for movie in foreign if movie.get("plot")] == ["Das Boot"]


def test_every_poster_belongs_to_a_movie_and_to_a_scene() -> None:
    files = sorted(path.name for path in (FOLDER / "posters").iterdir())
    assert files == POSTERS == sorted(f"{name}.webp" for name in SCENES)
    assert sum((FOLDER / "posters" / name).stat().st_size for name in files) < 1_500_000


@pytest.mark.parametrize("name", POSTERS)
def test_a_poster_is_small_and_can_be_read(name: str) -> None:
    data = (FOLDER / "posters" / name).read_bytes()
    assert len(data) <= 40_000
    with Image.open(BytesIO(data)) as image:
        assert image.size == (500, 750)
    assert normalise(data)


def test_a_scene_is_drawn_alike_every_time() -> None:
    assert encoded(SCENES["fargo"]().finished()) == encoded(SCENES["fargo"]().finished())
