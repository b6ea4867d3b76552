"""Why a genre: a weight for each word of the plot and each region of the poster, and each modality's share.

A weight is what the genre's logit loses when the word or the region is hidden from the fusion: deletion
itself, not a picture of attention. `training.faithful` checks it by deleting words from the text.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tagger.batch import Batch, pack_terms
from tagger.content import Content
from tagger.errors import TaggerError
from tagger.fusion import STRIDE
from tagger.lexicon import WORD
from tagger.patterns import NEITHER, pattern_of
from tagger.predictor import Predictor

CHUNK = 32
TOP = 8


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a movie has a genre's confidence.

    Attributes:
        genre, confidence: what is explained.
        words: every word of the plot with its span and its weight in logits; positive speaks for the genre.
        regions: a weight for each region of the poster (rows, columns); empty without a poster.
        shares: how much of the evidence comes from the plot and from the poster; they add up to 1.
    """

    genre: str
    confidence: float
    words: tuple[tuple[str, tuple[int, int], float], ...]
    regions: NDArray[np.float64]
    shares: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it, with the strongest words apart."""
        ranked = sorted((word for word in self.words if word[2] > 0), key=lambda word: -word[2])
        return {
            "genre": self.genre,
            "confidence": round(self.confidence, 6),
            "shares": {part: round(share, 4) for part, share in self.shares.items()},
            "top_words": [_plain(word) for word in ranked[:TOP]],
            "words": [_plain(word) for word in self.words],
            "regions": np.round(self.regions, 5).tolist(),
        }


def _plain(word: tuple[str, tuple[int, int], float]) -> dict[str, Any]:
    text, (start, end), weight = word
    return {"word": text, "start": start, "end": end, "weight": round(weight, 5)}


def explain(predictor: Predictor, content: Content, genre: str) -> Explanation:
    """Explain one genre of one movie; some hundred passes through the fusion, one through the encoders.

    Raises:
        TaggerError: the model does not know the genre, or the movie has neither plot nor poster.
    """
    if genre not in predictor.genres:
        raise TaggerError(
            f"The model does not know the genre {genre}.", mend=f"It knows {', '.join(predictor.genres)}."
        )
    if pattern_of([content])[0] == NEITHER:
        raise TaggerError("A movie with neither plot nor poster has the prior; there is nothing to explain.")
    place = predictor.genres.index(genre)
    prepared = predictor.prepare([content])
    batch = prepared.groups[0][1].to(predictor.device)
    spans = _word_spans(predictor, content)
    with torch.inference_mode():
        text, image = predictor.network.text_tokens(batch), predictor.network.image_tokens(batch)
        view = _View(predictor, content, batch, text, image, place)
        whole = view.without([()])[0]
        words = whole - view.without([tokens for _, _, tokens in spans], [span for _, span, _ in spans])
        regions = whole - view.without_regions() if content.poster is not None else np.zeros(0)
        shares = _shares(view, whole, content)
    rows = -(-predictor.artifact.config.poster_size[0] // STRIDE)
    confidence = float(predictor.confidences(prepared)[0, place])
    told = tuple((word, span, float(w)) for (word, span, _), w in zip(spans, words, strict=True))
    return Explanation(
        genre, confidence, told, regions.reshape(rows, -1) if len(regions) else regions, shares
    )


@dataclass(frozen=True, slots=True)
class _View:
    """One movie through the encoders, to be asked what the fusion says without some of it."""

    predictor: Predictor
    content: Content
    batch: Batch
    text: Tensor
    image: Tensor
    place: int

    def without(
        self, tokens: Sequence[Sequence[int]], spans: Sequence[tuple[int, int]] = ()
    ) -> NDArray[np.float64]:
        """The genre's logit without each of these sets of tokens, and without the spans' TF-IDF terms."""
        masks = self.batch.text_mask.repeat(len(tokens), 1)
        for row, hidden in enumerate(tokens):
            masks[row, list(hidden)] = False
        texts = [_cut(self.content.plot or "", span) for span in spans] or [self.content.plot or ""] * len(
            tokens
        )
        weighed = [self.predictor.weigh(replace(self.content, plot=text)) for text in texts]
        return self._logits(masks, None, weighed)

    def without_regions(self) -> NDArray[np.float64]:
        """The genre's logit with each region of the poster replaced by the mean of the others."""
        return self._logits(None, self.image.shape[1], None)

    def without_part(self, part: str) -> float:
        """The genre's logit with the whole plot, or the whole poster, missing."""
        flags = {"plot": ("has_text", self.batch.has_text), "poster": ("has_image", self.batch.has_image)}
        name, flag = flags[part]
        batch = replace(self.batch, **{name: torch.zeros_like(flag)})
        return float(self._fuse(self.text, self.image, batch)[0])

    def _logits(
        self, masks: Tensor | None, regions: int | None,
        weighed: list[tuple[list[int], list[float]]] | None,
    ) -> NDArray[np.float64]:  # fmt: skip
        count = regions if regions is not None else len(weighed or ())
        found = []
        for start in range(0, count, CHUNK):
            rows = range(start, min(start + CHUNK, count))
            n = len(rows)
            image = self.image.expand(n, -1, -1)
            if regions is not None:
                image = image.clone()
                mean = (self.image.sum(1) - self.image[0]) / max(1, regions - 1)
                for row, region in enumerate(rows):
                    image[row, region] = mean[region]
            own = (
                weighed[start : rows.stop]
                if weighed is not None
                else [self.predictor.weigh(self.content)] * n
            )
            terms, weights, offsets = (t.to(self.text.device) for t in pack_terms(own))
            mask = masks[start : rows.stop] if masks is not None else self.batch.text_mask.expand(n, -1)
            batch = replace(
                self.batch, text_mask=mask, has_text=self.batch.has_text.expand(n),
                has_image=self.batch.has_image.expand(n), years=self.batch.years.expand(n),
                terms=terms, term_weights=weights, term_offsets=offsets, ids=None, posters=None,
            )  # fmt: skip
            found.append(self._fuse(self.text.expand(n, -1, -1), image, batch))
        return np.concatenate(found) if found else np.zeros(0)

    def _fuse(self, text: Tensor, image: Tensor, batch: Batch) -> NDArray[np.float64]:
        logits = torch.stack([fusion(text, image, batch) for fusion in self.predictor.network.fusions]).mean(
            0
        )
        return np.asarray(logits[:, self.place].double().cpu().numpy())


def _word_spans(predictor: Predictor, content: Content) -> list[tuple[str, tuple[int, int], tuple[int, ...]]]:
    """Each word of the plot with its span and its tokens; words cut off by the model are left out."""
    if not content.plot:
        return []
    offsets = predictor.offsets(content)
    found = []
    for match in WORD.finditer(content.plot):
        start, end = match.span()
        tokens = tuple(i for i, span in enumerate(offsets) if span and span[0] < end and start < span[1])
        if tokens:
            found.append((match.group(), (start, end), tokens))
    return found


def _cut(text: str, span: tuple[int, int]) -> str:
    return f"{text[: span[0]]} {text[span[1] :]}"


def _shares(view: _View, whole: float, content: Content) -> dict[str, float]:
    """Each modality's share: what the logit moves when it is missing, of what both move it."""
    if not content.plot or content.poster is None:
        return {"plot": float(bool(content.plot)), "poster": float(content.poster is not None)}
    moved = {part: abs(whole - view.without_part(part)) for part in ("plot", "poster")}
    total = sum(moved.values()) or 1.0
    return {part: value / total for part, value in moved.items()}


def top_words(explanation: Explanation, count: int) -> list[tuple[int, int]]:
    """The spans of the words that speak most for the genre."""
    ranked = sorted(explanation.words, key=lambda word: -word[2])
    return [span for _, span, weight in ranked[:count] if weight > 0]


def delete(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text without these spans."""
    ends = [0, *(edge for span in sorted(spans) for edge in span), len(text)]
    return " ".join("".join(text[a:b] for a, b in list(pairwise(ends))[::2]).split())
