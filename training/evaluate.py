"""Scoring an artifact on movies that it has not seen, through the same predictor that tags in production."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.content import Content
from tagger.predictor import Predictor
from training.bootstrap import interval
from training.dataset import Dataset, read_dataset
from training.features import Progress, silent
from training.metrics import (
    average_precision,
    calibration_error,
    f1_by_genre,
    f1_scores,
    mean_average_precision,
    recall_at,
    roc_auc,
)

CHUNK = 128
ERAS = ((0, 1970), (1970, 1990), (1990, 2000), (2000, 2010), (2010, 3000))
LENGTHS = ((1, 150), (150, 300), (300, 500), (500, 100_000))
FEWEST = 20


@dataclass(frozen=True, slots=True)
class Scored:
    """A dataset's predictions, all (movies, genres); decisions are -1, 0 or 1."""

    confidence: NDArray[np.float64]
    predicted: NDArray[np.bool_]
    decided: NDArray[np.int64]
    labels: NDArray[np.bool_]

    def at(self, rows: NDArray[Any]) -> "Scored":
        """Some of the movies."""
        return Scored(self.confidence[rows], self.predicted[rows], self.decided[rows], self.labels[rows])


@dataclass(frozen=True, slots=True)
class Report:
    """An evaluation: `data` is what `to_json` gives, `scored` the predictions it was made from."""

    data: dict[str, Any]
    scored: Scored
    genres: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The scores by name, those of `summary` first."""
        return self.data


def evaluate(
    artifact_dir: Path,
    dataset_dir: Path,
    *,
    device: str = "cpu",
    patterns: bool = True,
    draws: int = 300,
    baselines: Path | None = None,
    checks: bool = False,
    progress: Progress = silent,
) -> Report:
    """Score an artifact on a dataset.

    Args:
        artifact_dir: the artifact's folder.
        dataset_dir: see `training.dataset.read_dataset`.
        device: `cpu` or `cuda:N`.
        patterns: also score with the poster hidden and with the plot hidden.
        draws: of the bootstrap.
        baselines: a dataset to train the simple baselines on, for the table beside the scores.
        checks: also measure what posters add, what shuffled ones do, and whether explanations hold.
        progress: told of each stage.

    Raises:
        ArtifactError: the artifact cannot be used.
        DatasetError: the dataset cannot be used, or has genres that the artifact does not know.
    """
    predictor = Predictor.load(artifact_dir, device)
    dataset = read_dataset(dataset_dir)
    labels = dataset.labels(predictor.genres)
    scored = score(predictor, dataset, labels, progress=progress, stage="movies")
    contents = [movie.content for movie in dataset.movies]
    data: dict[str, Any] = {
        **summary(scored),
        "movies": len(dataset),
        "artifact": {"version": predictor.version, "sha256": predictor.sha256},
        "dataset": {"sha256": dataset.sha256, "source": dataset.source},
        "intervals": intervals(scored, draws),
        "bands": band_scores(scored),
        "recall_at": {str(k): recall_at(scored.confidence, labels, k) for k in (1, 2, 3, 5)},
        "genres": genre_table(scored, predictor.genres, draws),
        "by_era": _sliced(scored, ERAS, np.array([c.year or -1 for c in contents])),
        "by_plot_length": _sliced(scored, LENGTHS, np.array([len(c.plot or "") for c in contents])),
        "reliability": reliability(scored),
        "risk_coverage": risk_coverage(scored),
    }
    if patterns:
        data["by_pattern"] = {"as_given": {**summary(scored), "bands": band_scores(scored)}}
        for name, hide in HIDDEN.items():
            shown = score(predictor, dataset, labels, hide=hide, progress=progress, stage=f"movies, {name}")
            data["by_pattern"][name] = {**summary(shown), "bands": band_scores(shown)}
    if baselines is not None:
        from training.baselines import baseline_scores

        data["baselines"] = baseline_scores(baselines, dataset, predictor.genres, progress)
    if checks:
        from training.checks import check

        data["checks"] = check(predictor, dataset, scored, draws=draws, progress=progress)
    return Report(data, scored, predictor.genres)


HIDDEN: dict[str, Callable[[Content], Content]] = {
    "plot_only": lambda content: replace(content, poster=None),
    "poster_only": lambda content: replace(content, plot=None),
}


def score(
    predictor: Predictor,
    dataset: Dataset,
    labels: NDArray[np.bool_],
    *,
    hide: Callable[[Content], Content] = lambda content: content,
    progress: Progress = silent,
    stage: str = "movies",
) -> Scored:
    """Predict every movie; with `hide`, those that have nothing left are the prior."""
    confidence, predicted, decided = [], [], []
    for start in range(0, len(dataset), CHUNK):
        rows = range(start, min(start + CHUNK, len(dataset)))
        for prediction in predictor.predict([hide(dataset.content(row)) for row in rows]):
            confidence.append(prediction.confidence)
            predicted.append(prediction.predicted)
            decided.append([{"accepted": 1, "rejected": -1}.get(word, 0) for word in prediction.decision])
        progress(stage, rows.stop, len(dataset), "")
    return Scored(np.array(confidence, dtype=np.float64), np.array(predicted), np.array(decided), labels)


def summary(scored: Scored) -> dict[str, float]:
    """The scores that stand at the top."""
    p, y = scored.confidence, scored.labels
    return {
        "map": mean_average_precision(p, y),
        **f1_scores(scored.predicted, y),
        "roc_auc": float(np.nanmean(roc_auc(p, y))),
        "ece": calibration_error(p, y),
    }


def intervals(scored: Scored, draws: int) -> dict[str, list[float]]:
    """The 95 % bootstrap interval of mAP and the F1 scores."""
    names = ("map", *f1_scores(scored.predicted, scored.labels))

    def drawn(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        part = scored.at(rows)
        f1 = f1_scores(part.predicted, part.labels)
        return np.array([mean_average_precision(part.confidence, part.labels), *f1.values()])

    low, high = interval(drawn, len(scored.labels), draws=draws)
    return {name: [float(a), float(b)] for name, a, b in zip(names, low, high, strict=True)}


def band_scores(scored: Scored) -> dict[str, Any]:
    """How right the decisions are, and how many pairs of movie and genre they cover."""
    up, down, y = scored.decided > 0, scored.decided < 0, scored.labels
    return {
        "accepted": {
            "precision": _share(y[up]), "pairs": int(up.sum()), "coverage": float(up.mean()),
            "recall": float((up & y).sum() / max(1, y.sum())), "movies": float(up.any(axis=1).mean()),
        },
        "rejected": {
            "negative_value": _share(~y[down]), "pairs": int(down.sum()), "coverage": float(down.mean()),
        },
        "review": {"pairs": int((~up & ~down).sum()), "coverage": float((~up & ~down).mean())},
    }  # fmt: skip


def genre_table(scored: Scored, genres: Sequence[str], draws: int) -> dict[str, dict[str, Any]]:
    """Each genre's scores, AP and F1 with bootstrap intervals."""
    p, y = scored.confidence, scored.labels
    points = np.stack([average_precision(p, y), f1_by_genre(scored.predicted, y)])
    areas = roc_auc(p, y)
    guessed = scored.predicted
    low, high = interval(
        lambda rows: np.stack([average_precision(p[rows], y[rows]), f1_by_genre(guessed[rows], y[rows])]),
        len(y), draws=draws,
    )  # fmt: skip
    table = {}
    for g, genre in enumerate(genres):
        up, down = scored.decided[:, g] > 0, scored.decided[:, g] < 0
        table[genre] = {
            "movies": int(y[:, g].sum()),
            "ap": _plain(points[0, g]), "ap_interval": [_plain(low[0, g]), _plain(high[0, g])],
            "f1": _plain(points[1, g]), "f1_interval": [_plain(low[1, g]), _plain(high[1, g])],
            "roc_auc": _plain(areas[g]),
            "accepted": int(up.sum()), "accepted_precision": _share(y[up, g]),
            "rejected": int(down.sum()), "rejected_negative_value": _share(~y[down, g]),
        }  # fmt: skip
    return table


def reliability(scored: Scored, bins: int = 10) -> list[dict[str, float]]:
    """The reliability diagram: mean confidence and share of positives in each bin."""
    p, y = scored.confidence.reshape(-1), scored.labels.reshape(-1)
    which = np.minimum((p * bins).astype(int), bins - 1)
    return [
        {
            "confidence": float(p[which == b].mean()),
            "share": float(y[which == b].mean()),
            "pairs": int((which == b).sum()),
        }
        for b in range(bins)
        if (which == b).any()
    ]


def risk_coverage(scored: Scored, points: int = 40) -> list[dict[str, float]]:
    """The error of the best guesses when only the surest share of pairs is answered."""
    sure = np.abs(scored.confidence - 0.5).reshape(-1)
    wrong = ((scored.confidence >= 0.5) != scored.labels).reshape(-1)[np.argsort(-sure, kind="stable")]
    risk = np.cumsum(wrong) / np.arange(1, len(wrong) + 1)
    ends = np.linspace(0, len(wrong) - 1, points + 1).astype(int)[1:]
    return [{"coverage": float((end + 1) / len(wrong)), "risk": float(risk[end])} for end in ends]


def _sliced(
    scored: Scored, edges: Sequence[tuple[int, int]], values: NDArray[Any]
) -> dict[str, dict[str, float]]:
    found = {}
    for low, high in edges:
        rows = np.flatnonzero((values >= low) & (values < high))
        if len(rows) >= FEWEST:
            name = f"{low}-{high - 1}" if high < 3000 else f"{low}+"
            found[name] = {**summary(scored.at(rows)), "movies": len(rows)}
    return found


def _share(true: NDArray[np.bool_]) -> float | None:
    return float(true.mean()) if true.size else None


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
