"""The sender: it tells webhooks what the ledger has for them. LISTEN is its hint, polling its certainty.

Each webhook has its own few threads, so that one that is slow or away holds up no other. What
is claimed and not settled, because the sender died, falls due again with the same delivery id: a webhook hears
everything at least once, in no promised order.
"""

import json
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic, time
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.errors import DatabaseUnavailableError, WebhookNotFoundError
from catalog.listen import Listener
from catalog.webhooks.deliveries import (
    LONGEST_PAUSE,
    Delivery,
    back_off,
    claim_due,
    delivered,
    failed,
    gone,
    postpone,
    prune,
    webhooks_with_due,
)
from catalog.webhooks.hooks import disable_webhook
from catalog.webhooks.news import DELIVERY_CHANNEL
from worker.webhooks.client import Answer, WebhookClient
from worker.webhooks.signing import signature

log = structlog.get_logger(__name__)

MOST_LANES = 16
LANES = 4  # of one webhook
BATCH = 8
LEASE_SECONDS = 120.0  # a batch of the slowest answers, and some to spare
LONGEST_REST = 60.0
PRUNE_SECONDS = 3600.0
PRUNED = 5_000
STOP_SECONDS = 2.0


class Sender:
    """Sends due deliveries from its `start` until its `stop`.

    Args:
        engine: the catalog.
        client: posts to webhooks.
        poll_seconds: how often the ledger is looked at without a hint.
        now: the time that deliveries are signed with, in seconds since 1970.
    """

    def __init__(
        self,
        engine: Engine,
        client: WebhookClient,
        *,
        poll_seconds: float = 1.0,
        now: Callable[[], float] = time,
    ) -> None:
        self.engine = engine
        self.client = client
        self.poll_seconds = poll_seconds
        self.now = now
        self._listener = Listener(engine, DELIVERY_CHANNEL)
        self._bell, self._ring = os.pipe()
        os.set_blocking(self._bell, False)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._lanes: dict[threading.Thread, int] = {}
        self._rests_until: dict[int, float] = {}
        self._prune_at = 0.0
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        os.write(self._ring, b"x")
        self._thread.join()
        self.close()

    def close(self) -> None:
        """Wait a moment for the sends that are under way; one that takes longer is sent again another time."""
        self._stopping.set()
        ends_at = monotonic() + STOP_SECONDS
        for lane in list(self._lanes):
            lane.join(max(0.0, ends_at - monotonic()))
        self._listener.close()
        if self._lanes:
            return  # they may still ring
        os.close(self._bell)
        os.close(self._ring)

    def turn(self) -> int:
        """Set threads to work on every webhook that has something due; returns how many were set."""
        self._prune()
        with transaction(self.engine) as connection:
            due = webhooks_with_due(connection)
        return sum(self._open_lane(webhook_id) for webhook_id in due for _ in range(LANES))

    def serve(self, webhook_id: int) -> int:
        """Send what is due to a webhook, until nothing is or it is away; returns how many were sent."""
        sent = 0
        while not self._stopping.is_set() and not self._rests(webhook_id):
            with transaction(self.engine, durable=False) as connection:
                claimed = claim_due(connection, webhook_id, BATCH, LEASE_SECONDS)
            if not claimed:
                break
            for place, delivery in enumerate(claimed):
                if self._stopping.is_set():
                    self._postpone(claimed[place:], 0.0)
                    break
                answer = self._send(delivery)
                sent += 1
                if not self._settle(delivery, answer):
                    self._put_back(claimed[place + 1 :], delivery, answer)
                    break
        return sent

    def _send(self, delivery: Delivery) -> Answer:
        body = json.dumps({**delivery.body, "delivery": delivery.id}, ensure_ascii=False).encode()
        timestamp = int(self.now())
        headers = {
            "Content-Type": "application/json",
            "Marquee-Event": delivery.event,
            "Marquee-Delivery": str(delivery.id),
            "Marquee-Timestamp": str(timestamp),
            "Marquee-Signature": signature(delivery.secret, timestamp, body),
        }
        return self.client.post(delivery.url, headers, body)

    def _settle(self, delivery: Delivery, answer: Answer) -> bool:
        """Note what became of a delivery; returns whether the webhook can be sent the next.

        Should Postgres crash before this is on the disk, the delivery is sent once more.
        """
        with transaction(self.engine, durable=False) as connection:
            if answer.heard and answer.status is not None:
                delivered(connection, delivery.id, answer.status)
                return True
            if answer.gone:
                with suppress(WebhookNotFoundError):
                    disable_webhook(connection, delivery.webhook_id, "It answered 410 and was disabled.")
                gone(connection, delivery.id, answer.status)
                log.warning("a webhook is gone and was disabled", webhook=delivery.webhook_id)
                return False
            failed(
                connection,
                delivery,
                status=answer.status,
                error=answer.error,
                pause=max(back_off(delivery.attempts), min(answer.retry_after, LONGEST_PAUSE)),
            )
        log.warning(
            "a webhook was not reached",
            webhook=delivery.webhook_id,
            delivery=delivery.id,
            attempt=delivery.attempts,
            error=answer.error,
        )
        return not answer.away

    def _put_back(self, untried: list[Delivery], delivery: Delivery, answer: Answer) -> None:
        """Leave a webhook alone that is away: its other deliveries are not tried, nor counted as tried."""
        if answer.gone:
            return
        rest = min(max(back_off(delivery.attempts), answer.retry_after), LONGEST_REST)
        with self._lock:
            self._rests_until[delivery.webhook_id] = monotonic() + rest
        self._postpone(untried, rest)

    def _postpone(self, untried: list[Delivery], seconds: float) -> None:
        with transaction(self.engine) as connection:
            postpone(connection, untried, seconds)

    def _rests(self, webhook_id: int) -> bool:
        return self._rests_until.get(webhook_id, 0.0) > monotonic()

    def _open_lane(self, webhook_id: int) -> bool:
        lane = threading.Thread(
            target=self._lane, args=(webhook_id,), name=f"webhook {webhook_id}", daemon=True
        )
        with self._lock:
            full = len(self._lanes) >= MOST_LANES or list(self._lanes.values()).count(webhook_id) >= LANES
            if full or self._rests(webhook_id) or self._stopping.is_set():
                return False
            self._lanes[lane] = webhook_id
        lane.start()
        return True

    def _lane(self, webhook_id: int) -> None:
        sent = 0
        try:
            sent = self.serve(webhook_id)
        except DatabaseUnavailableError as error:
            log.warning("Postgres is away; what was claimed falls due again", error=error.message)
        except Exception:
            log.exception("sending broke off; what was claimed falls due again", webhook=webhook_id)
        finally:
            with self._lock:
                del self._lanes[threading.current_thread()]
                if sent and not self._stopping.is_set():
                    os.write(self._ring, b"x")  # there may be more by now

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.turn()
            except DatabaseUnavailableError as error:
                log.warning("Postgres is away", error=error.message)
            except Exception:
                log.exception("a look at the deliveries failed; the next one tries again")
            if not self._stopping.is_set():
                self._wait()

    def _wait(self) -> None:
        self._listener.wait(self.poll_seconds, self._bell)
        with suppress(BlockingIOError):
            while os.read(self._bell, 512):
                pass

    def _prune(self) -> None:
        if monotonic() < self._prune_at:
            return
        self._prune_at = monotonic() + PRUNE_SECONDS
        while not self._stopping.is_set():
            with transaction(self.engine) as connection:
                if prune(connection, PRUNED) < PRUNED:
                    return
