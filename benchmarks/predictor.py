"""How fast the predictor is beside a bare loop of its encoders, and what each optimisation gave.

    python -m benchmarks.predictor --dataset DIR [--movies 256] [--threads 2] [--json] [--scores]

The bare loop tokenises in the loop, pads a batch of 64 to its longest text, and runs the published encoders'
own forward passes on posters that are already arrays: no fusion, TF-IDF, calibration or decisions. Each
row is the median of several rounds, taken in turns so that a busy machine slows all of them alike.

With `--scores` nothing is timed: the whole dataset is predicted in fp32 and in bf16, and the scores of both are
printed, with what bf16 moves.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tagger.artifact import default_path
from tagger.batch import pad_ids
from tagger.content import Content
from tagger.encoders import load_image_encoder, load_text_encoder
from tagger.predictor import Predictor
from tagger.prepare import decode
from training.checks import gain
from training.dataset import Dataset, read_dataset
from training.evaluate import Scored, score, summary

BATCH = 64


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--artifact", type=Path, default=default_path())
    parser.add_argument("--movies", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--scores", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    predictor = Predictor.load(arguments.artifact)
    dataset = read_dataset(arguments.dataset)
    if arguments.scores:
        print_scores(predictor, dataset)
        return
    movies = [dataset.content(row) for row in range(min(arguments.movies, len(dataset)))]
    ways = ways_of(predictor, movies)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
    rates = {name: len(movies) / statistics.median(times) for name, times in seconds.items()}
    bare = rates["bare loop of the encoders"]
    if arguments.json:
        print(json.dumps({"movies": len(movies), "threads": arguments.threads, "movies_per_second": rates}))
        return
    print(f"{len(movies)} movies, batches of {BATCH}, {arguments.threads} threads")
    for name, rate in rates.items():
        print(f"{rate:8.1f} movies/s  {rate / bare:5.2f} ×  {name}")


def print_scores(predictor: Predictor, dataset: Dataset) -> None:
    """The scores in fp32 and in bf16, the paired difference of mAP, and what moved; one JSON object a line."""
    labels = dataset.labels(predictor.genres)
    found: dict[str, Scored] = {}
    for precision in ("fp32", "bf16"):
        predictor.precision = precision
        found[precision] = score(predictor, dataset, labels)
        told = {name: round(value, 4) for name, value in summary(found[precision]).items()}
        print(json.dumps({"precision": precision, **told}), flush=True)
    predictor.precision = "fp32"
    full, short = found["fp32"], found["bf16"]
    moved = np.abs(full.confidence - short.confidence)
    print(json.dumps({
        "bf16_adds": gain(short, full, 300),
        "confidence_moves": {"mean": round(float(moved.mean()), 5), "most": round(float(moved.max()), 5)},
        "guesses_that_differ": round(float((full.predicted != short.predicted).mean()), 5),
        "decisions_that_differ": round(float((full.decided != short.decided).mean()), 5),
    }))  # fmt: skip


def batches(movies: list[Content]) -> Iterator[list[Content]]:
    for start in range(0, len(movies), BATCH):
        yield movies[start : start + BATCH]


def ways_of(predictor: Predictor, movies: list[Content]) -> dict[str, Callable[[], Any]]:
    """What is timed, by name."""
    config = predictor.artifact.config
    pixels = np.stack([decode(m.poster, config) if m.poster else np.zeros((*config.poster_size, 3), np.uint8)
                       for m in movies])  # fmt: skip
    text, image = predictor.network.text, predictor.network.image
    published = load_text_encoder(text.weights), published_image(image.weights.name, image.weights.file)
    folded = load_image_encoder(image.weights)
    tokenizer = predictor._preparer.tokenizer

    def bare() -> None:
        encoder, lite = published
        with torch.no_grad():
            for start, part in enumerate(batches(movies)):
                ids = tokenizer([(m.title, m.plot or "") for m in part])
                padded, mask = pad_ids(ids, max(len(movie) for movie in ids))
                encoder(padded, mask)
                posters = torch.from_numpy(pixels[start * BATCH : start * BATCH + len(part)])
                lite((posters.permute(0, 3, 1, 2).contiguous().float() - 127) / 128)

    def images(encoder: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[], None]:
        def run() -> None:
            with torch.inference_mode():
                for start in range(0, len(pixels), BATCH):
                    encoder(torch.from_numpy(pixels[start : start + BATCH]))

        return run

    def published_on_uint8(posters: torch.Tensor) -> torch.Tensor:
        return published[1]((posters.permute(0, 3, 1, 2).contiguous().float() - 127) / 128)

    def texts(step: int | None) -> Callable[[], None]:
        def run() -> None:
            with torch.inference_mode():
                for part in batches(movies):
                    ids = sorted(tokenizer([(m.title, m.plot or "") for m in part]), key=len)
                    for group in grouped(ids, step):
                        longest = max(len(movie) for movie in group)
                        length = longest if step is None else -(-longest // step) * step
                        published[0](*pad_ids(group, length))

        return run

    def whole(precision: str) -> Callable[[], None]:
        def run() -> None:
            predictor.precision = precision
            for part in batches(movies):
                predictor.predict(part)
            predictor.precision = "fp32"

        return run

    prepared = [predictor.prepare(part) for part in batches(movies)]
    return {
        "bare loop of the encoders": bare,
        "predictor, decoding and all": whole("fp32"),
        "predictor, posters and texts prepared beside": lambda: [predictor.predict(p) for p in prepared],
        "predictor, bf16": whole("bf16"),
        "prepare alone: decode, tokenise, TF-IDF": lambda: [predictor.prepare(p) for p in batches(movies)],
        "poster: as published": images(published_on_uint8),
        "poster: batch norms folded, channels last": images(folded),
        "text: padded to the batch's longest": texts(None),
        "text: grouped by length, steps of 16": texts(16),
        "text: grouped by length, steps of 64": texts(64),
    }


def grouped(ids: list[list[int]], step: int | None) -> list[list[list[int]]]:
    """The texts in groups of one padded length; all in one where there is no step."""
    if step is None:
        return [ids]
    groups: dict[int, list[list[int]]] = {}
    for movie in ids:
        groups.setdefault(-(-len(movie) // step), []).append(movie)
    return list(groups.values())


def published_image(name: str, file: Path) -> Callable[[torch.Tensor], torch.Tensor]:
    """The image encoder's own code, as its authors' package has it."""
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name(name, image_size=224).eval()
    network.load_state_dict(torch.load(file, weights_only=True))
    return network.extract_features


if __name__ == "__main__":
    main()
