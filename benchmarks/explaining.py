"""How long an explanation takes, how long a movie that comes meanwhile waits for it, and how good neighbours are.

    python -m benchmarks.explaining --dataset ../shared/data/val.jsonl [--movies 40] [--library 600] [--json]

As in a tag worker: one torch thread in each of as many lanes as there are cores, fp32 on a CPU. A movie that comes
meanwhile waits until the passes on the device are through; that is the longest time between two moments at which
the device is given back. Neighbours are judged by their genres: shared ones ÷ all of both, of the six nearest among
`--library` movies, and of six drawn at random.
"""

import argparse
import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.machine import describe_machine
from tagger.artifact import default_path
from tagger.embed import embed
from tagger.explain import explain_all
from tagger.predictor import Predictor
from training.dataset import Dataset, read_dataset
from worker.neighbours import CHUNK, NEAREST, NEWEST


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--movies", type=int, default=40)
    parser.add_argument("--library", type=int, default=600)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    lanes = 1 if arguments.device.startswith("cuda") else os.cpu_count() or 1
    predictor = Predictor.load(default_path(), arguments.device, lanes=lanes)
    dataset = read_dataset(arguments.dataset)
    rows = np.random.default_rng(0).permutation(len(dataset))
    found = {
        "machine": describe_machine(),
        "device": arguments.device,
        "lanes": lanes,
        **explaining(predictor, dataset, rows[: arguments.movies]),
        **neighbours(predictor, dataset, rows[: arguments.library]),
    }
    if arguments.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:42} {value}")


def explaining(predictor: Predictor, dataset: Dataset, rows: NDArray[np.int64]) -> dict[str, Any]:
    """Milliseconds for one genre and for all of a movie, and of the longest hold of the device."""
    one, every, holds, words, processor = [], [], [], [], []
    for row in rows:
        content = dataset.content(int(row))
        if not content.plot and content.poster is None:
            continue
        start, spent = time.perf_counter(), time.process_time()
        [made] = explain_all(predictor, content, predictor.genres[:1])
        one.append(time.perf_counter() - start)
        processor.append(time.process_time() - spent)
        words.append(len(made.words))
        moments = [time.perf_counter()]
        explain_all(
            predictor, content, predictor.genres, between=lambda m=moments: m.append(time.perf_counter())
        )
        moments.append(time.perf_counter())
        every.append(moments[-1] - moments[0])
        holds += np.diff(moments).tolist()
    return {
        "movies, words of a plot, median": (len(one), statistics.median(words)),
        "one genre, ms, p50 / p95": _ms(one),
        "one genre, processor ms of all lanes": _ms(processor),
        f"all {len(predictor.genres)} genres, ms, p50 / p95": _ms(every),
        "a movie waits for the device, ms, p50 / p95": _ms(holds),
    }


def neighbours(predictor: Predictor, dataset: Dataset, rows: NDArray[np.int64]) -> dict[str, Any]:
    """Movies a second into vectors, milliseconds of a search, and how like the nearest are."""
    contents = [dataset.content(int(row)) for row in rows]
    start = time.perf_counter()
    vectors = np.concatenate(
        [embed(predictor, contents[at : at + CHUNK]) for at in range(0, len(contents), CHUNK)]
    )
    seconds = time.perf_counter() - start
    labels = dataset.labels(predictor.genres)[rows]
    cosine = vectors @ vectors.T
    np.fill_diagonal(cosine, -1)
    drawn = np.random.default_rng(1).integers(0, len(rows), (len(rows), NEAREST))
    library = np.random.default_rng(2).standard_normal((NEWEST, vectors.shape[1]), dtype=np.float32)
    searches = []
    for vector in vectors[:20]:
        start = time.perf_counter()
        np.argpartition(-(library @ vector), NEAREST)
        searches.append(time.perf_counter() - start)
    return {
        "vector's width": vectors.shape[1],
        f"vectors, movies a second, {CHUNK} at a time": round(len(contents) / seconds, 1),
        f"search of {NEWEST} movies, ms, p50 / p95": _ms(searches),
        f"genres shared with the {NEAREST} nearest of {len(rows)}": _shared(
            labels, np.argsort(-cosine, axis=1)[:, :NEAREST]
        ),
        f"genres shared with {NEAREST} at random": _shared(labels, drawn),
    }


def _shared(labels: NDArray[np.bool_], others: NDArray[np.int64]) -> float:
    both = (labels[:, None] & labels[others]).sum(-1)
    either = (labels[:, None] | labels[others]).sum(-1)
    return round(float((both / np.maximum(either, 1)).mean()), 3)


def _ms(seconds: list[float]) -> str:
    return f"{1000 * np.quantile(seconds, 0.5):.0f} / {1000 * np.quantile(seconds, 0.95):.0f}"


if __name__ == "__main__":
    main()
