"""Free ports on loopback.

They lie below the range from which systems take the ports of outgoing connections (32768 on Linux, 49152
elsewhere): a client that knocks at a stopped server's port could otherwise be given that very port, and
connect to itself.
"""

import errno
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path

LOOPBACK = "127.0.0.1"
FIRST, COUNT = 20_000, 12_000
TRIES = 50


def candidates(home: Path, name: str) -> Iterator[int]:
    """Free ports, the same first one for the same directory and server as long as nobody else has it."""
    wish = zlib.crc32(f"{home}\0{name}".encode("utf-8", "surrogateescape"))
    for step in range(TRIES):
        port = FIRST + (wish + step * 7) % COUNT
        if is_free(port):
            yield port


def is_free(port: int) -> bool:
    """Whether nobody listens on the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True
