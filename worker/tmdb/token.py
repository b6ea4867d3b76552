"""TMDB's two kinds of token, how each is sent, and how each is kept out of messages and logs."""

import logging
import re

import requests
from requests.auth import AuthBase

from worker.errors import InvalidTokenError

_V3 = re.compile(r"[0-9a-fA-F]{32}")
_V4 = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")
_SENT = re.compile(r"(api_key=)[^&\s'\"]+|(Bearer\s+)[\w.~+/-]+=*", re.IGNORECASE)


class TmdbToken(AuthBase):
    """A v3 API key (32 hex digits, sent in the query) or a v4 read access token (sent as a bearer token).

    Raises:
        InvalidTokenError: the text has the form of neither.
    """

    def __init__(self, token: str) -> None:
        token = token.strip()
        if not _V3.fullmatch(token) and not _V4.fullmatch(token):
            raise InvalidTokenError("The TMDB token has neither the form of a v3 key nor of a v4 token.")
        self._token = token
        self.version = 3 if _V3.fullmatch(token) else 4

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the token to a request."""
        if self.version == 3:
            request.prepare_url(request.url, {"api_key": self._token})
        else:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def __repr__(self) -> str:
        return f"TmdbToken(v{self.version}, ***)"

    def scrub(self, text: str) -> str:
        """The text without this token, and without anything else that was sent as one."""
        return scrub(text.replace(self._token, "***"))


def scrub(text: str) -> str:
    """The text with every sent key and bearer token replaced by stars."""
    return _SENT.sub(lambda match: (match[1] or match[2]) + "***", text)


class _ScrubbedLog(logging.Filter):
    """urllib3 logs whole URLs at level DEBUG, and a v3 key is a part of the URL."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(scrub(arg) if isinstance(arg, str) else arg for arg in record.args)
        record.msg = scrub(str(record.msg))
        return True


def scrub_logs() -> None:
    """Keep tokens out of what urllib3 logs; doing it twice changes nothing."""
    for name in ("urllib3.connectionpool", "urllib3.connection"):
        logger = logging.getLogger(name)
        if not any(isinstance(known, _ScrubbedLog) for known in logger.filters):
            logger.addFilter(_ScrubbedLog())
