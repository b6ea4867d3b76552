"""`marquee demo` as a newcomer runs it: the command, its result, and what it leaves behind."""

import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import psutil
import pytest

from tagger.artifact import default_path
from tagger.predictor import Predictor
from training.dataset import read_dataset
from worker.embedded.home import running_endpoints

pytestmark = pytest.mark.xdist_group("processes")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the demo printed for machines, and where it ran; the user has a poster store of his own."""
    home = tmp_path_factory.mktemp("demo")
    env = {name: value for name, value in os.environ.items() if not name.startswith("MARQUEE_TMDB_")}
    env["MARQUEE_POSTER_URL"] = str(home / "elsewhere")
    argv = [sys.executable, "-m", "worker.cli", "demo", "--json", "--keep", str(home)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=110, cwd=home, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    return {**json.loads(done.stdout), "home": home}


def test_every_sample_is_tagged_and_says_what_was_missing(demo: dict[str, Any]) -> None:
    movies = {m["title"]: m for m in demo["movies"]}
    assert len(movies) == len(demo["movies"]) >= 40
    assert {m["state"] for m in movies.values()} == {"tagged"}
    without_plot = [m for m in movies.values() if m["plot"] is None]
    without_poster = [m for m in movies.values() if m["poster_hash"] is None]
    assert len(without_plot) >= 3
    assert len(without_poster) >= 3
    assert all("TMDB has no" in m["note"] for m in without_plot + without_poster)
    assert movies["Das Boot"]["language"] == "de"
    assert {m["plot_source"] for m in movies.values()} == {"tmdb", None}


def test_the_pipeline_changes_nothing_on_the_way(demo: dict[str, Any]) -> None:
    """The genres in `marquee.movie_genres` are those that the predictor gives for the same files, movie by movie."""
    dataset = read_dataset(Path(str(files("worker") / "samples")))
    predictor = Predictor.load(default_path())
    predictions = predictor.predict([dataset.content(row) for row in range(len(dataset))])
    expected = {
        int(movie.name): {
            genre: round(float(confidence), 5)
            for genre, confidence, chosen in zip(predictor.genres, p.confidence, p.predicted, strict=True)
            if chosen
        }
        for movie, p in zip(dataset.movies, predictions, strict=True)
    }
    found = {
        m["tmdb_id"]: {g["genre"]: round(g["confidence"], 5) for g in m["genres"]} for m in demo["movies"]
    }
    assert found.keys() == expected.keys()
    for tmdb_id, genres in expected.items():
        assert found[tmdb_id] == pytest.approx(genres, abs=2e-5)


def test_a_poster_store_of_ones_own_is_left_alone(demo: dict[str, Any]) -> None:
    assert not (demo["home"] / "elsewhere").exists()
    assert list((demo["home"] / "posters").rglob("*.jpg"))


def test_nothing_is_left_running(demo: dict[str, Any]) -> None:
    home = demo["home"]
    assert running_endpoints(home) is None
    left = [p.pid for p in psutil.process_iter(["cmdline"]) if str(home) in " ".join(p.info["cmdline"] or [])]
    assert left == []
