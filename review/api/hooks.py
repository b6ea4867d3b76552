"""Webhooks over HTTP: who is told of movies, and what became of it."""

from typing import Annotated

from fastapi import APIRouter, Query

from catalog.engine import transaction
from catalog.webhooks.deliveries import list_deliveries
from catalog.webhooks.hooks import (
    EVENTS,
    WebhookRecord,
    add_webhook,
    delete_webhook,
    list_webhooks,
    read_webhook,
)
from catalog.webhooks.news import announce_test
from review.api.guard import Catalog, GuardedRoute, needs
from review.api.problems import documented
from review.api.shapes import (
    MAX_ID,
    AddWebhook,
    Deliveries,
    Delivery,
    News,
    NewWebhook,
    Tested,
    Webhook,
    WebhookId,
)

router = APIRouter(route_class=GuardedRoute, tags=["webhooks"])


@router.post("/webhooks", status_code=201, summary="Add a webhook", responses=documented(400))
@needs("admin")
def post_webhook(asked: AddWebhook, engine: Catalog) -> NewWebhook:
    """Have a URL told of movies: *tagged*, *needs_review* (an editor is wanted), *decided*.

    The answer has the secret that signs what is sent; it is not shown again.
    """
    with transaction(engine) as connection:
        record, secret = add_webhook(connection, asked.url, asked.events)
    return NewWebhook(**_webhook(record).model_dump(), secret=secret)


@router.get("/webhooks", summary="List webhooks", responses=documented())
@needs("admin")
def get_webhooks(engine: Catalog) -> list[Webhook]:
    """The webhooks, the oldest first."""
    with transaction(engine) as connection:
        return [_webhook(record) for record in list_webhooks(connection)]


@router.get("/webhooks/{webhook_id}", summary="Read a webhook", responses=documented(404))
@needs("admin")
def get_webhook(webhook_id: WebhookId, engine: Catalog) -> Webhook:
    """One webhook."""
    with transaction(engine) as connection:
        return _webhook(read_webhook(connection, webhook_id))


@router.delete(
    "/webhooks/{webhook_id}", status_code=204, summary="Delete a webhook", responses=documented(404)
)
@needs("admin")
def remove_webhook(webhook_id: WebhookId, engine: Catalog) -> None:
    """Delete a webhook with its deliveries, also those still to be sent."""
    with transaction(engine) as connection:
        delete_webhook(connection, webhook_id)


@router.get(
    "/webhooks/{webhook_id}/deliveries", summary="See what became of deliveries", responses=documented(404)
)
@needs("admin")
def get_deliveries(
    webhook_id: WebhookId,
    engine: Catalog,
    before: Annotated[int | None, Query(ge=1, le=MAX_ID, description="A page's `next`.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Deliveries:
    """Deliveries of the last month, the newest first."""
    with transaction(engine) as connection:
        found = list_deliveries(connection, webhook_id, before=before, most=limit)
    following = found[-1].id if len(found) == limit else None
    return Deliveries(deliveries=[Delivery.model_validate(d) for d in found], next=following)


@router.post("/webhooks/{webhook_id}/test", status_code=202, summary="Send a test", responses=documented(404))
@needs("admin")
def test_webhook(webhook_id: WebhookId, engine: Catalog) -> Tested:
    """Have the webhook sent a delivery of the event `test`; the deliveries say what became of it."""
    with transaction(engine) as connection:
        return Tested(delivery=announce_test(connection, webhook_id))


def _webhook(record: WebhookRecord) -> Webhook:
    return Webhook.model_validate(record)


def tell(news: News) -> None:
    """Sent with the headers Marquee-Event, Marquee-Delivery, Marquee-Timestamp and Marquee-Signature.

    The signature is `t=TIMESTAMP,v1=HEX`: the HMAC-SHA256 of `TIMESTAMP.BODY` by the webhook's secret. Each delivery
    is sent at least once, in no promised order. Answer 2xx within 10 seconds; anything else is tried again for most
    of a day, and 410 disables the webhook.
    """


def document_news(webhooks: APIRouter) -> None:
    """Put what webhooks are told into the OpenAPI document; no request leads there."""
    for event in EVENTS:
        webhooks.post(event, name=event, tags=["webhooks"], summary=f"What is sent on {event}")(tell)
