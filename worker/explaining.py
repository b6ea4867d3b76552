"""Explanations: made by a tag worker whenever no movie waits, first those that an editor waits for.

A thread of its own, woken by the catalog; but there is one device, and movies come first. So it asks the drain
for the device, runs the drain before each piece of work, and gives the device back every few passes if a movie
has come meanwhile. What nobody waits for is made only when the last movie is some seconds past.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import Protocol, Self

import structlog
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.errors import DatabaseUnavailableError
from catalog.explanations import (
    EXPLAIN_CHANNEL,
    ExplainJob,
    Request,
    ask_ahead,
    claim_explanations,
    fail_explanation,
    finish_explanation,
    return_explanations,
)
from catalog.listen import Listener
from marquee.errors import MarqueeError
from tagger.content import Content
from tagger.embed import embed
from tagger.explain import Explanation, explain_all
from tagger.predictor import Predictor
from worker.champion import Loaded
from worker.drain import Drain, check_device
from worker.errors import (
    DeviceError,
    NoChampionError,
    PosterDamagedError,
    PosterMissingError,
    PosterStoreError,
)
from worker.neighbours import Embed, Neighbours

log = structlog.get_logger(__name__)

QUIET_SECONDS = 3.0
WAIT_SECONDS = 5.0
CHANGED = "The movie has changed since it was tagged; it is explained when it is tagged again."
NOTHING = "The movie has neither plot nor poster: its confidences are how frequent the genres are."


class Explain(Protocol):
    """What explains several genres of one movie."""

    def __call__(
        self, predictor: Predictor, content: Content, genres: Sequence[str], *, between: Callable[[], None]
    ) -> list[Explanation]:
        """Explain the genres, calling `between` every few passes."""


class StoppingError(Exception):
    """The worker is to stop: the work in hand is given back."""


class OvertakenError(Exception):
    """Movies have kept the device so long that another worker may take the work in hand: it is given back."""


class Explainer:
    """Makes what was asked for, and what will be asked for next, until its context ends.

    Args:
        engine: the catalog.
        drain: whose device and model are used.
        tag: runs the drain, whatever happens in it.
        lease_seconds: how long a request stays with a worker that is no longer heard of.
        ahead: how many movies first in the queue are explained before anybody asks; 0 for none.
        poll_seconds: how often the catalog is looked at without a hint.
        explain, embeds: what explains, and what makes vectors; by default the tagger's own.
    """

    def __init__(
        self,
        engine: Engine,
        drain: Drain,
        tag: Callable[[], int],
        *,
        lease_seconds: float,
        ahead: int,
        poll_seconds: float,
        explain: Explain | None = None,
        embeds: Embed | None = None,
    ) -> None:
        self.engine = engine
        self.drain = drain
        self.lease_seconds = lease_seconds
        self.ahead = ahead
        self.poll_seconds = poll_seconds
        self.neighbours = Neighbours(engine, drain.store, embeds or embed)
        self._tag = tag
        self._explain = explain or explain_all
        self._claimed_at = 0.0
        self._stopping = False
        self._bell, self._ring = os.pipe()
        self._listener = Listener(engine, EXPLAIN_CHANNEL)
        self._thread = threading.Thread(target=self._run, name="explain", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        os.write(self._ring, b"x")
        self._thread.join()
        os.close(self._bell)
        os.close(self._ring)

    def step(self) -> bool:
        """Tag what is ready, then do the next piece of work; whether there was any."""
        self._tag()
        if self._explain_next(ahead=False):
            return True
        if monotonic() - self.drain.worked_at < QUIET_SECONDS:
            return False
        return self._extend() or self._explain_next(ahead=True) or self._ask_ahead()

    def _run(self) -> None:
        while not self._stopped():
            try:
                while not self._stopped() and self.step():
                    pass
            except StoppingError:
                break
            except DatabaseUnavailableError as error:
                log.warning("Postgres is away", error=error.message)
            except Exception:
                log.exception("explaining broke off; it is tried again")
            if not self._stopped():
                self._listener.wait(self.poll_seconds, self._bell)
        self._listener.close()

    def _stopped(self) -> bool:
        return self._stopping or self.drain.stopping()

    def _ask_ahead(self) -> bool:
        if not self.ahead:
            return False
        with transaction(self.engine) as connection:
            return ask_ahead(connection, self.ahead) > 0

    @contextmanager
    def _device(self) -> Iterator[None]:
        """Have the device; a wake-up that came meanwhile is heard right after."""
        with self.drain.device():
            yield
        if self.drain.asked:
            self._tag()

    def _extend(self) -> bool:
        with self._device():
            try:
                with transaction(self.engine) as connection:
                    model = self.drain.champion.current(connection)
                return self.neighbours.extend(model)
            except (NoChampionError, PosterStoreError) as error:
                log.warning("vectors of labelled movies wait", error=str(error))
                return False

    def _explain_next(self, *, ahead: bool) -> bool:
        """Claim, with the device in hand: a lease must not run out while movies have it."""
        with self._device():
            self._claimed_at = monotonic()
            with transaction(self.engine, durable=False) as connection:
                job = claim_explanations(connection, self.lease_seconds, ahead=ahead)
            if job is None:
                return False
            try:
                self._make(job)
            except (StoppingError, DatabaseUnavailableError):
                self._return(job)
                raise
            except OvertakenError:
                self._return(job)
            except (NoChampionError, PosterStoreError) as error:
                log.warning("explanations wait", error=str(error))
                self._return(job, delay=WAIT_SECONDS)
        return True

    def _return(self, job: ExplainJob, *, delay: float = 0.0) -> None:
        """Give the requests back untried; where Postgres is away, their lease does it."""
        try:
            with transaction(self.engine) as connection:
                return_explanations(connection, job, delay=delay)
        except DatabaseUnavailableError:
            log.warning("left explanations to their lease", movie=job.movie_id)

    def _make(self, job: ExplainJob) -> None:
        """Explain by the model that tagged the movie; near are movies as the champion sees them.

        Raises:
            NoChampionError: the champion is not to be had on this host now.
            PosterStoreError: the store cannot be used now.
        """
        genres = [r for r in job.requests if r.genre is not None]
        others = [r for r in job.requests if r.genre is None]
        content = self._content(job)
        if isinstance(content, str):
            self._refuse(job, job.requests, content)
            return
        with transaction(self.engine) as connection:
            champion = self.drain.champion.current(connection)
        try:
            with transaction(self.engine) as connection:
                model = self.drain.champion.earlier(connection, job.model_id)
        except NoChampionError as error:
            self._refuse(job, job.requests, str(error))
            return
        unknown = [r for r in genres if r.genre not in model.predictor.genres]
        self._refuse(job, unknown, "The model does not know this genre.")
        self._genres(job, [r for r in genres if r not in unknown], model, content)
        self._nearest(job, others, champion, content)

    def _content(self, job: ExplainJob) -> Content | str:
        """What the model saw of the movie, or why there is nothing to explain.

        Raises:
            PosterStoreError: the store cannot be used now.
        """
        record = job.content
        if record is None:
            return CHANGED
        if not record.plot and not record.poster_hash:
            return NOTHING
        try:
            poster = self.drain.store.get(record.poster_hash) if record.poster_hash else None
        except (PosterMissingError, PosterDamagedError) as error:
            return str(error)
        return Content(record.title or "", record.year, record.language, record.plot, poster)

    def _genres(self, job: ExplainJob, requests: Sequence[Request], model: Loaded, content: Content) -> None:
        if not requests:
            return
        names = [str(r.genre) for r in requests]
        try:
            made = self._explain(model.predictor, content, names, between=self._let_movies_go_first)
        except (StoppingError, OvertakenError, DatabaseUnavailableError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this movie's, or the device's
            self._fail(job, requests, model, error)
            return
        with transaction(self.engine) as connection:
            for request, explanation in zip(requests, made, strict=True):
                finish_explanation(connection, job, request, explanation.to_json())

    def _nearest(self, job: ExplainJob, requests: Sequence[Request], model: Loaded, content: Content) -> None:
        if not requests:
            return
        self._let_movies_go_first()
        try:
            found = self.neighbours.nearest(model, job.movie_id, content)
        except (DatabaseUnavailableError, PosterStoreError):
            raise
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(job, requests, model, error)
            return
        with transaction(self.engine) as connection:
            for request in requests:
                finish_explanation(connection, job, request, found)

    def _let_movies_go_first(self) -> None:
        """Lend the device back to the drain if a movie has come meanwhile.

        Raises:
            StoppingError: the worker is to stop.
            OvertakenError: that took longer than half of the lease.
        """
        if self._stopped():
            raise StoppingError
        if self.drain.asked:
            self.drain.interrupt(self._tag)
            if monotonic() - self._claimed_at > self.lease_seconds / 2:
                raise OvertakenError

    def _refuse(self, job: ExplainJob, requests: Sequence[Request], reason: str) -> None:
        with transaction(self.engine) as connection:
            for request in requests:
                fail_explanation(connection, job, request, reason, final=True)

    def _fail(self, job: ExplainJob, requests: Sequence[Request], model: Loaded, error: Exception) -> None:
        """Blame the movie, unless the device fails at everything."""
        log.warning("a movie could not be explained", movie=job.movie_id, error=repr(error))
        try:
            check_device(model.predictor)
        except DeviceError as broken:
            self.drain.broken(broken)
            raise
        reason = str(error) if isinstance(error, MarqueeError) else f"{type(error).__name__}: {error}"
        with transaction(self.engine) as connection:
            for request in requests:
                fail_explanation(connection, job, request, reason, final=False)
