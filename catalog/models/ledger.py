"""Movies, the ledger and its timeline, and the workers."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, SmallInteger, func, text
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models.base import Base, identity


class Genre(Base):
    """A genre that a movie can have."""

    __tablename__ = "genre"
    id: Mapped[int] = identity(SmallInteger)
    name: Mapped[str] = mapped_column(unique=True)


class Movie(Base):
    """A movie as the catalog's owner wrote it."""

    __tablename__ = "movie"
    id: Mapped[int] = identity()
    external_id: Mapped[str | None] = mapped_column(unique=True)
    tmdb_id: Mapped[int | None] = mapped_column(unique=True)
    imdb_id: Mapped[str | None] = mapped_column(unique=True)
    title: Mapped[str | None]
    year: Mapped[int | None]
    language: Mapped[str | None]
    plot: Mapped[str | None]
    poster_url: Mapped[str | None]
    poster_hash: Mapped[str | None]
    attributes: Mapped[dict[str, Any] | None]
    training_allowed: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    __table_args__ = (Index("movie_title", func.lower(text("title")), "year"),)


class Tagging(Base):
    """The ledger's row of a movie: where it stands on its way to its tags."""

    __tablename__ = "tagging"
    movie_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    due_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    lease_until: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    tagged_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    taken_revision: Mapped[int] = mapped_column(server_default=text("0"))
    tagged_revision: Mapped[int | None]
    tagged_model_id: Mapped[int | None]
    owner: Mapped[int | None]
    priority: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    deaths: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    failures: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    refetch: Mapped[bool] = mapped_column(server_default=text("false"))
    state: Mapped[str] = mapped_column(server_default=text("'pending'"))
    tagged_sha256: Mapped[str | None]
    error: Mapped[str | None]
    __table_args__ = (
        Index(
            "tagging_pending",
            "priority",
            "due_at",
            postgresql_where=text("state = 'pending' AND due_at IS NOT NULL"),
        ),
        Index("tagging_ready", "priority", "due_at", postgresql_where=text("state = 'ready' AND deaths = 0")),
        Index("tagging_suspect", "due_at", postgresql_where=text("state = 'ready' AND deaths > 0")),
        Index("tagging_leased", "lease_until", postgresql_where=text("lease_until IS NOT NULL")),
        Index("tagging_quarantined", "movie_id", postgresql_where=text("state = 'quarantined'")),
    )


class Arrival(Base):
    """The ids within which a bulk load left ledger rows that have no place in line yet."""

    __tablename__ = "arrival"
    id: Mapped[int] = identity()
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    first_id: Mapped[int] = mapped_column(BigInteger)
    last_id: Mapped[int] = mapped_column(BigInteger)
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    __table_args__ = (Index("arrival_at", "at"),)


class Timeline(Base):
    """What happened to a movie, one row an event. Append-only; it outlives the movie."""

    __tablename__ = "timeline"
    id: Mapped[int] = identity()
    movie_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    revision: Mapped[int]
    event: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    __table_args__ = (
        Index("timeline_movie", "movie_id", "id"),
        Index("timeline_deleted", "at", postgresql_where=text("event = 'deleted'")),
    )


class Content(Base):
    """What the model sees of a movie, and where each piece came from."""

    __tablename__ = "content"
    movie_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("marquee.tagging.movie_id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int]
    title: Mapped[str | None]
    year: Mapped[int | None]
    language: Mapped[str | None]
    plot: Mapped[str | None]
    plot_source: Mapped[str | None]
    poster_hash: Mapped[str | None]
    poster_source: Mapped[str | None]
    tmdb_id: Mapped[int | None]
    note: Mapped[str | None]
    sha256: Mapped[str]
    training_allowed: Mapped[bool]
    fetched_at: Mapped[datetime] = mapped_column(server_default=func.now())
    __table_args__ = (
        Index("content_title", func.lower(text("title"))),
        Index(
            "content_words",
            text("to_tsvector('simple'::regconfig, COALESCE(title, ''))"),
            postgresql_using="gin",
        ),
    )


class Worker(Base):
    """A process of Marquee; it is alive while it holds the advisory lock of its id."""

    __tablename__ = "worker"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    part: Mapped[str]
    host: Mapped[str]
    pid: Mapped[int]
    device: Mapped[str | None]
    model_id: Mapped[int | None]
    started_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    stopped_at: Mapped[datetime | None]
    refusal: Mapped[str | None]


class Gate(Base):
    """A closed gate holds back what must not be tried now, for the whole fleet."""

    __tablename__ = "gate"
    name: Mapped[str] = mapped_column(primary_key=True)
    closed_until: Mapped[datetime]
    reason: Mapped[str]


class RateLimit(Base):
    """The state of the fleet's rate limiter, where the broker is no Redis."""

    __tablename__ = "rate_limit"
    name: Mapped[str] = mapped_column(primary_key=True)
    theoretical_arrival: Mapped[datetime]
