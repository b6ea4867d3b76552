"""What an editor changes of a movie itself: its plot or its poster. The triggers make it the movie's next revision."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

from catalog.errors import MovieChangedError, MovieNotFoundError
from catalog.ingest import upsert
from catalog.ledger.notes import Note, append
from catalog.records import read_record

LOCK = text("SELECT id FROM marquee.movie WHERE id = :id FOR NO KEY UPDATE")
REVISION = text("SELECT revision FROM marquee.tagging WHERE movie_id = :id")
EDITABLE = frozenset({"plot", "poster_url", "poster_hash"})


def edit(connection: Connection, movie_id: int, changes: Mapping[str, Any], *, by: str, revision: int) -> int:
    """Write the changes of an editor who saw this revision; returns the movie's new one.

    An empty value takes the movie's own away, so that TMDB's is fetched instead.

    Raises:
        MovieNotFoundError: the movie is gone.
        MovieChangedError: the movie has another revision by now; nothing is written.
        InvalidMovieError: a value cannot be stored.
    """
    unknown = set(changes) - EDITABLE
    assert not unknown, unknown
    record = read_record({"id": movie_id, **changes})
    if connection.execute(LOCK, {"id": movie_id}).one_or_none() is None:
        raise MovieNotFoundError(f"Movie {movie_id} is not in the catalog.", mend="It may have been deleted.")
    before = connection.execute(REVISION, {"id": movie_id}).scalar_one_or_none()
    if before != revision:
        raise MovieChangedError(
            f"Movie {movie_id} was changed by somebody else since you opened it.",
            mend="Look at it as it is now, and make your change again.",
        )
    upsert(connection, [record])
    after = int(connection.execute(REVISION, {"id": movie_id}).scalar_one())
    if after != before:
        append(connection, [Note(movie_id, after, "edited", {"by": by, "changed": sorted(changes)})])
    return after


def note_request(connection: Connection, movie_id: int, *, by: str, refetch: bool) -> None:
    """Note in the movie's timeline who asked for it to be tagged, or fetched, anew."""
    revision = connection.execute(REVISION, {"id": movie_id}).scalar_one_or_none()
    if revision is not None:
        append(connection, [Note(movie_id, revision, "asked", {"by": by, "refetch": refetch})])
