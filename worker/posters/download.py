"""Reading a poster's bytes from a host that nobody vouches for.

What comes back is bounded in size and time, but still only bytes: `tagger.poster.normalise` decides whether
they are an image.
"""

import threading
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

import requests

from worker.errors import FetchUnavailableError, PosterRefusedError, RateLimitedError
from worker.posters.addresses import PublicAdapter, origin
from worker.tmdb.api import retry_after
from worker.transport import (
    NETWORK_ERRORS,
    BodyTooLargeError,
    BoundedAdapter,
    BoundedSession,
    BrokenBodyError,
    Deadline,
    NoAuth,
    read_body,
)

MAX_BYTES = 10 * 1024 * 1024
CONNECT_SECONDS = 3.05
REDIRECTS = 3
LONGEST_URL = 2048


class PosterDownloader:
    """Downloads posters; any number of threads may share it.

    A host in `trusted` (`host` or `host:port`, as in a URL) may have any address and stand behind the
    environment's proxy: TMDB's image host, and those of the operator's own. Every other host must be on the
    public internet, and is reached directly.
    """

    def __init__(
        self, trusted: Iterable[str] = (), *, max_bytes: int = MAX_BYTES, timeout: float = 10.0
    ) -> None:
        self._trusted = frozenset(host.lower() for host in trusted)
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._adapters = (PublicAdapter(), BoundedAdapter())
        self._threads = threading.local()

    def download(self, url: str, *, trusted: str | None = None) -> bytes:
        """The bytes at `url`; `trusted` is one more host that is trusted in this call.

        Raises:
            PosterRefusedError: the URL, its host, or what it answers will never do; it says why.
            FetchUnavailableError: the host cannot be reached, fails, or is too slow; try again later.
            RateLimitedError: the same, not before its `retry_after`.
        """
        deadline = Deadline(self._timeout)
        host = _checked(url)
        is_trusted = host in self._trusted or (trusted is not None and host == trusted.lower())
        for _ in range(REDIRECTS + 1):
            response = self._send(url, deadline, is_trusted)
            target = _redirect(response)
            if target is None:
                return self._body(response, deadline)
            response.close()
            url = _followed(url, target, host)
        raise PosterRefusedError("The poster's host sends in circles.")

    def close(self) -> None:
        """Close the connections."""
        for adapter in self._adapters:
            adapter.close()

    def _send(self, url: str, deadline: Deadline, is_trusted: bool) -> requests.Response:
        read = max(0.1, min(self._timeout / 2, deadline.remaining()))
        try:
            return self._session(is_trusted).get(
                url, timeout=(min(CONNECT_SECONDS, read), read), stream=True, allow_redirects=False
            )
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, UnicodeError):
            raise PosterRefusedError("The poster's URL is not valid.") from None
        except requests.exceptions.SSLError:
            if is_trusted:
                raise _unavailable("its certificate is not accepted") from None
            raise PosterRefusedError("The poster's host has no valid certificate.") from None
        except NETWORK_ERRORS as error:
            raise _unavailable(type(error).__name__) from None

    def _body(self, response: requests.Response, deadline: Deadline) -> bytes:
        status = response.status_code
        if status != 200:
            response.close()
        if status == 429:
            pause = retry_after(response.headers.get("Retry-After"))
            raise RateLimitedError("The poster's host answered 429.", retry_after=pause)
        if status in (408, 425) or status >= 500:
            raise _unavailable(f"it answered {status}")
        if status != 200:
            raise PosterRefusedError(f"The poster's host answered {status}.")
        try:
            return read_body(response, max_bytes=self._max_bytes, deadline=deadline)
        except BodyTooLargeError:
            raise PosterRefusedError(f"The poster has more than {self._max_bytes} bytes.") from None
        except BrokenBodyError as error:
            raise _unavailable(str(error)) from None

    def _session(self, is_trusted: bool) -> BoundedSession:
        sessions: dict[bool, BoundedSession] = self._threads.__dict__.setdefault("sessions", {})
        if is_trusted not in sessions:
            session = BoundedSession(self._adapters[is_trusted], NoAuth(), accept_encoding="identity")
            session.trust_env = is_trusted
            sessions[is_trusted] = session
        return sessions[is_trusted]


def _checked(url: str) -> str:
    """The URL's origin, or a refusal."""
    if len(url) > LONGEST_URL:
        raise PosterRefusedError(f"The poster's URL has more than {LONGEST_URL} characters.")
    try:
        parts = urlsplit(url)
        host = origin(url)
    except ValueError:
        raise PosterRefusedError("The poster's URL is not valid.") from None
    if parts.scheme not in ("http", "https"):
        raise PosterRefusedError(
            f"A poster is read by http or https, not by {parts.scheme[:20] or 'nothing'}."
        )
    if not host or parts.username is not None or parts.password is not None:
        raise PosterRefusedError("The poster's URL must name a host, and no user.")
    return host


def _followed(url: str, target: str, host: str) -> str:
    """Where a redirect leads, if it stays on the same host."""
    try:
        following = urljoin(url, target)
    except ValueError:
        raise PosterRefusedError("The poster's host sends on to an invalid URL.") from None
    if _checked(following) != host:
        raise PosterRefusedError("The poster's host sends on to another host.")
    return following


def _redirect(response: requests.Response) -> str | None:
    if response.status_code in (301, 302, 303, 307, 308):
        return response.headers.get("Location")
    return None


def _unavailable(why: str) -> FetchUnavailableError:
    return FetchUnavailableError(
        f"The poster cannot be read now: {why}.", mend="It is tried again by itself."
    )
