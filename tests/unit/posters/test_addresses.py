"""No row of a catalog may make a worker look into its own network."""

import ipaddress
import socket
from typing import Any

import pytest

from worker.errors import FetchUnavailableError, PosterRefusedError
from worker.posters import PosterDownloader
from worker.posters.addresses import is_public, origin, public_address


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::",
        "fe80::1", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101"])
def test_addresses_that_are(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x.jpg", "http://localhost/x.jpg", "http://[::1]/x.jpg", "http://0/x.jpg",
        "http://2130706433/x.jpg", "http://0x7f.1/x.jpg", "http://[::ffff:127.0.0.1]/x.jpg",
        "https://169.254.169.254/latest/meta-data/", "http://127.0.0.1:5432/", "http://LOCALHOST./x.jpg",
    ],
)  # fmt: skip
def test_the_inside_is_refused_by_whatever_name(url: str) -> None:
    with pytest.raises(PosterRefusedError, match=r"public internet|does not exist"):
        PosterDownloader().download(url)


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,AAAA", "file:///etc/passwd", "ftp://x.example/x.jpg", "gopher://x.example/",
        "/etc/passwd", "x.jpg", "", "javascript:alert(1)", "http://", "http:///x.jpg",
        "http://user:pass@x.example/x.jpg", "http://x.example:99999/", "http://[::1/x.jpg",
        "http://x.example/" + "a" * 3000, "http://\x00/", "//x.example/x.jpg", "http://x..example/",
        "http://" + "a" * 70 + ".example/", "http://a b/",
    ],
)  # fmt: skip
def test_urls_that_are_not_a_posters(url: str) -> None:
    with pytest.raises(PosterRefusedError):
        PosterDownloader().download(url)


def resolving(*addresses: str) -> Any:
    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        families = (socket.AF_INET6 if ":" in a else socket.AF_INET for a in addresses)
        return [(f, socket.SOCK_STREAM, 6, "", (a, port)) for f, a in zip(families, addresses, strict=True)]

    return getaddrinfo


def test_a_name_with_one_inner_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving("1.1.1.1", "10.0.0.1"))
    with pytest.raises(PosterRefusedError, match=r"rebind\.example is not on the public internet"):
        public_address("rebind.example", 443)


def test_ipv4_is_preferred(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving("2606:4700::1111", "1.1.1.1"))
    assert public_address("x.example", 443) == "1.1.1.1"


def test_the_connection_goes_to_the_checked_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is looked up once; a second, other answer of the name server is never asked for."""
    lookups: list[str] = []
    connected: list[Any] = []

    def getaddrinfo(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        lookups.append(host)
        return list(resolving("1.1.1.1" if len(lookups) == 1 else "127.0.0.1")(host, port))

    def connect(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    with pytest.raises(FetchUnavailableError):
        PosterDownloader().download("http://rebind.example/x.jpg")
    assert lookups == ["rebind.example"]
    assert connected == [("1.1.1.1", 80)]


def test_a_name_that_cannot_be_looked_up_now_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(FetchUnavailableError, match="cannot be looked up"):
        PosterDownloader().download("https://x.example/x.jpg")


def test_other_hosts_are_not_read_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's proxy could reach what we may not: other hosts are not asked through it."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with pytest.raises(PosterRefusedError, match="public internet"):
        PosterDownloader().download("http://127.0.0.1/x.jpg")


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("https://Image.TMDB.org/t/p/x.jpg", "image.tmdb.org"),
        ("https://image.tmdb.org:443/x", "image.tmdb.org"),
        ("http://127.0.0.1:8080/x", "127.0.0.1:8080"),
        ("http://x.example:443/x", "x.example:443"),
    ],
)
def test_origins(url: str, named: str) -> None:
    assert origin(url) == named
