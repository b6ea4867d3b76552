"""Models in the registry, and what they would say, without any model being there."""

from collections.abc import Sequence

from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.ledger.tagging import TagJob
from catalog.predictions import MoviePrediction
from catalog.registry import ModelRecord, champion, promote, register

GENRES = ("Action", "Comedy", "Drama")


def champion_model(engine: Engine, version: str = "m-1", genres: Sequence[str] = GENRES) -> ModelRecord:
    """Register a model of this version and make it champion."""
    with transaction(engine) as connection:
        model_id = register(
            connection,
            version=version,
            sha256=f"sha256 of {version}",
            uri=f"/models/{version}",
            manifest={"genres": list(genres), "data": {"sha256": f"data of {version}"}},
        )
        promote(connection, model_id, "a test")
        model = champion(connection)
    assert model is not None
    return model


def prediction(model: ModelRecord, confidence: float = 0.9) -> MoviePrediction:
    """The model's first genre is predicted with the confidence, the others are not."""
    rest = len(model.genres) - 1
    return MoviePrediction(
        confidence=[confidence] + [0.25] * rest,
        predicted=[True] + [False] * rest,
        decision=["accepted"] + ["review"] * rest,
    )


def same_for_all(
    jobs: Sequence[TagJob], model: ModelRecord, confidence: float = 0.9
) -> list[tuple[TagJob, MoviePrediction]]:
    """The same prediction for every job."""
    return [(job, prediction(model, confidence)) for job in jobs]
