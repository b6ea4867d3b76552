"""Explanations, and the vectors by which the nearest movies are found."""

from datetime import datetime
from typing import Any

from sqlalchemy import REAL, BigInteger, ForeignKey, Index, SmallInteger, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models.base import Base, identity, movie_key


class Explanation(Base):
    """Why a movie has a genre, or (without a genre) the nearest movies with labels: asked for, or made."""

    __tablename__ = "explanation"
    id: Mapped[int] = identity()
    movie_id: Mapped[int] = movie_key()
    genre_id: Mapped[int | None] = mapped_column(SmallInteger, ForeignKey("marquee.genre.id"))
    revision: Mapped[int]
    model_id: Mapped[int] = mapped_column(ForeignKey("marquee.model.id"))
    priority: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    asked_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    done_at: Mapped[datetime | None]
    detail: Mapped[dict[str, Any] | None]
    error: Mapped[str | None]
    __table_args__ = (
        UniqueConstraint("movie_id", "genre_id", postgresql_nulls_not_distinct=True),
        Index("explanation_asked", "priority", "asked_at", postgresql_where=text("done_at IS NULL")),
    )


class Embedding(Base):
    """What the model makes of a labelled movie, as one vector."""

    __tablename__ = "embedding"
    movie_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("marquee.tagging.movie_id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int]
    model_id: Mapped[int] = mapped_column(ForeignKey("marquee.model.id"))
    vector: Mapped[list[float]] = mapped_column(ARRAY(REAL))
