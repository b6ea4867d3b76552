"""A fetcher on a workbench: the real client, store and downloader, and hosts that answer as a test wants."""

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.gates import closed_gates
from catalog.ledger.dispatch import claim_pending
from catalog.ledger.words import Limits
from tests.support import ledger
from worker.fetcher import Fetcher
from worker.gather import Gatherer
from worker.offline_tmdb import OfflineTmdb
from worker.posters import PosterDownloader, PosterStore
from worker.tmdb import TmdbClient, Unlimited

OWNER = 7
LIMITS = Limits()


class Host:
    """A web server that answers every GET as told; it counts them."""

    def __init__(self) -> None:
        self.answer: tuple[int, dict[str, str], bytes] = (404, {}, b"")
        self.requests = 0
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.requests += 1
                status, headers, body = host.answer
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.origin}/poster.jpg"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Bench:
    """A fetcher, and short ways to use it."""

    def __init__(
        self, engine: Engine, tmdb: OfflineTmdb | None, store: PosterStore, trusted: Sequence[str]
    ) -> None:
        self.engine = engine
        self.server = tmdb
        self.downloader = PosterDownloader(trusted, timeout=3.0)
        self.client = (
            TmdbClient(tmdb.token, Unlimited(), base_url=tmdb.url, timeout=3.0, sleep=lambda _: None)
            if tmdb
            else None
        )
        self.gatherer = Gatherer(
            self.client, self.downloader, store, max_age=timedelta(days=180), patience=LIMITS.max_failures
        )
        self.woken = 0
        self.fetcher = Fetcher(engine, OWNER, self.gatherer, LIMITS, wake=self._wake)

    def _wake(self) -> None:
        self.woken += 1

    def relay(self) -> list[int]:
        ledger.make_due(self.engine)
        with transaction(self.engine) as connection:
            return [d.movie_id for d in claim_pending(connection, 1000, 60)]

    def fetch(self, ids: Sequence[int] | None = None) -> None:
        """Relay what is due, and fetch it in one message."""
        sent = self.relay()
        self.fetcher.fetch(sent if ids is None else ids)

    def calls(self) -> dict[str, int]:
        assert self.server is not None
        return {k: n for k, n in self.server.counts().items() if k not in ("image", "configuration")}

    def gates(self) -> set[str]:
        with transaction(self.engine) as connection:
            return set(closed_gates(connection))

    def close(self) -> None:
        self.downloader.close()
        if self.client:
            self.client.close()


MakeBench = Callable[..., Bench]


def insert(engine: Engine, **columns: Any) -> int:
    """Insert one movie with exactly these columns."""
    names = ", ".join(columns)
    values = ", ".join(f":{n}" for n in columns)
    return int(
        ledger.scalar(
            engine, f"INSERT INTO marquee.movie ({names}) VALUES ({values}) RETURNING id", **columns
        )
    )


def pile(engine: Engine, count: int, first: int = 100) -> list[int]:
    return [insert(engine, tmdb_id=first + i) for i in range(count)]
