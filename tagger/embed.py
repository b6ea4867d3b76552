"""A movie as one vector, by which movies that are alike are found: what the encoders make of plot and poster."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from tagger.batch import Batch
from tagger.content import Content
from tagger.predictor import Predictor


def embed(predictor: Predictor, contents: Sequence[Content]) -> NDArray[np.float32]:
    """The movies' vectors (n, text width + image width), each of length 1; a dot product is their cosine.

    The first part is the mean of the plot's token vectors, the second that of the poster's region vectors, both
    of the encoders as they were trained for genres, and each of the same length. The part of what is missing
    is zero, and so is the vector of a movie with neither plot nor poster.

    Raises:
        PosterError: a stored poster cannot be decoded.
    """
    prepared = predictor.prepare(contents)
    network = predictor.network
    vectors = np.zeros((len(contents), network.text.width + network.image.width), dtype=np.float32)

    def run(group: tuple[NDArray[np.int64], Batch]) -> None:
        positions, batch = group
        batch = batch.to(predictor.device)
        text, image = network.text_tokens(batch), network.image_tokens(batch)
        seen = (batch.text_mask & batch.has_text[:, None])[..., None].to(text.dtype)
        parts = _unit((text * seen).sum(1)), _unit(image.mean(1) * batch.has_image[:, None])
        vectors[positions] = _unit(torch.cat(parts, dim=1)).cpu().numpy()

    predictor.side_by_side(run, prepared.groups)
    return vectors


def _unit(rows: Tensor) -> Tensor:
    """Every row of length 1; a row of zeros stays."""
    return normalize(rows.float(), dim=1)
