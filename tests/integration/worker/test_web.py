"""The review page as a process: it starts, answers, says what stands in its way, and ends when it is asked to."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
import requests
from PIL import Image
from sqlalchemy import Engine

from marquee.settings import load_settings
from tests.support import ledger
from tests.support.pipeline import ROOT
from tests.support.waiting import until
from tests.support.web import running_review
from worker.address import address, free_port, listen
from worker.errors import AddressError, HomeError
from worker.posters import PosterStore
from worker.secret import secret_key
from worker.web import ReviewPosters, review_config

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(database_url: str, broker_url: str, tmp_path: Path, engine: Engine) -> Iterator[Start]:
    """Starts `marquee review` on a free port."""
    running: list[subprocess.Popen[str]] = []

    def begin(*arguments: str, **variables: str) -> "subprocess.Popen[str]":
        env = {
            **os.environ, "PYTHONPATH": str(ROOT), "MARQUEE_HOME": str(tmp_path / "home"), "COLUMNS": "200",
            "MARQUEE_DATABASE_URL": database_url, "MARQUEE_BROKER_URL": broker_url, **variables,
        }  # fmt: skip
        command = [sys.executable, "-m", "worker.cli", "review", *(arguments or ("--port", "0"))]
        running.append(
            subprocess.Popen(
                command, env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        )
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def found_at(engine: Engine) -> str:
    """Where the review page says that it is."""

    def look() -> str | None:
        rows = ledger.execute(
            engine, "SELECT device FROM marquee.worker WHERE part = 'web' AND stopped_at IS NULL"
        )
        return rows[0].device if rows else None

    return str(until(look, seconds=60))


def answers(url: str) -> int:
    def look() -> int | None:
        try:
            return requests.get(url, timeout=10, allow_redirects=False).status_code
        except requests.ConnectionError:
            return None

    return int(until(look) or 0)


class TestProcess:
    def test_starts_answers_and_ends_cleanly(self, engine: Engine, start: Start) -> None:
        process = start()
        base = found_at(engine)
        assert base.startswith("http://127.0.0.1:")
        assert answers(base + "/healthz") == 200
        assert answers(base + "/") in (302, 303)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
        assert process.returncode == 0, out
        assert "Traceback" not in out
        assert ledger.scalar(engine, "SELECT bool_and(stopped_at IS NOT NULL) FROM marquee.worker")

    def test_holds_no_model(self) -> None:
        heavy = "[m for m in ('torch', 'transformers', 'celery', 'kombu', 'sklearn') if m in sys.modules]"
        code = f"import sys; import worker.web, worker.cli.serve; sys.exit(str({heavy}) if {heavy} else 0)"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr

    def test_a_port_in_use_is_said_with_the_mend(self, start: Start) -> None:
        with listen("127.0.0.1", 0) as taken:
            taken.listen()
            process = start("--port", str(taken.getsockname()[1]))
            out, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "somebody else listens there" in out
        assert "MARQUEE_REVIEW_PORT" in out
        assert "Traceback" not in out


class TestAddress:
    def test_a_free_port_is_chosen_and_a_taken_one_refused(self) -> None:
        assert free_port(load_settings(review_port=0)) > 0
        with listen("127.0.0.1", 0) as taken:
            taken.listen()
            with pytest.raises(AddressError, match="somebody else"):
                free_port(load_settings(review_port=taken.getsockname()[1]))

    @pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
    def test_a_host_that_is_not_this_machine(self, host: str) -> None:
        with pytest.raises(AddressError) as caught:
            listen(host, 0)
        assert "MARQUEE_REVIEW_HOST" in caught.value.mend

    @pytest.mark.parametrize(
        ("host", "url", "expected"),
        [
            ("127.0.0.1", None, "http://127.0.0.1:81"),
            ("0.0.0.0", None, "http://127.0.0.1:81"),
            ("::1", None, "http://[::1]:81"),
            ("0.0.0.0", "https://review.example.org/", "https://review.example.org"),
        ],
    )
    def test_what_a_browser_is_told(self, host: str, url: str | None, expected: str) -> None:
        assert address(load_settings(review_host=host, review_url=url), 81) == expected

    def test_cookies_are_for_https_alone_where_that_is_the_public_url(self, tmp_path: Path) -> None:
        settings = load_settings(home=tmp_path, review_url="https://review.example.org")
        assert review_config(settings, 81).secure_cookies
        plain = review_config(load_settings(home=tmp_path), 81)
        assert (plain.secure_cookies, plain.public_url) == (False, "http://127.0.0.1:81")
        assert review_config(load_settings(home=tmp_path, review_host="0.0.0.0"), 81).public_url is None


class TestSecret:
    def test_is_made_once_for_its_owner_alone(self, tmp_path: Path) -> None:
        settings = load_settings(home=tmp_path / "home")
        with ThreadPoolExecutor(4) as pool:
            keys = set(pool.map(lambda _: secret_key(settings), range(4)))
        [key] = keys
        assert len(key) == 32
        file = tmp_path / "home" / "secret"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.read_bytes() == key
        assert [f.name for f in file.parent.iterdir()] == ["secret"]

    def test_the_operators_own_comes_first(self, tmp_path: Path) -> None:
        settings = load_settings(home=tmp_path, secret_key="k" * 40)
        assert secret_key(settings) == b"k" * 40
        assert not (tmp_path / "secret").exists()

    def test_a_damaged_file_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_bytes(b"short")
        with pytest.raises(HomeError, match="damaged"):
            secret_key(load_settings(home=tmp_path))


class TestPosters:
    def test_what_an_editor_sends_is_checked_and_shrunk(self, store: PosterStore) -> None:
        out = BytesIO()
        Image.new("RGB", (2000, 3000), "teal").save(out, "PNG")
        posters = ReviewPosters(store)
        kept = posters.get(posters.put(out.getvalue()))
        with Image.open(BytesIO(kept)) as image:
            assert (image.format, image.size) == ("JPEG", (342, 513))

    @pytest.mark.parametrize("data", [b"", b"<svg onload='x'/>", b"GIF89a", b"\xff\xd8\xff\xe0 torn"])
    def test_what_is_no_image_is_refused_with_the_reason(self, store: PosterStore, data: bytes) -> None:
        with pytest.raises(ValueError, match="poster"):
            ReviewPosters(store).put(data)

    def test_what_is_not_there_or_damaged(self, store: PosterStore, tmp_path: Path, jpeg: bytes) -> None:
        posters = ReviewPosters(store)
        for digest in ("ab" * 32, "../../etc/passwd"):
            with pytest.raises(KeyError):
                posters.get(digest)
        digest = posters.put(jpeg)
        [file] = tmp_path.rglob("*.jpg")
        file.write_bytes(b"torn")
        with pytest.raises(KeyError):
            posters.get(digest)


def test_a_link_of_the_terminal_signs_in_once(engine: Engine, tmp_path: Path) -> None:
    with running_review(engine, tmp_path) as site, requests.Session() as browser:
        link = site.link("ada")
        page = browser.get(link, timeout=10)
        assert page.status_code == 200
        assert "ada" not in browser.get(site.url + "/", timeout=10, allow_redirects=False).text
        assert site.token("movies:read").startswith("marquee_")
        assert requests.get(site.url + "/healthz", timeout=10).status_code == 200
    with pytest.raises(requests.ConnectionError):
        requests.get(site.url + "/healthz", timeout=10)


def test_a_socket_is_closed_when_it_cannot_be_bound() -> None:
    """A ResourceWarning would fail this test."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(AddressError):
            listen("127.0.0.1", taken.getsockname()[1])
