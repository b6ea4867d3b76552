"""A model that is none: it answers at once, can be told to fail, and remembers what it was asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.registry import promote, register
from tagger.content import Content
from tagger.predictor import Prediction

GENRES = ("Action", "Comedy", "Drama")
Hook = Callable[[Sequence[Content]], None]


def nothing(contents: Sequence[Content]) -> None:
    """What happens while a batch is on the device: nothing."""


@dataclass
class StubPrepared:
    """What the stub's `prepare` makes."""

    contents: tuple[Content, ...]


@dataclass
class StubPredictor:
    """Has the interface of `tagger.predictor.Predictor`; `during` is called with each batch and may raise."""

    version: str = "stub-1"
    during: Hook = nothing
    while_preparing: Hook = nothing
    genres: tuple[str, ...] = GENRES
    manifest: dict[str, Any] = field(default_factory=dict)
    batches: list[list[str]] = field(default_factory=list)

    @property
    def sha256(self) -> str:
        return sha256(self.version.encode()).hexdigest()

    def prepare(self, contents: Sequence[Content]) -> StubPrepared:
        self.while_preparing(contents)
        return StubPrepared(tuple(contents))

    def predict(self, given: Sequence[Content] | StubPrepared) -> list[Prediction]:
        contents = given.contents if isinstance(given, StubPrepared) else tuple(given)
        self.batches.append([c.title for c in contents])
        self.during(contents)
        return [self._prediction(c) for c in contents]

    def _prediction(self, content: Content) -> Prediction:
        seed = sha256(f"{self.version} {content}".encode()).digest()
        confidence = np.frombuffer(seed[: len(self.genres)], dtype=np.uint8).astype(np.float32) / 255
        decisions = tuple("accepted" if c > 0.9 else "rejected" if c < 0.1 else "review" for c in confidence)
        return Prediction(confidence, confidence >= 0.5, decisions)


class StubLoader:
    """Stands in for the class `Predictor`: loads a stub by the version that its folder is named after."""

    def __init__(self) -> None:
        self.known: dict[str, StubPredictor] = {}
        self.loads: list[str] = []

    def add(self, predictor: StubPredictor) -> StubPredictor:
        self.known[predictor.version] = predictor
        return predictor

    def load(self, path: Path, device: str = "cpu", **options: Any) -> StubPredictor:
        self.loads.append(path.name)
        return self.known[path.name]


def promote_stub(engine: Engine, predictor: StubPredictor) -> int:
    """Register the stub and make it champion."""
    with transaction(engine) as connection:
        model_id = register(
            connection,
            version=predictor.version,
            sha256=predictor.sha256,
            uri=f"/stub/{predictor.version}",
            manifest={"genres": list(predictor.genres)},
        )
        promote(connection, model_id, "a test")
    return model_id
