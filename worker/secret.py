"""The key that signs the cookies of sessions: the operator's own, else one made once in the data directory."""

import contextlib
import os
import secrets
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
    """Write a key that appears under its name as a whole; of two processes at once the first wins."""
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(opened, "wb") as out:
            out.write(secrets.token_bytes(BYTES))
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(part, file)
    finally:
        part.unlink()
