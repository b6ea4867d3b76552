"""What is there of a movie: plot and poster, only one of them, or neither."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tagger.content import Content

PATTERNS = ("both", "plot", "poster")
"""The patterns with a calibration of their own, in the order of the arrays."""
NEITHER = 3
"""The pattern that the model is never asked about: the answer is the prior."""


def pattern_of(contents: Sequence[Content]) -> NDArray[np.int64]:
    """Each movie's pattern: 0 both, 1 plot only, 2 poster only, 3 neither."""
    return np.array([(not c.plot) * 2 + (c.poster is None) for c in contents], dtype=np.int64).reshape(-1)
