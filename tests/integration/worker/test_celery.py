"""Celery's side: the configuration for each broker, a worker over RabbitMQ, and what a worker refuses."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from celery import Celery
from sqlalchemy import Engine

from catalog.ledger.words import Limits
from tests.integration.worker.test_relay import Running
from tests.support import ledger
from tests.support.pipeline import ROOT
from tests.support.waiting import until
from worker.app import FETCH, configuration
from worker.errors import PartError
from worker.offline_tmdb import OfflineTmdb
from worker.parts import check_pool
from worker.relay import Relay

DEFAULT_AMQP = "amqp://guest:guest@127.0.0.1:5672//"


@pytest.fixture
def amqp_url() -> str:
    """RabbitMQ, by `MARQUEE_TEST_AMQP_URL` or where it usually is."""
    url = os.environ.get("MARQUEE_TEST_AMQP_URL")
    parts = urlsplit(url or DEFAULT_AMQP)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 5672), timeout=2).close()
    except OSError:
        if url:
            raise
        pytest.skip("no RabbitMQ on this machine: set MARQUEE_TEST_AMQP_URL to test with one")
    return url or DEFAULT_AMQP


def configured(monkeypatch: pytest.MonkeyPatch, database_url: str, broker_url: str) -> dict[str, object]:
    monkeypatch.setenv("MARQUEE_DATABASE_URL", database_url)
    monkeypatch.setenv("MARQUEE_BROKER_URL", broker_url)
    return configuration()


def test_redis_serves_the_lowest_priority_first(monkeypatch: pytest.MonkeyPatch) -> None:
    found = configured(monkeypatch, "postgresql://h/d", "redis://h/0")
    options = found["broker_transport_options"]
    assert isinstance(options, dict)
    assert options["priority_steps"] == [0, 1, 2]
    assert options["queue_order_strategy"] == "priority"


def test_rabbitmqs_queues_are_as_any_celery_application_declares_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = configured(monkeypatch, "postgresql://h/d", "amqp://h//")
    options = found["broker_transport_options"]
    assert isinstance(options, dict)
    assert "priority_steps" not in options
    queues = found["task_queues"]
    assert isinstance(queues, list)
    assert [(q.name, q.exchange.name, q.queue_arguments) for q in queues] == [
        ("fetch", "fetch", None),
        ("tag", "tag", None),
    ]


def test_only_json_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert configured(monkeypatch, "postgresql://h/d", "redis://h/0")["accept_content"] == ["json"]


@pytest.mark.parametrize("pool", ["thread", "solo"])
def test_a_worker_of_threads_is_welcome(pool: str) -> None:
    check_pool(f"celery.concurrency.{pool}:TaskPool")


def test_a_worker_never_forks() -> None:
    with pytest.raises(PartError, match="forked"):
        check_pool("celery.concurrency.prefork:TaskPool")


def environment(database_url: str, broker_url: str, home: Path, **more: str) -> Mapping[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "MARQUEE_DATABASE_URL": database_url,
        "MARQUEE_BROKER_URL": broker_url,
        "MARQUEE_HOME": str(home),
        **more,
    }


def ended(*command: str, env: Mapping[str, str]) -> tuple[int, str]:
    """Run a command to its end; its exit code and all that it said."""
    done = subprocess.run(
        [sys.executable, "-m", *command], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("queue", ["tag", "fetch"])
def test_celerys_own_command_line_is_refused_a_forking_worker(
    database_url: str, broker_url: str, tmp_path: Path, queue: str
) -> None:
    env = environment(database_url, broker_url, tmp_path)
    code, said = ended("celery", "-A", "worker.app", "worker", "-Q", queue, "-c", "1", env=env)
    assert code != 0
    assert "-P threads" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("part", ["fetch", "beat"])
def test_a_worker_that_cannot_start_says_why_and_ends(
    blank_database_url: str, broker_url: str, tmp_path: Path, part: str
) -> None:
    env = environment(blank_database_url, broker_url, tmp_path)
    code, said = ended("worker.cli", "worker", part, env=env)
    assert code != 0
    assert "marquee migrate" in said
    assert "Traceback" not in said


@contextmanager
def fetch_worker(env: Mapping[str, str]) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "worker.cli", "worker", "fetch", "--threads", "2"]
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            assert process.stdout is not None
            said = process.stdout.read()
            assert process.wait(20) == 0, said


def test_a_movie_over_rabbitmq_with_the_limiter_in_postgres(
    engine: Engine, database_url: str, amqp_url: str, tmdb: OfflineTmdb, tmp_path: Path
) -> None:
    env = environment(
        database_url, amqp_url, tmp_path, MARQUEE_TMDB_TOKEN=tmdb.token, MARQUEE_TMDB_URL=tmdb.url
    )
    sender = Celery("test", set_as_current=False)
    with pytest.MonkeyPatch.context() as patch:
        sender.conf.update(configured(patch, database_url, amqp_url))
    with sender.connection_for_write() as connection:
        for queue in ("fetch", "tag"):
            sender.amqp.queues[queue](connection.default_channel).delete()
    with fetch_worker(env):
        until(lambda: ledger.execute(engine, "SELECT FROM marquee.worker WHERE part = 'fetch'"), seconds=40)
        [movie] = ledger.insert(engine, tmdb_id=11)
        relay = Relay(engine, sender, window=10, poll_seconds=1.0, limits=Limits())
        with Running(relay):
            until(lambda: ledger.row(engine, movie).state == "ready", seconds=20)
        assert ledger.scalar(engine, "SELECT count(*) FROM marquee.rate_limit") == 1
        # Another application, which knows no code of ours, asks for it again by the task's name.
        foreign = Celery("foreign", broker=amqp_url, set_as_current=False)
        foreign.send_task(
            "marquee.enqueue", kwargs={"tmdb_ids": [11], "refetch": True, "priority": "bulk"}, queue="fetch"
        )
        until(lambda: ledger.row(engine, movie).refetch, seconds=20)
        foreign.close()
    sender.close()


def test_another_application_enqueues_by_name_over_redis(
    engine: Engine, database_url: str, broker_url: str, tmp_path: Path
) -> None:
    [movie] = ledger.insert(engine, priority="bulk")
    ledger.execute(engine, "UPDATE marquee.tagging SET state = 'quarantined', failures = 5, error = 'x'")
    with fetch_worker(environment(database_url, broker_url, tmp_path)) as process:
        foreign = Celery("foreign", broker=broker_url, set_as_current=False)
        foreign.send_task("marquee.enqueue", args=[[movie]], queue="fetch")
        until(lambda: ledger.row(engine, movie).state == "pending", seconds=40)
        wrong = {"movie_ids": [movie, 999], "priority": "no"}
        foreign.send_task("marquee.enqueue", kwargs=wrong, queue="fetch")
        foreign.send_task(FETCH, args=[[movie]], queue="fetch", serializer="json")
        foreign.close()
        assert process.poll() is None
    row = ledger.row(engine, movie)
    assert (row.state, row.priority, row.failures, row.error) == ("pending", 0, 0, None)


def test_names_of_tasks_are_those_that_are_written_down() -> None:
    """Other applications send them by name."""
    text = (ROOT / "worker" / "app.py").read_text()
    assert set(re.findall(r'"(marquee\.\w+)"', text)) >= {"marquee.fetch", "marquee.tag", "marquee.enqueue"}
