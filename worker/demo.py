"""The demo: the whole of Marquee on sample movies, from an empty directory, with no key and no server.

It is the same path as production: real PostgreSQL, real Valkey, every part as a process of its own, and
TMDB's real client against an offline TMDB on loopback (or the real one, where a token is set).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from threading import Event
from time import monotonic

from sqlalchemy import Engine, text

from catalog.engine import transaction
from catalog.ingest import upsert
from catalog.ledger.words import State
from catalog.overview import read_status
from catalog.records import read_record
from catalog.story import Story, read_story
from marquee.settings import Settings, load_settings
from worker.errors import DemoError
from worker.offline_tmdb import OfflineTmdb
from worker.offline_tmdb.library import Library
from worker.system import System

WAIT_SECONDS = 180.0
PARTS = ("relay", "fetch", "tag")

Progress = Callable[[str, int, int], None]
"""Told what is going on, how much of it is done, and how much there is (0: unknown)."""


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo made: each movie's story, and the seconds from the commit until all were tagged."""

    stories: list[Story]
    seconds_to_start: float
    seconds_to_tag: float


Stay = Callable[[DemoResult, System], None]
"""What is done with everything up before it is stopped."""


def run_demo(settings: Settings, home: Path, progress: Progress, stay: Stay | None = None) -> DemoResult:
    """Run everything in `home`, tag the sample movies, and stop everything; with `stay` the review page runs too.

    Raises:
        AddressError: with `stay`, somebody else listens at the review page's address.
        DemoError: a part did not start, or the movies were not tagged in time.
    """
    started = monotonic()
    progress("Starting PostgreSQL, Valkey and the workers", 0, 0)
    with as_file(files("worker") / "samples") as samples, _tmdb(settings, samples) as tmdb:
        own = load_settings(
            **tmdb,
            home=home,
            database_url=None,
            broker_url=None,
            poster_url=str(home.absolute() / "posters"),
            log_level="INFO",
            poll_seconds=1.0,
            review_url=None,
            secret_key=None,
        )
        parts = (*PARTS, "web") if stay else PARTS
        with System(own, parts=parts) as system, system.supervisor:
            ids = _insert(system.engine, Library(samples))
            _await_workers(system, progress)
            ready = monotonic()
            _await_tags(system, ids, progress)
            tagged = monotonic()
            with transaction(system.engine) as connection:
                stories = [read_story(connection, movie_id) for movie_id in ids]
            result = DemoResult(stories, ready - started, tagged - ready)
            if stay:
                stay(result, system)
            progress("Stopping", 0, 0)
    return result


@contextmanager
def _tmdb(settings: Settings, samples: Path) -> Iterator[dict[str, object]]:
    """The settings that lead to TMDB: the real one where there is a token, else an offline one."""
    if settings.tmdb_token is not None:
        yield {}
        return
    with OfflineTmdb(samples) as offline:
        yield {"tmdb_token": offline.token, "tmdb_url": offline.url, "tmdb_rate": 1000.0}


def _insert(engine: Engine, library: Library) -> list[int]:
    """A pipeline's part: it knows TMDB ids, nothing more. One transaction, and the trigger does the rest."""
    records = [read_record({"tmdb_id": tmdb_id}) for tmdb_id in library.movies]
    with transaction(engine) as connection:
        return upsert(connection, records)


def _await_workers(system: System, progress: Progress) -> None:
    """Wait until every part has signed on, so that the time shown is the pipeline's and not Python's start."""

    def ready() -> bool:
        with transaction(system.engine) as connection:
            parts = {w["part"] for w in read_status(connection).workers}
        progress("Loading the model", len(parts), len(system.parts))
        return parts >= set(system.parts)

    _await(system, ready)


def _await_tags(system: System, ids: list[int], progress: Progress) -> None:
    count = text("SELECT count(*) FROM marquee.tagging WHERE movie_id = ANY(:ids) AND state = ANY(:done)")

    def done() -> bool:
        with transaction(system.engine) as connection:
            over = [State.TAGGED, State.QUARANTINED]
            finished = int(connection.execute(count, {"ids": ids, "done": over}).scalar_one())
        progress("Tagging", finished, len(ids))
        return finished == len(ids)

    _await(system, done)


def _await(system: System, condition: Callable[[], bool]) -> None:
    """Wait for the condition; a part that cannot run ends the waiting with the end of its log."""
    deadline = monotonic() + WAIT_SECONDS
    pause = Event()
    while not condition():
        children = system.supervisor.status()
        broken = next((c for c in children if c.restarts > 2), None)
        if broken is not None or monotonic() > deadline:
            name = (broken or children[-1]).name
            log = (system.settings.home / "logs" / f"{name}.log").read_text(errors="replace")
            raise DemoError(name, "\n".join(log.splitlines()[-15:]))
        pause.wait(0.05)
