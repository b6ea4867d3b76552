"""Asking for an index where the planner would read the whole table."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text


@contextmanager
def from_indexes(connection: Connection) -> Iterator[None]:
    """Let statements look up facets in their index, though the planner takes each page for one on a disk."""
    connection.execute(text("SET LOCAL enable_seqscan = off"))
    yield
    connection.execute(text("SET LOCAL enable_seqscan TO DEFAULT"))
