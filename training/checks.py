"""Does the model use what it should? Posters earn their place, shuffled posters do not, explanations hold.

Each check compares the model with itself on the same movies: its intervals are of paired differences.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from tagger.content import Content
from tagger.explain import delete, explain, top_words
from tagger.predictor import Predictor
from training.bootstrap import interval
from training.dataset import Dataset
from training.evaluate import HIDDEN, Scored, score
from training.features import Progress, silent
from training.metrics import mean_average_precision

WORDS = 3
FEWEST = 12


def check(
    predictor: Predictor,
    dataset: Dataset,
    scored: Scored,
    *,
    explained: int = 60,
    draws: int = 500,
    progress: Progress = silent,
) -> dict[str, Any]:
    """What posters add, what shuffled posters add, and whether explanations survive deletion."""
    labels = scored.labels
    plots = score(
        predictor, dataset, labels, hide=HIDDEN["plot_only"], progress=progress, stage="without posters"
    )
    strange = score(predictor, Shuffled(dataset), labels, progress=progress, stage="with shuffled posters")
    return {
        "posters_add": gain(scored, plots, draws),
        "shuffled_posters_add": gain(strange, plots, draws),
        "deletion": deletion(predictor, dataset, scored, explained, progress),
    }


class Shuffled(Dataset):
    """The same movies, each with another one's poster."""

    def __init__(self, dataset: Dataset, seed: int = 0) -> None:
        order = np.random.default_rng(seed).permutation(len(dataset))
        movies = tuple(
            replace(movie, poster=dataset.movies[int(other)].poster)
            for movie, other in zip(dataset.movies, order, strict=True)
        )
        super().__init__(movies, dataset.source)


def gain(more: Scored, less: Scored, draws: int) -> dict[str, Any]:
    """The difference of two mAPs on the same movies, with its paired bootstrap interval."""

    def difference(rows: NDArray[Any]) -> NDArray[np.float64]:
        one, other = more.at(rows), less.at(rows)
        first = mean_average_precision(one.confidence, one.labels)
        return np.array([first - mean_average_precision(other.confidence, other.labels)])

    low, high = interval(difference, len(more.labels), draws=draws)
    whole = difference(np.arange(len(more.labels)))
    return {"map": float(whole[0]), "interval": [float(low[0]), float(high[0])]}


def deletion(
    predictor: Predictor, dataset: Dataset, scored: Scored, movies: int, progress: Progress = silent
) -> dict[str, Any]:
    """What a genre's log-odds lose when the words that explain it go, and when as many others go at random.

    Words are deleted from the plot itself, which then runs through the whole model again.
    """
    random = np.random.default_rng(0)
    top, others = [], []
    for row, genre in _sure(dataset, scored, movies):
        content = dataset.content(row)
        found = explain(predictor, content, predictor.genres[genre])
        spans = top_words(found, WORDS)
        rest = [span for _, span, _ in found.words if span not in spans]
        if len(spans) < WORDS or len(rest) < FEWEST:
            continue
        drawn = [[rest[i] for i in random.choice(len(rest), WORDS, replace=False)] for _ in range(3)]
        whole, without, *randoms = _log_odds(predictor, content, genre, [[], spans, *drawn])
        top.append(whole - without)
        others.append(whole - float(np.mean(randoms)))
        progress("explanations", len(top), movies, "")
    if not top:
        return {"words": WORDS, "movies": 0}
    differences = np.array(top) - np.array(others)
    low, high = interval(lambda rows: differences[rows].mean(keepdims=True), len(top), draws=500)
    return {
        "words": WORDS,
        "movies": len(top),
        "top_words_drop": float(np.mean(top)),
        "random_words_drop": float(np.mean(others)),
        "difference_interval": [float(low[0]), float(high[0])],
        "top_drops_more": float((differences > 0).mean()),
    }


def _sure(dataset: Dataset, scored: Scored, movies: int) -> Iterator[tuple[int, int]]:
    """Movies with a plot and their most confident right genre, in the dataset's order."""
    found = 0
    for row, movie in enumerate(dataset.movies):
        genre = int(np.argmax(scored.confidence[row] * scored.labels[row]))
        if movie.content.plot and scored.labels[row, genre] and scored.confidence[row, genre] > 0.3:
            yield row, genre
            found += 1
            if found >= movies:
                return


def _log_odds(
    predictor: Predictor, content: Content, genre: int, deletions: Sequence[Sequence[tuple[int, int]]]
) -> list[float]:
    shortened = [replace(content, plot=delete(content.plot or "", spans)) for spans in deletions]
    confidences = [found.confidence[genre] for found in predictor.predict(shortened)]
    return [float(logit(np.clip(p, 1e-5, 1 - 1e-5))) for p in confidences]
