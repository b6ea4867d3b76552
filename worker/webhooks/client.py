"""One POST to a webhook, bounded in time and bytes, to hosts that may be told."""

import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

from worker.errors import FetchUnavailableError, WebhookRefusedError
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

CONNECT_SECONDS = 3.05
MAX_ANSWER = 64 * 1024
GONE = 410
BUSY = (429, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a POST.

    Attributes:
        status: the answer's; None where there was none.
        error: why it does not count as heard; empty where it does.
        away: whether the host as a whole cannot be told anything now, so that others had better wait, too.
        retry_after: seconds that the host wants to be left alone, if it says so.
    """

    status: int | None
    error: str = ""
    away: bool = False
    retry_after: float = 0.0

    @property
    def heard(self) -> bool:
        """Whether it was taken."""
        return not self.error

    @property
    def gone(self) -> bool:
        """Whether the webhook wants to hear nothing any more."""
        return self.status == GONE


class WebhookClient:
    """Posts to webhooks; any number of threads may share it.

    A webhook is told by https, and only at a public address. A host in `trusted` (`host` or `host:port`, as in a
    URL), which is the operator's own, may have any address, and be told by http.
    """

    def __init__(self, trusted: Iterable[str] = (), *, timeout: float = 10.0) -> None:
        self._trusted = frozenset(host.lower() for host in trusted)
        self._timeout = timeout
        self._adapters = (PublicAdapter("webhook", WebhookRefusedError), BoundedAdapter())
        self._threads = threading.local()

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send the body. Whatever goes wrong is an answer, never an exception; no redirect is followed."""
        deadline = Deadline(self._timeout)
        try:
            trusted = self._checked(url)
            response = self._session(trusted).post(
                url,
                data=body,
                headers=dict(headers),
                timeout=(min(CONNECT_SECONDS, self._timeout), self._timeout),
                stream=True,
                allow_redirects=False,
            )
        except WebhookRefusedError as error:
            return Answer(None, str(error), away=True)
        except (FetchUnavailableError, *NETWORK_ERRORS, UnicodeError, ValueError) as error:
            return Answer(None, f"It cannot be reached: {_cause(error)}.", away=True)
        _drain(response, deadline)
        return _answer(response)

    def close(self) -> None:
        """Close the connections."""
        for adapter in self._adapters:
            adapter.close()

    def _checked(self, url: str) -> bool:
        """Whether the URL's host is trusted; a refusal where it may not be told."""
        try:
            host = origin(url)
            secure = urlsplit(url).scheme == "https"
        except ValueError:
            raise WebhookRefusedError("The webhook's URL is not valid.") from None
        if host in self._trusted:
            return True
        if not secure:
            raise WebhookRefusedError(f"The webhook's host {host} is told by https only.")
        return False

    def _session(self, trusted: bool) -> BoundedSession:
        sessions: dict[bool, BoundedSession] = self._threads.__dict__.setdefault("sessions", {})
        if trusted not in sessions:
            session = BoundedSession(self._adapters[trusted], NoAuth(), accept_encoding="identity")
            session.trust_env = trusted
            sessions[trusted] = session
        return sessions[trusted]


def _drain(response: requests.Response, deadline: Deadline) -> None:
    """Read an answer that nobody needs, so that its connection serves again; a large or slow one is cut off."""
    with suppress(BodyTooLargeError, BrokenBodyError):
        read_body(response, max_bytes=MAX_ANSWER, deadline=deadline)


def _answer(response: requests.Response) -> Answer:
    status = response.status_code
    if 200 <= status < 300:
        return Answer(status)
    if 300 <= status < 400:
        return Answer(status, f"It answered {status}; redirects are not followed.")
    pause = retry_after(response.headers["Retry-After"]) if "Retry-After" in response.headers else 0.0
    return Answer(status, f"It answered {status}.", away=status in BUSY, retry_after=pause)


def _cause(error: Exception) -> str:
    if isinstance(error, FetchUnavailableError):
        return error.message.rstrip(".")
    return "it takes too long" if isinstance(error, requests.Timeout) else type(error).__name__
