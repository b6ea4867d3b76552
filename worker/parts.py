"""What a Celery worker is made of: put together once, when the worker starts, from its queues and the settings.

A worker of the fetch queue gets a Fetcher, one of the tag queue a Drain with its sweep. Both are threads of one
process: the model and the connections are shared, and a fork after a forward pass would hang.
"""

import os
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import structlog
from celery import signals
from celery.worker import state as worker_state
from kombu.exceptions import OperationalError as BrokerError
from sqlalchemy import Engine

from catalog.engine import connect, transaction
from catalog.gates import open_gate
from catalog.ledger.words import Limits
from catalog.liveness import Presence
from catalog.schema import check_schema
from marquee.errors import MarqueeError
from marquee.log import configure_logging
from marquee.settings import Settings, load_settings
from worker.app import FETCH_QUEUE, TAG, TAG_QUEUE, app
from worker.connections import Connections, locate
from worker.errors import DeviceError, PartError
from worker.fetcher import TMDB, Fetcher
from worker.gather import Gatherer
from worker.posters import PosterDownloader, PosterStore
from worker.sweep import Sweep
from worker.tmdb import TmdbClient, open_limiter

log = structlog.get_logger(__name__)


def limits_of(settings: Settings) -> Limits:
    """The ledger's limits as the settings have them."""
    return Limits(
        max_deaths=settings.max_deaths,
        max_failures=settings.max_failures,
        retry_seconds=settings.retry_seconds,
        lease_seconds=settings.lease_seconds,
        queue_lease_seconds=settings.queue_lease_seconds,
    )


def stopping() -> bool:
    """Whether Celery asked this worker to stop."""
    return bool(worker_state.should_stop is not None or worker_state.should_terminate is not None)


class Parts:
    """The parts of this worker process."""

    def __init__(self, settings: Settings, connections: Connections, queues: set[str]) -> None:
        self.settings = settings
        self._closing = ExitStack()
        name = "+".join(sorted(queues & {FETCH_QUEUE, TAG_QUEUE}))
        self.engine = connect(
            connections.database_url, name=f"marquee {name}", pool_size=settings.fetch_threads + 5
        )
        self._closing.callback(self.engine.dispose)
        check_schema(self.engine)
        self.fetcher = self._fetcher(connections) if FETCH_QUEUE in queues else None
        self.sweep = self._sweep() if TAG_QUEUE in queues else None

    def close(self) -> None:
        """Stop the parts, the youngest first."""
        self._closing.close()

    def _presence(self, part: str, device: str | None = None) -> Presence:
        return self._closing.enter_context(Presence(self.engine, part, device=device))

    def _fetcher(self, connections: Connections) -> Fetcher:
        settings = self.settings
        tmdb = open_tmdb(settings, connections, self.engine)
        if tmdb is not None:
            self._closing.callback(tmdb.close)
        downloader = PosterDownloader(settings.poster_hosts, timeout=settings.tmdb_timeout)
        self._closing.callback(downloader.close)
        with transaction(self.engine) as connection:
            open_gate(connection, TMDB)  # a new worker may have a new token
        gatherer = Gatherer(
            tmdb,
            downloader,
            PosterStore(settings.posters),
            max_age=timedelta(days=settings.content_max_age_days),
            patience=settings.max_failures,
        )
        owner = self._presence("fetch").id
        return Fetcher(
            self.engine, owner, gatherer, limits_of(settings), wake=wake_tag_workers, stopping=stopping
        )

    def _sweep(self) -> Sweep:
        from worker.champion import Champion
        from worker.device import prepare_device
        from worker.drain import Drain
        from worker.explaining import Explainer
        from worker.registering import ensure_champion
        from worker.watch import ChampionWatch

        settings = self.settings
        device, lanes = prepare_device(settings.device, settings.cpu_threads)
        ensure_champion(self.engine, settings.artifact)
        champion = Champion(device, lanes)
        with transaction(self.engine) as connection:
            loaded = champion.current(connection)
        presence = self._presence("tag", device)
        presence.model_id = loaded.record.id
        watch = ChampionWatch(self.engine, champion, presence, poll_seconds=settings.poll_seconds)
        self._closing.enter_context(watch)
        drain = Drain(
            self.engine,
            presence.id,
            champion,
            PosterStore(settings.posters),
            limits_of(settings),
            batch_size=settings.batch_size,
            audit_share=settings.audit_share,
            stopping=stopping,
            broken=die,
        )
        self._closing.callback(drain.close)
        sweep = self._closing.enter_context(Sweep(drain, seconds=settings.poll_seconds))
        explainer = Explainer(
            self.engine,
            drain,
            sweep.drain,
            lease_seconds=settings.lease_seconds,
            ahead=settings.explain_ahead,
            poll_seconds=settings.poll_seconds,
        )
        self._closing.enter_context(explainer)
        return sweep


def die(error: DeviceError) -> None:
    """End as a killed process ends: the movies in hand then count a death, and are tried alone."""
    log.critical("the worker ends", error=error.message, mend=error.mend)
    os._exit(1)


def open_tmdb(settings: Settings, connections: Connections, engine: Engine) -> TmdbClient | None:
    """The TMDB client with the fleet's rate limiter; None where there is no token."""
    if settings.tmdb_token is None:
        return None
    return TmdbClient(
        settings.tmdb_token.get_secret_value(),
        open_limiter(settings.tmdb_rate, connections.broker_url, engine),
        base_url=settings.tmdb_url,
        language=settings.tmdb_language,
        timeout=settings.tmdb_timeout,
    )


def wake_tag_workers() -> None:
    """Tell the tag workers that movies are ready. A lost wake-up costs a second: they also sweep."""
    try:
        app.send_task(TAG, expires=60)
    except (BrokerError, OSError) as error:
        log.warning("the wake-up could not be sent", error=str(error))


_parts: Parts | None = None


def parts() -> Parts:
    """This worker's parts.

    Raises:
        PartError: the process is no Celery worker that was started for the task's queue.
    """
    if _parts is None:
        raise PartError("This process is not a Marquee worker.", mend="Start one with `marquee worker …`.")
    return _parts


@signals.worker_init.connect  # type: ignore[untyped-decorator]
def start_parts(sender: Any, **_: Any) -> None:
    """Put the parts together before the first message; refuse a pool that would hang."""
    global _parts  # noqa: PLW0603 - one worker a process is Celery's own shape
    try:
        settings = load_settings()
        configure_logging(settings)
        check_pool(str(sender.pool_cls))
        _parts = Parts(settings, locate(settings), set(app.amqp.queues.consume_from))
    except MarqueeError as error:
        log.error("the worker cannot start", error=error.message, mend=error.mend)
        raise SystemExit(error.exit_code) from error
    except Exception as error:  # Celery would log it and go on, with a worker that can do nothing
        log.exception("the worker cannot start")
        raise SystemExit(1) from error


def check_pool(pool: str) -> None:
    """Refuse a pool of processes.

    Raises:
        PartError: the pool forks: the model would hang, and connections would be used by several at once.
    """
    if "thread" not in pool and "solo" not in pool:
        raise PartError(
            "A worker cannot run in forked processes.",
            mend="Start it with -P threads (one that tags with -c 1), or -P solo.",
        )


@signals.worker_shutdown.connect  # type: ignore[untyped-decorator]
def stop_parts(**_: Any) -> None:
    """Sign the worker off."""
    global _parts  # noqa: PLW0603
    if _parts is not None:
        _parts.close()
        _parts = None
