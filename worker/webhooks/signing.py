"""The signature of what a webhook is sent: it says who sent it, and when, so that an old one can be refused."""

import hashlib
import hmac


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The header Marquee-Signature of a body that is sent at this time (seconds since 1970)."""
    signed = b"%d." % timestamp + body
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
