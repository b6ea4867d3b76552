"""From a confidence to a decision: the best-guess threshold, and the band that only evidence may close.

A genre is accepted above `high`, where the lower confidence bound of precision reached its target on movies
that the model had not seen; rejected below `low`, where the bound of the negative predictive value did; else
an editor looks.
A genre that cannot give the evidence has no upper end: everything goes to review.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

Array = NDArray[np.float64]
Labels = NDArray[np.bool_]
REJECTED, REVIEW, ACCEPTED = "rejected", "review", "accepted"


@dataclass(frozen=True, slots=True)
class Bands:
    """The three numbers of each pattern and genre, (patterns, genres); low ≤ threshold ≤ high.

    Attributes:
        low: rejected below it; −inf where nothing is.
        threshold: predicted from there on: the best guess.
        high: accepted from there on; inf where nothing is.
        rules: how they were found, in words and numbers, for the manifest.
    """

    low: Array
    threshold: Array
    high: Array
    rules: Mapping[str, Any] = field(default_factory=dict)

    def predicted(self, confidence: NDArray[np.float32], patterns: NDArray[np.int64]) -> Labels:
        """Whether each confidence (n, genres) reaches the genre's threshold."""
        return np.asarray(confidence >= self.threshold[patterns].astype(np.float32))

    def codes(self, confidence: NDArray[np.float32], patterns: NDArray[np.int64]) -> NDArray[np.int64]:
        """−1 rejected, 0 review, 1 accepted, for each confidence (n, genres)."""
        up = confidence >= self.high[patterns].astype(np.float32)
        down = confidence < self.low[patterns].astype(np.float32)
        return up.astype(np.int64) - down.astype(np.int64)

    def to_json(self) -> dict[str, Any]:
        """Nested lists; null where a band has no end."""
        ends = {name: _to_lists(getattr(self, name)) for name in ("low", "threshold", "high")}
        return {**ends, "rules": dict(self.rules)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Bands":
        """What `to_json` described."""
        return cls(
            _from_lists(data["low"], -np.inf),
            _from_lists(data["threshold"], np.inf),
            _from_lists(data["high"], np.inf),
            data.get("rules", {}),
        )


def lower_bound(successes: Array, trials: Array, level: float) -> Array:
    """The one-sided Clopper–Pearson lower bound of a proportion at `level`; 0 without a success."""
    bound = beta.ppf(1 - level, np.maximum(successes, 1e-12), trials - successes + 1)
    return np.asarray(np.where(successes > 0, bound, 0.0))


def accept_from(confidence: Array, labels: Labels, target: float, level: float, fewest: int = 30) -> float:
    """The lowest confidence from which on the precision's bound reaches the target; inf if none does."""
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    trials = np.arange(1, len(order) + 1, dtype=np.float64)
    certain = lower_bound(np.cumsum(labels[order]).astype(np.float64), trials, level) >= target
    last_of_its_value = np.append(ranked[1:] < ranked[:-1], True)
    good = np.flatnonzero(certain & last_of_its_value & (trials >= fewest))
    return float(ranked[good[-1]]) if len(good) else float("inf")


def reject_below(confidence: Array, labels: Labels, target: float, level: float, fewest: int = 30) -> float:
    """The highest confidence below which the negative value's bound reaches the target; −inf if none."""
    from_below = accept_from(-confidence, ~labels, target, level, fewest)
    return float(np.nextafter(np.float32(-from_below), np.float32(2))) if np.isfinite(from_below) else -np.inf


def _to_lists(values: Array) -> list[list[float | None]]:
    return [[float(v) if np.isfinite(v) else None for v in row] for row in values]


def _from_lists(rows: list[list[float | None]], missing: float) -> Array:
    return np.array([[missing if v is None else v for v in row] for row in rows], dtype=np.float64)
