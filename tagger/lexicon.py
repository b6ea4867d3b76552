"""TF-IDF over words and word pairs: the sparse view of a movie's text, for the model's linear skip."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import log, sqrt
from typing import Any

WORD = re.compile(r"[^\W\d_]{2,}")
MAX_PAIR_WORDS = 1000


def terms(text: str) -> list[str]:
    """The lower-cased words of a text, then its pairs of neighbouring words."""
    words = WORD.findall(text.lower())[:MAX_PAIR_WORDS]
    return words + [f"{a} {b}" for a, b in pairwise(words)]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """A vocabulary and its inverse document frequencies.

    Attributes:
        index: each term's place.
        idf: the weight at each place.
    """

    index: dict[str, int]
    idf: tuple[float, ...]

    @classmethod
    def fit(cls, texts: Iterable[str], *, size: int, min_documents: int = 4) -> "Lexicon":
        """The `size` most frequent terms that occur in at least `min_documents` texts."""
        found: Counter[str] = Counter()
        total = 0
        for text in texts:
            total += 1
            found.update(set(terms(text)))
        ranked = sorted(((n, t) for t, n in found.items() if n >= min_documents), key=lambda x: (-x[0], x[1]))
        kept = sorted(ranked[:size], key=lambda x: x[1])
        idf = tuple(round(log((1 + total) / (1 + n)) + 1, 5) for n, _ in kept)
        return cls({t: i for i, (_, t) in enumerate(kept)}, idf)

    def __len__(self) -> int:
        return len(self.idf)

    def weigh(self, text: str) -> tuple[list[int], list[float]]:
        """The places of the text's known terms and their weights: (1 + log tf) · idf, to unit length."""
        counts = Counter(place for term in terms(text) if (place := self.index.get(term)) is not None)
        places = sorted(counts)
        weights = [(1 + log(counts[place])) * self.idf[place] for place in places]
        norm = sqrt(sum(w * w for w in weights)) or 1.0
        return places, [w / norm for w in weights]

    def to_json(self) -> dict[str, list[Any]]:
        """Plain lists, in the order of the places."""
        return {"terms": sorted(self.index, key=lambda term: self.index[term]), "idf": list(self.idf)}

    @classmethod
    def from_json(cls, data: dict[str, list[Any]]) -> "Lexicon":
        """The lexicon that `to_json` described.

        Raises:
            ValueError: the lists are of differing length or have the wrong types.
        """
        words, idf = list(data["terms"]), list(data["idf"])
        if len(words) != len(idf) or not all(isinstance(w, str) for w in words):
            raise ValueError("the lexicon's lists do not match")
        return cls({str(w): i for i, w in enumerate(words)}, tuple(float(v) for v in idf))
