"""The relay: it tells Celery which movies are due. LISTEN is its hint, polling its certainty.

It keeps a small window of movies in the broker and leaves the rest in the ledger, so that a movie somebody
waits for overtakes a million others, and a broker that loses everything loses little. Several relays may
run side by side.
"""

import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from time import monotonic

import structlog
from celery import Celery
from kombu.exceptions import OperationalError as BrokerError
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.errors import DatabaseUnavailableError
from catalog.ledger.arrivals import line_up
from catalog.ledger.dispatch import Dispatch, claim_pending, queued, return_queued
from catalog.ledger.recovery import recover
from catalog.ledger.retagging import retag
from catalog.ledger.words import EVENT_CHANNEL, Limits, Priority, State
from catalog.listen import Listener
from catalog.liveness import somebody_lives
from worker.app import FETCH

log = structlog.get_logger(__name__)

BULK_MESSAGE = 8


class Relay:
    """Claims due movies and sends their fetch messages until `stop` is called.

    Args:
        engine: the catalog.
        app: the Celery application that sends.
        window: how many movies wait in the broker at most.
        poll_seconds: how often the ledger is looked at without a hint.
        limits: the leases and the bounds of recovery.
    """

    def __init__(
        self, engine: Engine, app: Celery, *, window: int, poll_seconds: float, limits: Limits
    ) -> None:
        self.engine = engine
        self.app = app
        self.window = window
        self.poll_seconds = poll_seconds
        self.limits = limits
        self.listener = Listener(engine, EVENT_CHANNEL)
        self._bell, self._ring = os.pipe()
        self._stopping = False
        self._recover_at = 0.0
        self.broker_is_away = False
        self.nobody_takes = False

    def stop(self) -> None:
        """End `run` at its next step. May be called from a signal handler or another thread."""
        self._stopping = True
        os.write(self._ring, b"x")

    def run(self) -> None:
        """Relay until stopped. Postgres or the broker being away only delays."""
        while not self._stopping:
            pause = self.poll_seconds
            try:
                self.turn()
            except DatabaseUnavailableError as error:
                log.warning("Postgres is away", error=error.message)
                pause = 0.2
            except (BrokerError, OSError) as error:
                self.broker_is_away = True
                log.warning("the broker is away; the movies wait in the ledger", error=str(error))
            if not self._stopping:
                self.listener.wait(pause, self._bell)
        self.listener.close()

    def turn(self) -> int:
        """Recover what was lost, then send messages until the window is full; returns how many movies went."""
        sent = 0
        while not self._stopping:
            if monotonic() >= self._recover_at:
                self._recover()
                self._retag()
            with transaction(self.engine, durable=False) as connection:
                if self.nobody_takes and not somebody_lives(connection, "fetch"):
                    break  # more messages would only pile up in the broker
                self.nobody_takes = False
                room = self.window - queued(connection)
                if self.broker_is_away:
                    room = min(room, 1)  # one movie tries whether it is back
                lease = self.limits.queue_lease_seconds
                if room <= 0:
                    break
                # While movies of a load come into line, re-tagging waits for the next look.
                coming = line_up(connection, room)
                lowest = Priority.BULK if coming else Priority.RETAG
                claimed = claim_pending(connection, room, lease, lowest=lowest)
            if claimed:
                self._send(claimed)
                self.broker_is_away = False
                sent += len(claimed)
            elif not coming:
                break
        return sent

    def _recover(self) -> None:
        with transaction(self.engine) as connection:
            recovered = recover(connection, self.limits)
        self.nobody_takes |= any(r.held_as == State.QUEUED for r in recovered)
        if recovered:
            log.warning("gave movies of dead workers or lost messages to others", movies=len(recovered))
        self._recover_at = monotonic() + self.poll_seconds

    def _retag(self) -> None:
        with transaction(self.engine) as connection:
            asked = retag(connection)
        if asked:
            log.info("movies that another model tagged come into line again", movies=asked)

    def _send(self, claimed: Sequence[Dispatch]) -> None:
        unsent = {d.movie_id for d in claimed}
        try:
            for message in messages(claimed):
                self.app.send_task(
                    FETCH,
                    kwargs={"movie_ids": [d.movie_id for d in message], "alone": message[0].suspect},
                    priority=message[0].priority,
                    expiration=2 * self.limits.queue_lease_seconds,
                )
                unsent -= {d.movie_id for d in message}
        except (BrokerError, OSError):
            with transaction(self.engine) as connection:
                return_queued(connection, list(unsent))
            raise


def messages(claimed: Sequence[Dispatch]) -> Iterator[list[Dispatch]]:
    """Split the movies into messages: a suspect or an interactive movie has its own, others share."""
    for (priority, suspect), group in groupby(claimed, key=lambda d: (d.priority, d.suspect)):
        movies = list(group)
        size = 1 if suspect or priority == Priority.INTERACTIVE else BULK_MESSAGE
        for start in range(0, len(movies), size):
            yield movies[start : start + size]
