"""Posters from a host that wants no good."""

import socket
import threading
from time import monotonic

import pytest

from tagger.errors import PosterError
from tagger.poster import normalise
from tests.integration.tmdb.conftest import RawServer
from worker.errors import FetchUnavailableError, PosterRefusedError, RateLimitedError
from worker.offline_tmdb import OfflineTmdb
from worker.posters import PosterDownloader
from worker.posters.addresses import origin
from worker.transport import CHUNK


def poster(tmdb: OfflineTmdb, downloader: PosterDownloader, name: str = "11.jpg") -> bytes:
    return downloader.download(f"{tmdb.image_url}/w342/{name}", trusted=origin(tmdb.image_url))


def test_a_poster_arrives(tmdb: OfflineTmdb, downloader: PosterDownloader) -> None:
    data = poster(tmdb, downloader)
    assert normalise(data).startswith(b"\xff\xd8")


def test_the_configured_image_host_alone_may_be_inside(
    tmdb: OfflineTmdb, downloader: PosterDownloader
) -> None:
    with pytest.raises(PosterRefusedError, match="public internet"):
        downloader.download(f"{tmdb.image_url}/w342/11.jpg")
    with pytest.raises(PosterRefusedError, match="public internet"):
        downloader.download("http://127.0.0.1:1/x.jpg", trusted=origin(tmdb.image_url))
    assert tmdb.counts() == {}


def test_hosts_of_the_operators_own_may_be_inside(tmdb: OfflineTmdb) -> None:
    downloader = PosterDownloader([origin(tmdb.image_url)])
    assert downloader.download(f"{tmdb.image_url}/original/12.jpg")
    downloader.close()


def test_no_such_poster_is_final(tmdb: OfflineTmdb, downloader: PosterDownloader) -> None:
    with pytest.raises(PosterRefusedError, match="answered 404"):
        poster(tmdb, downloader, "nothing.jpg")


def test_200_mb_are_not_read(tmdb: OfflineTmdb, downloader: PosterDownloader) -> None:
    tmdb.fail("huge")
    with pytest.raises(PosterRefusedError, match="more than 10485760 bytes"):
        poster(tmdb, downloader)


def test_a_gzip_bomb_is_not_unpacked(tmdb: OfflineTmdb, downloader: PosterDownloader) -> None:
    tmdb.fail("bomb")
    with pytest.raises(PosterRefusedError, match="more than 10485760 bytes"):
        poster(tmdb, downloader)


@pytest.mark.parametrize("kind", ["html", "truncated"])
def test_html_and_half_a_jpeg_are_refused_when_they_are_looked_at(
    tmdb: OfflineTmdb, downloader: PosterDownloader, kind: str
) -> None:
    tmdb.fail(kind)
    with pytest.raises(PosterError):
        normalise(poster(tmdb, downloader))


@pytest.mark.parametrize("kind", ["500", "503", "cut"])
def test_what_passes_can_be_tried_again(tmdb: OfflineTmdb, downloader: PosterDownloader, kind: str) -> None:
    tmdb.fail(kind)
    with pytest.raises(FetchUnavailableError):
        poster(tmdb, downloader)
    assert poster(tmdb, downloader)


def test_429_says_when(tmdb: OfflineTmdb, downloader: PosterDownloader) -> None:
    tmdb.fail("429", retry_after="9")
    with pytest.raises(RateLimitedError) as caught:
        poster(tmdb, downloader)
    assert caught.value.retry_after == 9.0


@pytest.mark.parametrize("kind", ["hang", "slow"])
def test_a_slow_poster_ends_at_the_time_out(tmdb: OfflineTmdb, kind: str) -> None:
    downloader = PosterDownloader(timeout=0.4)
    tmdb.fail(kind)
    start = monotonic()
    with pytest.raises(FetchUnavailableError):
        poster(tmdb, downloader)
    assert monotonic() - start < 2.0
    downloader.close()


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost/x.jpg",
        "https://other.example/x.jpg",
        "//other.example/x.jpg",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "http://127.0.0.1:1/x.jpg",
        "http://[::1",
    ],
)
def test_a_redirect_to_another_host_is_refused(
    tmdb: OfflineTmdb, downloader: PosterDownloader, location: str
) -> None:
    tmdb.fail("redirect", location=location)
    with pytest.raises(PosterRefusedError):
        poster(tmdb, downloader)
    assert tmdb.counts() == {"image": 1}


def test_a_redirect_on_the_same_host_is_followed(tmdb: OfflineTmdb, downloader: PosterDownloader) -> None:
    tmdb.fail("redirect", location="/t/p/original/12.jpg")
    assert poster(tmdb, downloader) == poster(tmdb, downloader, "12.jpg")


def test_a_circle_of_redirects_ends(tmdb: OfflineTmdb, downloader: PosterDownloader) -> None:
    tmdb.fail("redirect", times=100, location="/t/p/original/12.jpg")
    with pytest.raises(PosterRefusedError, match="circles"):
        poster(tmdb, downloader)
    assert tmdb.counts() == {"image": 4}


def from_raw(raw: RawServer, downloader: PosterDownloader) -> bytes:
    return downloader.download(f"http://{raw.origin}/x.jpg", trusted=raw.origin)


def test_an_announced_length_over_the_limit_is_refused_unread(
    raw: RawServer, downloader: PosterDownloader
) -> None:
    raw.script = lambda connection, over: connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: 209715200\r\n\r\n"
    )
    with pytest.raises(PosterRefusedError, match="more than 10485760 bytes"):
        from_raw(raw, downloader)


def test_a_length_that_promises_too_much_is_a_broken_transfer(
    raw: RawServer, downloader: PosterDownloader, jpeg: bytes
) -> None:
    raw.script = lambda connection, over: connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(jpeg) + 100, jpeg)
    )
    with pytest.raises(FetchUnavailableError, match="announced length"):
        from_raw(raw, downloader)


def test_a_length_that_promises_too_little_cuts_the_rest(
    raw: RawServer, downloader: PosterDownloader, jpeg: bytes
) -> None:
    raw.script = lambda connection, over: connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n%b" % jpeg
    )
    assert from_raw(raw, downloader) == jpeg[:50]


@pytest.mark.parametrize(
    "body",
    [
        b"Transfer-Encoding: chunked\r\n\r\nFFFFFF\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
        b"Content-Encoding: gzip\r\n\r\nnot gzip",
        b"Content-Encoding: br\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
def test_bodies_that_cannot_be_read(raw: RawServer, downloader: PosterDownloader, body: bytes) -> None:
    raw.script = lambda connection, over: connection.sendall(b"HTTP/1.1 200 OK\r\n" + body)
    with pytest.raises(FetchUnavailableError):
        from_raw(raw, downloader)


def test_a_redirect_with_an_endless_body_is_not_read(raw: RawServer, downloader: PosterDownloader) -> None:
    sent = 0

    def flood(connection: socket.socket, over: threading.Event) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://other.example/\r\n\r\n")
        while not over.is_set():
            sent += connection.send(bytes(CHUNK))

    raw.script = flood
    with pytest.raises(PosterRefusedError, match="another host"):
        from_raw(raw, downloader)
    assert sent < 64 * 1024 * 1024


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_a_head_without_end_is_cut_off(raw: RawServer, head: bytes) -> None:
    def drip(connection: socket.socket, over: threading.Event) -> None:
        while not over.wait(0.02):
            connection.sendall(head)

    raw.script = drip
    downloader = PosterDownloader(timeout=0.4)
    start = monotonic()
    with pytest.raises(FetchUnavailableError):
        from_raw(raw, downloader)
    assert monotonic() - start < 2.0
    downloader.close()


def test_connections_are_reused(raw: RawServer, downloader: PosterDownloader, jpeg: bytes) -> None:
    def serve(connection: socket.socket, over: threading.Event) -> None:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(jpeg), jpeg)
        connection.sendall(answer)
        while connection.recv(65536):
            connection.sendall(answer)

    raw.script = serve
    for _ in range(5):
        assert from_raw(raw, downloader) == jpeg
    assert raw.connections == 1
    downloader.close()


def test_neither_cookies_nor_netrc_are_sent(
    raw: RawServer, downloader: PosterDownloader, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w") as file:  # noqa: PTH123
        file.write("default login me password secret\n")
    monkeypatch.setenv("NETRC", netrc)
    requests: list[bytes] = []

    def serve(connection: socket.socket, over: threading.Event) -> None:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\n\r\nok"
        connection.sendall(answer)
        while data := connection.recv(65536):
            requests.append(data)
            connection.sendall(answer)

    raw.script = serve
    from_raw(raw, downloader)
    from_raw(raw, downloader)
    assert requests
    assert b"Cookie" not in requests[0]
    assert b"Authorization" not in requests[0]
    downloader.close()
