"""The fetch task's work: claim the movies of a message, gather their content, finish them.

What goes wrong is told apart: a movie's own failure is counted against it; a service that is away or refuses
closes its gate for the whole fleet, and the movies wait without a failure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic

import structlog
from sqlalchemy import Connection, Engine

from catalog.content import ContentRecord
from catalog.engine import transaction
from catalog.errors import DatabaseUnavailableError
from catalog.gates import ClosedGate, close_gate, closed_gates
from catalog.ledger.fence import Held
from catalog.ledger.fetching import FetchJob, claim_queued, finish_fetch
from catalog.ledger.leases import renew
from catalog.ledger.trouble import Failure, fail, hand_back
from catalog.ledger.words import Limits, State
from marquee.errors import MarqueeError
from worker.breaker import Breaker
from worker.errors import (
    FetchUnavailableError,
    InvalidTokenError,
    PosterStoreError,
    PosterUnavailableError,
    RateLimitedError,
)
from worker.gather import Gatherer
from worker.keeper import Keeper
from worker.patience import patiently, until_unlocked
from worker.turnstile import Turnstile

log = structlog.get_logger(__name__)

TMDB, POSTERS = "tmdb", "posters"
TOKEN_PAUSE, STORE_PAUSE, BREAKER_PAUSE = 60.0, 5.0, 10.0
BREAKER_FAILURES = 3
LONGEST_LEASES = (
    8  # TMDB's calls and a poster's download are bounded; one movie's together take less than these
)


@dataclass(slots=True)
class Outcome:
    """What became of the movies of one message."""

    records: dict[int, ContentRecord] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    waiting: dict[datetime | None, dict[int, int]] = field(default_factory=dict)

    def wait(self, job: FetchJob, until: datetime | None) -> None:
        """The movie goes back unharmed, to be due at `until`."""
        self.waiting.setdefault(until, {})[job.movie_id] = job.revision


class Fetcher:
    """Fetches movies for the worker `owner`; the pool's threads share it.

    Args:
        engine: the catalog.
        owner: the id under which the worker claims.
        gatherer: makes the content.
        limits: leases and bounds.
        wake: tells the tag workers that movies are ready.
        stopping: says whether the worker is to stop.
    """

    def __init__(
        self,
        engine: Engine,
        owner: int,
        gatherer: Gatherer,
        limits: Limits,
        *,
        wake: Callable[[], None],
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self.engine = engine
        self.owner = owner
        self.gatherer = gatherer
        self.limits = limits
        self.wake = wake
        self.stopping = stopping
        self._turnstile = Turnstile()
        self._breaker = Breaker(BREAKER_FAILURES)

    def fetch(self, movie_ids: Sequence[int], *, alone: bool = False) -> None:
        """Fetch those of the movies that still wait for it; a suspect is fetched with no other beside it."""
        with self._turnstile.enter(alone=alone):
            with transaction(self.engine, durable=False) as connection:
                jobs = claim_queued(connection, self.owner, movie_ids, self.limits.lease_seconds)
                gates = closed_gates(connection) if jobs else {}
            if jobs:
                outcome = self._gather_all(jobs, gates)
                patiently(
                    lambda: self._finish(outcome), seconds=self.limits.lease_seconds, stopping=self.stopping
                )

    def _gather_all(self, jobs: Sequence[FetchJob], gates: dict[str, ClosedGate]) -> Outcome:
        outcome = Outcome()
        lease = self.limits.lease_seconds
        with Keeper(lambda: self._renew(jobs), every=lease / 4, longest=LONGEST_LEASES * lease) as keeper:
            for job in jobs:
                keeper.step()
                if self.stopping():
                    outcome.wait(job, None)
                else:
                    started = monotonic()
                    self._try(job, gates, outcome)
                    outcome.seconds[job.movie_id] = monotonic() - started
        return outcome

    def _try(self, job: FetchJob, gates: dict[str, ClosedGate], outcome: Outcome) -> None:
        try:
            self._gather(job, gates, outcome)
        except MarqueeError as error:
            outcome.failures.append(Failure(job.movie_id, job.revision, str(error)))
        except Exception as error:
            log.exception("a movie could not be fetched", movie=job.movie_id)
            reason = f"{type(error).__name__}: {error}"
            outcome.failures.append(Failure(job.movie_id, job.revision, reason))

    def _renew(self, jobs: Sequence[FetchJob]) -> None:
        """Keep the movies of a message that takes long. Where Postgres is away, that can wait."""
        try:
            with transaction(self.engine, durable=False) as connection:
                ids = [job.movie_id for job in jobs]
                renew(connection, self.owner, State.FETCHING, ids, self.limits.lease_seconds)
        except DatabaseUnavailableError as error:
            log.warning("Postgres is away", error=error.message)

    def _gather(self, job: FetchJob, gates: dict[str, ClosedGate], outcome: Outcome) -> None:
        known = self.gatherer.at_hand(job)
        if known is not None:
            outcome.records[job.movie_id] = known
            return
        asks_tmdb = self.gatherer.needs_tmdb(job)
        gate = gates.get(POSTERS) or (gates.get(TMDB) if asks_tmdb else None)
        if gate is not None:
            outcome.wait(job, gate.until)
            return
        try:
            outcome.records[job.movie_id] = self.gatherer.gather(job)
            self._breaker.success()
        except InvalidTokenError as error:
            self._close(gates, TMDB, TOKEN_PAUSE, str(error))
        except PosterStoreError as error:
            self._close(gates, POSTERS, STORE_PAUSE, str(error))
        except PosterUnavailableError:
            raise
        except RateLimitedError as error:
            self._close(gates, TMDB, error.retry_after, error.message)
        except FetchUnavailableError as error:
            if not (asks_tmdb and self._breaker.failure()):
                raise
            self._close(gates, TMDB, BREAKER_PAUSE, str(error))
        if job.movie_id not in outcome.records:
            outcome.wait(job, (gates.get(POSTERS) or gates[TMDB]).until)

    def _close(self, gates: dict[str, ClosedGate], name: str, seconds: float, reason: str) -> None:
        log.warning("closed a gate", gate=name, seconds=seconds, reason=reason)
        try:
            with transaction(self.engine) as connection:
                gates[name] = close_gate(connection, name, seconds, reason)
        except DatabaseUnavailableError:  # no fault of the movie's either: at least this message's wait
            gates[name] = ClosedGate(name, datetime.now(UTC) + timedelta(seconds=seconds), reason)

    def _finish(self, outcome: Outcome) -> None:
        def finish(movies: frozenset[int]) -> Held:
            records = {movie_id: outcome.records[movie_id] for movie_id in movies}
            with transaction(self.engine) as connection:
                fetched = finish_fetch(connection, self.owner, records, outcome.seconds)
            if fetched.ready:
                self.wake()
            return fetched.fence

        if outcome.failures or outcome.waiting:
            with transaction(self.engine) as connection:
                self._write_troubles(connection, outcome)
        until_unlocked(finish, frozenset(outcome.records))

    def _write_troubles(self, connection: Connection, outcome: Outcome) -> None:
        if outcome.failures:
            fail(connection, self.owner, State.FETCHING, outcome.failures, self.limits)
        for due_at, revisions in outcome.waiting.items():
            hand_back(connection, self.owner, State.FETCHING, revisions, due_at=due_at)
