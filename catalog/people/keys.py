"""Secrets that a browser or a pipeline shows: random, and kept only as a hash."""

import hashlib
import secrets

BYTES = 32


def new_key() -> str:
    """256 random bits, safe in a URL and in a cookie."""
    return secrets.token_urlsafe(BYTES)


def fingerprint(key: str) -> str:
    """The SHA-256 under which a key is kept. It needs no salt: the key is random and long."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
