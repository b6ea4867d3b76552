"""Webhooks and their deliveries."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models.base import Base, identity, number_key


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
