"""The drain: while there are ready movies, claim a micro-batch, tag it, and finish it in one transaction.

The Celery message is only a wake-up. Movies that are tagged again after a promotion have small batches of their own,
when no other movie is ready. While the device works on one batch, a second thread claims the next
and decodes it. A batch that fails is cut in two until the one bad movie stands alone; a batch that does not
fit the device is halved, and so are the ones after it. A device that fails at everything is not the movies'
fault: the worker ends, and they are tried alone.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, perf_counter

import structlog
from sqlalchemy import Connection, Engine

from catalog.engine import transaction
from catalog.errors import DatabaseUnavailableError
from catalog.ledger.fence import Held
from catalog.ledger.leases import renew
from catalog.ledger.tagging import TagJob, claim_ready, finish_tagging
from catalog.ledger.trouble import Failure, fail, hand_back
from catalog.ledger.words import Limits, Priority, State
from catalog.predictions import MoviePrediction
from marquee.errors import MarqueeError
from tagger.content import Content
from tagger.errors import OutOfDeviceMemoryError
from tagger.predictor import Prediction, Predictor
from tagger.prepare import Prepared
from worker.champion import PROBE, Champion, Loaded
from worker.errors import DeviceError, PosterDamagedError, PosterMissingError, PosterStoreError
from worker.patience import patiently, until_unlocked
from worker.posters import PosterStore

log = structlog.get_logger(__name__)

SUSPECTS = 16
RETAG_SECONDS = 0.25


@dataclass(slots=True)
class Batch:
    """A claimed micro-batch with the one model that tags it; `prepared` is None where that failed.

    `seconds` is how long it took to read and prepare it, `claimed` when that began. In the `background` are movies
    that are tagged again.
    """

    model: Loaded
    jobs: list[TagJob]
    contents: list[Content]
    prepared: Prepared | None
    seconds: float
    claimed: float
    background: bool


@dataclass(slots=True)
class Tagged:
    """What came of a batch: predictions, and the movies that the model could not take."""

    results: list[tuple[TagJob, Prediction]]
    failures: list[Failure]


class Drain:
    """Tags ready movies for the worker `owner` on the champion's device. One run at a time.

    `worked_at` is when (in seconds of the monotonic clock) it last had a batch.

    Args:
        engine: the catalog.
        owner: the id under which the worker claims.
        champion: gives the model that tags now.
        store: the posters.
        limits: leases and bounds.
        batch_size: movies in a batch at most.
        audit_share: the share of the model's own accepted tags that is put before an editor.
        stopping: says whether the worker is to stop; looked at between two batches.
        broken: called when the device fails at everything; it should end the process, and not return.
    """

    def __init__(
        self,
        engine: Engine,
        owner: int,
        champion: Champion,
        store: PosterStore,
        limits: Limits,
        *,
        batch_size: int,
        audit_share: float = 0.0,
        stopping: Callable[[], bool] = lambda: False,
        broken: Callable[[DeviceError], None] = lambda _: None,
    ) -> None:
        self.engine = engine
        self.owner = owner
        self.champion = champion
        self.store = store
        self.limits = limits
        self.batch_size = batch_size
        self.audit_share = audit_share
        self.stopping = stopping
        self.broken = broken
        self.worked_at = 0.0
        self._pace = RETAG_SECONDS / 4  # seconds a movie, by the batches so far
        self._asked = threading.Event()
        self._running = threading.Lock()
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="loader")

    def run(self) -> int:
        """Tag until nothing is ready; returns how many movies were tagged.

        A second caller returns at once, and the first looks once more before it ends.
        """
        tagged = 0
        self._asked.set()
        while self._asked.is_set() and self._running.acquire(blocking=False):
            try:
                self._asked.clear()
                tagged += self._run()
            finally:
                self._running.release()
        return tagged

    @property
    def asked(self) -> bool:
        """Whether a run was asked for that has not begun."""
        return self._asked.is_set()

    @contextmanager
    def device(self) -> Iterator[None]:
        """Have the device for something else: no run begins meanwhile, and one under way is waited for.

        Whoever calls this does short work only, and runs the drain between two pieces of it.
        """
        with self._running:
            yield

    def interrupt(self, work: Callable[[], object]) -> None:
        """Within `device`: give the device back while `work` runs, which runs the drain, and take it again."""
        self._running.release()
        try:
            work()
        finally:
            self._running.acquire()

    def close(self) -> None:
        """End the loader's thread."""
        self._loader.shutdown()

    def _run(self) -> int:
        tagged = 0
        batch = self._take()
        while batch is not None and not self.stopping():
            following = self._take_ahead(batch)
            try:
                tagged += self._tag(batch)
            except DeviceError as error:
                self._return_ahead(following)
                self.broken(error)
                raise
            except BaseException:
                self._return(batch)
                self._return_ahead(following)
                raise
            batch = following.result() if following else self._take()
        self._return(batch)
        return tagged

    def _take_ahead(self, batch: Batch) -> "Future[Batch | None] | None":
        """Take the next batch while the device works.

        Not while a suspect could take it along into death, nor when that would be movies that nobody waits for.
        """
        if batch.background or any(job.suspect for job in batch.jobs):
            return None
        return self._loader.submit(self._take)

    def _return(self, batch: Batch | None) -> None:
        """Give the movies of a batch back unharmed; where Postgres is away, their lease does it."""
        if batch is None:
            return
        try:
            with transaction(self.engine) as connection:
                hand_back(connection, self.owner, State.TAGGING, {j.movie_id: j.revision for j in batch.jobs})
        except DatabaseUnavailableError as error:
            log.warning("left a batch to its lease", movies=len(batch.jobs), error=error.message)

    def _return_ahead(self, following: "Future[Batch | None] | None") -> None:
        """Give back what was taken ahead; where that failed too, what failed first is what counts."""
        if following is not None and following.exception() is None:
            self._return(following.result())

    def _take(self) -> Batch | None:
        """Claim the next batch and do the CPU's share of it."""
        while not self.stopping():
            claimed = monotonic()
            with transaction(self.engine, durable=False) as connection:
                model = self.champion.current(connection)
                jobs = self._claim(connection, self.batch_size, Priority.BULK)
                background = not jobs
                # Until the champion is loaded, nothing is tagged again by the model before it.
                if not jobs and self.champion.is_wanted(model):
                    jobs = self._claim(connection, self._retag_size(), Priority.RETAG)
            if not jobs:
                return None
            started = perf_counter()
            jobs, contents = self._read_contents(jobs)
            if jobs:
                prepared = _prepare(model.predictor, contents)
                return Batch(model, jobs, contents, prepared, perf_counter() - started, claimed, background)
        return None

    def _claim(self, connection: Connection, movies: int, lowest: Priority) -> list[TagJob]:
        suspects = min(SUSPECTS, movies) if self.limits.max_deaths > 2 else 1
        return claim_ready(
            connection, self.owner, movies, self.limits.lease_seconds, suspects=suspects, lowest=lowest
        )

    def _retag_size(self) -> int:
        """Movies that nobody waits for go in batches so small that one who comes meanwhile hardly waits."""
        return max(1, min(self.batch_size, int(RETAG_SECONDS / self._pace)))

    def _read_contents(self, jobs: Sequence[TagJob]) -> tuple[list[TagJob], list[Content]]:
        """The movies whose posters could be read; the others go back, to be fetched anew where that helps."""
        readable: list[TagJob] = []
        contents: list[Content] = []
        failures: list[Failure] = []
        waiting: dict[int, int] = {}
        for job in jobs:
            seen = job.content
            try:
                poster = self.store.get(seen.poster_hash) if seen.poster_hash else None
            except (PosterMissingError, PosterDamagedError) as error:
                failures.append(Failure(job.movie_id, job.revision, str(error), refetch=True))
            except PosterStoreError as error:
                log.warning("the poster store is away; movies wait", error=str(error))
                waiting[job.movie_id] = job.revision
            else:
                readable.append(job)
                contents.append(Content(seen.title or "", seen.year, seen.language, seen.plot, poster))
        if failures or waiting:
            with transaction(self.engine) as connection:
                fail(connection, self.owner, State.TAGGING, failures, self.limits)
                hand_back(connection, self.owner, State.TAGGING, waiting, delay=5.0)
        return readable, contents

    def _tag(self, batch: Batch) -> int:
        started = perf_counter()
        self.worked_at = monotonic()
        self._keep(batch)
        self._swap(batch)
        tagged = self._predict(batch.model.predictor, batch.jobs, batch.contents, batch.prepared)
        if not tagged.results:
            check_device(batch.model.predictor)
        self._pace += (max(1e-6, (perf_counter() - started) / len(batch.jobs)) - self._pace) / 4
        seconds = perf_counter() - started + batch.seconds
        return patiently(
            lambda: self._finish(batch, tagged, seconds),
            seconds=self.limits.lease_seconds,
            stopping=self.stopping,
        )

    def _keep(self, batch: Batch) -> None:
        """Renew the lease of a batch that has waited long for its turn."""
        if monotonic() - batch.claimed > self.limits.lease_seconds / 4:
            with transaction(self.engine, durable=False) as connection:
                ids = [job.movie_id for job in batch.jobs]
                renew(connection, self.owner, State.TAGGING, ids, self.limits.lease_seconds)

    def _swap(self, batch: Batch) -> None:
        """Give a batch that was prepared for the model before to the one that tags by now."""
        now = self.champion.now
        if now is not None and now is not batch.model:
            batch.model, batch.prepared = now, None

    def _predict(
        self, predictor: Predictor, jobs: list[TagJob], contents: list[Content], prepared: Prepared | None
    ) -> Tagged:
        try:
            predictions = predictor.predict(prepared if prepared is not None else contents)
            return Tagged(list(zip(jobs, predictions, strict=True)), [])
        except OutOfDeviceMemoryError as error:
            if len(jobs) == 1:
                return Tagged([], [_failure(jobs[0], error)])
            self.batch_size = max(1, len(jobs) // 2)
            log.warning("the device's memory is too small for the batch; halved it", batch=self.batch_size)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is one movie's
            if len(jobs) == 1:
                log.warning("a movie could not be tagged", movie=jobs[0].movie_id, error=repr(error))
                return Tagged([], [_failure(jobs[0], error)])
            log.warning("a batch failed; looking for the movie", movies=len(jobs), error=repr(error))
        half = len(jobs) // 2
        left = self._predict(predictor, jobs[:half], contents[:half], None)
        right = self._predict(predictor, jobs[half:], contents[half:], None)
        return Tagged(left.results + right.results, left.failures + right.failures)

    def _finish(self, batch: Batch, tagged: Tagged, seconds: float) -> int:
        results = [
            (job, MoviePrediction(p.confidence.tolist(), p.predicted.tolist(), p.decision))
            for job, p in tagged.results
        ]

        def finish(movies: frozenset[int]) -> Held:
            wanted = [(job, prediction) for job, prediction in results if job.movie_id in movies]
            with transaction(self.engine) as connection:
                return finish_tagging(
                    connection, self.owner, batch.model.record, wanted, seconds, audit_share=self.audit_share
                )

        if tagged.failures:
            with transaction(self.engine) as connection:
                fail(connection, self.owner, State.TAGGING, tagged.failures, self.limits)
        fence = until_unlocked(finish, frozenset(job.movie_id for job, _ in results))
        if fence.stale:
            log.info("dropped results of movies that changed meanwhile", movies=len(fence.stale))
        return len(fence.held)


def check_device(predictor: Predictor) -> None:
    """After something of which nothing came: was it the movies, or the device?

    Raises:
        DeviceError: the device cannot even tag a movie that is surely harmless.
    """
    try:
        predictor.predict([PROBE])
    except Exception as error:
        log.exception("the device fails at everything")
        raise DeviceError(f"The device fails at everything: {error}") from error


def _prepare(predictor: Predictor, contents: list[Content]) -> Prepared | None:
    """The CPU's share; a failure is left to the search for the one bad movie."""
    try:
        return predictor.prepare(contents)
    except Exception as error:  # noqa: BLE001 - predict meets it again, movie by movie
        log.warning("a batch could not be prepared as a whole", error=repr(error))
        return None


def _failure(job: TagJob, error: Exception) -> Failure:
    reason = str(error) if isinstance(error, MarqueeError) else f"{type(error).__name__}: {error}"
    return Failure(job.movie_id, job.revision, reason)
