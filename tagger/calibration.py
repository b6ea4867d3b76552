"""From logits to probabilities: Platt scaling for each genre and modality pattern.

J. Platt, "Probabilistic outputs for support vector machines" (1999), with a ridge that pulls a genre with few
positives towards the pattern's common scale.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[np.float64]
DECIMALS = 6
"""Confidences are rounded, so that the last bits of a sum do not decide."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """probability = sigmoid(scale · logit + shift); both are (patterns, genres)."""

    scale: Array
    shift: Array

    def __call__(self, logits: Array, patterns: NDArray[np.int64]) -> NDArray[np.float32]:
        """Confidences (n, genres) in float32 from logits (n, genres) and the movies' patterns (n,)."""
        z = logits.astype(np.float64) * self.scale[patterns] + self.shift[patterns]
        confidence: NDArray[np.float32] = np.round(expit(z), DECIMALS).astype(np.float32)
        return confidence

    def to_json(self) -> dict[str, Any]:
        """Nested lists."""
        return {"method": "platt", "scale": self.scale.tolist(), "shift": self.shift.tolist()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Calibration":
        """What `to_json` described."""
        return cls(np.array(data["scale"], dtype=np.float64), np.array(data["shift"], dtype=np.float64))


def fit_platt(logits: Array, labels: NDArray[np.bool_], ridge: float = 8.0) -> tuple[Array, Array]:
    """Scale and shift for each genre, from logits and labels (n, genres).

    First one scale for all genres, then each genre's own, held near the common one by the ridge.
    """
    common = _newton(logits.reshape(-1), labels.reshape(-1), np.array([1.0, 0.0]), 1e-3)
    pairs = [_newton(logits[:, g], labels[:, g], common, ridge) for g in range(logits.shape[1])]
    return np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])


def _newton(z: Array, labels: NDArray[np.bool_], prior: Array, ridge: float, steps: int = 50) -> Array:
    """Penalised logistic regression on one logit, by Newton's method with halved steps."""
    x = np.stack([z.astype(np.float64), np.ones(len(z))], axis=1)
    y = labels.astype(np.float64)
    penalty = ridge * np.array([1.0, 0.1])

    def loss(w: Array) -> float:
        s = x @ w
        return float(np.logaddexp(0, s).sum() - (y * s).sum() + 0.5 * (penalty * (w - prior) ** 2).sum())

    w = prior.copy()
    for _ in range(steps):
        p = expit(x @ w)
        gradient = x.T @ (p - y) + penalty * (w - prior)
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + np.diag(penalty), gradient)
        size = 1.0
        while size > 1e-4 and loss(w - size * step) > loss(w):
            size /= 2
        w = w - size * step
        if np.abs(step).max() < 1e-8:
            break
    return w
