"""One movie's whole story, from the ledger: `marquee why`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from catalog.errors import MovieNotFoundError

FIND = text("""
SELECT id FROM marquee.movie
WHERE id = :number OR tmdb_id = :number OR imdb_id = :key OR external_id = :key OR lower(title) = lower(:key)
   OR id IN (SELECT movie_id FROM marquee.content WHERE lower(title) = lower(:key))
ORDER BY (id = :number) IS TRUE DESC, (external_id = :key) IS TRUE DESC, (imdb_id = :key) IS TRUE DESC, id
LIMIT 1
""")
DELETED = text("SELECT movie_id FROM marquee.timeline WHERE movie_id = :number ORDER BY id DESC LIMIT 1")
MOVIE = text("""
SELECT asked.id, COALESCE(m.title, c.title) AS title, COALESCE(m.year, c.year) AS year, m.tmdb_id, m.imdb_id,
       CASE WHEN m.id IS NULL THEN 'deleted' ELSE t.state END AS state,
       COALESCE(t.revision, (SELECT max(revision) FROM marquee.timeline WHERE movie_id = asked.id)) AS revision,
       t.tagged_revision, t.priority, t.deaths, t.failures, t.error,
       COALESCE(t.due_at, t.changed_at) AS due_at,
       c.plot, c.language, c.plot_source, c.poster_hash, c.poster_source, c.note
FROM (SELECT CAST(:id AS bigint) AS id) asked
LEFT JOIN marquee.movie m ON m.id = asked.id
LEFT JOIN marquee.tagging t ON t.movie_id = asked.id
LEFT JOIN marquee.content c ON c.movie_id = asked.id
""")
TIMELINE = text("SELECT at, revision, event, detail FROM marquee.timeline WHERE movie_id = :id ORDER BY id")
DECISIONS = text("""
SELECT d.at, d.revision, g.name AS genre, d.verdict, d.source, COALESCE(e.name, d.author) AS by,
       a.kind AS action, m.version AS seen_model, d.confidence
FROM marquee.decision d JOIN marquee.genre g ON g.id = d.genre_id
LEFT JOIN marquee.action a ON a.id = d.action_id
LEFT JOIN marquee.editor e ON e.id = a.editor_id
LEFT JOIN marquee.model m ON m.id = d.model_id
WHERE d.movie_id = :id ORDER BY d.id
""")
# The other things that an editor can do; a toggle is told by its decision.
ACTIONS = text("""
SELECT a.at, a.kind, e.name AS by, a.seconds, undone.kind AS undoes,
       COALESCE((SELECT revision FROM marquee.timeline t WHERE t.movie_id = :id AND t.at <= a.at
                 ORDER BY t.id DESC LIMIT 1), 1) AS revision
FROM marquee.action a JOIN marquee.editor e ON e.id = a.editor_id
LEFT JOIN marquee.action undone ON undone.id = a.undoes
WHERE a.movie_id = :id AND a.kind IN ('finish', 'skip', 'undo') ORDER BY a.id
""")
DID = {"finish": "finished", "skip": "skipped", "undo": "undone"}
GENRES = text("""
SELECT genre, confidence, source, model_version, decision
FROM marquee.movie_genres WHERE movie_id = :id ORDER BY confidence DESC NULLS FIRST
""")


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a movie's story."""

    at: datetime
    revision: int
    event: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Story:
    """A movie, its genres as they stand, and everything that happened to it."""

    movie: dict[str, Any]
    genres: list[dict[str, Any]]
    events: list[Event]


def find_movie(connection: Connection, key: str) -> int:
    """The id of the movie that is meant by an id, a TMDB, IMDb or external id, or an exact title.

    A movie that was deleted is still found by its id: its timeline stays.

    Raises:
        MovieNotFoundError: there is none.
    """
    number = int(key) if key.isascii() and key.isdigit() and len(key) < 19 else None
    found = connection.execute(FIND, {"number": number, "key": key}).scalar_one_or_none()
    if found is None and number is not None:
        found = connection.execute(DELETED, {"number": number}).scalar_one_or_none()
    if found is None:
        raise MovieNotFoundError(
            f"No movie is known as {key!r}.", mend="Give its id, a TMDB or IMDb id, or its exact title."
        )
    return int(found)


def read_story(connection: Connection, movie_id: int) -> Story:
    """The whole story of one movie, from the ledger."""
    asked = {"id": movie_id}
    events = [Event(*r) for r in connection.execute(TIMELINE, asked)]
    for r in connection.execute(DECISIONS, asked):
        detail = {"genre": r.genre, "verdict": r.verdict, "source": r.source, "by": r.by}
        seen = {"action": r.action, "seen_model": r.seen_model, "confidence": _rounded(r.confidence)}
        events.append(Event(r.at, r.revision, "decided", detail | _known(seen)))
    for r in connection.execute(ACTIONS, asked):
        told = {"by": r.by, "action": r.undoes, "seconds": _rounded(r.seconds)}
        events.append(Event(r.at, r.revision, DID[r.kind], _known(told)))
    return Story(
        movie=dict(connection.execute(MOVIE, asked).one()._mapping),
        genres=[dict(r._mapping) for r in connection.execute(GENRES, asked)],
        events=sorted(events, key=lambda e: e.at),
    )


def _known(detail: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in detail.items() if value is not None}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
