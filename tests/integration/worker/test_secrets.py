"""No token and no password in any log, in the timeline, or in a task's arguments, whatever goes wrong."""

import json
from pathlib import Path

import psutil
import pytest
import redis

from tests.support import ledger
from tests.support.pipeline import running
from tests.support.waiting import until
from worker.offline_tmdb import OfflineTmdb

TOKEN = "5ec7e7" * 5 + "ab"


def test_a_run_with_failures_tells_no_secret(
    movie_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the most talkative level, with a bad gateway, a pause, a refused token and a refused poster."""
    home = tmp_path / "home"
    with OfflineTmdb(movie_folder, token=TOKEN) as tmdb:
        with running(home, tmdb, log_level="DEBUG", retry_seconds=0.05) as system:
            engine = system.engine
            tmdb.fail("503", on="movie", times=6)
            tmdb.fail("html", on="image", times=1)
            tmdb.fail("cut", on="movie", times=2)
            ledger.execute(engine, "INSERT INTO marquee.movie (tmdb_id) SELECT generate_series(11, 19)")
            ledger.execute(
                engine,
                "INSERT INTO marquee.movie (title, plot, poster_url) "
                "VALUES ('Mine', 'x', 'http://user:pa55word@127.0.0.1/x.jpg')",
            )
            until(lambda: set(ledger.counts(engine)) == {"tagged"}, seconds=60)
            tmdb.fail("401", on="any", times=100)
            ledger.execute(engine, "INSERT INTO marquee.movie (tmdb_id) VALUES (100)")
            until(lambda: ledger.execute(engine, "SELECT FROM marquee.gate WHERE name = 'tmdb'"), seconds=20)
            killed = system.supervisor.kill("fetch")
            until(lambda: not psutil.pid_exists(killed or 0))  # a dying worker could still take the messages
            with redis.Redis.from_url(system.connections.broker_url) as client:
                ledger.insert(engine, 100, priority="bulk")
                until(lambda: client.keys("fetch*"), seconds=10)
                waiting = b"".join(m for key in client.keys("fetch*") for m in client.lrange(key, 0, -1))
                assert b"movie_ids" in waiting
            told = waiting.decode()
            for table in ("timeline", "tagging", "content", "gate", "worker", "model", "promotion"):
                told += ledger.scalar(
                    engine, f"SELECT COALESCE(jsonb_agg(to_jsonb(t))::text, '') FROM marquee.{table} t"
                )
            told += ledger.scalar(engine, "SELECT string_agg(query, ' ') FROM pg_stat_activity")
        passwords = json.loads((home / "passwords.json").read_text()).values()
        told += "".join(log.read_text(errors="replace") for log in (home / "logs").glob("*.log*"))
    assert len(told) > 10_000
    assert "DEBUG" in told.upper()
    for secret in (TOKEN, *passwords):
        place = told.find(secret)
        assert place < 0, f"a secret: …{told[max(0, place - 200) : place]}"
    logged = told.replace("http://user:pa55word@127.0.0.1/x.jpg", "")
    assert "pa55word" not in logged, "a poster's password"
