"""The catalog at a glance: counts, rates, workers, gates; and one movie's whole story."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from catalog.errors import MovieNotFoundError
from catalog.gates import closed_gates
from catalog.ledger.recovery import WORKER_LOCKS
from catalog.ledger.words import State
from catalog.registry import champion

COUNTS = text("SELECT state, count(*) AS movies FROM marquee.tagging GROUP BY state")
OLDEST = text("""
SELECT movie_id, state, extract(epoch FROM clock_timestamp() - changed_at)::float AS seconds
FROM marquee.tagging WHERE state NOT IN ('tagged', 'quarantined') ORDER BY changed_at LIMIT 1
""")
RATES = text("""
SELECT count(*) FILTER (WHERE at > clock_timestamp() - interval '1 minute') / 60.0 AS minute,
       count(*) / 3600.0 AS hour
FROM marquee.prediction_log WHERE id > COALESCE((SELECT max(id) FROM marquee.prediction_log), 0) - 1000000
  AND at > clock_timestamp() - interval '1 hour'
""")
WORKERS = text("""
SELECT w.id, w.part, w.host, w.pid, w.device, m.version AS model,
       extract(epoch FROM clock_timestamp() - w.started_at)::float AS seconds
FROM marquee.worker w LEFT JOIN marquee.model m ON m.id = w.model_id
WHERE w.stopped_at IS NULL AND EXISTS (
    SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid = :locks AND l.objid = w.id
      AND l.objsubid = 2 AND l.granted
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
ORDER BY w.part, w.id
""")
FIND = text("""
SELECT id FROM marquee.movie
WHERE id = :number OR tmdb_id = :number OR imdb_id = :key OR external_id = :key OR lower(title) = lower(:key)
ORDER BY (id = :number) IS TRUE DESC, (external_id = :key) IS TRUE DESC, (imdb_id = :key) IS TRUE DESC, id
LIMIT 1
""")
MOVIE = text("""
SELECT m.id, COALESCE(m.title, c.title) AS title, COALESCE(m.year, c.year) AS year, m.tmdb_id, m.imdb_id,
       t.state, t.revision, t.tagged_revision, t.priority, t.deaths, t.failures, t.error, t.due_at,
       c.plot, c.language, c.plot_source, c.poster_hash, c.poster_source, c.note
FROM marquee.movie m LEFT JOIN marquee.tagging t ON t.movie_id = m.id
LEFT JOIN marquee.content c ON c.movie_id = m.id
WHERE m.id = :id
""")
TIMELINE = text("SELECT at, revision, event, detail FROM marquee.timeline WHERE movie_id = :id ORDER BY id")
DECISIONS = text("""
SELECT d.at, d.revision, g.name AS genre, d.verdict, d.source, d.author
FROM marquee.decision d JOIN marquee.genre g ON g.id = d.genre_id WHERE d.movie_id = :id ORDER BY d.id
""")
GENRES = text("""
SELECT genre, confidence, source, model_version, decision
FROM marquee.movie_genres WHERE movie_id = :id ORDER BY confidence DESC NULLS FIRST
""")


@dataclass(frozen=True, slots=True)
class Status:
    """The system now. Rates are movies a second; `oldest_waiting` is seconds since that movie's change."""

    states: dict[str, int]
    tagged_per_second_minute: float
    tagged_per_second_hour: float
    oldest_waiting: float | None
    oldest_movie: int | None
    workers: list[dict[str, Any]]
    champion: str | None
    closed_gates: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def read_status(connection: Connection) -> Status:
    """Read the counts, rates, workers and gates."""
    counts = {state.value: 0 for state in State} | {r.state: r.movies for r in connection.execute(COUNTS)}
    oldest = connection.execute(OLDEST).one_or_none()
    rates = connection.execute(RATES).one()
    model = champion(connection)
    return Status(
        states=counts,
        tagged_per_second_minute=round(float(rates.minute), 2),
        tagged_per_second_hour=round(float(rates.hour), 3),
        oldest_waiting=oldest.seconds if oldest else None,
        oldest_movie=oldest.movie_id if oldest else None,
        workers=[dict(r._mapping) for r in connection.execute(WORKERS, {"locks": WORKER_LOCKS})],
        champion=model.version if model else None,
        closed_gates={g.name: g.reason for g in closed_gates(connection).values()},
    )


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

    Raises:
        MovieNotFoundError: there is none.
    """
    number = int(key) if key.isascii() and key.isdigit() and len(key) < 19 else None
    found = connection.execute(FIND, {"number": number, "key": key}).scalar_one_or_none()
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
        detail = {"genre": r.genre, "verdict": r.verdict, "source": r.source, "by": r.author}
        events.append(Event(r.at, r.revision, "decided", detail))
    return Story(
        movie=dict(connection.execute(MOVIE, asked).one()._mapping),
        genres=[dict(r._mapping) for r in connection.execute(GENRES, asked)],
        events=sorted(events, key=lambda e: e.at),
    )
