"""Writing predictions: the newest in `prediction`, every one in `prediction_log`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from catalog.registry import ModelRecord

WRITE = text("""
INSERT INTO marquee.prediction AS p (movie_id, genre_id, model_id, confidence, predicted, decision)
SELECT movie_id, genre_id, :model_id, confidence, predicted, decision
FROM unnest(CAST(:movies AS bigint[]), CAST(:genres AS smallint[]), CAST(:confidences AS real[]),
            CAST(:predicted AS boolean[]), CAST(:decisions AS text[]))
    AS new(movie_id, genre_id, confidence, predicted, decision)
ON CONFLICT (movie_id, genre_id) DO UPDATE SET
    model_id = EXCLUDED.model_id, confidence = EXCLUDED.confidence,
    predicted = EXCLUDED.predicted, decision = EXCLUDED.decision
""")

FORGET = text("""
DELETE FROM marquee.prediction WHERE movie_id = ANY(:movies) AND genre_id <> ALL(CAST(:genres AS smallint[]))
""")

LOG = text("""
INSERT INTO marquee.prediction_log (movie_id, revision, model_id, content_sha256, genre_ids, confidences)
SELECT w.movie_id, w.revision, :model_id, w.sha256,
       array_agg(p.genre_id ORDER BY p.genre_id), array_agg(p.confidence ORDER BY p.genre_id)
FROM unnest(CAST(:movies AS bigint[]), CAST(:revisions AS integer[]), CAST(:hashes AS text[]))
    AS w(movie_id, revision, sha256)
JOIN marquee.prediction p ON p.movie_id = w.movie_id
GROUP BY w.movie_id, w.revision, w.sha256
""")


@dataclass(frozen=True, slots=True)
class MoviePrediction:
    """What a model says of one movie, genre by genre in the model's order."""

    confidence: Sequence[float]
    predicted: Sequence[bool]
    decision: Sequence[str]

    def genres(self, names: Sequence[str]) -> dict[str, float]:
        """The predicted genres with their confidences, the surest first."""
        chosen = [(c, n) for c, n, p in zip(self.confidence, names, self.predicted, strict=True) if p]
        return {n: round(c, 3) for c, n in sorted(chosen, reverse=True)}


def write_predictions(
    connection: Connection,
    model: ModelRecord,
    predictions: Sequence[tuple[int, int, str, MoviePrediction]],
) -> None:
    """Write (movie id, revision, content hash, prediction); the caller has locked the ledger rows."""
    genres = list(model.genre_ids)
    movies = [movie_id for movie_id, *_ in predictions]
    connection.execute(
        WRITE,
        {
            "model_id": model.id,
            "movies": [m for m in movies for _ in genres],
            "genres": genres * len(movies),
            "confidences": [float(c) for *_, p in predictions for c in p.confidence],
            "predicted": [bool(b) for *_, p in predictions for b in p.predicted],
            "decisions": [d for *_, p in predictions for d in p.decision],
        },
    )
    connection.execute(FORGET, {"movies": movies, "genres": genres})
    connection.execute(
        LOG,
        {
            "model_id": model.id,
            "movies": movies,
            "revisions": [revision for _, revision, *_ in predictions],
            "hashes": [sha256 for *_, sha256, _ in predictions],
        },
    )
