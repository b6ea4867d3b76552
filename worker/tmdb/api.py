"""One call to TMDB's API: limited, bounded, tried again with jitter, its failures named.

    limiter.acquire ─> GET ─> 200 the body's bytes
                              404 None (TMDB says that there is no such thing)
                              429 wait if it is short, else RateLimitedError
                              5xx, network: try again, then FetchUnavailableError
                              401, 403: InvalidTokenError, at once

Nothing that is raised or logged here names the token or a URL that could hold it.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from urllib.parse import urlsplit

import requests
from pydantic import BaseModel, ValidationError

from worker.errors import (
    FetchUnavailableError,
    InvalidTokenError,
    MalformedResponseError,
    RateLimitedError,
)
from worker.tmdb.limiter import RateLimiter
from worker.tmdb.token import TmdbToken, scrub_logs
from worker.transport import (
    NETWORK_ERRORS,
    BodyTooLargeError,
    BoundedAdapter,
    BoundedSession,
    BrokenBodyError,
    Deadline,
    read_body,
)

TOTAL_SECONDS = 14.0
CONNECT_SECONDS = 3.05
ATTEMPTS = 4
BACKOFF_SECONDS = 0.5
LONGEST_WAIT = 2.0
LONGEST_RETRY_AFTER = 600.0
MAX_JSON_BYTES = 8 * 1024 * 1024
NOT_FOUND_CODES = (6, 34)

Params = Mapping[str, str | int]


class _Problem(BaseModel):
    """The body of TMDB's errors."""

    status_code: int = 0
    status_message: str = ""


class TmdbApi:
    """Calls below one base URL; threads may share it.

    requests promises no thread-safety for a session, urllib3 does for its pools: so each thread has a
    session of its own, and all sessions have the same adapter and with it the same connections.
    """

    def __init__(
        self,
        token: str,
        limiter: RateLimiter,
        *,
        base_url: str = "https://api.themoviedb.org/3",
        timeout: float = 10.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.host = urlsplit(base_url).netloc
        self._base_url = base_url.rstrip("/")
        self._token = TmdbToken(token)
        self._limiter = limiter
        self._timeout = timeout
        self._sleep = sleep
        self._adapter = BoundedAdapter()
        self._threads = threading.local()
        scrub_logs()

    def get(self, path: str, params: Params) -> bytes | None:
        """The body that `path` answers, or None where TMDB says that it does not exist.

        Raises:
            FetchUnavailableError: TMDB could not be reached, or failed, every time within 14 s.
            RateLimitedError: the next call is allowed in more than 2 s.
            InvalidTokenError: TMDB refuses the token.
            MalformedResponseError: the answer is not one of TMDB's.
        """
        deadline = Deadline(TOTAL_SECONDS)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._attempt(path, params, deadline)
            except RateLimitedError as error:
                pause = error.retry_after
                if pause > LONGEST_WAIT or attempt == ATTEMPTS or pause >= deadline.remaining():
                    raise
            except FetchUnavailableError:
                pause = random.uniform(0, BACKOFF_SECONDS * 2**attempt)
                if attempt == ATTEMPTS or pause >= deadline.remaining():
                    raise
            self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        """Close the connections."""
        self._adapter.close()

    def _attempt(self, path: str, params: Params, whole: Deadline) -> bytes | None:
        self._limiter.acquire(timeout=min(whole.remaining(), LONGEST_WAIT))
        deadline = Deadline(min(whole.remaining(), self._timeout))
        response = self._send(path, params, deadline)
        status = response.status_code
        if status == 200:
            return self._body(response, deadline)
        response_headers = response.headers
        problem = self._problem(response, deadline)
        said = f"TMDB answered {status} ({self._token.scrub(problem.status_message)[:200] or 'no reason'})."
        if status in (401, 403):
            raise InvalidTokenError(said)
        if status == 404 and problem.status_code in NOT_FOUND_CODES:
            return None
        if status == 429:
            pause = retry_after(response_headers.get("Retry-After"))
            self._limiter.pause(pause)
            raise RateLimitedError(said, retry_after=pause)
        if status >= 500 or status == 408:
            raise FetchUnavailableError(said, mend="It is tried again by itself.")
        raise MalformedResponseError(said)

    def _send(self, path: str, params: Params, deadline: Deadline) -> requests.Response:
        read = max(0.1, min(self._timeout / 2, deadline.remaining()))
        try:
            return self._session().get(
                f"{self._base_url}/{path}",
                params=params,
                timeout=(min(CONNECT_SECONDS, read), read),
                stream=True,
                allow_redirects=False,
            )
        except NETWORK_ERRORS as error:
            kind = type(error).__name__
        # Raised outside of the handler: what requests raised holds the URL, and stays behind.
        raise FetchUnavailableError(
            f"TMDB ({self.host}) cannot be reached: {kind}.", mend="It is tried again by itself."
        )

    def _body(self, response: requests.Response, deadline: Deadline) -> bytes:
        try:
            return read_body(response, max_bytes=MAX_JSON_BYTES, deadline=deadline)
        except BodyTooLargeError:
            raise MalformedResponseError(f"TMDB's answer is over {MAX_JSON_BYTES} bytes.") from None
        except BrokenBodyError as error:
            raise FetchUnavailableError(
                f"TMDB's answer broke off: {error}.", mend="It is tried again by itself."
            ) from None

    def _problem(self, response: requests.Response, deadline: Deadline) -> _Problem:
        try:
            return _Problem.model_validate_json(self._body(response, deadline))
        except (ValidationError, FetchUnavailableError, MalformedResponseError):
            return _Problem()

    def _session(self) -> BoundedSession:
        session: BoundedSession | None = getattr(self._threads, "session", None)
        if session is None:
            session = BoundedSession(self._adapter, self._token, accept_encoding="gzip")
            session.headers["Accept"] = "application/json"
            self._threads.session = session
        return session


def retry_after(header: str | None) -> float:
    """Seconds that a Retry-After header asks for: a number or a date; 1 s where it is missing or odd."""
    seconds = 1.0
    try:
        seconds = float(header or "")
    except ValueError:
        try:
            at = parsedate_to_datetime(header or "")
            seconds = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            pass
    return min(max(seconds, 0.1), LONGEST_RETRY_AFTER) if isfinite(seconds) else 1.0
