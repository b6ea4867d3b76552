"""Training from a folder to a scored artifact, with small encoders, in seconds."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch

from tagger.predictor import Predictor
from tests.unit.tagger.small import GENRES, RECIPE, contents, small_network, write_dataset
from training.decide import Rules
from training.errors import TrainingError
from training.evaluate import evaluate
from training.loop import Average, batches, hide, rate_at
from training.metrics import mean_average_precision
from training.recipe import Recipe
from training.report import show, write_html
from training.train import fold_of, replace_recipe, train

QUICK = replace(RECIPE, epochs=12, rate=5e-3)
RULES = Rules(fewest=5, rare=5)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("data"), 64)


@pytest.fixture(scope="module")
def trained(dataset: Path, encoder_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARQUEE_ENCODERS", str(encoder_root))
        out = tmp_path_factory.mktemp("trained")
        train(dataset, out, QUICK, rules=RULES, cache=tmp_path_factory.mktemp("cache"))
        return out


def test_it_learns_and_its_report_says_so(trained: Path, tmp_path: Path) -> None:
    fresh = write_dataset(tmp_path / "fresh", 40, seed=9)
    report = evaluate(trained, fresh, draws=20)
    data = report.to_json()
    assert data["map"] > 0.8
    assert list(data)[:8] == [
        "map", "f1_micro", "f1_macro", "f1_weighted", "f1_samples", "exact_match", "roc_auc", "ece"
    ]  # fmt: skip
    assert set(data["by_pattern"]) == {"as_given", "plot_only", "poster_only"}
    assert set(data["genres"]) == set(GENRES)
    json.dumps(data, allow_nan=False)


def test_the_report_is_what_the_predictor_says(trained: Path, dataset: Path) -> None:
    from training.dataset import read_dataset

    scored = evaluate(trained, dataset, patterns=False, draws=5).scored
    movies = read_dataset(dataset)
    found = Predictor.load(trained).predict(list(movies.contents()))
    assert np.array_equal(scored.predicted, np.array([f.predicted for f in found]))
    assert mean_average_precision(scored.confidence, movies.labels(GENRES)) == pytest.approx(
        mean_average_precision(np.array([f.confidence for f in found], dtype=float), movies.labels(GENRES)),
        abs=1e-6,
    )


def test_the_same_seed_gives_the_same_bytes(dataset: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, epochs=1, flip=True, members=2, smoothing=0.05)
    for name, seed in (("one", 3), ("two", 3), ("other", 4)):
        train(
            dataset, tmp_path / name, replace(recipe, seed=seed), rules=RULES, cache=tmp_path / "cache" / name
        )
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name
    train(dataset, tmp_path / "beside", recipe, rules=RULES, cache=tmp_path / "cache" / "one", processes=2)
    assert (tmp_path / "beside" / "manifest.json").read_bytes() == (
        tmp_path / "one" / "manifest.json"
    ).read_bytes()
    other = tmp_path / "other" / "model.safetensors"
    assert other.read_bytes() != (tmp_path / "one" / "model.safetensors").read_bytes()


def test_the_manifest_tells_where_it_comes_from(trained: Path) -> None:
    manifest = Predictor.load(trained).manifest
    assert manifest["data"]["movies"] == 64
    assert manifest["recipe"]["epochs"] == 12
    assert manifest["metrics"]["both"]["map"]["low"] <= manifest["metrics"]["both"]["map"]["value"]
    assert manifest["licences"]["code"] == "Apache-2.0"
    assert "| plot and poster |" in (trained / "README.md").read_text()


def test_the_page_needs_nothing_else(trained: Path, dataset: Path, tmp_path: Path) -> None:
    from rich.console import Console

    report = evaluate(trained, dataset, draws=5)
    write_html(report, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 3
    assert "http" not in page
    out = StringIO()
    show(report, Console(file=out, width=140))
    assert "poster only" in out.getvalue()


def test_too_few_movies_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="too few"):
        train(write_dataset(tmp_path / "data", 3), tmp_path / "out", RECIPE)


def test_a_recipe_knows_its_fields() -> None:
    assert replace_recipe(Recipe(), epochs=9).epochs == 9
    with pytest.raises(TrainingError, match="recipe"):
        replace_recipe(Recipe(), epoch=9)


def test_every_movie_is_in_one_batch_and_one_fold() -> None:
    random = np.random.default_rng(0)
    lengths = random.integers(3, 80, 333)
    made = list(batches(range(333), lengths, 16, random))
    assert sorted(row for part in made for row in part) == list(range(333))
    spread = [lengths[part].max() - lengths[part].min() for part in made]
    assert np.mean(spread) < 20
    assert np.bincount(fold_of(333, 3, 0)).tolist() == [111, 111, 111]


def test_what_is_hidden_is_never_everything() -> None:
    _, preparer = small_network()
    batch = preparer(contents(9)).groups[0][1]
    recipe = replace(RECIPE, drop_plot=0.5, drop_poster=0.5, drop_year=1.0)
    hidden = [hide(batch, recipe, np.random.default_rng(seed)) for seed in range(30)]
    assert all(bool((h.has_text | h.has_image).all()) for h in hidden)
    assert any(bool((h.has_text != batch.has_text).any()) for h in hidden) or len(batch) == 1
    assert all(bool(h.years.isnan().all()) for h in hidden)


def test_the_rate_rises_and_falls() -> None:
    rates = [rate_at(step, 100, 0.1) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == 1.0
    assert rates[-1] < 0.01


def test_the_average_is_what_is_kept() -> None:
    network, _ = small_network()
    average = Average(network, 0.9)
    first = network.fusions[0].bias.detach().clone()  # type: ignore[union-attr, operator]
    with torch.no_grad():
        network.fusions[0].bias.add_(1.0)  # type: ignore[union-attr, operator]
    average.update(1000)
    average.restore()
    assert torch.allclose(network.fusions[0].bias, first + 0.1)  # type: ignore[arg-type]
