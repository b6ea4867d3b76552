"""The CPU's share of a prediction: decode posters, cut text into tokens, weigh terms, group by length.

A movie's padded length depends on its own text alone, never on its batch-mates.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from tagger.batch import Batch, pack_terms, pad_ids
from tagger.config import ModelConfig
from tagger.content import Content
from tagger.encoders.text import TextTokenizer
from tagger.errors import PosterError
from tagger.lexicon import Lexicon
from tagger.patterns import NEITHER, pattern_of
from tagger.poster import BROKEN

GROUP = 64
"""Movies that go through the network at once, at most."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Movies ready for the device: groups of (positions in the batch, tensors), and every movie's pattern."""

    groups: tuple[tuple[NDArray[np.int64], Batch], ...]
    patterns: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.patterns)


class Preparer:
    """Turns contents into tensors as one model wants them; safe to call from several threads."""

    def __init__(
        self, config: ModelConfig, tokenizer: TextTokenizer, lexicon: Lexicon, step: int = 16
    ) -> None:
        self.config, self.tokenizer, self.lexicon, self.step = config, tokenizer, lexicon, step

    def __call__(self, contents: Sequence[Content]) -> Prepared:
        """Decode, tokenise and group; movies with neither plot nor poster are in no group.

        Raises:
            PosterError: a poster is not an image that can be decoded.
        """
        patterns = pattern_of(contents)
        ids = self.token_ids(contents)
        buckets: dict[int, list[int]] = defaultdict(list)
        for position, movie in enumerate(ids):
            if patterns[position] != NEITHER:
                buckets[self._padded(len(movie))].append(position)
        groups = []
        for length, positions in sorted(buckets.items()):
            for start in range(0, len(positions), GROUP):
                part = positions[start : start + GROUP]
                group = self._batch([contents[i] for i in part], [ids[i] for i in part], length)
                groups.append((np.array(part, dtype=np.int64), group))
        return Prepared(tuple(groups), patterns)

    def token_ids(self, contents: Sequence[Content]) -> list[list[int]]:
        """Each movie's token ids; a movie without a plot has none."""
        there = [i for i, c in enumerate(contents) if c.plot]
        pairs = [(self._title(contents[i]), contents[i].plot or "") for i in there]
        found = dict(zip(there, self.tokenizer(pairs), strict=True)) if there else {}
        return [found.get(i, []) for i in range(len(contents))]

    def weigh(self, content: Content) -> tuple[list[int], list[float]]:
        """The movie's TF-IDF terms."""
        if not content.plot or not self.config.lexicon_size:
            return [], []
        return self.lexicon.weigh(lexical_text(content, use_title=self.config.use_title))

    def _title(self, content: Content) -> str:
        return content.title if self.config.use_title else ""

    def _padded(self, tokens: int) -> int:
        return max(1, -(-tokens // self.step)) * self.step

    def _batch(self, contents: list[Content], ids: list[list[int]], length: int) -> Batch:
        padded, mask = pad_ids(ids, length)
        height, width = self.config.poster_size
        posters = np.zeros((len(contents), height, width, 3), dtype=np.uint8)
        for row, content in enumerate(contents):
            if content.poster is not None:
                posters[row] = decode(content.poster, self.config)
        terms, weights, offsets = pack_terms([self.weigh(c) for c in contents])
        return Batch(
            ids=padded,
            text_mask=mask,
            posters=torch.from_numpy(posters),
            has_text=torch.tensor([bool(c.plot) for c in contents]),
            has_image=torch.tensor([c.poster is not None for c in contents]),
            years=years_of(contents),
            terms=terms,
            term_weights=weights,
            term_offsets=offsets,
        )


def lexical_text(content: Content, *, use_title: bool) -> str:
    """The text that the TF-IDF skip sees: title and plot."""
    return f"{content.title} . {content.plot}" if use_title else content.plot or ""


def years_of(contents: Sequence[Content]) -> torch.Tensor:
    """The movies' years in float32, NaN where unknown."""
    return torch.tensor([np.nan if c.year is None else float(c.year) for c in contents], dtype=torch.float32)


def decode(poster: bytes, config: ModelConfig) -> NDArray[np.uint8]:
    """A stored poster as the image encoder's (height, width, 3) in uint8.

    A wide poster first shrinks to `poster_detail`: what a larger file would add is not for the model to see.
    """
    height, width = config.poster_size
    try:
        image = Image.open(BytesIO(poster), formats=("JPEG",)).convert("RGB")
        if image.width > config.poster_detail:
            tall = max(1, round(image.height * config.poster_detail / image.width))
            image = image.resize((config.poster_detail, tall), Image.Resampling.BICUBIC)
        return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
    except BROKEN as error:
        raise PosterError(f"A stored poster is damaged ({str(error)[:120]}).") from None
