"""Where the review page listens, and the URL under which a browser finds it."""

import ipaddress
import socket

from marquee.settings import Settings
from worker.errors import AddressError


def listen(host: str, port: int) -> socket.socket:
    """A socket that is bound to the address; port 0 is any free one.

    Raises:
        AddressError: somebody else listens there, or this machine has no such address.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise AddressError(host, port, error) from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise AddressError(host, port, error) from None
    return bound


def free_port(settings: Settings) -> int:
    """The port that the review page will have; proved to be free, or chosen where the settings leave it open.

    Raises:
        AddressError: somebody else listens there, or this machine has no such address.
    """
    with listen(settings.review_host, settings.review_port) as bound:
        return int(bound.getsockname()[1])


def address(settings: Settings, port: int) -> str:
    """The URL under which a browser reaches the review page that has this port."""
    if settings.review_url:
        return settings.review_url.rstrip("/")
    host = settings.review_host
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - all addresses of this machine: named by one of them
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
