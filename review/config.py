"""What the web application is told by whoever starts it."""

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit


class Posters(Protocol):
    """Where posters are kept, by the SHA-256 of their bytes."""

    def get(self, digest: str) -> bytes:
        """The poster's bytes.

        Raises:
            KeyError: there is none of this hash.
        """
        ...

    def put(self, data: bytes) -> str:
        """Keep an image as a poster and return its hash.

        Raises:
            ValueError: it is no image that can be used; the message says why.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReviewConfig:
    """The settings of the web application.

    Attributes:
        secret_key: signs cookies; whoever knows it can make sessions' names, though not sessions.
        lease_seconds: how long a movie stays with an editor who is no longer heard of.
        session_hours: how long a sign-in lasts without a visit.
        secure_cookies: whether cookies go over HTTPS only.
        public_url: where editors find the application; requests to another host are refused where it is set.
    """

    secret_key: bytes
    lease_seconds: float = 90.0
    session_hours: float = 24.0 * 7
    secure_cookies: bool = False
    public_url: str | None = None

    @property
    def public_host(self) -> str | None:
        """The host, and the port if it names one, of `public_url`."""
        return urlsplit(self.public_url).netloc.lower() if self.public_url else None
