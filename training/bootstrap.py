"""Bootstrap intervals: how far a score would move on other movies of the same kind."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def interval(
    score: Callable[[NDArray[np.int64]], Array],
    movies: int,
    *,
    draws: int = 300,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[Array, Array]:
    """The ends of the percentile interval of `score`, called with rows drawn with replacement."""
    random = np.random.default_rng(seed)
    drawn = np.stack([np.atleast_1d(score(random.integers(0, movies, movies))) for _ in range(draws)])
    tail = (1 - level) / 2
    return np.nanquantile(drawn, tail, axis=0), np.nanquantile(drawn, 1 - tail, axis=0)
