"""TMDB over real HTTP: an offline server for the whole session, and a raw one that a test scripts."""

import socket
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.support.folders import write_folder
from worker.offline_tmdb import OfflineTmdb
from worker.posters import PosterDownloader
from worker.tmdb import TmdbClient, Unlimited

MOVIES = [
    {"tmdb_id": 11, "imdb_id": "tt0000011", "title": "The Whole", "year": 1999, "plot": "Nothing is missing.",
     "poster": "11.jpg", "genres": ["Horror", "Western"]},
    {"tmdb_id": 12, "imdb_id": "tt0000012", "title": "No Plot", "year": 2001, "poster": "12.jpg"},
    {"tmdb_id": 13, "imdb_id": "tt0000013", "title": "No Poster", "year": 2002, "plot": "A plot alone."},
    {"tmdb_id": 14, "imdb_id": "tt0000014", "title": "Das Meer", "year": 2003, "plot": "Am Strand.",
     "poster": "11.jpg", "original_language": "de"},
    {"tmdb_id": 15, "title": "Twins", "year": 1988, "plot": "The first.", "poster": "11.jpg"},
    {"tmdb_id": 16, "title": "Twins", "year": 1988, "plot": "The second.", "poster": "11.jpg"},
    *({"tmdb_id": 1000 + i, "title": f"Love {i}", "year": 2015, "plot": "Love."} for i in range(120)),
]  # fmt: skip


@pytest.fixture(scope="session")
def movie_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("movies"), MOVIES)


@pytest.fixture(scope="session")
def offline(movie_folder: Path) -> Iterator[OfflineTmdb]:
    with OfflineTmdb(movie_folder) as server:
        yield server


@pytest.fixture
def waits() -> list[float]:
    """What the client would have slept, in seconds."""
    return []


@pytest.fixture
def client(tmdb: OfflineTmdb, waits: list[float]) -> Iterator[TmdbClient]:
    client = TmdbClient(tmdb.token, Unlimited(), base_url=tmdb.url, timeout=2.0, sleep=waits.append)
    yield client
    client.close()


@pytest.fixture
def downloader() -> Iterator[PosterDownloader]:
    downloader = PosterDownloader(timeout=1.0)
    yield downloader
    downloader.close()


@pytest.fixture
def jpeg() -> bytes:
    out = BytesIO()
    Image.new("RGB", (30, 45), "teal").save(out, "JPEG")
    return out.getvalue()


Script = Callable[[socket.socket, threading.Event], None]


class RawServer:
    """Accepts connections and lets a script speak on each; `over` is set when the test is."""

    def __init__(self) -> None:
        self.script: Script = lambda connection, over: None
        self.connections = 0
        self.over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.origin = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                self.script(connection, self.over)
            except OSError:
                pass  # the client has gone: it had enough

    def close(self) -> None:
        self.over.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def raw() -> Iterator[RawServer]:
    server = RawServer()
    yield server
    server.close()
