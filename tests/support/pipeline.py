"""The whole pipeline, every part a process, over movies that the test makes up."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from marquee.settings import load_settings
from tests.support import ledger
from tests.support.waiting import until
from worker.offline_tmdb import OfflineTmdb
from worker.supervisor import Command
from worker.system import System

ROOT = Path(__file__).parents[2]
PARTS = ("relay", "fetch", "tag")


def write_movies(folder: Path, count: int) -> Path:
    """A folder of movies with the TMDB ids 1 … count; every seventh has no plot, every fifth no poster."""
    for n in range(8):
        Image.effect_noise((90, 135), 60).convert("RGB").save(folder / f"{n}.jpg", quality=80)
    movies = [
        {
            "tmdb_id": n,
            "title": f"Movie {n}",
            "year": 1950 + n % 70,
            "plot": None
            if n % 7 == 0
            else f"Somebody finds {n} things in a house by the sea, and loses one.",
            "poster": None if n % 5 == 0 else f"{n % 8}.jpg",
        }
        for n in range(1, count + 1)
    ]
    (folder / "movies.jsonl").write_text("".join(json.dumps(movie) + "\n" for movie in movies))
    return folder


class StubbedSystem(System):
    """Its tag workers have a stub for a model."""

    def commands(self, part: str) -> list[Command]:
        found = super().commands(part)
        if part != "tag":
            return found
        stub = [sys.executable, "-m", "tests.support.stub_worker"]
        env = {"PYTHONPATH": str(ROOT)}
        return [Command(c.name, [*stub, *c.argv[3:]], {**(c.env or {}), **env}) for c in found]


@contextmanager
def running(
    home: Path, tmdb: OfflineTmdb, *, parts: Sequence[str] = PARTS, stub: bool = True, **settings: Any
) -> Iterator[System]:
    """The pipeline with embedded servers in `home`, every part signed on."""
    known = {
        "home": home,
        "tmdb_token": tmdb.token,
        "tmdb_url": tmdb.url,
        "tmdb_rate": 2000.0,
        "device": "cpu",
        "cpu_threads": 1,
        "fetch_threads": 4,
        "batch_size": 16,
    }
    chosen = load_settings(**(known | settings))
    with (StubbedSystem if stub else System)(chosen, parts=parts) as system, system.supervisor:
        until(lambda: set(parts) <= signed_on(system), seconds=60, what=logs(home))
        yield system


def signed_on(system: System) -> set[str]:
    """The parts that have registered and not signed off."""
    rows = ledger.execute(system.engine, "SELECT part FROM marquee.worker WHERE stopped_at IS NULL")
    return {r.part for r in rows}


def insert_movies(system: System, count: int) -> None:
    """What a pipeline does: one statement in one transaction."""
    ledger.execute(
        system.engine, "INSERT INTO marquee.movie (tmdb_id) SELECT generate_series(1, :count)", count=count
    )


def logs(home: Path) -> str:
    """Where to look when it failed."""
    return f"see {home / 'logs'}"
