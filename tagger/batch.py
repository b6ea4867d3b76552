"""A micro-batch of movies in tensors: padded text, uint8 posters, TF-IDF terms, and what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """The model's input for `n` movies. A movie without text has no visible token; likewise for the poster.

    Attributes:
        ids: token ids (n, tokens), zero where padded.
        text_mask: (n, tokens), True at a token.
        posters: (n, height, width, 3) in uint8; black where there is none; None beside `image_states`.
        has_text, has_image: (n,) booleans.
        years: (n,) in float32; NaN where unknown.
        terms, term_weights, term_offsets: the TF-IDF terms of all movies, one after the other.
        text_states, image_states: the encoders' trunks' output, where it comes from a cache.
    """

    ids: Tensor | None
    text_mask: Tensor
    posters: Tensor | None
    has_text: Tensor
    has_image: Tensor
    years: Tensor
    terms: Tensor
    term_weights: Tensor
    term_offsets: Tensor
    text_states: Tensor | None = None
    image_states: Tensor | None = None

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on another device."""
        moved = {
            field.name: value.to(device, non_blocking=True)
            for field in fields(self)
            if (value := getattr(self, field.name)) is not None
        }
        return replace(self, **moved)

    def __len__(self) -> int:
        return len(self.has_text)


def pad_ids(ids: Sequence[Sequence[int]], length: int) -> tuple[Tensor, Tensor]:
    """Token ids padded to `length`, and the mask that is True at tokens."""
    padded = torch.zeros(len(ids), length, dtype=torch.long)
    mask = torch.zeros(len(ids), length, dtype=torch.bool)
    for row, movie in enumerate(ids):
        padded[row, : len(movie)] = torch.tensor(movie, dtype=torch.long)
        mask[row, : len(movie)] = True
    return padded, mask


def pack_terms(movies: Sequence[tuple[Sequence[int], Sequence[float]]]) -> tuple[Tensor, Tensor, Tensor]:
    """TF-IDF terms of several movies as `EmbeddingBag` takes them: terms, weights, offsets."""
    offsets = [0]
    for places, _ in movies[:-1]:
        offsets.append(offsets[-1] + len(places))
    terms = torch.tensor([p for places, _ in movies for p in places], dtype=torch.long)
    weights = torch.tensor([w for _, weighed in movies for w in weighed], dtype=torch.float32)
    return terms, weights, torch.tensor(offsets, dtype=torch.long)
