"""Who wants to hear of movies: adding, listing, disabling and deleting webhooks."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from urllib.parse import urlsplit

from sqlalchemy import Connection, text

from catalog.errors import InvalidWebhookError, WebhookNotFoundError

Event = Literal["tagged", "needs_review", "decided"]
EVENTS: tuple[Event, ...] = get_args(Event)
MAX_WEBHOOKS, MAX_URL = 100, 2048
PREFIX = "whsec_"

# One lock, so that two at once cannot go over the limit.
LOCK = text("SELECT pg_advisory_xact_lock(19799)")
ADD = text("""
INSERT INTO marquee.webhook (url, secret, events)
SELECT :url, :secret, :events WHERE (SELECT count(*) FROM marquee.webhook) < :most
RETURNING id
""")
READ = """
SELECT w.id, w.url, w.events, w.created_at, w.disabled_at, pending.n AS pending
FROM marquee.webhook w CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM marquee.delivery d
    WHERE d.webhook_id = w.id AND d.delivered_at IS NULL AND d.given_up_at IS NULL) pending
"""
LIST = text(f"{READ} ORDER BY w.id")
ONE = text(f"{READ} WHERE w.id = :id")
DISABLE = text("""
UPDATE marquee.webhook SET disabled_at = COALESCE(disabled_at, clock_timestamp()) WHERE id = :id RETURNING id
""")
GIVE_UP = text("""
UPDATE marquee.delivery SET given_up_at = clock_timestamp(), error = :error
WHERE webhook_id = :id AND delivered_at IS NULL AND given_up_at IS NULL
""")
DELETE = text("DELETE FROM marquee.webhook WHERE id = :id RETURNING id")


@dataclass(frozen=True, slots=True)
class WebhookRecord:
    """A webhook without its secret; `pending` deliveries are still to be sent."""

    id: int
    url: str
    events: tuple[Event, ...]
    created_at: datetime
    disabled_at: datetime | None
    pending: int


def add_webhook(connection: Connection, url: str, events: Sequence[str]) -> tuple[WebhookRecord, str]:
    """Make a webhook; returns it and its secret, which signs what it is sent and is not shown again.

    Raises:
        InvalidWebhookError: the URL or the events are wrong, or there are too many webhooks.
    """
    _check_url(url)
    chosen = [event for event in EVENTS if event in events]
    unknown = sorted(set(events) - set(EVENTS))
    if unknown or not chosen:
        raise InvalidWebhookError(
            f"There is no event {unknown[0]!r}." if unknown else "A webhook without an event hears nothing.",
            mend=f"Events are {', '.join(EVENTS)}.",
        )
    connection.execute(LOCK)
    secret = PREFIX + secrets.token_urlsafe(32)
    asked = {"url": url, "secret": secret, "events": chosen, "most": MAX_WEBHOOKS}
    made = connection.execute(ADD, asked).scalar_one_or_none()
    if made is None:
        raise InvalidWebhookError(f"There are {MAX_WEBHOOKS} webhooks already.", mend="Delete one of them.")
    return read_webhook(connection, made), secret


def list_webhooks(connection: Connection) -> list[WebhookRecord]:
    """Every webhook, the oldest first."""
    return [WebhookRecord(r.id, r.url, tuple(r.events), *r[3:]) for r in connection.execute(LIST)]


def read_webhook(connection: Connection, webhook_id: int) -> WebhookRecord:
    """One webhook.

    Raises:
        WebhookNotFoundError: there is none of this id.
    """
    row = connection.execute(ONE, {"id": webhook_id}).one_or_none()
    if row is None:
        raise _not_found(webhook_id)
    return WebhookRecord(row.id, row.url, tuple(row.events), *row[3:])


def disable_webhook(connection: Connection, webhook_id: int, reason: str) -> None:
    """Tell a webhook nothing more; what was still to be sent is given up for the reason, and stays to be seen.

    Raises:
        WebhookNotFoundError: there is none of this id.
    """
    if connection.execute(DISABLE, {"id": webhook_id}).one_or_none() is None:
        raise _not_found(webhook_id)
    connection.execute(GIVE_UP, {"id": webhook_id, "error": reason})


def delete_webhook(connection: Connection, webhook_id: int) -> None:
    """Delete a webhook with all its deliveries.

    Raises:
        WebhookNotFoundError: there is none of this id.
    """
    if connection.execute(DELETE, {"id": webhook_id}).one_or_none() is None:
        raise _not_found(webhook_id)


def _check_url(url: str) -> None:
    """Only the form: whether the host may be reached is for the worker that sends, which stands in the network."""
    mend = "Give https://HOST/PATH, without a user and without spaces."
    if len(url) > MAX_URL or not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        raise InvalidWebhookError(
            f"A webhook's URL has at most {MAX_URL} printable ASCII characters.", mend=mend
        )
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise InvalidWebhookError("The webhook's URL is not valid.", mend=mend) from None
    if parts.scheme not in ("http", "https") or not url.startswith(("http://", "https://")):
        raise InvalidWebhookError("A webhook's URL begins with https://.", mend=mend)
    if not usable or parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidWebhookError("A webhook's URL names a host, no user and no fragment.", mend=mend)


def _not_found(webhook_id: int) -> WebhookNotFoundError:
    return WebhookNotFoundError(f"No webhook has the id {webhook_id}.", mend="GET /webhooks lists them.")
