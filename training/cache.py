"""The feature cache: what the frozen trunks make of a text or a poster, kept on disk by content hash.

A pack is a pair of files: float16 vectors one after the other, and an index from content hash to place. Its
name is a hash of the encoder's weights and of everything that decides its input: a change of either starts a
new one.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Half = NDArray[np.float16]


def default_cache() -> Path:
    """`$MARQUEE_HOME/cache` where that is set, else the user's cache folder."""
    home = os.environ.get("MARQUEE_HOME")
    if home:
        return Path(home) / "cache"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "marquee"


class Pack:
    """Vectors by content hash, memory-mapped.

    Args:
        root: the cache's folder.
        about: what decides the vectors; hashed into the pack's name.
        width: the last dimension of every vector.
    """

    def __init__(self, root: Path, about: dict[str, Any], width: int) -> None:
        name = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:24]
        self.folder = root / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.width = width
        self._data, self._index_file = self.folder / "vectors.f16", self.folder / "index.json"
        self._index: dict[str, tuple[int, int]] = {}
        if self._index_file.is_file():
            self._index = {
                key: (at, rows) for key, (at, rows) in json.loads(self._index_file.read_text()).items()
            }
        self._map: Half | None = None

    def __getstate__(self) -> dict[str, Any]:
        """For another process: everything but the memory map, which it opens itself."""
        return {**self.__dict__, "_map": None}

    def fill(self, keys: Sequence[str], make: Callable[[list[int]], list[Half]], *, chunk: int = 64) -> None:
        """Make what is missing: `make` gets places in `keys` and returns an array (rows, width) for each."""
        first: dict[str, int] = {}
        for place, key in enumerate(keys):
            if key not in self._index:
                first.setdefault(key, place)
        missing = list(first.values())
        end = max((at + rows for at, rows in self._index.values()), default=0)
        with self._data.open("r+b" if self._data.exists() else "w+b") as file:
            file.truncate(end * self.width * 2)  # what a broken run left behind
            file.seek(0, os.SEEK_END)
            for start in range(0, len(missing), chunk):
                part = missing[start : start + chunk]
                for place, vectors in zip(part, make(part), strict=True):
                    file.write(np.ascontiguousarray(vectors, dtype=np.float16).tobytes())
                    self._index[keys[place]] = (end, len(vectors))
                    end += len(vectors)
        if missing:
            fresh = self._index_file.with_suffix(".new")
            fresh.write_text(json.dumps(self._index))
            fresh.replace(self._index_file)

    def __getitem__(self, key: str) -> Half:
        """The vectors (rows, width) of one content."""
        at, rows = self._index[key]
        if not rows:
            return np.zeros((0, self.width), dtype=np.float16)
        if self._map is None or at + rows > len(self._map):
            stored = self._data.stat().st_size // (2 * self.width)
            self._map = np.memmap(self._data, np.float16, "r", shape=(stored, self.width))
        return np.asarray(self._map[at : at + rows])
