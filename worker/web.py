"""The review page and the HTTP API as a process: the application of `review`, put together and served.

It stands beside the workers and needs Postgres and the poster store alone: no broker, no model.
"""

import os
import signal

import structlog
import uvicorn
from sqlalchemy import Engine

from catalog.liveness import Presence
from marquee.settings import Settings
from review.app import create_app
from review.config import ReviewConfig
from tagger.errors import PosterError
from tagger.poster import normalise
from worker.address import address, is_loopback, listen
from worker.errors import PosterDamagedError, PosterMissingError
from worker.posters import PosterStore
from worker.secret import secret_key

log = structlog.get_logger(__name__)

GRACE_SECONDS = 8
"""How long a request under way may take when the process is asked to end; the supervisor waits a little longer."""


class ReviewPosters:
    """The poster store as the review page uses it; what an editor sends is checked as what is fetched is."""

    def __init__(self, store: PosterStore) -> None:
        self._store = store

    def get(self, digest: str) -> bytes:
        """The poster's bytes.

        Raises:
            KeyError: there is none of this hash, or what is there is damaged.
            PosterStoreError: the store cannot be used.
        """
        try:
            return self._store.get(digest)
        except (PosterMissingError, PosterDamagedError):
            raise KeyError(digest) from None

    def put(self, data: bytes) -> str:
        """Check, shrink and keep an image; returns the hash of what was kept.

        Raises:
            ValueError: it is no image that can be used; the message says why.
            PosterStoreError: the store cannot be used.
        """
        try:
            normalised = normalise(data)
        except PosterError as error:
            raise ValueError(error.message) from None
        return self._store.put(normalised)


def review_config(settings: Settings, port: int) -> ReviewConfig:
    """What the application is told: without a public URL it answers loopback's names alone, where it listens there."""
    public = settings.review_url or (address(settings, port) if is_loopback(settings.review_host) else None)
    return ReviewConfig(
        secret_key=secret_key(settings),
        secure_cookies=bool(public and public.startswith("https:")),
        public_url=public,
    )


def serve(settings: Settings, engine: Engine) -> None:
    """Serve the review page and the HTTP API until SIGTERM or SIGINT; requests under way are finished.

    Raises:
        AddressError: the address cannot be had.
        HomeError: the key of the sessions cannot be made or read.
        PosterStoreError: the poster store's URL cannot be used.
    """
    with listen(settings.review_host, settings.review_port) as bound:
        port = int(bound.getsockname()[1])
        place = address(settings, port)
        app = create_app(engine, review_config(settings, port), ReviewPosters(PosterStore(settings.posters)))
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(settings.review_proxies),
                forwarded_allow_ips=settings.review_proxies,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)  # uvicorn raises what it heard anew when it has ended
        with Presence(engine, "web", device=place):
            log.info("serving the review page", address=place, pid=os.getpid())
            server.run(sockets=[bound])
