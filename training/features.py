"""A dataset as the network's trunks see it: cached states, TF-IDF terms and years, and batches of them."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tagger.batch import Batch, pack_terms, pad_ids
from tagger.content import Content
from tagger.model import Network
from tagger.prepare import Preparer, decode, years_of
from training.cache import Half, Pack
from training.dataset import Dataset

Progress = Callable[[str, int, int, str], None]
"""Called with a stage's name, how much of it is done, of how much, and a note."""


def silent(stage: str, done: int, total: int, note: str = "") -> None:
    """A `Progress` that says nothing."""


@dataclass(slots=True)
class Features:
    """The inputs of every movie of a dataset; vectors stay on disk until a batch wants them."""

    text: Pack
    image: Pack
    text_keys: list[str]
    image_keys: list[str]
    lengths: np.ndarray
    terms: list[tuple[list[int], list[float]]]
    years: Tensor
    map_shape: tuple[int, int, int]

    def batch(self, rows: Sequence[int], *, mirrored: Sequence[bool] | None = None) -> Batch:
        """The movies at these rows, padded to the longest."""
        longest = max(1, int(self.lengths[list(rows)].max()))
        states = torch.zeros(len(rows), longest, self.text.width)
        _, mask = pad_ids([[1] * int(self.lengths[row]) for row in rows], longest)
        channels, height, width = self.map_shape
        images = torch.zeros(len(rows), channels, height, width)
        for place, row in enumerate(rows):
            if self.text_keys[row]:
                states[place, : self.lengths[row]] = _tensor(self.text[self.text_keys[row]])
            if self.image_keys[row]:
                key = self.image_keys[row] + ("m" if mirrored is not None and mirrored[place] else "")
                images[place] = _tensor(self.image[key]).T.reshape(channels, height, width)
        terms, weights, offsets = pack_terms([self.terms[row] for row in rows])
        return Batch(
            ids=None,
            text_mask=mask,
            posters=None,
            has_text=torch.tensor([bool(self.text_keys[row]) for row in rows]),
            has_image=torch.tensor([bool(self.image_keys[row]) for row in rows]),
            years=self.years[list(rows)],
            terms=terms,
            term_weights=weights,
            term_offsets=offsets,
            text_states=states,
            image_states=images.contiguous(memory_format=torch.channels_last),
        )


def extract(
    dataset: Dataset,
    network: Network,
    preparer: Preparer,
    cache: Path,
    *,
    precision: str = "bf16",
    mirror: bool = False,
    progress: Progress = silent,
) -> Features:
    """Run the frozen trunks over the dataset, or take from the cache what it has."""
    config = network.config
    text = Pack(cache, {"trunk": network.text.weights.sha256, "blocks": len(network.text.trunk_blocks),
                        "tokens": config.max_tokens, "title": config.use_title, "precision": precision},
                network.text.width)  # fmt: skip
    with torch.inference_mode():
        probe = network.image.trunk(torch.zeros(1, *config.poster_size, 3, dtype=torch.uint8))
    shape = (int(probe.shape[1]), int(probe.shape[2]), int(probe.shape[3]))
    image = Pack(cache, {"trunk": network.image.weights.sha256, "blocks": len(network.image.trunk_blocks),
                         "size": config.poster_size, "detail": config.poster_detail, "precision": precision},
                 shape[0])  # fmt: skip

    contents = [movie.content for movie in dataset.movies]
    ids = preparer.token_ids(contents)
    text_keys = [content_key(dataset, row, text=True) for row in range(len(dataset))]
    image_keys = [content_key(dataset, row, text=False) for row in range(len(dataset))]
    _fill_text(text, text_keys, ids, network, precision, progress)
    _fill_images(image, image_keys, dataset, network, preparer, precision, mirror, progress)
    image_keys = [key if key and len(image[key]) else "" for key in image_keys]
    return Features(
        text, image, text_keys, image_keys, np.array([len(movie) for movie in ids]),
        [preparer.weigh(c) for c in contents], years_of(contents), shape,
    )  # fmt: skip


def _fill_text(
    pack: Pack, keys: list[str], ids: list[list[int]], network: Network, precision: str, progress: Progress
) -> None:
    rows = sorted((row for row, key in enumerate(keys) if key), key=lambda row: len(ids[row]))
    done = 0

    def make(part: list[int]) -> list[Half]:
        nonlocal done
        movies = [ids[rows[place]] for place in part]
        padded, mask = pad_ids(movies, max(len(movie) for movie in movies))
        with torch.inference_mode(), autocast(precision):
            states = network.text.trunk(padded, mask).half().numpy()
        done += len(part)
        progress("texts", done, len(rows), "")
        return [states[place, : len(movie)] for place, movie in enumerate(movies)]

    pack.fill([keys[row] for row in rows], make)


def _fill_images(
    pack: Pack, keys: list[str], dataset: Dataset, network: Network, preparer: Preparer,
    precision: str, mirror: bool, progress: Progress,
) -> None:  # fmt: skip
    """Fill the pack; a poster that is refused has no vectors."""
    wanted = [(key, row, False) for row, key in enumerate(keys) if key]
    wanted += [(f"{key}m", row, True) for key, row, _ in wanted if mirror]
    done = 0

    def make(part: list[int]) -> list[Half]:
        nonlocal done
        height, width = network.config.poster_size
        posters = np.zeros((len(part), height, width, 3), dtype=np.uint8)
        there = np.ones(len(part), dtype=np.bool_)
        for place, item in enumerate(part):
            _, row, mirrored = wanted[item]
            content: Content = dataset.content(row)
            if content.poster is None:
                there[place] = False
                continue
            pixels = decode(content.poster, preparer.config)
            posters[place] = pixels[:, ::-1] if mirrored else pixels
        with torch.inference_mode(), autocast(precision):
            maps = network.image.trunk(torch.from_numpy(posters)).half()
        done += len(part)
        progress("posters", done, len(wanted), "")
        return [
            array.T[: len(array.T) * kept] for array, kept in zip(maps.flatten(2).numpy(), there, strict=True)
        ]

    pack.fill([key for key, _, _ in wanted], make)


def autocast(precision: str) -> torch.autocast:
    """The forward pass's arithmetic in training and in feature extraction."""
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16")


def content_key(dataset: Dataset, row: int, *, text: bool) -> str:
    """The hash of a movie's text (title and plot) or of its poster's bytes; empty where it has none."""
    movie = dataset.movies[row]
    if text:
        return _hash(f"{movie.content.title}\0{movie.content.plot}".encode()) if movie.content.plot else ""
    return _hash(movie.poster.read()) if movie.poster else ""


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:40]


def _tensor(vectors: Half) -> Tensor:
    return torch.from_numpy(vectors.astype(np.float32))
