"""The posters, each under the hash of its bytes: a directory by default, any fsspec URL for a fleet.

What is under a hash never changes, so a poster that is there already is not written again, and every
reader can see for itself that it got what was put in.
"""

import os
import re
import threading
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import fsspec
from fsspec.implementations.local import LocalFileSystem

from marquee.settings import mask_url
from worker.errors import PosterDamagedError, PosterMissingError, PosterStoreError

_DIGEST = re.compile(r"[0-9a-f]{64}")


class _Shelf(Protocol):
    """Where bytes are kept by name."""

    def write(self, name: str, data: bytes) -> None: ...
    def read(self, name: str) -> bytes: ...
    def exists(self, name: str) -> bool: ...
    def holds(self, name: str, data: bytes) -> bool: ...


class PosterStore:
    """Normalised posters by their SHA-256; processes and threads may share it.

    Args:
        url: a directory, or any URL that fsspec opens (`s3://bucket/posters`, `memory://posters`, …).

    Raises:
        PosterStoreError: the URL has a scheme that is not installed; later, the store cannot be used.
    """

    def __init__(self, url: str) -> None:
        self._named = "of this URL"
        try:
            self._named = mask_url(url) if "://" in url else url
            filesystem, root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError, OSError) as error:
            raise self._unusable(error) from None
        local = isinstance(filesystem, LocalFileSystem)
        self._shelf: _Shelf = _Directory(Path(root)) if local else _Remote(filesystem, root)

    def put(self, normalised: bytes) -> str:
        """Keep the bytes and return their hash; when it returns, they are there as a whole.

        What a power loss left damaged under their name is written anew.
        """
        digest = sha256(normalised).hexdigest()
        name = _name(digest)
        try:
            if not self._shelf.holds(name, normalised):
                self._shelf.write(name, normalised)
        except OSError as error:
            raise self._unusable(error) from None
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of this hash.

        Raises:
            PosterMissingError: they are not there.
            PosterDamagedError: what is there has another hash.
        """
        try:
            data = self._shelf.read(_name(digest))
        except FileNotFoundError:
            raise PosterMissingError(digest) from None
        except OSError as error:
            raise self._unusable(error) from None
        if sha256(data).hexdigest() != digest:
            raise PosterDamagedError(digest)
        return data

    def exists(self, digest: str) -> bool:
        """Whether there is a poster of this hash; there is none of what is no hash."""
        try:
            return self._shelf.exists(_name(digest))
        except PosterMissingError:
            return False
        except OSError as error:
            raise self._unusable(error) from None

    def _unusable(self, error: Exception) -> PosterStoreError:
        return PosterStoreError(
            f"The poster store {self._named} cannot be used ({type(error).__name__}: {_reason(error)}).",
            mend="Check MARQUEE_POSTER_URL, its permissions and the free space.",
        )


class _Directory:
    """A local directory. A file appears under its name only when it is whole."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, name: str, data: bytes) -> None:
        path = self._root / name
        try:
            self._write(path, data)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write(path, data)

    def _write(self, path: Path, data: bytes) -> None:
        part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
        try:
            part.write_bytes(data)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def read(self, name: str) -> bytes:
        return (self._root / name).read_bytes()

    def exists(self, name: str) -> bool:
        return (self._root / name).exists()

    def holds(self, name: str, data: bytes) -> bool:
        try:
            return self.read(name) == data
        except FileNotFoundError:
            return False


class _Remote:
    """Any other file system of fsspec; object stores write an object as a whole or not at all."""

    def __init__(self, filesystem: Any, root: str) -> None:
        self._filesystem = filesystem
        self._root = root.rstrip("/")

    def write(self, name: str, data: bytes) -> None:
        self._filesystem.pipe_file(f"{self._root}/{name}", data)

    def read(self, name: str) -> bytes:
        return bytes(self._filesystem.cat_file(f"{self._root}/{name}"))

    def exists(self, name: str) -> bool:
        return bool(self._filesystem.exists(f"{self._root}/{name}"))

    def holds(self, name: str, data: bytes) -> bool:
        try:
            return bool(self._filesystem.size(f"{self._root}/{name}") == len(data))
        except FileNotFoundError:
            return False


def _name(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise PosterMissingError(digest[:80])
    return f"{digest[:2]}/{digest}.jpg"


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).splitlines()[0][:120] if str(error) else "no reason"
