"""Which addresses a poster may come from, and a webhook may be at.

A catalog's row may name any URL, and a worker stands inside of somebody's network: without this check a row
could make it read what only the inside may read, and a webhook make it write there. A name is resolved once,
every address of it is checked, and the connection goes to a checked address, so that a second answer of the
name server changes nothing.
"""

import ipaddress
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from worker.errors import FetchUnavailableError, PosterRefusedError, WorkerError
from worker.transport import BoundedAdapter

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def public_address(
    host: str, port: int, what: str = "poster", refused: type[WorkerError] = PosterRefusedError
) -> str:
    """A checked address of `host`, which is that of a `what`.

    Raises:
        PosterRefusedError: or `refused`: the name does not exist, or any of its addresses is not public.
        FetchUnavailableError: the name cannot be looked up now.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_NONAME:
            raise refused(f"The {what}'s host {host} does not exist.") from None
        raise FetchUnavailableError(f"The {what}'s host {host} cannot be looked up.") from None
    except (UnicodeError, OSError):
        raise refused(f"The {what}'s host has no valid name.") from None
    addresses = [ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in found]
    if not addresses or not all(is_public(address) for address in addresses):
        raise refused(f"The {what}'s host {host} is not on the public internet.")
    return str(min(addresses, key=lambda address: address.version))


def is_public(address: Address) -> bool:
    """Whether the address, or the one that it wraps, is one of the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            wrapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_public(wrapped)
    return address.is_global and not address.is_multicast


class PublicAdapter(BoundedAdapter):
    """Connects to the address that was checked, and still asks for, and verifies, the host by its name.

    `what` is asked for there, and `refused` is raised where it may not be.
    """

    def __init__(self, what: str = "poster", refused: type[WorkerError] = PosterRefusedError) -> None:
        self.what = what
        self.refused = refused
        super().__init__()

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """Put the checked address in the host's place."""
        named, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        host_params: dict[str, Any] = {**named}
        pool_kwargs: dict[str, Any] = {**tls}
        name, secure = host_params["host"], host_params["scheme"] == "https"
        port = host_params["port"] or (443 if secure else 80)
        host_params["host"] = public_address(name, port, self.what, self.refused)
        if secure:
            pool_kwargs["server_hostname"] = name
        return host_params, pool_kwargs

    def add_headers(self, request: requests.PreparedRequest, **kwargs: Any) -> None:  # noqa: ARG002
        """Name the host as the URL does: the connection only knows its address."""
        request.headers["Host"] = urlsplit(str(request.url)).netloc.rpartition("@")[2]

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:  # noqa: ARG002
        """Refuse: behind a proxy, the address that is connected to cannot be checked."""
        raise self.refused(f"A {self.what}'s host is not reached through a proxy.")


def origin(url: str) -> str:
    """`host` or `host:port` of a URL, the scheme's own port left out; empty where there is none."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    default: Mapping[str, int] = {"http": 80, "https": 443}
    if parts.port is None or parts.port == default.get(parts.scheme):
        return host
    return f"{host}:{parts.port}"
