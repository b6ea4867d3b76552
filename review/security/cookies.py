"""The cookies: a signed secret of a session, or of a visitor who has not signed in yet.

The database keeps the SHA-256 of a session's secret alone: neither a copy of it nor the signing key is enough to
enter.
"""

import hashlib
import hmac

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from review.config import ReviewConfig

SESSION, VISITOR = "marquee_session", "marquee_visitor"
# The database says when a session has ended; its cookie may lie as long as browsers keep one.
SECONDS = {SESSION: 400 * 24 * 3600, VISITOR: 24 * 3600}


def read(config: ReviewConfig, request: Request, name: str) -> str | None:
    """The secret in a cookie; None where there is none, it is forged, or it is too old."""
    signed = request.cookies.get(_name(config, name))
    if signed is None or len(signed) > 400:
        return None
    try:
        secret = _signer(config, name).loads(signed, max_age=SECONDS[name])
    except BadSignature:
        return None
    return secret if isinstance(secret, str) else None


def write(config: ReviewConfig, response: Response, name: str, secret: str) -> None:
    """Give the browser a secret to keep."""
    response.set_cookie(
        _name(config, name),
        str(_signer(config, name).dumps(secret)),
        max_age=SECONDS[name],
        path="/",
        secure=config.secure_cookies,
        httponly=True,
        samesite="lax",
    )


def forget(config: ReviewConfig, response: Response, name: str) -> None:
    """Take the secret back from the browser."""
    response.delete_cookie(
        _name(config, name), path="/", secure=config.secure_cookies, httponly=True, samesite="lax"
    )


def csrf_token(config: ReviewConfig, secret: str) -> str:
    """What pages of this session put into their requests; another site cannot know it."""
    return hmac.new(config.secret_key, b"csrf:" + secret.encode(), hashlib.sha256).hexdigest()


def _name(config: ReviewConfig, name: str) -> str:
    # With this prefix browsers hold a cookie to HTTPS, this host and this path.
    return f"__Host-{name}" if config.secure_cookies else name


def _signer(config: ReviewConfig, name: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(config.secret_key, salt=f"marquee.{name}")
