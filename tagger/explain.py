"""Why a genre: a weight for each word of the plot and each region of the poster, and each modality's share.

A weight is what the genre's logit loses when the word or the region is hidden from the fusion: deletion
itself, not a picture of attention. `training.faithful` checks it by deleting words from the text.
"""

from collections.abc import Callable, Sequence
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

CHUNK = 16
TOP = 8


def nothing() -> None:
    """What is done between two passes: nothing."""


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
    return explain_all(predictor, content, [genre])[0]


def explain_all(
    predictor: Predictor, content: Content, genres: Sequence[str], *, between: Callable[[], None] = nothing
) -> list[Explanation]:
    """Explain several genres of one movie with the passes that one of them takes.

    `between` is called every few passes, while nothing of this is on the device.

    Raises:
        TaggerError: the model does not know a genre, or the movie has neither plot nor poster.
    """
    for genre in genres:
        if genre not in predictor.genres:
            raise TaggerError(
                f"The model does not know the genre {genre}.", mend=f"It knows {', '.join(predictor.genres)}."
            )
    if pattern_of([content])[0] == NEITHER:
        raise TaggerError("A movie with neither plot nor poster has the prior; there is nothing to explain.")
    places = [predictor.genres.index(genre) for genre in genres]
    prepared = predictor.prepare([content])
    batch = prepared.groups[0][1].to(predictor.device)
    spans = _word_spans(predictor, content)
    text, image = predictor.side_by_side(
        lambda encode: encode(batch), [predictor.network.text_tokens, predictor.network.image_tokens]
    )
    view = _View(predictor, content, batch, text, image, places, between)
    whole = view.without([()])[0]
    words = whole - view.without([tokens for _, _, tokens in spans], [span for _, span, _ in spans])
    rows = -(-predictor.artifact.config.poster_size[0] // STRIDE)
    if content.poster is not None:
        regions = (whole - view.without_regions()).reshape(rows, -1, len(places))
    else:
        regions = np.zeros((0, 0, len(places)))
    shares = _shares(view, whole, content)
    confidences = predictor.confidences(prepared)[0]
    return [
        Explanation(
            genre,
            float(confidences[places[n]]),
            tuple((word, span, float(w)) for (word, span, _), w in zip(spans, words[:, n], strict=True)),
            regions[:, :, n],
            shares[n],
        )
        for n, genre in enumerate(genres)
    ]


@dataclass(frozen=True, slots=True)
class _View:
    """One movie through the encoders, to be asked what the fusion says without some of it.

    Every answer is (what was left out, genres).
    """

    predictor: Predictor
    content: Content
    batch: Batch
    text: Tensor
    image: Tensor
    places: list[int]
    between: Callable[[], None]

    def without(
        self, tokens: Sequence[Sequence[int]], spans: Sequence[tuple[int, int]] = ()
    ) -> NDArray[np.float64]:
        """The genres' logits without each of these sets of tokens, and without the spans' TF-IDF terms."""
        masks = self.batch.text_mask.repeat(len(tokens), 1)
        for row, hidden in enumerate(tokens):
            masks[row, list(hidden)] = False
        texts = [_cut(self.content.plot or "", span) for span in spans] or [self.content.plot or ""] * len(
            tokens
        )
        weighed = [self.predictor.weigh(replace(self.content, plot=text)) for text in texts]

        def pass_(rows: range) -> NDArray[np.float64]:
            return self._fuse(
                self.image.expand(len(rows), -1, -1),
                self._repeated(masks[rows.start : rows.stop], weighed[rows.start : rows.stop]),
            )

        return self._in_passes(pass_, len(tokens))

    def without_regions(self) -> NDArray[np.float64]:
        """The genres' logits with each region of the poster replaced by the mean of the others."""
        count = self.image.shape[1]
        mean = (self.image.sum(1) - self.image[0]) / max(1, count - 1)
        weighed = self.predictor.weigh(self.content)

        def pass_(rows: range) -> NDArray[np.float64]:
            image = self.image.repeat(len(rows), 1, 1)
            for row, region in enumerate(rows):
                image[row, region] = mean[region]
            return self._fuse(
                image, self._repeated(self.batch.text_mask.expand(len(rows), -1), [weighed] * len(rows))
            )

        return self._in_passes(pass_, count)

    def without_part(self, part: str) -> NDArray[np.float64]:
        """The genres' logits with the whole plot, or the whole poster, missing."""
        flags = {"plot": ("has_text", self.batch.has_text), "poster": ("has_image", self.batch.has_image)}
        name, flag = flags[part]
        batch = replace(self.batch, **{name: torch.zeros_like(flag)})
        [logits] = self._in_passes(lambda _: self._fuse(self.image, batch), 1)
        return np.asarray(logits)

    def _in_passes(self, pass_: Callable[[range], NDArray[np.float64]], count: int) -> NDArray[np.float64]:
        """The answers of passes of some rows each, as many at once as the device has lanes."""
        passes = [range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
        found = []
        for first in range(0, len(passes), self.predictor.lanes):
            self.between()
            found += self.predictor.side_by_side(pass_, passes[first : first + self.predictor.lanes])
        return np.concatenate(found) if found else np.zeros((0, len(self.places)))

    def _repeated(self, masks: Tensor, weighed: Sequence[tuple[list[int], list[float]]]) -> Batch:
        """The movie as often as there are masks, each with its own TF-IDF terms."""
        n = len(weighed)
        terms, weights, offsets = (t.to(self.text.device) for t in pack_terms(weighed))
        return replace(
            self.batch, text_mask=masks, has_text=self.batch.has_text.expand(n),
            has_image=self.batch.has_image.expand(n), years=self.batch.years.expand(n),
            terms=terms, term_weights=weights, term_offsets=offsets, ids=None, posters=None,
        )  # fmt: skip

    def _fuse(self, image: Tensor, batch: Batch) -> NDArray[np.float64]:
        text = self.text.expand(len(batch), -1, -1)
        fusions = self.predictor.network.fusions
        logits = torch.stack([fusion(text, image, batch) for fusion in fusions]).mean(0)
        return np.asarray(logits[:, self.places].double().cpu().numpy())


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


def _shares(view: _View, whole: NDArray[np.float64], content: Content) -> list[dict[str, float]]:
    """Each modality's share, by genre: what the logit moves when it is missing, of what both move it."""
    if not content.plot or content.poster is None:
        one = {"plot": float(bool(content.plot)), "poster": float(content.poster is not None)}
        return [dict(one) for _ in whole]
    plot, poster = (np.abs(whole - view.without_part(part)) for part in ("plot", "poster"))
    return [
        {"plot": a / ((a + b) or 1.0), "poster": b / ((a + b) or 1.0)}
        for a, b in zip(plot.tolist(), poster.tolist(), strict=True)
    ]


def top_words(explanation: Explanation, count: int) -> list[tuple[int, int]]:
    """The spans of the words that speak most for the genre."""
    ranked = sorted(explanation.words, key=lambda word: -word[2])
    return [span for _, span, weight in ranked[:count] if weight > 0]


def delete(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text without these spans."""
    ends = [0, *(edge for span in sorted(spans) for edge in span), len(text)]
    return " ".join("".join(text[a:b] for a, b in list(pairwise(ends))[::2]).split())
