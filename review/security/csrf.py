"""Refusing requests that another site made a browser send: three checks, each enough by itself.

The browser's own word (`Sec-Fetch-Site`), the `Origin`, and a token that only pages of the session know. SameSite
cookies are the fourth.
"""

import hmac
from urllib.parse import urlsplit

from starlette.requests import Request

from review.config import ReviewConfig
from review.errors import ForgedRequestError
from review.security import cookies

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HEADER, FIELD = "X-CSRF-Token", "csrf"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def secret_of(config: ReviewConfig, request: Request) -> str | None:
    """The secret that the tokens of this browser are made from: its session's, else its visitor's."""
    return cookies.read(config, request, cookies.SESSION) or cookies.read(config, request, cookies.VISITOR)


async def check(config: ReviewConfig, request: Request) -> None:
    """Let a request pass that changes nothing, or that a page of this very browser session sent.

    Raises:
        ForgedRequestError: neither.
    """
    if request.method in SAFE:
        return
    secret = secret_of(config, request)
    if secret is None or not _same_site(config, request):
        raise ForgedRequestError
    given = request.headers.get(HEADER)
    if given is None and request.headers.get("content-type", "").startswith(FORMS):
        field = (await request.form()).get(FIELD)
        given = field if isinstance(field, str) else None
    expected = cookies.csrf_token(config, secret)
    if given is None or not hmac.compare_digest(given.encode(), expected.encode()):
        raise ForgedRequestError


def _same_site(config: ReviewConfig, request: Request) -> bool:
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    try:
        host = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    return bool(host) and host in {request.headers.get("host", "").lower(), config.public_host}
