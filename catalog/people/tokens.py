"""Tokens: a pipeline's key to the HTTP API, with what it may do. It is shown once, when it is made."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from catalog.errors import InvalidTokenError, TokenNotFoundError
from catalog.people.keys import fingerprint, new_key
from catalog.stored import storable

SCOPES = ("movies:read", "movies:write", "decide", "admin")
ADD = text("""
INSERT INTO marquee.token (name, sha256, scopes, expires_at)
VALUES (:name, :sha256, :scopes, clock_timestamp() + make_interval(secs => :days * 86400))
ON CONFLICT (name) DO NOTHING RETURNING id
""")
READ = text("""
SELECT id, name, scopes, used_at IS NULL OR used_at < clock_timestamp() - make_interval(secs => :stale) AS stale
FROM marquee.token
WHERE sha256 = :sha256 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())
""")
# Of many requests at the same moment one notes the use; the others need not wait for it.
USED = text("""
UPDATE marquee.token SET used_at = clock_timestamp()
WHERE id = (SELECT id FROM marquee.token WHERE id = :id FOR NO KEY UPDATE SKIP LOCKED)
""")
LIST = text("""
SELECT id, name, scopes, created_at, expires_at, used_at, revoked_at FROM marquee.token ORDER BY name
""")
REVOKE = text("""
UPDATE marquee.token SET revoked_at = COALESCE(revoked_at, clock_timestamp()) WHERE name = :name RETURNING id
""")
PREFIX = "marquee_"
MAX_NAME, MAX_DAYS = 80, 36_500
STALE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A token that is valid now."""

    id: int
    name: str
    scopes: tuple[str, ...]

    def allows(self, scope: str) -> bool:
        """Whether the token may do what needs the scope; `admin` may do all."""
        return scope in self.scopes or "admin" in self.scopes


@dataclass(frozen=True, slots=True)
class TokenListing:
    """A token as `marquee tokens list` shows it."""

    id: int
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None


def add_token(connection: Connection, name: str, scopes: Iterable[str], days: float | None = None) -> str:
    """Make a token, valid for so many days or for good, and return it: nobody can read it again.

    Raises:
        InvalidTokenError: the name is empty, too long or taken, a scope is none, or the days are not positive.
    """
    name = " ".join(storable(name).split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidTokenError(
            "A token's name has 1 to 80 characters that can be read.", mend="Give another name."
        )
    wanted = sorted(set(scopes), key=lambda s: SCOPES.index(s) if s in SCOPES else -1)
    unknown = [s for s in wanted if s not in SCOPES]
    if unknown or not wanted:
        raise InvalidTokenError(
            f"There is no scope {unknown[0]!r}." if unknown else "A token without a scope may do nothing.",
            mend=f"Scopes are {', '.join(SCOPES)}.",
        )
    if days is not None and not 0 < days <= MAX_DAYS:
        raise InvalidTokenError(
            "A token is valid for more than 0 and at most 36,500 days.", mend="Give other days, or none."
        )
    plain = PREFIX + new_key()
    asked = {"name": name, "sha256": fingerprint(plain), "scopes": wanted, "days": days}
    if connection.execute(ADD, asked).one_or_none() is None:
        raise InvalidTokenError(
            f"There is a token named {name!r} already, valid or revoked.", mend="Choose another name."
        )
    return plain


def read_token(connection: Connection, plain: str) -> TokenRecord | None:
    """The token that was shown, if it is valid; its use is noted at most once a minute."""
    asked = {"sha256": fingerprint(plain), "stale": STALE_SECONDS}
    row = connection.execute(READ, asked).one_or_none()
    if row is None:
        return None
    if row.stale:
        connection.execute(USED, {"id": row.id})
    return TokenRecord(row.id, row.name, tuple(row.scopes))


def list_tokens(connection: Connection) -> list[TokenListing]:
    """Every token, by name."""
    return [
        TokenListing(r.id, r.name, tuple(r.scopes), r.created_at, r.expires_at, r.used_at, r.revoked_at)
        for r in connection.execute(LIST)
    ]


def revoke_token(connection: Connection, name: str) -> None:
    """Make a token invalid from now on.

    Raises:
        TokenNotFoundError: there is none of this name.
    """
    found = connection.execute(REVOKE, {"name": " ".join(storable(name).split())}).one_or_none()
    if found is None:
        raise TokenNotFoundError(
            f"There is no token named {name!r}.", mend="`marquee tokens list` shows all."
        )
