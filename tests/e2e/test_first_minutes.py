"""A newcomer's first minutes with the review page: `marquee demo --review` and `marquee up`, each with its link."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from tests.support import ledger
from tests.support.databases import engine_on
from tests.support.waiting import until
from worker.embedded.home import running_endpoints

pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.timeout(240)]
LINK = re.compile(r"http://127\.0\.0\.1:\d+/enter\?token=\S+")


@contextmanager
def marquee(home: Path, *arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The command, and the link that it printed."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("MARQUEE_TMDB_")}
    env |= {"MARQUEE_HOME": str(home), "MARQUEE_REVIEW_PORT": "0", "COLUMNS": "160"}
    process = subprocess.Popen(
        [sys.executable, "-m", "worker.cli", *arguments],
        env=env, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    said = ""
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said += line
            if found := LINK.search(line):
                yield process, found.group()
                return
        raise AssertionError(f"it ended without a link:\n{said}")
    finally:
        process.kill()
        process.communicate()


def ends_cleanly(process: "subprocess.Popen[str]", number: signal.Signals, home: Path) -> None:
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    assert "Stopped." in out
    assert running_endpoints(home) is None
    left = [p.pid for p in psutil.process_iter(["cmdline"]) if str(home) in " ".join(p.info["cmdline"] or [])]
    assert left == []


def site_of(link: str) -> str:
    return link.partition("/enter?")[0]


def test_the_demo_stays_for_an_editor_and_explains_ahead(tmp_path: Path) -> None:
    with marquee(tmp_path, "demo", "--review", "--keep", str(tmp_path)) as (process, link):
        assert requests.get(link, timeout=30).status_code == 200
        assert requests.get(site_of(link) + "/healthz", timeout=30).status_code == 200
        running = running_endpoints(tmp_path)
        assert running is not None
        with engine_on(running.database_url) as engine:
            assert ledger.scalar(engine, "SELECT count(*) FROM marquee.review WHERE state = 'open'") > 10
            done = "SELECT count(*) FROM marquee.explanation WHERE done_at IS NOT NULL AND error IS NULL"
            until(lambda: ledger.scalar(engine, done) >= 4, seconds=60)
            words = ledger.scalar(
                engine,
                "SELECT max(jsonb_array_length(detail -> 'words')) FROM marquee.explanation "
                "WHERE genre_id IS NOT NULL",
            )
        assert words > 10
        ends_cleanly(process, signal.SIGINT, tmp_path)


def test_up_prints_where_to_sign_in(tmp_path: Path) -> None:
    with marquee(tmp_path, "up") as (process, link):

        def ready() -> bool:
            try:
                return requests.get(site_of(link) + "/readyz", timeout=10).status_code == 200
            except requests.ConnectionError:
                return False

        until(ready, seconds=90)
        assert requests.get(link, timeout=30).status_code == 200
        ends_cleanly(process, signal.SIGTERM, tmp_path)
