"""The command line: what it prints, its exit codes, and that a user's error never ends in a traceback."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import Engine

from catalog.ledger.words import Limits
from catalog.liveness import Presence
from marquee.settings import Settings
from tests.support import ledger
from tests.support.cli import Cli
from tests.support.pipeline import ROOT
from tests.support.stub_model import StubPredictor
from worker.champion import Champion
from worker.cli import app
from worker.drain import Drain
from worker.posters import PosterStore


def commands(group: Any = None, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    group = group or typer.main.get_command(app)
    found = []
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found += commands(command, (*path, name))
        else:
            found.append((*path, name))
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_has_an_example(cli: Cli, command: tuple[str, ...]) -> None:
    said = cli(*command, "--help")
    assert said.code == 0
    assert "Example:" in said.out


class TestNothingRuns:
    @pytest.mark.parametrize(
        "command",
        [("status",), ("why", "1"), ("enqueue", "1"), ("migrate",), ("worker", "relay"), ("worker", "fetch")],
    )
    def test_exits_with_3_and_the_mend(self, cli: Cli, command: tuple[str, ...]) -> None:
        said = cli(*command)
        assert said.code == 3
        assert "marquee up" in said.err

    def test_as_a_process(self, tmp_path: Path) -> None:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "MARQUEE_HOME": str(tmp_path / "home")}
        for command in (
            ["-m", "worker.cli", "status"],
            ["-m", "celery", "-A", "worker.app", "worker", "-Q", "fetch"],
        ):
            done = subprocess.run(
                [sys.executable, *command],
                env=env,
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode != 0
            assert "marquee up" in done.stdout + done.stderr, command
            assert "Traceback" not in done.stdout + done.stderr, command

    @pytest.mark.parametrize("threads", [-1, 0, 10_000])
    def test_a_number_of_threads_that_cannot_be(
        self, cli: Cli, monkeypatch: pytest.MonkeyPatch, threads: int
    ) -> None:
        monkeypatch.setenv("MARQUEE_FETCH_THREADS", "8")  # so that what the command sets does not stay
        said = cli("worker", "fetch", "--threads", threads)
        assert said.code == 2
        assert "MARQUEE_FETCH_THREADS" in said.err

    def test_postgres_away(self, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MARQUEE_DATABASE_URL", "postgresql://u:hidden-word@127.0.0.1:1/d")
        monkeypatch.setenv("MARQUEE_BROKER_URL", "redis://127.0.0.1:1")
        said = cli("status")
        assert said.code == 1
        assert "cannot be reached" in said.err
        assert "hidden-word" not in said.err + said.out

    def test_a_database_without_the_schema(
        self, cli: Cli, monkeypatch: pytest.MonkeyPatch, blank_database_url: str
    ) -> None:
        monkeypatch.setenv("MARQUEE_DATABASE_URL", blank_database_url)
        monkeypatch.setenv("MARQUEE_BROKER_URL", "redis://127.0.0.1:1")
        said = cli("status")
        assert said.code == 1
        assert "marquee migrate" in said.err
        assert cli("migrate").code == 0
        assert "Already" in cli("migrate").out


class TestConfig:
    SECRETS = ("pass-word-1", "pass-word-2", "deadbeef" * 4, "secret-key", "cookie-word")

    @pytest.fixture(autouse=True)
    def secrets(self, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MARQUEE_DATABASE_URL", "postgresql://user:pass-word-1@h/d?sslpassword=secret-key")
        monkeypatch.setenv("MARQUEE_BROKER_URL", "amqp://user:pass-word-2@h//")
        monkeypatch.setenv("MARQUEE_TMDB_TOKEN", "deadbeef" * 4)
        monkeypatch.setenv("MARQUEE_POSTER_URL", "s3://user:secret-key@bucket/p")
        monkeypatch.setenv("MARQUEE_SECRET_KEY", "cookie-word" * 3)

    @pytest.mark.parametrize("more", [(), ("--json",)])
    def test_secrets_are_masked(self, cli: Cli, more: tuple[str, ...]) -> None:
        said = cli("config", *more)
        assert said.code == 0
        assert not [s for s in self.SECRETS if s in said.out + said.err]
        assert "***" in said.out

    def test_every_setting_is_there(self, cli: Cli) -> None:
        out, data = cli("config").out, cli("config", "--json").data
        assert set(data) == set(Settings.model_fields)
        assert all(f"MARQUEE_{name.upper()}" in out for name in data)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("BATCH_SIZE", "many"),
            ("DATABASE_URL", "mysql://h/d"),
            ("BROKER_URL", "kafka://h"),
            ("LOG_LEVEL", "LOUD"),
        ],
    )
    def test_a_wrong_variable_is_named(
        self, cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        monkeypatch.setenv(f"MARQUEE_{name}", value)
        said = cli("config")
        assert said.code == 2
        assert f"MARQUEE_{name}" in said.err

    def test_a_password_in_a_wrong_url_is_not_told(self, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MARQUEE_DATABASE_URL", "mysql://user:pass-word-1@h/d")
        said = cli("config")
        assert said.code == 2
        assert "pass-word-1" not in said.err + said.out


class TestImport:
    def test_counts_and_lines(self, cli: Cli, catalog: Engine, tmp_path: Path) -> None:
        (tmp_path / "m.csv").write_bytes(b"\xef\xbb\xbftitle,year\nA,1999\nB,3000\n\xff,1\nC,2000\n")
        said = cli("import", "m.csv")
        assert said.code == 1
        assert "Imported 2 movies, refused 2 rows." in said.out
        assert "line 3:" in said.out
        assert "line 4:" in said.out

    def test_json(self, cli: Cli, catalog: Engine, tmp_path: Path) -> None:
        (tmp_path / "m.jsonl").write_text('{"title": "A", "odd": 1}\nno\n')
        said = cli("import", "m.jsonl", "--json")
        assert said.code == 1
        assert said.data["imported"] == 1
        assert [r["line"] for r in said.data["refused"]] == [2]
        assert said.data["ignored_columns"] == ["odd"]

    def test_all_good(self, cli: Cli, catalog: Engine, tmp_path: Path) -> None:
        (tmp_path / "m.jsonl").write_text('{"title": "A", "genres": ["Drama"]}\n')
        said = cli("import", "m.jsonl", "--trusted-by", "me")
        assert (said.code, "19 labels from me" in said.out) == (0, True)

    @pytest.mark.parametrize("name", ["none.csv", "m.txt", "m.parquet", "."])
    def test_a_file_that_cannot_be_read(self, cli: Cli, catalog: Engine, tmp_path: Path, name: str) -> None:
        for made in ("m.txt", "m.parquet"):
            (tmp_path / made).write_text("x")
        said = cli("import", name)
        assert said.code == 2
        assert "Mend:" in said.err


class TestEnqueue:
    def test_by_id(self, cli: Cli, catalog: Engine) -> None:
        ids = ledger.insert(catalog, 2)
        ledger.execute(catalog, "UPDATE marquee.tagging SET state = 'quarantined', failures = 5")
        said = cli("enqueue", *ids, "--json")
        assert (said.code, said.data) == (0, {"enqueued": 2, "unknown": []})
        assert ledger.counts(catalog) == {"pending": 2}

    def test_an_unknown_id(self, cli: Cli, catalog: Engine) -> None:
        [movie] = ledger.insert(catalog)
        said = cli("enqueue", movie, 999)
        assert said.code == 1
        assert "999" in said.err

    def test_failed_ones(self, cli: Cli, catalog: Engine) -> None:
        ids = ledger.insert(catalog, 3)
        ledger.execute(
            catalog, "UPDATE marquee.tagging SET state = 'quarantined' WHERE movie_id = :i", i=ids[0]
        )
        assert cli("enqueue", "--failed", "--json").data == {"enqueued": 1, "unknown": []}
        assert ledger.row(catalog, ids[0]).priority == 2

    @pytest.mark.parametrize("arguments", [(), ("1", "--all"), ("--priority", "soon", "1"), ("one",)])
    def test_wrong_usage(self, cli: Cli, catalog: Engine, arguments: tuple[str, ...]) -> None:
        assert cli("enqueue", *arguments).code == 2

    def test_all_with_refetch(self, cli: Cli, catalog: Engine) -> None:
        ids = ledger.insert(catalog, 3)
        assert cli("enqueue", "--all", "--refetch", "--json").data["enqueued"] == 3
        assert all(ledger.row(catalog, i).refetch for i in ids)

    def test_an_id_that_no_number_holds(self, cli: Cli, catalog: Engine) -> None:
        assert cli("enqueue", 10**25).code != 0


class TestStatus:
    def test_waiting_movies_and_no_worker(self, cli: Cli, catalog: Engine) -> None:
        ledger.insert(catalog, 3)
        said = cli("status")
        assert said.code == 1
        assert "No worker runs" in said.out

    def test_nothing_waits(self, cli: Cli, catalog: Engine) -> None:
        assert cli("status").code == 0

    def test_json(self, cli: Cli, catalog: Engine) -> None:
        ledger.insert(catalog, 3)
        with Presence(catalog, "relay"), Presence(catalog, "fetch"), Presence(catalog, "tag", device="cpu"):
            said = cli("status", "--json")
        assert said.code == 0
        assert said.data["states"]["pending"] == 3
        assert [w["part"] for w in said.data["workers"]] == ["fetch", "relay", "tag"]
        assert said.data["oldest_waiting"] >= 0


class TestWhy:
    @pytest.fixture
    def movie(self, catalog: Engine, stub: StubPredictor, store: PosterStore) -> int:
        [movie] = ledger.insert(
            catalog,
            title="The [bold] General",
            tmdb_id=961,
            imdb_id="tt0017925",
            external_id="gen-1",
            year=1926,
        )
        ledger.make_ready(catalog, [movie], note="TMDB has no [red] poster of it")
        drain = Drain(catalog, 5, Champion("cpu"), store, Limits(), batch_size=4)
        drain.run()
        drain.close()
        return movie

    @pytest.mark.parametrize("key", ["961", "tt0017925", "gen-1", "the [bold] general"])
    def test_every_kind_of_key(self, cli: Cli, movie: int, key: str) -> None:
        said = cli("why", key)
        assert said.code == 0
        assert "The [bold] General (1926)" in said.out
        assert "no [red] poster" in said.out
        for event in ("changed", "fetched", "tagged"):
            assert event in said.out

    def test_json(self, cli: Cli, movie: int) -> None:
        said = cli("why", movie, "--json")
        assert said.code == 0
        assert [e["event"] for e in said.data["events"]] == ["changed", "fetched", "tagged"]
        assert said.data["movie"]["state"] == "tagged"
        assert {"genre", "confidence", "source", "model_version", "decision"} == set(said.data["genres"][0])

    @pytest.mark.parametrize("key", ["nobody knows", "999999", "tt9999999", "9" * 30, ""])
    def test_an_unknown_movie(self, cli: Cli, catalog: Engine, key: str) -> None:
        said = cli("why", key)
        assert said.code == 1
        assert "Mend:" in said.err

    def test_a_movie_that_was_not_touched_yet(self, cli: Cli, catalog: Engine) -> None:
        [movie] = ledger.insert(catalog)
        assert cli("why", movie).code == 0
