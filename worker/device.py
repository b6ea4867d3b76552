"""The device that a tag worker is pinned to."""

import os

import torch

from worker.errors import PartError


def prepare_device(wanted: str, cpu_threads: int) -> tuple[str, int]:
    """The torch device for `wanted` (auto, cpu or cuda:N), proved by a small computation, and its lanes.

    On a CPU there are `cpu_threads` lanes (0: one a core) of one torch thread each: the threads of an operator
    wait for each other, and the fetch worker and Postgres want the same cores.

    Raises:
        PartError: there is no such device, or it does not compute.
    """
    device = wanted
    if wanted == "auto":
        device = "cuda:0" if torch.cuda.is_available() else "cpu"
    lanes = 1
    if device == "cpu":
        lanes = cpu_threads or os.cpu_count() or 1
        torch.set_num_threads(1)
    try:
        proof = torch.ones(8, device=device).sum().item()
    except (RuntimeError, AssertionError) as error:
        raise PartError(
            f"The device {wanted} cannot be used: {error}.", mend="Choose another with --device."
        ) from None
    if proof != 8:
        raise PartError(f"The device {wanted} computes wrongly.", mend="Choose another with --device.")
    return device, lanes
