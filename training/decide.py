"""Choosing calibration, thresholds and bands from predictions on movies that the model had not seen.

The movies are cut in two by a hash of their names: one half fits the calibration, the other the thresholds
and bands: a confidence is then a probability on movies that it was not fitted on.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from tagger.bands import Bands, accept_from, reject_below
from tagger.calibration import Calibration, fit_platt
from tagger.patterns import PATTERNS

Array = NDArray[np.float64]
Labels = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rules:
    """The targets of the bands and how sure they must be.

    Attributes:
        precision: what accepted tags must reach.
        negative_value: what rejected pairs must reach.
        level, reject_level: the one-sided confidence of the two bounds (Clopper-Pearson).
        fewest: movies that must lie beyond an end before it can be certified.
        rare: genres with fewer positives than this share ends that are certified for all of them pooled.
        pool_rejects: whether the lower end may also be one that is certified for all genres pooled.
        shrink: positives at which a threshold lies halfway between the best observed and the expected one.
        common: how far each genre's threshold leans towards the one that is best for all pairs together: a little
            macro-F1 for more micro-F1.
        calibration_share: the share of the movies that fit the calibration; the others choose the ends.
    """

    precision: float = 0.95
    negative_value: float = 0.99
    level: float = 0.95
    reject_level: float = 0.95
    fewest: int = 60
    rare: int = 150
    pool_rejects: bool = False
    shrink: float = 150.0
    common: float = 0.25
    calibration_share: float = 0.5


def halves(names: Sequence[str], share: float) -> Labels:
    """True for the movies that fit the calibration."""
    draws = [int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 0x100000000 for name in names]
    return np.array(draws) < share


def fit_calibration(logits: Sequence[Array], labels: Labels) -> Calibration:
    """Platt scaling of each pattern's logits (patterns × (movies, genres))."""
    pairs = [fit_platt(pattern, labels) for pattern in logits]
    return Calibration(np.stack([scale for scale, _ in pairs]), np.stack([shift for _, shift in pairs]))


def fit_bands(confidence: Sequence[NDArray[np.float32]], labels: Labels, rules: Rules) -> Bands:
    """Thresholds and bands of each pattern and genre, from confidences (patterns × (movies, genres))."""
    low, threshold, high = (np.zeros((len(PATTERNS), labels.shape[1])) for _ in range(3))
    for pattern, given in enumerate(confidence):
        p = given.astype(np.float64)
        own = np.array([choose_threshold(p[:, g], labels[:, g], rules) for g in range(labels.shape[1])])
        threshold[pattern] = (1 - rules.common) * own + rules.common * common_threshold(p, labels)
        high[pattern] = accept_ends(p, labels, rules)
        low[pattern] = reject_ends(p, labels, rules)
    low, high = np.minimum(low, threshold), np.maximum(high, threshold)
    told = {"chosen_on": len(labels), "bound": "Clopper-Pearson, one-sided", **asdict(rules)}
    return Bands(_short(low), _short(threshold), _short(high), told)


def accept_ends(p: Array, labels: Labels, rules: Rules) -> Array:
    """The upper end of each genre's band; rare genres share one, and what cannot be certified has none."""
    rare = labels.sum(axis=0) < rules.rare
    target, level, fewest = rules.precision, rules.level, rules.fewest
    ends = np.array([accept_from(p[:, g], labels[:, g], target, level, fewest) for g in range(p.shape[1])])
    if rare.any():
        ends[rare] = accept_from(p[:, rare].reshape(-1), labels[:, rare].reshape(-1), target, level, fewest)
    return ends


def reject_ends(p: Array, labels: Labels, rules: Rules) -> Array:
    """The lower end of each genre's band: its own, or the pooled one where that is higher and the rules allow it."""
    target, level, fewest = rules.negative_value, rules.reject_level, rules.fewest
    ends = np.array([reject_below(p[:, g], labels[:, g], target, level, fewest) for g in range(p.shape[1])])
    pooled = np.ones(p.shape[1], dtype=np.bool_) if rules.pool_rejects else labels.sum(axis=0) < rules.rare
    if pooled.any():
        shared = reject_below(p[:, pooled].reshape(-1), labels[:, pooled].reshape(-1), target, level, fewest)
        ends[pooled] = np.maximum(ends[pooled], shared)
    return ends


def choose_threshold(p: Array, labels: Labels, rules: Rules) -> float:
    """The threshold of the best F1, shrunk towards the one that the confidences themselves expect."""
    order = np.argsort(-p, kind="stable")
    ranked = p[order]
    taken = np.arange(1, len(p) + 1)
    positives = float(labels.sum())
    observed = 2 * np.cumsum(labels[order]) / (taken + positives)
    expected = 2 * np.cumsum(ranked) / (taken + ranked.sum())
    weight = positives / (positives + rules.shrink)
    return float(weight * _between(ranked, observed) + (1 - weight) * _between(ranked, expected))


def common_threshold(p: Array, labels: Labels) -> float:
    """The one threshold with the best micro-F1."""
    order = np.argsort(-p.reshape(-1), kind="stable")
    ranked = p.reshape(-1)[order]
    hits = np.cumsum(labels.reshape(-1)[order])
    return _between(ranked, 2 * hits / (np.arange(1, len(ranked) + 1) + labels.sum()))


def _between(ranked: Array, score: Array) -> float:
    """Halfway between the last confidence taken at the best score and the next."""
    best = int(np.argmax(score))
    after = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + after) / 2)


def _short(values: Array) -> Array:
    """Rounded as confidences are, half a step off, so that none lies on an end."""
    return np.where(np.isfinite(values), np.round(values, 6) + 5e-7, values)
