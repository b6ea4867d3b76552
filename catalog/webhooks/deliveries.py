"""Sending what webhooks are to be told: claim, send, settle. A claim that is never settled falls due again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from catalog.stored import storable
from catalog.webhooks.hooks import read_webhook

MAX_ATTEMPTS = 16
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 4 * 3600.0
KEPT_DAYS = 30
MAX_ERROR = 500

DUE = text("""
SELECT w.id FROM marquee.webhook w
WHERE w.disabled_at IS NULL AND EXISTS (
    SELECT FROM marquee.delivery d
    WHERE d.webhook_id = w.id AND d.delivered_at IS NULL AND d.given_up_at IS NULL AND d.due_at <= now())
ORDER BY w.id
""")
CLAIM = text("""
UPDATE marquee.delivery d SET
    attempts = d.attempts + 1, due_at = clock_timestamp() + make_interval(secs => :lease)
FROM marquee.webhook w
WHERE w.id = d.webhook_id AND w.disabled_at IS NULL AND d.id IN (
    SELECT id FROM marquee.delivery
    WHERE webhook_id = :webhook AND delivered_at IS NULL AND given_up_at IS NULL AND due_at <= now()
    ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING d.id, w.id AS webhook_id, w.url, w.secret, d.event, d.body, d.attempts
""")
DELIVERED = text("""
UPDATE marquee.delivery SET
    delivered_at = clock_timestamp(), given_up_at = NULL, status = :status, error = NULL
WHERE id = :id AND delivered_at IS NULL
""")
FAILED = text("""
UPDATE marquee.delivery SET
    status = :status, error = :error, due_at = clock_timestamp() + make_interval(secs => :pause),
    given_up_at = CASE WHEN attempts >= :most THEN clock_timestamp() END
WHERE id = :id AND delivered_at IS NULL AND given_up_at IS NULL
""")
GONE = text("UPDATE marquee.delivery SET status = :status WHERE id = :id AND delivered_at IS NULL")
POSTPONE = text("""
UPDATE marquee.delivery SET
    attempts = attempts - 1, due_at = clock_timestamp() + make_interval(secs => :pause)
WHERE id = ANY(:ids) AND delivered_at IS NULL AND given_up_at IS NULL
""")
READ = text("""
SELECT id, event, movie_id, created_at, attempts, status, error, delivered_at, given_up_at,
       CASE WHEN delivered_at IS NULL AND given_up_at IS NULL THEN due_at END AS due_at
FROM marquee.delivery WHERE webhook_id = :webhook AND id < :before ORDER BY id DESC LIMIT :most
""")
# Ids grow with time, so a look at the oldest is enough. Nothing of this age is still to be sent.
PRUNE = text("""
DELETE FROM marquee.delivery WHERE id IN (SELECT id FROM marquee.delivery ORDER BY id LIMIT :most)
  AND created_at < clock_timestamp() - make_interval(days => :days)
""")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery in the hands of a sender; `attempts` counts this one."""

    id: int
    webhook_id: int
    url: str
    secret: str
    event: str
    body: dict[str, Any]
    attempts: int


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """What became of a delivery; `due_at` is None once it is settled."""

    id: int
    event: str
    movie_id: int | None
    created_at: datetime
    attempts: int
    status: int | None
    error: str | None
    delivered_at: datetime | None
    given_up_at: datetime | None
    due_at: datetime | None


def back_off(attempts: int) -> float:
    """Seconds until the next attempt after so many: they double, and 16 attempts take most of a day."""
    return float(min(FIRST_PAUSE * 2.0 ** (attempts - 1), LONGEST_PAUSE))


def webhooks_with_due(connection: Connection) -> list[int]:
    """The webhooks that have something to be told now."""
    return list(connection.execute(DUE).scalars())


def claim_due(connection: Connection, webhook_id: int, most: int, lease_seconds: float) -> list[Delivery]:
    """Take up to `most` due deliveries of a webhook, the longest due first. Commit before sending them.

    Each falls due again after the lease: a sender that dies loses none of them.
    """
    asked = {"webhook": webhook_id, "most": most, "lease": lease_seconds}
    return sorted((Delivery(*r) for r in connection.execute(CLAIM, asked)), key=lambda d: d.id)


def delivered(connection: Connection, delivery_id: int, status: int) -> None:
    """Note that the webhook has heard it."""
    connection.execute(DELIVERED, {"id": delivery_id, "status": status})


def failed(
    connection: Connection, delivery: Delivery, *, status: int | None, error: str, pause: float | None = None
) -> None:
    """Note that it has not, and try again after `pause` (default: `back_off`); the last attempt gives it up."""
    connection.execute(
        FAILED,
        {
            "id": delivery.id,
            "status": status,
            "error": storable(error)[:MAX_ERROR],
            "pause": back_off(delivery.attempts) if pause is None else pause,
            "most": MAX_ATTEMPTS,
        },
    )


def gone(connection: Connection, delivery_id: int, status: int | None) -> None:
    """Note what a webhook answered to the delivery that disabled it, and so gave all its deliveries up."""
    connection.execute(GONE, {"id": delivery_id, "status": status})


def postpone(connection: Connection, deliveries: Sequence[Delivery], pause: float) -> None:
    """Give claimed deliveries back that were not tried, for after a pause."""
    if deliveries:
        connection.execute(POSTPONE, {"ids": [d.id for d in deliveries], "pause": pause})


def list_deliveries(
    connection: Connection, webhook_id: int, *, before: int | None = None, most: int = 50
) -> list[DeliveryRecord]:
    """Deliveries of a webhook, the newest first, those with an id below `before`.

    Raises:
        WebhookNotFoundError: there is no such webhook.
    """
    read_webhook(connection, webhook_id)
    asked = {"webhook": webhook_id, "before": 2**63 - 1 if before is None else before, "most": most}
    return [DeliveryRecord(*r) for r in connection.execute(READ, asked)]


def prune(connection: Connection, most: int = 5_000) -> int:
    """Delete some of the deliveries that are older than a month; returns how many."""
    return int(connection.execute(PRUNE, {"most": most, "days": KEPT_DAYS}).rowcount)
