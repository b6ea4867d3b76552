"""TMDB failing in every way that we could think of: the error, the number of calls, and no token anywhere."""

import logging
import socket
import threading
import traceback
from time import monotonic
from urllib.parse import urlsplit

import pytest

from tests.integration.tmdb.conftest import RawServer
from worker.errors import (
    FetchError,
    FetchUnavailableError,
    InvalidTokenError,
    MalformedResponseError,
    RateLimitedError,
)
from worker.offline_tmdb import OfflineTmdb
from worker.tmdb import TmdbClient, TmdbMovie, Unlimited
from worker.tmdb.api import ATTEMPTS


class Recorder(Unlimited):
    """A limiter that writes down what it is told."""

    def __init__(self) -> None:
        self.granted = 0
        self.pauses: list[float] = []

    def acquire(self, timeout: float) -> None:
        self.granted += 1

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.mark.parametrize("kind", ["500", "503", "cut"])
def test_what_passes_is_tried_again(
    client: TmdbClient, tmdb: OfflineTmdb, waits: list[float], kind: str
) -> None:
    tmdb.fail(kind, on="movie", times=2)
    assert isinstance(client.fetch(tmdb_id=11), TmdbMovie)
    assert tmdb.counts() == {"movie": 3}
    assert len(waits) == 2
    assert all(0 <= wait <= 2.0 for wait in waits)


def test_it_gives_up_after_four_calls(client: TmdbClient, tmdb: OfflineTmdb, waits: list[float]) -> None:
    tmdb.fail("500", times=100)
    with pytest.raises(FetchUnavailableError, match=r"500 \(Internal error"):
        client.fetch(tmdb_id=11)
    assert tmdb.counts() == {"movie": ATTEMPTS}
    assert sum(waits) < 14


def test_nobody_listens(waits: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    client = TmdbClient("0" * 32, Unlimited(), base_url=f"http://127.0.0.1:{port}/3", sleep=waits.append)
    with pytest.raises(FetchUnavailableError, match=rf"127\.0\.0\.1:{port}\) cannot be reached"):
        client.fetch(tmdb_id=11)
    assert len(waits) == ATTEMPTS - 1


def test_a_refused_token_is_not_tried_again(client: TmdbClient, tmdb: OfflineTmdb) -> None:
    tmdb.fail("401", times=100)
    with pytest.raises(InvalidTokenError, match=r"Invalid API key.*Set MARQUEE_TMDB_TOKEN"):
        client.fetch(tmdb_id=11)
    assert tmdb.counts() == {"movie": 1}


def test_a_short_retry_after_is_waited_for_and_the_fleet_is_told(
    tmdb: OfflineTmdb, waits: list[float]
) -> None:
    limiter = Recorder()
    client = TmdbClient(tmdb.token, limiter, base_url=tmdb.url, sleep=waits.append)
    tmdb.fail("429", retry_after="2")
    assert isinstance(client.fetch(tmdb_id=11), TmdbMovie)
    client.close()
    assert (waits, limiter.pauses, limiter.granted) == ([2.0], [2.0], 2)


def test_a_long_retry_after_is_handed_back(client: TmdbClient, tmdb: OfflineTmdb, waits: list[float]) -> None:
    tmdb.fail("429", retry_after="30")
    with pytest.raises(RateLimitedError, match=r"429.*Try again in 30\.0 s") as caught:
        client.fetch(tmdb_id=11)
    assert caught.value.retry_after == 30.0
    assert (waits, tmdb.counts()) == ([], {"movie": 1})


def test_429_for_ever_ends(client: TmdbClient, tmdb: OfflineTmdb, waits: list[float]) -> None:
    tmdb.fail("429", times=100, retry_after="1")
    with pytest.raises(RateLimitedError):
        client.fetch(tmdb_id=11)
    assert tmdb.counts() == {"movie": ATTEMPTS}


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("html", "wrong shape .at JSON"),
        ("truncated", "wrong shape .at JSON"),
        ("malformed", "wrong shape .at id"),
        ("redirect", "answered 302"),
        ("huge", "over 8388608 bytes"),
        ("bomb", "over 8388608 bytes"),
    ],
)
def test_what_is_not_tmdbs_is_not_tried_again(
    client: TmdbClient, tmdb: OfflineTmdb, kind: str, said: str
) -> None:
    tmdb.fail(kind, times=100)
    with pytest.raises(MalformedResponseError, match=rf"{said}.*MARQUEE_TMDB_URL"):
        client.fetch(tmdb_id=11)
    assert tmdb.counts() == {"movie": 1}


def test_a_404_that_is_not_tmdbs_buries_no_movie(tmdb: OfflineTmdb, raw: RawServer) -> None:
    """A wrong MARQUEE_TMDB_URL must not turn a whole catalog into tombstones."""
    raw.script = lambda connection, over: connection.sendall(
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found"
    )
    client = TmdbClient("0" * 32, Unlimited(), base_url=f"http://{raw.origin}/api")
    with pytest.raises(MalformedResponseError, match="404"):
        client.fetch(tmdb_id=11)
    client.close()


@pytest.mark.parametrize("kind", ["hang", "slow"])
def test_a_slow_answer_ends_at_the_time_out(tmdb: OfflineTmdb, waits: list[float], kind: str) -> None:
    client = TmdbClient(tmdb.token, Unlimited(), base_url=tmdb.url, timeout=0.3, sleep=waits.append)
    tmdb.fail(kind, times=100)
    start = monotonic()
    with pytest.raises(FetchUnavailableError):
        client.fetch(tmdb_id=11)
    client.close()
    assert monotonic() - start < ATTEMPTS * 1.0
    assert tmdb.counts() == {"movie": ATTEMPTS}


def test_a_head_that_drips_ends_at_the_time_out(raw: RawServer, waits: list[float]) -> None:
    def drip(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not over.wait(0.05):
            connection.sendall(b"z")

    raw.script = drip
    client = TmdbClient(
        "0" * 32, Unlimited(), base_url=f"http://{raw.origin}/3", timeout=0.3, sleep=waits.append
    )
    start = monotonic()
    with pytest.raises(FetchUnavailableError, match="ReadTimeout"):
        client.fetch(tmdb_id=11)
    client.close()
    assert monotonic() - start < ATTEMPTS * 1.0


@pytest.mark.parametrize(
    "kind", ["401", "404", "429", "500", "cut", "html", "malformed", "redirect", "hang", "truncated"]
)
@pytest.mark.parametrize("token", ["0123456789abcdef" * 2, "head1234.payload5678.signature90"])
def test_no_failure_shows_the_token(
    tmdb: OfflineTmdb, waits: list[float], caplog: pytest.LogCaptureFixture, kind: str, token: str
) -> None:
    caplog.set_level(logging.DEBUG)
    client = TmdbClient(token, Unlimited(), base_url=tmdb.url, timeout=0.3, sleep=waits.append)
    tmdb.fail(kind, times=100, retry_after="0.1")
    try:
        client.fetch(tmdb_id=11)
    except FetchError as error:
        told = "".join(traceback.format_exception(error)) + repr(error) + causes(error)
    else:
        assert kind == "404"
        told = ""
    client.close()
    assert f"Starting new HTTP connection (1): {urlsplit(tmdb.url).hostname}" in caplog.text
    for part in (token, *token.split(".")):
        assert part not in told
        assert part not in caplog.text
    assert token not in repr(vars(client))


def causes(error: BaseException | None) -> str:
    """Everything that hangs on an exception, shown or not."""
    said = ""
    while error is not None:
        said += f"{error!r} {error.args!r}"
        error = error.__cause__ or error.__context__
    return said
