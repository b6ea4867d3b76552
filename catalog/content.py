"""What the model sees of a movie: the record that fetch writes and the tag worker reads."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from catalog.stored import to_json

UPSERT = text("""
INSERT INTO marquee.content (movie_id, revision, title, year, language, plot, plot_source, poster_hash,
                             poster_source, tmdb_id, note, sha256, training_allowed, fetched_at)
SELECT movie_id, revision, title, year, language, plot, plot_source, poster_hash,
       poster_source, tmdb_id, note, sha256, training_allowed, COALESCE(fetched_at, clock_timestamp())
FROM jsonb_to_recordset(CAST(:records AS jsonb)) AS record (
    movie_id bigint, revision integer, title text, year integer, language text, plot text, plot_source text,
    poster_hash text, poster_source text, tmdb_id integer, note text, sha256 text, training_allowed boolean,
    fetched_at timestamptz)
ON CONFLICT (movie_id) DO UPDATE SET
    revision = EXCLUDED.revision, title = EXCLUDED.title, year = EXCLUDED.year,
    language = EXCLUDED.language, plot = EXCLUDED.plot, plot_source = EXCLUDED.plot_source,
    poster_hash = EXCLUDED.poster_hash, poster_source = EXCLUDED.poster_source,
    tmdb_id = EXCLUDED.tmdb_id, note = EXCLUDED.note, sha256 = EXCLUDED.sha256,
    training_allowed = EXCLUDED.training_allowed, fetched_at = EXCLUDED.fetched_at
""")

READ = text("""
SELECT movie_id, revision, title, year, language, plot, plot_source, poster_hash, poster_source, tmdb_id,
       note, training_allowed, fetched_at
FROM marquee.content WHERE movie_id = ANY(:ids)
""")


@dataclass(frozen=True, slots=True)
class ContentRecord:
    """A movie's content at a revision, with the provenance of its plot and poster ("movie" or "tmdb").

    `note` says why something is missing. `fetched_at` is None for content that is new now.
    """

    movie_id: int
    revision: int
    title: str | None = None
    year: int | None = None
    language: str | None = None
    plot: str | None = None
    plot_source: str | None = None
    poster_hash: str | None = None
    poster_source: str | None = None
    tmdb_id: int | None = None
    note: str | None = None
    training_allowed: bool = True
    fetched_at: datetime | None = None

    @property
    def sha256(self) -> str:
        """The hash of all that the model sees: the same hash and the same model give the same prediction."""
        seen = [self.title, self.year, self.language, self.plot, self.poster_hash]
        return hashlib.sha256(
            json.dumps(seen, ensure_ascii=False).encode("utf-8", "surrogatepass")
        ).hexdigest()


def write_content(connection: Connection, records: Sequence[ContentRecord]) -> None:
    """Insert or replace the content of the movies."""
    if records:
        rows = [asdict(r) | {"sha256": r.sha256} for r in records]
        connection.execute(UPSERT, {"records": to_json(rows)})


def read_content(connection: Connection, ids: Sequence[int]) -> dict[int, ContentRecord]:
    """The content of those of the movies that have one, by movie id."""
    return {r.movie_id: ContentRecord(*r) for r in connection.execute(READ, {"ids": list(ids)})}
