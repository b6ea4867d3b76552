"""Lines of a body as it comes in, plain or gzipped, in bounded memory."""

import zlib
from collections.abc import Iterator

MAX_LINE = 1024 * 1024
PIECE = 256 * 1024


class DamagedBodyError(Exception):
    """The body's compression is damaged."""


class Lines:
    """Cuts bytes into lines. A line over `MAX_LINE` bytes is not kept: None takes its place."""

    def __init__(self) -> None:
        self._begun = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """The lines that end in these bytes."""
        *ends, begun = data.split(b"\n")
        for end in ends:
            self._add(end)
            yield self._take()
        self._add(begun)

    def end(self) -> Iterator[bytes | None]:
        """The last line, if it has no end of its own."""
        if self._begun or self._too_long:
            yield self._take()

    def _add(self, data: bytes) -> None:
        if len(self._begun) + len(data) > MAX_LINE:
            self._too_long = True
            self._begun.clear()
        if not self._too_long:
            self._begun += data

    def _take(self) -> bytes | None:
        line = None if self._too_long else bytes(self._begun)
        self._begun.clear()
        self._too_long = False
        return line


class Inflate:
    """Undoes gzip piece by piece, so that a little that means much never stands in memory as a whole."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The plain bytes.

        Raises:
            DamagedBodyError: this is not gzip.
        """
        while True:
            try:
                piece = self._inflater.decompress(data, PIECE)
            except zlib.error:
                raise DamagedBodyError from None
            yield piece
            data = self._inflater.unconsumed_tail
            if self._inflater.eof:  # several files, one after the other, are one
                data = self._inflater.unused_data
                if data:
                    self._inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
            if not data and len(piece) < PIECE:
                return

    def end(self) -> None:
        """Say whether this was all.

        Raises:
            DamagedBodyError: the end is missing.
        """
        if not self._inflater.eof:
            raise DamagedBodyError


class Plain:
    """Passes bytes on as they are."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The same bytes."""
        yield data

    def end(self) -> None:
        """Every end is one."""
