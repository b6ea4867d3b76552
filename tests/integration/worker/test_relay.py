"""The relay against a real Postgres and a real broker."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import redis
from celery import Celery
from sqlalchemy import Engine, text

from catalog.engine import transaction
from catalog.ledger.tagging import claim_ready, finish_tagging
from catalog.ledger.words import Limits, Priority
from catalog.liveness import Presence
from tests.support import ledger
from tests.support.databases import engine_on
from tests.support.models import champion_model, same_for_all
from tests.support.servers import HASTY
from tests.support.waiting import until
from worker.app import configuration
from worker.embedded import EmbeddedServers
from worker.relay import Relay

MakeRelay = Callable[..., Relay]


@pytest.fixture
def celery(database_url: str, broker_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Celery]:
    """The application as a relay has it, with the test's broker."""
    with application(database_url, broker_url, monkeypatch) as app:
        yield app


def application(database_url: str, broker_url: str, monkeypatch: pytest.MonkeyPatch) -> Celery:
    monkeypatch.setenv("MARQUEE_DATABASE_URL", database_url)
    monkeypatch.setenv("MARQUEE_BROKER_URL", broker_url)
    app = Celery("test", set_as_current=False)
    app.conf.update(configuration())
    return app


@pytest.fixture
def make_relay(engine: Engine, celery: Celery) -> Iterator[MakeRelay]:
    relays: list[Relay] = []

    def make(
        window: int = 100, poll_seconds: float = 30.0, limits: Limits | None = None, **other: Any
    ) -> Relay:
        given = {"engine": engine, "app": celery} | other
        relays.append(
            Relay(
                given["engine"],
                given["app"],
                window=window,
                poll_seconds=poll_seconds,
                limits=limits or Limits(),
            )
        )
        return relays[-1]

    yield make
    for relay in relays:
        relay.listener.close()


class Running:
    """A relay in a thread; it must end promptly."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.thread = threading.Thread(target=relay.run)

    def __enter__(self) -> Relay:
        self.thread.start()
        until(lambda: self.relay.listener.connected)
        return self.relay

    def __exit__(self, *_: object) -> None:
        self.relay.stop()
        self.thread.join(10)
        assert not self.thread.is_alive(), "the relay did not stop"


def received(app: Celery) -> list[dict[str, Any]]:
    """Takes all messages out of the broker, in the order in which a fetch worker gets them."""
    messages = []
    with app.connection_for_read() as connection:
        queue = app.amqp.queues["fetch"](connection.default_channel)
        while (message := queue.get(no_ack=True)) is not None:
            messages.append(message.payload[1])
    return messages


def ids_of(messages: list[dict[str, Any]]) -> list[int]:
    return [i for m in messages for i in m["movie_ids"]]


def test_sends_what_is_due_once(engine: Engine, celery: Celery, make_relay: MakeRelay) -> None:
    ids = ledger.insert(engine, 20, priority="bulk")
    relay = make_relay()
    assert relay.turn() == 20
    assert relay.turn() == 0
    messages = received(celery)
    assert sorted(ids_of(messages)) == ids
    assert max(len(m["movie_ids"]) for m in messages) == 8
    assert set(ledger.states(engine).values()) == {"queued"}


def test_messages_carry_identifiers_only(engine: Engine, celery: Celery, make_relay: MakeRelay) -> None:
    [movie] = ledger.insert(engine, title="a secret title")
    make_relay().turn()
    assert received(celery) == [{"movie_ids": [movie], "alone": False}]


def test_window_is_respected(engine: Engine, celery: Celery, make_relay: MakeRelay) -> None:
    ids = ledger.insert(engine, 30, priority="bulk")
    relay = make_relay(window=12)
    relay.turn()
    assert ledger.counts(engine) == {"queued": 12, "pending": 18}
    relay.turn()
    assert ledger.counts(engine) == {"queued": 12, "pending": 18}
    ledger.execute(
        engine,
        "UPDATE marquee.tagging SET state = 'fetching', owner = 1 WHERE movie_id IN "
        "(SELECT movie_id FROM marquee.tagging WHERE state = 'queued' LIMIT 5)",
    )
    relay.turn()
    assert ledger.counts(engine) == {"queued": 12, "fetching": 5, "pending": 13}
    assert len(set(ids_of(received(celery)))) == 17 <= len(ids)


def test_relays_side_by_side_never_send_a_movie_twice(
    engine: Engine, celery: Celery, make_relay: MakeRelay
) -> None:
    ids = ledger.insert(engine, 400, priority="bulk")
    relays = [make_relay(window=1000, limits=Limits(queue_lease_seconds=60)) for _ in range(4)]
    start = threading.Barrier(4)

    def go(relay: Relay) -> int:
        start.wait(10)
        return relay.turn()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(go, relays)) == 400
    assert sorted(ids_of(received(celery))) == ids


def test_interactive_before_bulk_before_retag(engine: Engine, celery: Celery, make_relay: MakeRelay) -> None:
    slow = ledger.insert(engine, 9, priority="retag")
    load = ledger.insert(engine, 9, priority="bulk")
    now = ledger.insert(engine, 3, priority="interactive")
    relay = make_relay(window=4)
    relay.turn()
    first = received(celery)
    assert ids_of(first)[:3] == now
    assert all(len(m["movie_ids"]) == 1 for m in first[:3])
    assert set(ids_of(first)[3:]) <= set(load)
    make_relay(window=100).turn()
    rest = ids_of(received(celery))
    assert set(rest[:8]) <= set(load)
    assert set(rest[8:]) == set(slow)


def test_a_bulk_load_goes_out_whole_and_before_retagging(
    engine: Engine, celery: Celery, make_relay: MakeRelay
) -> None:
    ledger.insert(engine, 9, priority="retag")
    load = ledger.insert(engine, 2500, priority="bulk")
    relay = make_relay(window=2501)
    assert relay.turn() == 2501
    sent = ids_of(received(celery))
    assert sorted(sent[:2500]) == load
    assert ledger.counts(engine) == {"queued": 2501, "pending": 8}


def test_a_window_that_is_full_leaves_a_load_where_it_is(
    engine: Engine, celery: Celery, make_relay: MakeRelay
) -> None:
    ledger.insert(engine, 2500, priority="bulk")
    relay = make_relay(window=20)
    relay.turn()
    relay.turn()
    assert ledger.counts(engine) == {"queued": 20, "pending": 2480}
    assert ledger.scalar(engine, "SELECT count(*) FROM marquee.tagging WHERE due_at IS NULL") == 1500


def test_movies_whose_load_a_writer_holds_go_out_when_he_gives_up(
    engine: Engine, celery: Celery, make_relay: MakeRelay
) -> None:
    load = ledger.insert(engine, 1200, priority="bulk")
    relay = make_relay(window=5000, poll_seconds=0.05, limits=Limits(queue_lease_seconds=60))
    with engine.connect() as writer:
        writer.execute(text("UPDATE marquee.movie SET title = 'x' WHERE id <= 3"))
        with Running(relay):
            until(lambda: ledger.counts(engine) == {"queued": 1197, "pending": 3})
            writer.rollback()
            until(lambda: ledger.counts(engine) == {"queued": 1200})
    assert sorted(ids_of(received(celery))) == load


def test_an_interactive_movie_overtakes_messages_in_the_broker(
    engine: Engine, celery: Celery, make_relay: MakeRelay
) -> None:
    ledger.insert(engine, 16, priority="bulk")
    relay = make_relay()
    relay.turn()
    [urgent] = ledger.insert(engine)
    relay.turn()
    assert ids_of(received(celery))[0] == urgent


def test_a_suspect_travels_alone(engine: Engine, celery: Celery, make_relay: MakeRelay) -> None:
    ids = ledger.insert(engine, 5, priority="bulk")
    ledger.execute(engine, "UPDATE marquee.tagging SET deaths = 1 WHERE movie_id = :i", i=ids[2])
    make_relay().turn()
    messages = received(celery)
    assert {"movie_ids": [ids[2]], "alone": True} in messages
    assert [m for m in messages if m["alone"]] == [{"movie_ids": [ids[2]], "alone": True}]


def test_a_lost_message_is_sent_again(engine: Engine, celery: Celery, make_relay: MakeRelay) -> None:
    [movie] = ledger.insert(engine)
    relay = make_relay(poll_seconds=0.01, limits=Limits(queue_lease_seconds=0.05))
    relay.turn()
    assert ids_of(received(celery)) == [movie]
    with Presence(engine, "fetch"):
        until(lambda: relay.turn() == 1)
    assert ids_of(received(celery)) == [movie]
    assert ledger.row(engine, movie).deaths == 0


def test_messages_do_not_pile_up_while_nobody_fetches(
    engine: Engine, celery: Celery, make_relay: MakeRelay
) -> None:
    ids = ledger.insert(engine, 30, priority="bulk")
    relay = make_relay(window=16, poll_seconds=0.01, limits=Limits(queue_lease_seconds=0.05))
    assert relay.turn() == 16
    until(lambda: ledger.counts(engine) == {"pending": 30} or relay.turn())
    for _ in range(5):
        assert relay.turn() == 0
    with Presence(engine, "fetch"):
        assert relay.turn() == 16
    messages = received(celery)
    assert len(messages) == 4
    assert set(ids_of(messages)) <= set(ids)


def test_a_commit_is_noticed_without_a_poll(engine: Engine, celery: Celery, make_relay: MakeRelay) -> None:
    with Running(make_relay(poll_seconds=60.0)):
        [movie] = ledger.insert(engine)
        until(lambda: ledger.row(engine, movie).state == "queued", seconds=5)
    assert ids_of(received(celery)) == [movie]


def test_a_commit_without_a_hint_is_found_by_polling(
    engine: Engine, celery: Celery, make_relay: MakeRelay
) -> None:
    with Running(make_relay(poll_seconds=0.1)):
        ledger.execute(engine, "INSERT INTO marquee.tagging (movie_id) VALUES (77)")
        until(lambda: ledger.row(engine, 77).state == "queued", seconds=5)


def test_listen_is_established_anew_after_its_backend_was_ended(
    engine: Engine, celery: Celery, make_relay: MakeRelay
) -> None:
    with Running(make_relay(poll_seconds=60.0)) as relay:
        before = relay.listener
        [[ended]] = ledger.execute(
            engine,
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE query LIKE 'LISTEN%' AND datname = current_database()",
        )
        assert ended == 1
        until(lambda: listening(engine) == 1)
        [movie] = ledger.insert(engine)
        until(lambda: ledger.row(engine, movie).state == "queued", seconds=5)
        assert relay.listener is before


def listening(engine: Engine) -> int:
    return int(
        ledger.scalar(
            engine,
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE query LIKE 'LISTEN%' AND datname = current_database()",
        )
    )


def test_listen_is_established_anew_after_postgres_restarted(
    tmp_path: Path, celery: Celery, make_relay: MakeRelay
) -> None:
    from catalog.schema import migrate

    with EmbeddedServers(tmp_path / "home", valkey=False, postgres_settings=HASTY) as servers:
        with engine_on(servers.database_url) as engine:
            migrate(engine)
            with Running(make_relay(poll_seconds=60.0, engine=engine)):
                servers.restart_postgres("immediate")
                until(lambda: listening(engine) == 1)
                [movie] = ledger.insert(engine)
                until(lambda: ledger.row(engine, movie).state == "queued", seconds=5)
    assert ids_of(received(celery)) == [movie]


def test_stop_ends_a_long_wait_at_once(make_relay: MakeRelay) -> None:
    started = monotonic()
    with Running(make_relay(poll_seconds=300.0)):
        pass
    assert monotonic() - started < 8


def test_a_stop_before_the_start_counts(make_relay: MakeRelay) -> None:
    relay = make_relay(poll_seconds=300.0)
    relay.stop()
    thread = threading.Thread(target=relay.run)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_broker_that_is_away_only_delays(
    engine: Engine, database_url: str, make_relay: MakeRelay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Movies come back to pending, one at a time is tried, and all are sent once the broker is back."""
    with EmbeddedServers(tmp_path / "home", postgres=False) as servers:
        assert servers.valkey is not None
        url = servers.broker_url
        app = application(database_url, url, monkeypatch)
        ids = ledger.insert(engine, 20, priority="bulk")
        relay = make_relay(poll_seconds=0.05, app=app, limits=Limits(queue_lease_seconds=60.0))
        servers.valkey.stop()
        queued: list[int] = []
        send = app.send_task

        def watched(*args: Any, **options: Any) -> Any:
            queued.append(len(options["kwargs"]["movie_ids"]))
            return send(*args, **options)

        monkeypatch.setattr(app, "send_task", watched)
        with Running(relay):
            until(lambda: len(queued) >= 3)
            assert queued[0] == 8
            assert queued[1:3] == [1, 1], "more than a probe while the broker is away"
            until(lambda: ledger.counts(engine) == {"pending": 20})
            servers.valkey.start()
            until(lambda: ledger.counts(engine) == {"queued": 20})
        assert sorted(set(ids_of(received(app)))) == ids
        app.close()


def test_a_broker_that_refuses_only_delays(
    engine: Engine, broker_url: str, celery: Celery, make_relay: MakeRelay
) -> None:
    """A Redis out of memory answers with an error: the relay must outlive that, and blame no movie."""
    [movie] = ledger.insert(engine)
    relay = make_relay(poll_seconds=0.05)
    with redis.Redis.from_url(broker_url) as client:
        client.config_set("maxmemory", "1")
        try:
            with Running(relay):
                until(lambda: relay.broker_is_away)
                client.config_set("maxmemory", "0")
                until(lambda: ledger.row(engine, movie).state == "queued")
        finally:
            client.config_set("maxmemory", "0")
    assert ids_of(received(celery)) == [movie]


def test_stop_is_prompt_while_the_broker_hangs(
    engine: Engine, database_url: str, make_relay: MakeRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        app = application(database_url, f"redis://127.0.0.1:{silent.getsockname()[1]}/0", monkeypatch)
        ledger.insert(engine, 3)
        relay = make_relay(poll_seconds=0.05, app=app)
        thread = threading.Thread(target=relay.run)
        thread.start()
        connection, _ = silent.accept()
        started = monotonic()
        relay.stop()
        thread.join(20)
        assert not thread.is_alive()
        assert monotonic() - started < 12
        connection.close()
    assert ledger.counts(engine) == {"pending": 3}


def test_movies_of_another_model_come_into_line_again(engine: Engine, make_relay: MakeRelay) -> None:
    old = champion_model(engine, "old")
    ledger.make_ready(engine, ledger.insert(engine, 3))
    with transaction(engine) as connection:
        jobs = claim_ready(connection, 5, 10, 60)
        finish_tagging(connection, 5, old, same_for_all(jobs, old), 0.1)
    relay = make_relay()
    relay.turn()
    assert ledger.counts(engine) == {"tagged": 3}
    champion_model(engine, "new")
    relay.turn()
    assert ledger.counts(engine) == {"tagged": 3}, "it looks once in so many seconds"
    make_relay().turn()
    assert ledger.counts(engine) == {"ready": 3}
    assert ledger.row(engine, 1).priority == Priority.RETAG
