"""The queue, what editors do, audits and bulk decisions."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models.base import Base, editor_key, identity


class Action(Base):
    """What an editor did. Append-only; an undo is an action too."""

    __tablename__ = "action"
    id: Mapped[int] = identity()
    editor_id: Mapped[int] = mapped_column(ForeignKey("marquee.editor.id"))
    kind: Mapped[str]
    movie_id: Mapped[int | None] = mapped_column(BigInteger)
    undoes: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("marquee.action.id"), unique=True)
    seconds: Mapped[float | None]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    __table_args__ = (
        Index("action_editor", "editor_id", "id"),
        Index("action_movie", "movie_id", "id", postgresql_where=text("movie_id IS NOT NULL")),
    )


class Review(Base):
    """A tagged movie as the queue knows it: its state and all that filters and orders ask for."""

    __tablename__ = "review"
    movie_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("marquee.tagging.movie_id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int]
    model_id: Mapped[int] = mapped_column(ForeignKey("marquee.model.id"))
    state: Mapped[str]
    asks: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    facets: Mapped[list[str]] = mapped_column(ARRAY(Text))
    uncertainty: Mapped[float]
    rarity: Mapped[float]
    tagged_at: Mapped[datetime]
    disagreed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    __table_args__ = (
        Index("review_uncertain", "state", text("uncertainty DESC"), text("movie_id DESC")),
        Index("review_rare", "state", text("rarity DESC"), text("movie_id DESC")),
        Index("review_model", "model_id", text("uncertainty DESC"), text("movie_id DESC")),
        Index("review_newest", "state", "model_id", text("tagged_at DESC"), text("movie_id DESC")),
        Index(
            "review_disagreed",
            "state",
            text("disagreed_at DESC"),
            text("movie_id DESC"),
            postgresql_where=text("disagreed_at IS NOT NULL"),
        ),
        *(
            Index(
                f"review_{state}",
                "facets",
                postgresql_using="gin",
                postgresql_where=text(f"state = '{state}'"),
                postgresql_with={"gin_pending_list_limit": 512},
            )
            for state in ("open", "done", "auto")
        ),
    )


review_count = Table(
    "review_count",
    Base.metadata,
    Column("state", Text, nullable=False),
    Column("facet", Text, nullable=False),
    Column("n", BigInteger, nullable=False),
)
"""How many movies each facet has, a state, as rows of differences; a table without a key has no class."""


class ReviewLease(Base):
    """A movie that is open with an editor."""

    __tablename__ = "review_lease"
    movie_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("marquee.review.movie_id", ondelete="CASCADE"), primary_key=True
    )
    editor_id: Mapped[int] = editor_key()
    lease_until: Mapped[datetime]
    __table_args__ = (Index("review_lease_editor", "editor_id"),)


class ReviewSkip(Base):
    """A movie that an editor does not want to see again for a while."""

    __tablename__ = "review_skip"
    editor_id: Mapped[int] = editor_key(primary_key=True)
    movie_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("marquee.review.movie_id", ondelete="CASCADE"), primary_key=True
    )
    until: Mapped[datetime]


class Audit(Base):
    """A tag that the model accepted by itself, drawn at random for an editor to judge unawares."""

    __tablename__ = "audit"
    id: Mapped[int] = identity()
    movie_id: Mapped[int] = mapped_column(BigInteger)
    genre_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("marquee.genre.id"))
    model_id: Mapped[int] = mapped_column(ForeignKey("marquee.model.id"))
    revision: Mapped[int]
    confidence: Mapped[float]
    sampled_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    decision_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("marquee.decision.id"))
    holds: Mapped[bool | None]
    __table_args__ = (
        UniqueConstraint("movie_id", "genre_id", "model_id", "revision"),
        Index("audit_open", "movie_id", postgresql_where=text("decision_id IS NULL")),
    )


class Bulk(Base):
    """One genre decided on many movies at once."""

    __tablename__ = "bulk"
    id: Mapped[int] = identity()
    action_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("marquee.action.id"), unique=True)
    genre_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("marquee.genre.id"))
    verdict: Mapped[str]
    filter: Mapped[dict[str, Any]]
    total: Mapped[int]
    done: Mapped[int] = mapped_column(server_default=text("0"))
    changed: Mapped[int] = mapped_column(server_default=text("0"))
    started_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None]
    __table_args__ = (Index("bulk_unfinished", "id", postgresql_where=text("finished_at IS NULL")),)


class BulkMovie(Base):
    """A movie that a bulk decision has still to do or has done."""

    __tablename__ = "bulk_movie"
    bulk_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("marquee.bulk.id", ondelete="CASCADE"), primary_key=True
    )
    movie_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
