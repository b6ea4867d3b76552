"""Logistic regressions, one a genre: the linear baselines, and the TF-IDF skip's share of the default tagger."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit, logit

from tagger.model import Network
from training.features import Features

Array = NDArray[np.float64]
Labels = NDArray[np.bool_]


def logistic_regression(x: Any, y: Labels, penalty: float) -> tuple[Array, Array]:
    """Weights (features, genres) and biases (genres,) of one regression a genre, all by one L-BFGS."""
    features, genres = x.shape[1], y.shape[1]
    share = y.mean(0).clip(1e-4, 1 - 1e-4)
    start = np.concatenate([np.zeros(features * genres), logit(share)])

    def loss(flat: Array) -> tuple[float, Array]:
        weights, bias = flat[:-genres].reshape(features, genres), flat[-genres:]
        s = x @ weights + bias
        gap = expit(s) - y
        value = np.logaddexp(0, s).sum() - s[y].sum() + 0.5 * penalty * (weights**2).sum()
        return float(value), np.concatenate([(x.T @ gap + penalty * weights).ravel(), gap.sum(0)])

    flat = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    return flat[:-genres].reshape(features, genres), flat[-genres:]


def sparse_terms(movies: Sequence[tuple[Sequence[int], Sequence[float]]], size: int) -> Any:
    """TF-IDF terms and weights of several movies as a sparse matrix (movies, size)."""
    ends = np.cumsum([0, *(len(places) for places, _ in movies)])
    columns = np.array([place for places, _ in movies for place in places], dtype=np.int64)
    values = np.array([weight for _, weights in movies for weight in weights], dtype=np.float64)
    return sparse.csr_matrix((values, columns, ends), shape=(len(movies), size))


def add_regression(
    network: Network, features: Features, labels: Labels, rows: Sequence[int], weight: float, penalty: float
) -> None:
    """Add a share of a TF-IDF regression's logits to the network's.

    The regression is fitted apart, on the same movies, and errs in other places than the network does. Being
    linear in the same terms as the TF-IDF skip, it is added to the skip's weights: it costs nothing to run.
    """
    x = sparse_terms([features.terms[row] for row in rows], network.config.lexicon_size)
    slopes, _ = logistic_regression(x, labels[list(rows)], penalty)
    with torch.no_grad():
        for fusion in network.fusions:
            fusion.terms.weight.add_(torch.from_numpy(weight * slopes).float())  # type: ignore[union-attr,operator]
