"""HTTP to hosts that are not ours, bounded in time and in bytes; TMDB's client and the posters share it.

requests bounds the time between two bytes, not the whole: here the head of an answer must arrive within
the read time-out, and the body before a deadline and below a size, compressed or not.
"""

import socket
import threading
import zlib
from collections.abc import Mapping
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from time import monotonic
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

CHUNK = 64 * 1024
USER_AGENT = "marquee/0.1 (+requests)"
NETWORK_ERRORS = (requests.RequestException, HTTPError, OSError)
"""What a call through a `BoundedSession`, or the reading of its body, may raise besides what is below."""


class BodyTooLargeError(Exception):
    """The body, as sent or as decompressed, is over the limit."""


class BrokenBodyError(Exception):
    """The body ends early, comes too slowly, or cannot be decompressed."""


class Deadline:
    """A moment by which something must be over."""

    def __init__(self, seconds: float) -> None:
        self._end = monotonic() + seconds

    def remaining(self) -> float:
        """Seconds that are left; never negative."""
        return max(0.0, self._end - monotonic())


class _WatchedConnection(HTTPConnection):
    """A connection whose answer's head must be there within the read time-out, however it drips."""

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 overrides it
        late = threading.Event()

        def cut() -> None:
            late.set()
            with suppress(OSError, TypeError):  # it is closed already, or no plain socket
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

        watchdog = threading.Timer(self.timeout or 60.0, cut)
        watchdog.daemon = True
        watchdog.start()
        try:
            response = super().getresponse()
        except OSError:
            if late.is_set():
                raise TimeoutError("timed out") from None
            raise
        finally:
            watchdog.cancel()
        if late.is_set():
            response.close()
            raise TimeoutError("timed out")
        return response


class _WatchedTLSConnection(_WatchedConnection, HTTPSConnection):
    """The same, encrypted."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _WatchedConnection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTLSConnection


_POOLS = {"http": _Pool, "https": _TLSPool}


class BoundedAdapter(HTTPAdapter):
    """Pooled connections under a watchdog; it keeps no state of a call, so threads may share it."""

    def __init__(self, connections: int = 32) -> None:
        super().__init__(pool_connections=8, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Let every pool make watched connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = dict(_POOLS)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Let a proxy's pools do so, too."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = dict(_POOLS)
        return manager


class NoAuth(AuthBase):
    """Sends no credentials; having it keeps requests from looking for some in `~/.netrc`."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Leave the request as it is."""
        return request


class BoundedSession(requests.Session):
    """A session that keeps no cookies and leaves redirects to its caller.

    Even when told not to follow redirects, requests reads the body of one whole; here it sees none.
    """

    def __init__(self, adapter: BoundedAdapter, auth: AuthBase, *, accept_encoding: str) -> None:
        super().__init__()
        self.mount("http://", adapter)
        self.mount("https://", adapter)
        self.auth = auth
        self.headers = requests.structures.CaseInsensitiveDict(
            {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": accept_encoding}
        )
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Name no target: nothing here follows a redirect unseen."""


def read_body(response: requests.Response, *, max_bytes: int, deadline: Deadline) -> bytes:
    """The whole body, decompressed; the connection goes back to its pool.

    Raises:
        BodyTooLargeError: it is over `max_bytes`, as sent or as decompressed.
        BrokenBodyError: it ends early, or is not there by the deadline, or cannot be decompressed.
    """
    try:
        return _decoded(_received(response, max_bytes, deadline), response.headers, max_bytes)
    except BaseException:
        response.close()
        raise


def _received(response: requests.Response, max_bytes: int, deadline: Deadline) -> bytes:
    declared = response.headers.get("Content-Length", "")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > max_bytes:
        raise BodyTooLargeError
    body = bytearray()
    try:
        while chunk := response.raw.read1(CHUNK, decode_content=False):
            body += chunk
            if len(body) > max_bytes:
                raise BodyTooLargeError
            if not deadline.remaining():
                raise BrokenBodyError("it comes too slowly")
    except (HTTPError, OSError):
        raise BrokenBodyError("it ends before its announced length, or stalls") from None
    if declared.isdecimal() and int(declared) != len(body):
        raise BrokenBodyError("it ends before its announced length")
    return bytes(body)


def _decoded(body: bytes, headers: Mapping[str, str], max_bytes: int) -> bytes:
    encoding = headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise BrokenBodyError("it is compressed in a way that was not asked for")
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(body, max_bytes + 1)
    except zlib.error:
        raise BrokenBodyError("its compression is damaged") from None
    if len(plain) > max_bytes:
        raise BodyTooLargeError
    if not inflater.eof:
        raise BrokenBodyError("its compression is damaged")
    return plain
