"""Appending to the timeline."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from catalog.stored import to_json

APPEND = text("""
INSERT INTO marquee.timeline (movie_id, revision, event, detail)
SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:revisions AS integer[]),
                     CAST(:events AS text[]), CAST(:details AS jsonb[]))
""")

NOTIFY = text("SELECT pg_notify(:channel, '')")


class Note(NamedTuple):
    """One event of a movie."""

    movie_id: int
    revision: int
    event: str
    detail: dict[str, Any]


def append(connection: Connection, notes: Iterable[Note]) -> None:
    """Append the notes to the timeline in one statement."""
    rows = list(notes)
    if rows:
        connection.execute(
            APPEND,
            {
                "ids": [n.movie_id for n in rows],
                "revisions": [n.revision for n in rows],
                "events": [n.event for n in rows],
                "details": [to_json(n.detail) for n in rows],
            },
        )


def notify(connection: Connection, channel: str) -> None:
    """Give those who LISTEN a hint, when the transaction commits."""
    connection.execute(NOTIFY, {"channel": channel})
