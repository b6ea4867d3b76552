"""A model that is none: it answers at once, can be told to fail, and remembers what it was asked."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.registry import promote, register
from tagger.content import Content
from tagger.explain import Explanation
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
    explained: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)

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
        return [self.say(c) for c in contents]

    def say(self, content: Content) -> Prediction:
        seed = sha256(f"{self.version} {content}".encode()).digest()
        confidence = np.frombuffer(seed[: len(self.genres)], dtype=np.uint8).astype(np.float32) / 255
        decisions = tuple("accepted" if c > 0.9 else "rejected" if c < 0.1 else "review" for c in confidence)
        return Prediction(confidence, confidence >= 0.5, decisions)


def stub_explain(
    predictor: StubPredictor, content: Content, genres: Sequence[str], *, between: Callable[[], None]
) -> list[Explanation]:
    """Every word of the plot weighs as much as it is long; `during` is called as with a batch, and may raise."""
    between()
    predictor.explained.append((content.title, tuple(genres)))
    predictor.during([content])
    made = predictor.say(content)
    found = []
    for genre in genres:
        words = tuple(
            (m.group(), m.span(), float(len(m.group()))) for m in re.finditer(r"\w+", content.plot or "")
        )
        confidence = float(made.confidence[predictor.genres.index(genre)])
        found.append(Explanation(genre, confidence, words, np.zeros((0, 0)), {"plot": 1.0, "poster": 0.0}))
    return found


def stub_embed(predictor: StubPredictor, contents: Sequence[Content]) -> NDArray[np.float32]:
    """Movies are near to each other that have words in common."""
    predictor.embedded.extend(content.title for content in contents)
    vectors = np.zeros((len(contents), 64), dtype=np.float32)
    for row, content in enumerate(contents):
        for word in (content.plot or "").lower().split():
            vectors[row, sha256(word.encode()).digest()[0] % 64] += 1
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


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


def described(predictor: StubPredictor) -> SimpleNamespace:
    """What registration wants to know of the stub's artifact."""
    return SimpleNamespace(
        version=predictor.version,
        sha256=predictor.sha256,
        config=SimpleNamespace(genres=predictor.genres),
        encoders={},
        bands=SimpleNamespace(to_json=dict),
        about={},
    )


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
