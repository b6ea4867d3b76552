"""Models, what they predict, and what follows from decisions."""

from datetime import datetime
from typing import Any

from sqlalchemy import REAL, BigInteger, ForeignKey, Identity, Index, SmallInteger, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models.base import Base, identity, movie_key


class Model(Base):
    """A registered artifact: predictions join to its weights, data and thresholds through this row."""

    __tablename__ = "model"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    version: Mapped[str] = mapped_column(unique=True)
    sha256: Mapped[str] = mapped_column(unique=True)
    uri: Mapped[str]
    data_sha256: Mapped[str]
    manifest: Mapped[dict[str, Any]]
    registered_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Promotion(Base):
    """A model became champion, with the reason, or a roll-back brought it back. Append-only."""

    __tablename__ = "promotion"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("marquee.model.id"))
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    reason: Mapped[str]
    evidence: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    back_to: Mapped[int | None] = mapped_column(ForeignKey("marquee.promotion.id"))
    retag: Mapped[bool] = mapped_column(server_default=text("true"))


class Prediction(Base):
    """The newest prediction of a movie's genre."""

    __tablename__ = "prediction"
    movie_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("marquee.tagging.movie_id", ondelete="CASCADE"), primary_key=True
    )
    genre_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("marquee.genre.id"), primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("marquee.model.id"))
    confidence: Mapped[float]
    predicted: Mapped[bool]
    decision: Mapped[str]


class PredictionLog(Base):
    """Every prediction ever written of a movie that stands in the catalog."""

    __tablename__ = "prediction_log"
    id: Mapped[int] = identity()
    movie_id: Mapped[int] = movie_key()
    revision: Mapped[int]
    model_id: Mapped[int] = mapped_column(ForeignKey("marquee.model.id"))
    content_sha256: Mapped[str]
    genre_ids: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    confidences: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    __table_args__ = (Index("prediction_log_movie", "movie_id", "id"),)


class Decision(Base):
    """What an editor or a trusted import said of a movie's genre. Append-only."""

    __tablename__ = "decision"
    id: Mapped[int] = identity()
    movie_id: Mapped[int] = mapped_column(BigInteger)
    genre_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("marquee.genre.id"))
    verdict: Mapped[str]
    source: Mapped[str]
    author: Mapped[str]
    revision: Mapped[int]
    model_id: Mapped[int | None] = mapped_column(ForeignKey("marquee.model.id"))
    confidence: Mapped[float | None]
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    action_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("marquee.action.id"))
    replaces: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("marquee.decision.id"))
    __table_args__ = (
        Index("decision_movie", "movie_id", "id"),
        Index("decision_action", "action_id", postgresql_where=text("action_id IS NOT NULL")),
        Index("decision_at", "at"),
    )


class Label(Base):
    """The truth that follows from the decisions on a movie's genre."""

    __tablename__ = "label"
    movie_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("marquee.tagging.movie_id", ondelete="CASCADE"), primary_key=True
    )
    genre_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("marquee.genre.id"), primary_key=True)
    holds: Mapped[bool]
    decision_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("marquee.decision.id"))
