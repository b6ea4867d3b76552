"""`marquee`, but its tag worker has a stub for a model: `python -m tests.support.stub_worker worker tag`.

`MARQUEE_TEST_PACE` is the seconds that a movie takes on its device, `MARQUEE_TEST_POISON` the title that kills it.
"""

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import worker.champion
import worker.explaining
import worker.registering
from tagger.content import Content
from tests.support.stub_model import StubPredictor, described, stub_embed, stub_explain
from worker.cli import main

PACE = float(os.environ.get("MARQUEE_TEST_PACE", "0"))
POISON = os.environ.get("MARQUEE_TEST_POISON")


def during(contents: Sequence[Content]) -> None:
    """What the device does with a batch."""
    if POISON and any(content.title == POISON for content in contents):
        os._exit(9)
    threading.Event().wait(PACE * len(contents))


STUB = StubPredictor(during=during)


class Loader:
    """Stands in for the class `Predictor`."""

    @staticmethod
    def load(path: Path, device: str = "cpu", **options: Any) -> StubPredictor:
        return STUB


def load_artifact(path: Path) -> SimpleNamespace:
    """What registration wants to know of an artifact."""
    return described(STUB)


worker.champion.Predictor = Loader  # type: ignore[assignment, misc]
worker.champion.prove = lambda predictor: None
worker.registering.load_artifact = load_artifact  # type: ignore[assignment]
worker.explaining.explain_all = stub_explain  # type: ignore[assignment]
worker.explaining.embed = stub_embed  # type: ignore[assignment]

if __name__ == "__main__":
    main()
