"""The key that signs the cookies of sessions: the operator's own, else one made once in the data directory."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from marquee.settings import Settings
from worker.errors import HomeError

BYTES = 32


def secret_key(settings: Settings) -> bytes:
    """The key; `HOME/secret`, which only its owner reads, is made at the first call.

    Raises:
        HomeError: the file cannot be made or read, or holds no key.
    """
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    file = settings.home / "secret"
    try:
        if not file.exists():
            settings.home.mkdir(parents=True, exist_ok=True)
            _make(file)
        key = file.read_bytes()
    except OSError as error:
        raise HomeError(
            f"The key {file} cannot be read ({error.strerror}).",
            mend="Check its permissions, or set MARQUEE_SECRET_KEY.",
        ) from None
    if len(key) != BYTES:
        raise HomeError(
            f"The key {file} is damaged.", mend="Delete it; another is made, and everybody signs in anew."
        )
    return key


def _make(file: Path) -> None:
    """Write a key that appears under its name as a whole; of two at once the first wins."""
    opened, part = tempfile.mkstemp(prefix=".secret-", dir=file.parent)  # for its owner's eyes alone
    try:
        with os.fdopen(opened, "wb") as out:
            out.write(secrets.token_bytes(BYTES))
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(part, file)
    finally:
        Path(part).unlink()
