"""Training runs side by side, each in a process of its own with one thread.

One thread a run makes the result the same bytes however many cores the machine has, and on a busy machine no
thread waits for another.
"""

import multiprocessing
import queue
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tagger.lexicon import Lexicon
from tagger.patterns import PATTERNS
from training.build import build
from training.features import Features, Progress
from training.loop import fit, predict_logits
from training.recipe import Recipe
from training.regression import add_regression


@dataclass(frozen=True, slots=True)
class Job:
    """One run: train on the movies at `inside`, then predict those at `outside`."""

    name: str
    recipe: Recipe
    genres: tuple[str, ...]
    lexicon: Lexicon
    features: Features
    labels: NDArray[np.bool_]
    inside: tuple[int, ...]
    outside: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run leaves: the trained tensors, and each pattern's logits (outside, genres)."""

    state: dict[str, Tensor]
    logits: list[NDArray[np.float64]]


def run_jobs(jobs: Sequence[Job], processes: int, progress: Progress) -> list[Outcome]:
    """Run every job, `processes` at once; one process alone is this one."""
    if processes <= 1 or len(jobs) == 1:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return [run_job(job, progress) for job in jobs]
        finally:
            torch.set_num_threads(threads)
    context = multiprocessing.get_context("spawn")
    told: Any = context.Queue()
    with ProcessPoolExecutor(min(processes, len(jobs)), context, _start, (told,)) as pool:
        futures = [pool.submit(_run_there, job) for job in jobs]
        while not all(future.done() for future in futures):
            _tell(told, progress, futures)
        return [_outcome(future) for future in futures]


def run_job(job: Job, progress: Progress) -> Outcome:
    """Train one network and predict with it, in this process."""
    network, _ = build(job.recipe, job.genres, job.lexicon)

    def named(_: str, done: int, total: int, note: str) -> None:
        progress(job.name, done, total, note)

    fit(network, job.features, job.labels, job.inside, job.recipe, named)
    if job.recipe.term_share and job.recipe.lexicon_size:
        share, penalty = job.recipe.term_share, job.recipe.term_penalty
        add_regression(network, job.features, job.labels, job.inside, share, penalty)
    logits = (
        [predict_logits(network, job.features, job.outside, pattern=p) for p in PATTERNS]
        if job.outside
        else []
    )
    return Outcome({name: t.detach().clone() for name, t in network.own_state().items()}, logits)


_QUEUE: Any = None


def _start(told: Any) -> None:
    global _QUEUE  # noqa: PLW0603  a pool's processes have no other place to be given a queue
    _QUEUE = told
    torch.set_num_threads(1)


def _run_there(job: Job) -> tuple[dict[str, NDArray[np.float32]], list[NDArray[np.float64]]]:
    outcome = run_job(job, lambda *args: _QUEUE.put(args))
    return {name: t.numpy() for name, t in outcome.state.items()}, outcome.logits


def _tell(told: Any, progress: Progress, futures: Sequence[Future[Any]]) -> None:
    """Pass one message on; a run that failed ends the wait."""
    try:
        progress(*told.get(timeout=1.0))
    except queue.Empty:
        for future in futures:
            if future.done():
                future.result()


def _outcome(future: Future[Any]) -> Outcome:
    state, logits = future.result()
    return Outcome({name: torch.from_numpy(array) for name, array in state.items()}, logits)
