"""What each part of the default recipe is worth: variants trained alike, scored on movies that none of them saw.

    python -m benchmarks.ablations --dataset DIR [--variants plots posters shuffled] [--epochs 4] [--jobs 2]

Every variant trains on the same parts of the dataset as the recipe's first fold and is scored on the part left out:
with plot and poster, with the plot alone and with the poster alone. Beside each mAP stand the mean area under the
ROC curve and the mAP of scores drawn at random: where labels were shuffled, nothing else may be left.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tagger.patterns import PATTERNS
from training.build import build, fit_lexicon
from training.cache import default_cache
from training.dataset import TRAIN, read_dataset
from training.features import extract
from training.jobs import Job, run_jobs
from training.metrics import mean_average_precision, roc_auc
from training.recipe import Recipe
from training.train import fold_of

VARIANTS: dict[str, dict[str, Any]] = {
    "recipe": {},
    "plots": {"drop_poster": 1.0, "drop_plot": 0.0},
    "posters": {"drop_plot": 1.0, "drop_poster": 0.0},
    "shuffled": {"epochs": 1},
    "no-tfidf": {"term_rate": 0.0, "term_share": 0.0},
    "no-regression": {"term_share": 0.0},
    "no-year": {"drop_year": 1.0},
    "no-average": {"average": 0.0},
    "smoothing": {"smoothing": 0.05},
}
"""Changes of the default recipe, by name. In `shuffled` each movie trains on another movie's labels."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument(
        "--variants", nargs="+", choices=list(VARIANTS), default=["recipe", "plots", "posters"]
    )
    parser.add_argument("--epochs", type=int, default=Recipe().epochs)
    parser.add_argument("--cache", type=Path, default=None)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    recipe = Recipe(epochs=arguments.epochs)
    dataset = read_dataset(arguments.dataset, purpose=TRAIN)
    labels = dataset.labels(dataset.genres)
    lexicon = fit_lexicon((movie.content for movie in dataset.movies), recipe)
    network, preparer = build(recipe, dataset.genres, lexicon)
    features = extract(
        dataset, network, preparer, arguments.cache or default_cache(), precision=recipe.precision
    )
    part = fold_of(len(dataset), recipe.folds, recipe.seed)
    inside, outside = (tuple(np.flatnonzero(chosen).tolist()) for chosen in (part != 0, part == 0))
    strange = labels[np.random.default_rng(0).permutation(len(labels))]
    jobs = [
        Job(
            name,
            replace(recipe, **VARIANTS[name]),
            dataset.genres,
            lexicon,
            features,
            strange if name == "shuffled" else labels,
            inside,
            outside,
        )
        for name in arguments.variants
    ]
    truth = labels[list(outside)]
    blind = np.random.default_rng(0).random((20, *truth.shape))
    print(json.dumps({
        "movies": len(outside), "prevalence": round(float(truth.mean()), 4),
        "random_scores": round(float(np.mean([mean_average_precision(p, truth) for p in blind])), 4),
    }))  # fmt: skip
    for job, found in zip(jobs, run_jobs(jobs, arguments.jobs, lambda *_: None), strict=True):
        scores = {
            p: round(mean_average_precision(z, truth), 4) for p, z in zip(PATTERNS, found.logits, strict=True)
        }
        areas = {p: round(float(np.nanmean(roc_auc(z, truth))), 4)
                 for p, z in zip(PATTERNS, found.logits, strict=True)}  # fmt: skip
        print(json.dumps({"variant": job.name, "map": scores, "roc_auc": areas}), flush=True)


if __name__ == "__main__":
    main()
