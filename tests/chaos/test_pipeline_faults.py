"""Faults in the middle of a run. Nothing is lost, and no movie is tagged twice.

Every part is a process of its own, with real servers; the default artifact tags where the model matters.
"""

import threading
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from tagger.artifact import default_path
from tests.chaos.conftest import MOVIES
from tests.support import ledger
from tests.support.pipeline import insert_movies, running
from tests.support.waiting import until
from worker.offline_tmdb import OfflineTmdb
from worker.system import System

PATIENCE = 60.0
needs_artifact = pytest.mark.skipif(
    not (default_path() / "manifest.json").exists(), reason="there is no default artifact: train one"
)


@pytest.fixture(autouse=True)
def pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow enough for a fault to fall into the middle."""
    monkeypatch.setenv("MARQUEE_TEST_PACE", "0.01")


def tagged(system: System) -> int:
    return ledger.counts(system.engine).get("tagged", 0)


def in_the_middle(system: System, after: int = 40) -> None:
    """Wait until some are tagged; others must not be."""
    until(lambda: tagged(system) >= after, seconds=PATIENCE)
    assert tagged(system) < MOVIES - 20, "too fast: the fault would come after the run"


def all_tagged_once(system: System) -> None:
    until(lambda: ledger.counts(system.engine) == {"tagged": MOVIES}, seconds=PATIENCE)
    effects = ledger.effects(system.engine)
    assert len(effects) == MOVIES
    assert set(effects.values()) == {1}


def test_a_run_leaves_no_process_behind(tmp_path: Path, chaos_tmdb: OfflineTmdb) -> None:
    before = set(psutil.Process().children(recursive=True))
    with running(tmp_path / "home", chaos_tmdb) as system:
        insert_movies(system, MOVIES)
        all_tagged_once(system)
        during = set(psutil.Process().children(recursive=True)) - before
        assert len(during) >= 5
        assert system.connections.broker_url
    _, alive = psutil.wait_procs(during, timeout=10)
    assert not alive
    assert not set(psutil.Process().children(recursive=True)) - before
    assert not (tmp_path / "home" / "run.json").exists()


@pytest.mark.parametrize("stub", [True, pytest.param(False, marks=needs_artifact)], ids=["stub", "model"])
def test_tag_worker_killed_within_a_batch(tmp_path: Path, chaos_tmdb: OfflineTmdb, stub: bool) -> None:
    with running(tmp_path / "home", chaos_tmdb, stub=stub) as system:
        insert_movies(system, MOVIES)
        in_the_middle(system, 32)
        until(lambda: ledger.counts(system.engine).get("tagging", 0) >= 16)
        system.supervisor.kill("tag")
        killed_at = ledger.scalar(system.engine, "SELECT clock_timestamp()")
        held = ledger.execute(
            system.engine, "SELECT movie_id, owner FROM marquee.tagging WHERE state = 'tagging'"
        )
        assert held, "the worker held nothing: it was not killed within a batch"
        ids = [r.movie_id for r in held]
        all_tagged_once(system)
        late = ledger.scalar(
            system.engine,
            "SELECT extract(epoch FROM max(claimed_at) - :killed) FROM marquee.tagging WHERE movie_id = ANY(:ids)",
            killed=killed_at,
            ids=ids,
        )
        assert 0 < late < 10, f"claimed again only after {late:.1f} s"
        again = {event for event, _ in ledger.events(system.engine, ids[0])}
        assert {"recovered", "tagged"} <= again


def test_broker_loses_everything(tmp_path: Path, chaos_tmdb: OfflineTmdb) -> None:
    with running(tmp_path / "home", chaos_tmdb) as system:
        insert_movies(system, MOVIES)
        in_the_middle(system)
        with redis.Redis.from_url(system.connections.broker_url) as client:
            client.flushall()
        all_tagged_once(system)


def test_broker_away_for_a_while(tmp_path: Path, chaos_tmdb: OfflineTmdb) -> None:
    with running(tmp_path / "home", chaos_tmdb) as system:
        assert system.servers is not None
        assert system.servers.valkey is not None
        insert_movies(system, MOVIES)
        in_the_middle(system)
        system.servers.valkey.stop()
        threading.Event().wait(2)
        system.servers.valkey.start()
        all_tagged_once(system)


def test_postgres_away_for_five_seconds(tmp_path: Path, chaos_tmdb: OfflineTmdb) -> None:
    with running(tmp_path / "home", chaos_tmdb) as system:
        assert system.servers is not None
        assert system.servers.postgres is not None
        insert_movies(system, MOVIES)
        in_the_middle(system)
        pids = pids_of(system)
        system.servers.postgres.stop()
        threading.Event().wait(5)
        system.servers.postgres.start()
        all_tagged_once(system)
        assert pids_of(system) == pids, "a part died of it"
        deaths = ledger.scalar(
            system.engine, "SELECT count(*) FROM marquee.timeline WHERE detail ->> 'deaths' > '0'"
        )
        assert deaths == 0, "Postgres' absence was blamed on movies"


def pids_of(system: System) -> dict[str, int | None]:
    return {child.name: child.pid for child in system.supervisor.status()}


@pytest.mark.parametrize("part", ["fetch", "relay"])
def test_other_parts_killed(tmp_path: Path, chaos_tmdb: OfflineTmdb, part: str) -> None:
    with running(tmp_path / "home", chaos_tmdb) as system:
        insert_movies(system, MOVIES)
        until(lambda: at_least(ledger.counts(system.engine), 40), seconds=PATIENCE)
        system.supervisor.kill(part)
        all_tagged_once(system)


def at_least(counts: dict[str, Any], movies: int) -> bool:
    return sum(counts.get(state, 0) for state in ("ready", "tagging", "tagged")) >= movies


def test_a_poison_movie_is_quarantined_and_takes_no_mate_along(
    tmp_path: Path, chaos_tmdb: OfflineTmdb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARQUEE_TEST_POISON", "Movie 60")
    monkeypatch.setenv("MARQUEE_TEST_PACE", "0.001")
    with running(tmp_path / "home", chaos_tmdb) as system:
        insert_movies(system, 80)
        until(
            lambda: ledger.counts(system.engine) == {"tagged": 79, "quarantined": 1},
            seconds=PATIENCE,
            what="poison",
        )
        [poison] = ledger.execute(
            system.engine,
            "SELECT t.* FROM marquee.tagging t JOIN marquee.movie m ON m.id = t.movie_id WHERE m.tmdb_id = 60",
        )
        assert (poison.state, poison.deaths) == ("quarantined", 3)
        assert "died while tagging" in poison.error
        assert ledger.events(system.engine, poison.movie_id)[-1][0] == "quarantined"
        assert set(ledger.effects(system.engine).values()) == {1}
