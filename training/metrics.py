"""Scores of multi-label predictions, each by its formula, over plain arrays.

`labels` and `predicted` are booleans (movies, genres), `confidence` is float (movies, genres).
"""

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.bool_]
Array = NDArray[np.float64]


def average_precision(confidence: Array, labels: Labels) -> Array:
    """Each genre's average precision (genres,), ties taken together; NaN where a genre has no positive."""
    return np.array([_average_precision(confidence[:, g], labels[:, g]) for g in range(labels.shape[1])])


def _average_precision(scores: Array, labels: Labels) -> float:
    positives = int(labels.sum())
    if not positives:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.cumsum(labels[order])[ends]
    return float(np.sum(np.diff(np.append(0, hits)) / positives * hits / (ends + 1)))


def mean_average_precision(confidence: Array, labels: Labels) -> float:
    """mAP: the mean over the genres that have a positive."""
    return float(np.nanmean(average_precision(confidence, labels)))


def roc_auc(confidence: Array, labels: Labels) -> Array:
    """Each genre's area under the ROC curve (genres,), by ranks; NaN without both kinds."""
    from scipy.stats import rankdata

    out = np.full(labels.shape[1], np.nan)
    for g in range(labels.shape[1]):
        positives = int(labels[:, g].sum())
        negatives = len(labels) - positives
        if positives and negatives:
            ranks = rankdata(confidence[:, g])[labels[:, g]].sum()
            out[g] = (ranks - positives * (positives + 1) / 2) / (positives * negatives)
    return out


def counts(predicted: Labels, labels: Labels, axis: int | None = 0) -> tuple[Array, Array, Array]:
    """True positives, false positives, false negatives: by genre (axis 0), by movie (1) or in all (None)."""
    true = (predicted & labels).sum(axis=axis).astype(np.float64)
    return true, predicted.sum(axis=axis) - true, labels.sum(axis=axis) - true


def f1_by_genre(predicted: Labels, labels: Labels) -> Array:
    """Each genre's F1 (genres,); 0 where nothing is predicted and nothing is there."""
    return _f1(*counts(predicted, labels, 0))


def f1_scores(predicted: Labels, labels: Labels) -> dict[str, float]:
    """`f1_micro`, `f1_macro`, `f1_weighted`, `f1_samples` and `exact_match`."""
    by_genre = f1_by_genre(predicted, labels)
    support = labels.sum(axis=0)
    return {
        "f1_micro": float(_f1(*counts(predicted, labels, None))),
        "f1_macro": float(by_genre.mean()),
        "f1_weighted": float((by_genre * support).sum() / max(1, support.sum())),
        "f1_samples": float(_f1(*counts(predicted, labels, 1)).mean()),
        "exact_match": float((predicted == labels).all(axis=1).mean()),
    }


def _f1(true: Array, false: Array, missed: Array) -> Array:
    total = 2 * true + false + missed
    return np.asarray(np.divide(2 * true, total, out=np.zeros_like(total), where=total > 0))


def calibration_error(confidence: Array, labels: Labels, *, above: float = 0.1, bins: int = 15) -> float:
    """ECE: the mean gap between confidence and share of positives over equal bins of those above `above`."""
    p, y = confidence[confidence > above], labels[confidence > above]
    if not len(p):
        return 0.0
    which = np.minimum(((p - above) / (1 - above) * bins).astype(int), bins - 1)
    size = np.bincount(which, minlength=bins)
    gap = np.abs(np.bincount(which, p, bins) - np.bincount(which, y, bins))
    return float(gap.sum() / size.sum())


def recall_at(confidence: Array, labels: Labels, k: int) -> float:
    """The mean share of a movie's labels among its k most confident genres, of movies with labels."""
    top = np.argsort(-confidence, axis=1, kind="stable")[:, :k]
    hits = np.take_along_axis(labels, top, axis=1).sum(axis=1)
    there = labels.sum(axis=1)
    return float((hits[there > 0] / there[there > 0]).mean()) if (there > 0).any() else 0.0
