"""The tables of review as SQLAlchemy models: people, the queue, actions, explanations, webhooks."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, REAL
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models import Base, identity, movie_key


def number_key() -> Any:
    """A primary key for tables of which there are few rows."""
    return mapped_column(Identity(), primary_key=True)


def editor_key(**options: Any) -> Any:
    """A reference to an editor, which goes when the editor goes."""
    return mapped_column(ForeignKey("marquee.editor.id", ondelete="CASCADE"), **options)


class Editor(Base):
    """Somebody who decides. Without a password hash only a one-time link signs in."""

    __tablename__ = "editor"
    id: Mapped[int] = number_key()
    name: Mapped[str]
    password_hash: Mapped[str | None]
    role: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    disabled_at: Mapped[datetime | None]
    __table_args__ = (Index("editor_name", func.lower(text("name")), unique=True),)


class Session(Base):
    """A browser that is signed in; only the hash of its secret is kept."""

    __tablename__ = "session"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    editor_id: Mapped[int] = editor_key()
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    __table_args__ = (Index("session_editor", "editor_id"),)


class Invitation(Base):
    """A link that signs in once."""

    __tablename__ = "invitation"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    editor_id: Mapped[int] = editor_key()
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInFailure(Base):
    """An attempt to sign in that failed, for the limit on attempts."""

    __tablename__ = "sign_in_failure"
    id: Mapped[int] = identity()
    name: Mapped[str]
    address: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    __table_args__ = (
        Index("sign_in_failure_name", "name", "at"),
        Index("sign_in_failure_address", "address", "at"),
    )


class Token(Base):
    """A pipeline's key to the HTTP API; only its hash is kept."""

    __tablename__ = "token"
    id: Mapped[int] = number_key()
    name: Mapped[str] = mapped_column(unique=True)
    sha256: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


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


class Webhook(Base):
    """Who wants to hear of movies."""

    __tablename__ = "webhook"
    id: Mapped[int] = number_key()
    url: Mapped[str]
    secret: Mapped[str]
    events: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    disabled_at: Mapped[datetime | None]


class Delivery(Base):
    """One event that a webhook is to be told, or was."""

    __tablename__ = "delivery"
    id: Mapped[int] = identity()
    webhook_id: Mapped[int] = mapped_column(ForeignKey("marquee.webhook.id", ondelete="CASCADE"))
    event: Mapped[str]
    movie_id: Mapped[int | None] = mapped_column(BigInteger)
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    delivered_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
    status: Mapped[int | None]
    error: Mapped[str | None]
    __table_args__ = (
        Index(
            "delivery_due",
            "webhook_id",
            "due_at",
            postgresql_where=text("delivered_at IS NULL AND given_up_at IS NULL"),
        ),
        Index("delivery_webhook", "webhook_id", "id"),
    )
