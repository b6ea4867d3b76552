"""Training an artifact: features, a model a fold, calibration and bands from them, a model of all movies."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.artifact import Artifact, load_artifact, save_artifact
from tagger.model import Network
from tagger.patterns import PATTERNS
from tagger.prepare import Preparer
from tagger.weights import file_sha256
from training.bootstrap import interval
from training.build import build, fit_lexicon
from training.cache import default_cache
from training.card import model_card
from training.dataset import TRAIN, Dataset, read_dataset
from training.decide import Rules, fit_bands, fit_calibration, halves
from training.errors import TrainingError
from training.evaluate import evaluate
from training.features import Progress, extract, silent
from training.jobs import Job, Outcome, run_jobs
from training.metrics import calibration_error, f1_scores, mean_average_precision
from training.recipe import Recipe

Labels = NDArray[np.bool_]
LICENCES = {
    "all-MiniLM-L6-v2": "Apache-2.0",
    "efficientnet-lite0": "Apache-2.0",
    "efficientnet-lite2": "Apache-2.0",
}


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Logits of movies by models that did not see them: rows, and (rows, genres) for each pattern."""

    rows: NDArray[np.int64]
    logits: list[NDArray[np.float64]]


def train(
    dataset_dir: Path,
    out_dir: Path,
    recipe: Recipe | None = None,
    *,
    rules: Rules | None = None,
    test_dir: Path | None = None,
    cache: Path | None = None,
    processes: int = 1,
    progress: Progress = silent,
) -> Artifact:
    """Train an artifact on a dataset and write it to `out_dir`.

    Some movies are out of fold: a model that never saw them gives the logits that calibration, thresholds,
    bands and the manifest's metrics come from. The artifact's own model then sees all movies.

    Args:
        dataset_dir: see `training.dataset.read_dataset`.
        out_dir: a folder that is empty, new, or holds an artifact to replace.
        recipe: how to train; the default recipe makes the artifact that ships.
        rules: the targets of the bands.
        test_dir: a dataset that nothing is chosen on; its scores go into the manifest.
        cache: where features are kept; the user's cache by default.
        processes: runs that train side by side, each on one thread; the result does not depend on it.
        progress: told of each stage.

    Raises:
        DatasetError: the dataset cannot be used.
        EncoderError: an encoder is not on this machine.
    """
    recipe, rules = recipe or Recipe(), rules or Rules()
    dataset = read_dataset(dataset_dir, purpose=TRAIN)
    genres = dataset.genres
    labels = dataset.labels(genres)
    if len(dataset) < 2 * max(2, recipe.folds):
        raise TrainingError(f"{len(dataset)} movies are too few to train on.", mend="Use a larger dataset.")
    lexicon = fit_lexicon((movie.content for movie in dataset.movies), recipe)
    network, preparer = build(recipe, genres, lexicon)
    features = extract(
        dataset, network, preparer, cache or default_cache(),
        precision=recipe.precision, mirror=recipe.flip, progress=progress,
    )  # fmt: skip
    part = fold_of(len(labels), max(2, recipe.folds), recipe.seed)
    runs = min(max(1, recipe.fold_runs), int(part.max()) + 1)

    def job(name: str, inside: NDArray[np.bool_]) -> Job:
        rows, others = (tuple(np.flatnonzero(chosen).tolist()) for chosen in (inside, ~inside))
        return Job(name, recipe, genres, lexicon, features, labels, rows, others)

    jobs = [job("training on all movies", part >= 0)]
    jobs += [job(f"training without part {fold + 1} of {recipe.folds}", part != fold) for fold in range(runs)]
    whole, *folds = run_jobs(jobs, processes, progress)
    unseen = out_of_fold(jobs[1:], folds)
    network.load_own_state(whole.state)
    artifact = assemble(network, preparer, dataset, labels, unseen, recipe, rules)
    save_artifact(artifact, out_dir, model_card(artifact))
    if test_dir is not None:
        artifact.about["metrics"]["test"] = test_scores(out_dir, test_dir, progress)
        save_artifact(artifact, out_dir, model_card(artifact))
    return load_artifact(out_dir)


def test_scores(artifact_dir: Path, test_dir: Path, progress: Progress) -> dict[str, Any]:
    """The saved artifact's scores on movies on which nothing was chosen, for the manifest."""
    data = evaluate(artifact_dir, test_dir, progress=progress).to_json()
    kept = ("movies", "dataset", "map", "f1_micro", "f1_macro", "f1_weighted", "f1_samples", "exact_match",
            "roc_auc", "ece", "intervals", "bands", "by_pattern")  # fmt: skip
    return {name: _rounded(data[name]) for name in kept}


def _rounded(value: Any) -> Any:
    """Floats to four decimals, however deep."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value


def out_of_fold(jobs: Sequence[Job], outcomes: Sequence[Outcome]) -> OutOfFold:
    """The folds' predictions of the movies that they did not see, in the dataset's order."""
    rows = np.concatenate([np.array(job.outside, dtype=np.int64) for job in jobs])
    order = np.argsort(rows)
    logits = [np.concatenate([found.logits[k] for found in outcomes])[order] for k in range(len(PATTERNS))]
    return OutOfFold(rows[order], logits)


def fold_of(movies: int, folds: int, seed: int) -> NDArray[np.int64]:
    """Each movie's fold, at random in equal parts."""
    return np.random.default_rng(seed).permutation(np.arange(movies) % folds)


def assemble(
    network: Network, preparer: Preparer, dataset: Dataset, labels: Labels, unseen: OutOfFold,
    recipe: Recipe, rules: Rules,
) -> Artifact:  # fmt: skip
    """The artifact of a trained network and its out-of-fold logits."""
    first = halves([dataset.movies[int(row)].name for row in unseen.rows], rules.calibration_share)
    truth = labels[unseen.rows]
    calibration = fit_calibration([logits[first] for logits in unseen.logits], truth[first])
    others = truth[~first]
    confidence = [calibration(z[~first], np.full(len(others), k)) for k, z in enumerate(unseen.logits)]
    bands = fit_bands(confidence, others, rules)
    measured = {
        name: scores(confidence[k], others, bands.predicted(confidence[k], np.full(len(others), k)))
        for k, name in enumerate(PATTERNS)
    }
    text, image = network.text.weights, network.image.weights
    names = {name: LICENCES.get(name, "see the encoder's own") for name in (text.name, image.name)}
    about: dict[str, Any] = {
        "name": recipe.name,
        "code_version": version("marquee"),
        "recipe": recipe.to_json(),
        "data": {"sha256": dataset.sha256, "movies": len(dataset), "source": dataset.source},
        "metrics": {
            "measured_on": f"{len(others)} training movies that the measured model did not see, where the "
            "thresholds were chosen",
            **measured,
        },
        "licences": {"code": "Apache-2.0", "encoders": names,
                     "data": "Plots, posters and genres from TMDB; none of them is in the artifact."},
    }  # fmt: skip
    encoders = {
        "text": {"name": text.name, "sha256": text.sha256,
                 "tokenizer_sha256": file_sha256(preparer.tokenizer.file)},
        "image": {"name": image.name, "sha256": image.sha256},
    }  # fmt: skip
    prior = labels.mean(axis=0).astype(np.float32)
    return Artifact(
        network.config, encoders, network.own_state(), preparer.lexicon, prior, calibration, bands, about
    )


def scores(confidence: NDArray[np.float32], labels: Labels, predicted: Labels) -> dict[str, Any]:
    """The manifest's few numbers, mAP and F1 with bootstrap intervals."""
    p = confidence.astype(np.float64)
    points = {"map": mean_average_precision(p, labels), **f1_scores(predicted, labels)}
    low, high = interval(
        lambda rows: np.array([
            mean_average_precision(p[rows], labels[rows]), *f1_scores(predicted[rows], labels[rows]).values()
        ]),
        len(labels), draws=200,
    )  # fmt: skip
    told: dict[str, Any] = {
        name: {"value": round(v, 4), "low": round(float(a), 4), "high": round(float(b), 4)}
        for (name, v), a, b in zip(points.items(), low, high, strict=True)
    }
    return {**told, "ece": round(calibration_error(p, labels), 4), "movies": len(labels)}


def replace_recipe(recipe: Recipe, **changes: Any) -> Recipe:
    """A recipe with other values, unknown names refused."""
    try:
        return replace(recipe, **changes)
    except TypeError as error:
        raise TrainingError(f"The recipe cannot be changed so: {error}.") from None


def threads() -> int:
    """The CPU threads that training may use: those this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
