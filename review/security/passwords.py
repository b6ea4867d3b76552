"""Passwords: argon2id, made anew at a sign-in when its parameters have changed.

A check takes 64 MiB for some tens of milliseconds, so only a few run at once.
"""

import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from review.errors import InvalidFormError

MIN_LENGTH, MAX_LENGTH = 10, 256
_hasher = PasswordHasher()
_turns = threading.BoundedSemaphore(2)


def hash_password(password: str) -> str:
    """What is kept of a password.

    Raises:
        InvalidFormError: it is too short or too long.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidFormError(
            f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters; this one has {len(password)}.",
            mend="A few words in a row are easy to remember.",
        )
    with _turns:
        return _hasher.hash(password)


def verify_password(kept: str | None, password: str) -> bool:
    """Whether the password is right; takes as long for an editor who does not exist, or has none."""
    with _turns:
        try:
            right = _hasher.verify(kept or _nobodys(), password[: MAX_LENGTH + 1])
        except (Argon2Error, InvalidHashError):
            return False
    return right and kept is not None


def is_outdated(kept: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(kept)


@cache
def _nobodys() -> str:
    return _hasher.hash("the password of nobody")
