"""The training loop: batches of movies of like length, modality dropout, AdamW, averaged weights."""

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from tagger.batch import Batch
from tagger.model import Network
from training.errors import DivergedError
from training.features import Features, Progress, autocast, silent
from training.recipe import Recipe

TRIM_EVERY = 8
POOL = 16
"""Batches among which movies are sorted by length: less padding, still in random order."""


def fit(
    network: Network,
    features: Features,
    labels: NDArray[np.bool_],
    rows: Sequence[int],
    recipe: Recipe,
    progress: Progress = silent,
) -> Network:
    """Train the network's own weights on the movies at `rows` and leave it in evaluation mode.

    Raises:
        DivergedError: the loss is no number.
    """
    random = np.random.default_rng(recipe.seed)
    torch.manual_seed(recipe.seed)
    groups = parameter_groups(network, recipe)
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), eps=1e-6)
    steps = recipe.epochs * -(-len(rows) // recipe.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_at(step, steps, recipe.warm_up))
    average = Average(network, recipe.average)
    targets = torch.from_numpy(labels.astype(np.float32))
    network.train()
    step, running = 0, 0.0
    for _ in range(recipe.epochs):
        for part in batches(rows, features.lengths, recipe.batch_size, random):
            mirrored = (random.random(len(part)) < 0.5).tolist() if recipe.flip else None
            batch = hide(features.batch(part, mirrored=mirrored), recipe, random)
            loss = _loss(network, batch, targets[part], recipe)
            if not torch.isfinite(loss):
                raise DivergedError(
                    f"The loss is no number at step {step}.", mend="Lower the learning rates."
                )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            average.update(step)
            step += 1
            if step % TRIM_EVERY == 0:
                give_back()
            value = loss.item()
            running = value if step == 1 else running + 0.02 * (value - running)
            progress("training", step, steps, f"loss {running:.4f}")
    average.restore()
    return network.eval()


def _loss(network: Network, batch: Batch, target: Tensor, recipe: Recipe) -> Tensor:
    with autocast(recipe.precision):
        logits = network.member_logits(batch).float()
    target = target * (1 - recipe.smoothing) + recipe.smoothing / 2
    return F.binary_cross_entropy_with_logits(logits, target.expand_as(logits))


def parameter_groups(network: Network, recipe: Recipe) -> list[dict[str, object]]:
    """AdamW's groups: tails, TF-IDF terms, vectors without decay, and the rest."""
    tails, terms, plain, matrices = [], [], [], []
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        if "tail_blocks" in name:
            tails.append(parameter)
        elif ".terms." in name:
            terms.append(parameter)
        elif parameter.ndim < 2 or name.endswith((".missing", ".modality", ".place", ".queries", ".out")):
            plain.append(parameter)
        else:
            matrices.append(parameter)
    groups = (
        (tails, recipe.tail_rate, recipe.weight_decay),
        (terms, recipe.term_rate, recipe.term_decay),
        (plain, recipe.rate, 0.0),
        (matrices, recipe.rate, recipe.weight_decay),
    )
    return [{"params": p, "lr": rate, "weight_decay": decay} for p, rate, decay in groups if p]


def rate_at(step: int, steps: int, warm_up: float) -> float:
    """The share of the full learning rate: up in a line, down as a cosine."""
    rise = max(1, round(steps * warm_up))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + float(np.cos(np.pi * (step - rise) / max(1, steps - rise))))


def batches(
    rows: Sequence[int], lengths: NDArray[np.int64], size: int, random: np.random.Generator
) -> Iterator[list[int]]:
    """Every row once, in random batches of movies of like length."""
    order = random.permutation(np.asarray(rows))
    made: list[list[int]] = []
    for start in range(0, len(order), size * POOL):
        pool = order[start : start + size * POOL]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        made += [pool[i : i + size].tolist() for i in range(0, len(pool), size)]
    return (made[i] for i in random.permutation(len(made)))


def hide(batch: Batch, recipe: Recipe, random: np.random.Generator) -> Batch:
    """Modality dropout: hide plots, posters and years at random, never both plot and poster."""
    draw = random.random(len(batch))
    plot = torch.from_numpy(draw < recipe.drop_plot) & batch.has_image
    poster = torch.from_numpy(draw > 1 - recipe.drop_poster) & batch.has_text
    year = torch.from_numpy(random.random(len(batch)) < recipe.drop_year)
    return replace(
        batch,
        has_text=batch.has_text & ~plot,
        has_image=batch.has_image & ~poster,
        years=torch.where(year, torch.nan, batch.years),
    )


def give_back() -> None:
    """Hand freed memory back to the system: batches of ever new shapes leave glibc's heap full of holes."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class Average:
    """A running average of the trained weights, which is what is kept (Polyak and Juditsky, 1992)."""

    def __init__(self, network: Network, decay: float) -> None:
        self.decay = decay
        self.trained = [p for p in network.parameters() if p.requires_grad]
        self.mean = [p.detach().clone() for p in self.trained] if decay else []

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step; early on the average is shorter."""
        if self.decay:
            decay = min(self.decay, (step + 1) / (step + 10))
            for mean, parameter in zip(self.mean, self.trained, strict=True):
                mean.lerp_(parameter, 1 - decay)

    @torch.no_grad()
    def restore(self) -> None:
        """Put the average into the network."""
        for parameter, mean in zip(self.trained, self.mean, strict=False):
            parameter.copy_(mean)


@torch.inference_mode()
def predict_logits(
    network: Network,
    features: Features,
    rows: Sequence[int],
    *,
    pattern: str = "both",
    precision: str = "fp32",
) -> NDArray[np.float64]:
    """Logits (rows, genres) with plot and poster, or with one of them hidden (`plot`, `poster`)."""
    network.eval()
    order = np.asarray(rows)[np.argsort(features.lengths[list(rows)], kind="stable")]
    found: dict[int, NDArray[np.float64]] = {}
    for start in range(0, len(order), 64):
        part = order[start : start + 64].tolist()
        batch = features.batch(part)
        if pattern == "plot":
            batch = replace(batch, has_image=torch.zeros_like(batch.has_image))
        elif pattern == "poster":
            batch = replace(batch, has_text=torch.zeros_like(batch.has_text))
        with autocast(precision):
            logits = network(batch).float().numpy().astype(np.float64)
        found.update(zip(part, logits, strict=True))
    return np.stack([found[int(row)] for row in rows])
