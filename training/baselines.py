"""The simple models that a fusion must beat: prior, TF-IDF, MiniLM, poster, and means of them.

Each is a logistic regression with an L2 penalty, trained on the same movies as the artifact; its thresholds
come from out-of-fold predictions on them, as the artifact's own do.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, logit

from tagger.batch import pad_ids
from tagger.encoders import load_image_encoder, load_text_encoder
from tagger.encoders.text import TextTokenizer
from tagger.lexicon import Lexicon
from tagger.prepare import decode
from training.build import configuration, encoder_weights
from training.cache import Pack, default_cache
from training.dataset import TRAIN, Dataset, read_dataset
from training.decide import Rules, choose_threshold
from training.features import Progress, autocast, content_key
from training.metrics import calibration_error, f1_scores, mean_average_precision, roc_auc
from training.recipe import Recipe
from training.regression import logistic_regression, sparse_terms

Array = NDArray[np.float64]
Labels = NDArray[np.bool_]
FOLDS = 3
PENALTIES = {"TF-IDF": 0.5, "MiniLM": 100.0, "poster": 1000.0}


def baseline_scores(
    training_dir: Path, test: Dataset, genres: tuple[str, ...], progress: Progress
) -> dict[str, dict[str, float]]:
    """Train every baseline on a training dataset and score it on the test movies."""
    train = read_dataset(training_dir, purpose=TRAIN)
    y, truth = train.labels(genres), test.labels(genres)
    views = {"TF-IDF": tfidf(train, test), **pooled(train, test, genres, progress)}
    unseen: dict[str, Array] = {"prior": np.tile(y.mean(0), (len(train), 1))}
    seen: dict[str, Array] = {"prior": np.tile(y.mean(0), (len(test), 1))}
    for place, (name, (x, z)) in enumerate(views.items()):
        unseen[name], seen[name] = _fitted(x, y, z, PENALTIES[name])
        progress("baselines", place + 1, len(views), name)
    for name, parts in (("TF-IDF and MiniLM", ("TF-IDF", "MiniLM")),
                        ("TF-IDF, MiniLM and poster", ("TF-IDF", "MiniLM", "poster"))):  # fmt: skip
        weights = (1.0, 1.0, 1.0)[: len(parts)]
        unseen[name] = _mixed([unseen[part] for part in parts], weights)
        seen[name] = _mixed([seen[part] for part in parts], weights)
    return {name: _score(unseen[name], y, seen[name], truth) for name in seen}


def tfidf(train: Dataset, test: Dataset) -> tuple[Any, Any]:
    """Sparse TF-IDF of the plots of both datasets, the vocabulary from the first."""
    texts = [[movie.content.plot or "" for movie in part.movies] for part in (train, test)]
    lexicon = Lexicon.fit(texts[0], size=60_000, min_documents=2)
    found = [sparse_terms([lexicon.weigh(text) for text in part], len(lexicon)) for part in texts]
    return found[0], found[1]


def pooled(
    train: Dataset, test: Dataset, genres: tuple[str, ...], progress: Progress
) -> dict[str, tuple[Array, Array]]:
    """Mean vectors of the frozen encoders, standardised on the training movies."""
    recipe = Recipe(text_tail=0, image_tail=0)
    config = configuration(recipe, genres, 0)
    text_weights, image_weights = encoder_weights(recipe)
    text, tokenizer = load_text_encoder(text_weights), TextTokenizer(text_weights.folder, config.max_tokens)
    image = load_image_encoder(image_weights)
    views: dict[str, tuple[list[Array], int]] = {"MiniLM": ([], text.width), "poster": ([], image.width)}

    def texts_of(dataset: Dataset, part: list[int]) -> list[NDArray[np.float16]]:
        ids = tokenizer([("", dataset.movies[row].content.plot or "") for row in part])
        padded, mask = pad_ids(ids, max(len(movie) for movie in ids))
        states = text(padded, mask) * mask[..., None]
        return list((states.sum(1) / mask.sum(1, keepdim=True)).half().numpy()[:, None])

    def posters_of(dataset: Dataset, part: list[int]) -> list[NDArray[np.float16]]:
        contents = [dataset.content(row) for row in part]
        blank = np.zeros((*config.poster_size, 3), dtype=np.uint8)
        pixels = np.stack([decode(c.poster, config) if c.poster else blank for c in contents])
        return list(image(torch.from_numpy(pixels)).mean(1).half().numpy()[:, None])

    for name, make in (("MiniLM", texts_of), ("poster", posters_of)):
        width = views[name][1]
        about = {
            "pooled": name,
            "text": text_weights.sha256,
            "image": image_weights.sha256,
            "size": config.poster_size,
            "detail": config.poster_detail,
        }
        pack = Pack(default_cache(), about, width)
        for dataset in (train, test):
            views[name][0].append(_packed(pack, dataset, name, make, progress))
    return {name: _standard(arrays[0], arrays[1]) for name, (arrays, _) in views.items()}


def _packed(
    pack: Pack, dataset: Dataset, name: str,
    make: Callable[[Dataset, list[int]], list[NDArray[np.float16]]], progress: Progress,
) -> Array:  # fmt: skip
    keys = [content_key(dataset, row, text=name == "MiniLM") or "none" for row in range(len(dataset))]

    def made(part: list[int]) -> list[NDArray[np.float16]]:
        progress(f"baselines, {name}", part[-1] + 1, len(dataset), "")
        with torch.inference_mode(), autocast("bf16"):
            return make(dataset, part)

    pack.fill(keys, made)
    return np.concatenate([pack[key] for key in keys]).astype(np.float64)


def _standard(train: Array, test: Array) -> tuple[Array, Array]:
    mean, spread = train.mean(0), train.std(0) + 1e-6
    return (train - mean) / spread, (test - mean) / spread


def _fitted(x: Any, y: Labels, z: Any, penalty: float) -> tuple[Array, Array]:
    """Out-of-fold probabilities of the training movies, and those of the test movies."""
    part = np.random.default_rng(0).permutation(np.arange(len(y)) % FOLDS)
    unseen = np.zeros(y.shape)
    for fold in range(FOLDS):
        weights, bias = logistic_regression(x[part != fold], y[part != fold], penalty)
        unseen[part == fold] = expit(x[part == fold] @ weights + bias)
    weights, bias = logistic_regression(x, y, penalty)
    return unseen, expit(z @ weights + bias)


def _mixed(parts: list[Array], weights: tuple[float, ...]) -> Array:
    logits = [weight * logit(p.clip(1e-6, 1 - 1e-6)) for p, weight in zip(parts, weights, strict=True)]
    return np.asarray(expit(sum(logits) / sum(weights)))


def _score(unseen: Array, y: Labels, seen: Array, truth: Labels) -> dict[str, float]:
    thresholds = np.array([choose_threshold(unseen[:, g], y[:, g], Rules()) for g in range(y.shape[1])])
    return {
        "map": mean_average_precision(seen, truth),
        **f1_scores(seen >= thresholds, truth),
        "roc_auc": float(np.nanmean(roc_auc(seen, truth))),
        "ece": calibration_error(seen, truth),
    }
