"""Telling webhooks: signed, retried, never lost, and never what stands inside somebody's network."""

import hashlib
import hmac
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.webhooks import deliveries, hooks, news
from tests.support import ledger
from tests.support.receiver import TAKEN, Receiver, Reply, Told
from tests.support.waiting import until
from worker.webhooks import Sender, WebhookClient, signature
from worker.webhooks import sender as sender_module

NOW = 1_800_000_000.5


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def client(receiver: Receiver) -> Iterator[WebhookClient]:
    client = WebhookClient([receiver.host])
    yield client
    client.close()


@pytest.fixture
def sender(engine: Engine, client: WebhookClient) -> Iterator[Sender]:
    """Not started: a test calls its steps itself."""
    sender = Sender(engine, client, now=lambda: NOW)
    yield sender
    sender.close()


def add(engine: Engine, url: str) -> tuple[int, str]:
    with transaction(engine) as connection:
        record, secret = hooks.add_webhook(connection, url, ["tagged"])
    return record.id, secret


def announce(engine: Engine, movies: int = 1) -> list[int]:
    ids = ledger.insert(engine, movies)
    with transaction(engine) as connection:
        news.announce(connection, "tagged", ids)
    return ids


def records(engine: Engine, webhook: int) -> list[deliveries.DeliveryRecord]:
    with transaction(engine) as connection:
        return deliveries.list_deliveries(connection, webhook)[::-1]


def make_due(engine: Engine) -> None:
    ledger.execute(engine, "UPDATE marquee.delivery SET due_at = now()")


def answering(*replies: Reply) -> Any:
    """Each reply in turn, the last for good."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_a_delivery_is_signed_and_says_what_happened(
    engine: Engine, receiver: Receiver, sender: Sender
) -> None:
    webhook, secret = add(engine, receiver.url)
    [movie] = announce(engine)
    assert sender.serve(webhook) == 1
    [told] = receiver.told
    assert (told.json["event"], told.json["movie"]["id"]) == ("tagged", movie)
    assert told.json["delivery"] == told.delivery == records(engine, webhook)[0].id
    assert told.headers["Marquee-Event"] == "tagged"
    assert told.headers["Content-Type"] == "application/json"
    assert told.headers["Marquee-Timestamp"] == "1800000000"
    # As a receiver checks it, who knows only the document.
    stamp, found = (part.split("=", 1)[1] for part in told.headers["Marquee-Signature"].split(","))
    wanted = hmac.new(secret.encode(), f"{stamp}.".encode() + told.body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(found, wanted)
    [record] = records(engine, webhook)
    assert record.delivered_at is not None
    assert (record.status, record.attempts, record.error) == (204, 1, None)


def test_another_body_secret_or_time_has_another_signature() -> None:
    sent = signature("a", 1, b"x")
    assert sent == signature("a", 1, b"x")
    assert len({sent, signature("b", 1, b"x"), signature("a", 2, b"x"), signature("a", 1, b"y")}) == 4


def test_what_fails_is_tried_again_later_with_the_same_id(
    engine: Engine, receiver: Receiver, sender: Sender
) -> None:
    webhook, _ = add(engine, receiver.url)
    announce(engine)
    receiver.reply = answering((500, {}, b"no"), (400, {}, b"no"), TAKEN)
    for attempt, status in enumerate((500, 400), 1):
        assert sender.serve(webhook) == 1
        [record] = records(engine, webhook)
        assert (record.attempts, record.status, record.delivered_at) == (attempt, status, None)
        assert record.error == f"It answered {status}."
        assert record.due_at is not None
        waits = ledger.scalar(
            engine, "SELECT extract(epoch FROM due_at - clock_timestamp()) FROM marquee.delivery"
        )
        assert 0 < deliveries.back_off(attempt) - float(waits) < 5
        assert sender.serve(webhook) == 0
        make_due(engine)
    assert sender.serve(webhook) == 1
    assert len({told.delivery for told in receiver.told}) == 1
    assert records(engine, webhook)[0].delivered_at is not None


def test_a_sender_that_dies_after_sending_sends_again_with_the_same_id(
    engine: Engine, receiver: Receiver, client: WebhookClient, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook, _ = add(engine, receiver.url)
    announce(engine)
    with monkeypatch.context() as dying:
        dying.setattr(sender_module, "delivered", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            sender.serve(webhook)
    assert [record.delivered_at for record in records(engine, webhook)] == [None]
    make_due(engine)  # the lease ends
    assert sender.serve(webhook) == 1
    first, again = receiver.told
    assert (first.delivery, first.json) == (again.delivery, again.json)
    assert records(engine, webhook)[0].delivered_at is not None


def test_a_redirect_is_not_followed(engine: Engine, receiver: Receiver, sender: Sender) -> None:
    webhook, _ = add(engine, receiver.url)
    announce(engine)
    receiver.reply = lambda _: (302, {"Location": receiver.url + "/elsewhere"}, b"")
    assert sender.serve(webhook) == 1
    assert [told.path for told in receiver.told] == ["/hook"]
    assert "redirects are not followed" in str(records(engine, webhook)[0].error)


def test_410_disables_the_webhook(engine: Engine, receiver: Receiver, sender: Sender) -> None:
    webhook, _ = add(engine, receiver.url)
    announce(engine, 6)
    receiver.reply = lambda _: (410, {}, b"")
    assert sender.serve(webhook) == 1
    with transaction(engine) as connection:
        record = hooks.read_webhook(connection, webhook)
    assert record.disabled_at is not None
    assert record.pending == 0
    found = records(engine, webhook)
    assert all(r.given_up_at for r in found)
    assert sum(r.status == 410 for r in found) == 1
    announce(engine)
    assert len(records(engine, webhook)) == 6


@pytest.mark.parametrize("status", [429, 503])
def test_a_webhook_that_is_busy_is_left_alone(
    engine: Engine, receiver: Receiver, sender: Sender, status: int
) -> None:
    webhook, _ = add(engine, receiver.url)
    announce(engine, 10)
    receiver.reply = lambda _: (status, {"Retry-After": "40"}, b"")
    assert sender.serve(webhook) == 1
    make_due(engine)
    assert sender.serve(webhook) == 0
    assert sorted(r.attempts for r in records(engine, webhook)) == [0] * 9 + [1]
    assert len(receiver.told) == 1


def test_retry_after_is_kept(engine: Engine, receiver: Receiver, sender: Sender) -> None:
    webhook, _ = add(engine, receiver.url)
    announce(engine)
    receiver.reply = lambda _: (429, {"Retry-After": "40"}, b"")
    sender.serve(webhook)
    waits = ledger.scalar(
        engine, "SELECT extract(epoch FROM due_at - clock_timestamp()) FROM marquee.delivery"
    )
    assert 35 < float(waits) <= 40


def test_one_bad_movie_holds_up_no_other(engine: Engine, receiver: Receiver, sender: Sender) -> None:
    webhook, _ = add(engine, receiver.url)
    bad, *_ = announce(engine, 9)
    receiver.reply = lambda told: (500, {}, b"") if told.json["movie"]["id"] == bad else TAKEN
    assert sender.serve(webhook) == 9
    assert [r.movie_id for r in records(engine, webhook) if r.delivered_at is None] == [bad]


def test_an_answer_of_any_size_counts_by_its_status(
    engine: Engine, receiver: Receiver, sender: Sender
) -> None:
    webhook, _ = add(engine, receiver.url)
    announce(engine, 2)
    receiver.reply = answering((200, {}, b"x" * 1_000_000), (200, {"Content-Encoding": "gzip"}, b"no gzip"))
    assert sender.serve(webhook) == 2
    assert all(r.delivered_at for r in records(engine, webhook))


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:9/", "https://localhost/", "https://[::1]/", "https://10.0.0.1/", "https://0/",
        "https://169.254.169.254/latest/", "https://[::ffff:127.0.0.1]/", "https://2130706433/",
        "http://1.1.1.1/", "http://x.example/",
    ],
)  # fmt: skip
def test_the_inside_is_told_nothing(
    engine: Engine, sender: Sender, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[Any] = []
    monkeypatch.setattr("urllib3.util.connection.create_connection", lambda *a, **_: connected.append(a))
    webhook, _ = add(engine, url)
    announce(engine, 3)
    assert sender.serve(webhook) == 1
    assert connected == []
    error = next(r.error for r in records(engine, webhook) if r.error)
    assert "public internet" in error or "by https only" in error
    assert "MARQUEE_WEBHOOK_HOSTS" in error


def test_a_name_that_leads_inside_is_told_nothing(
    engine: Engine, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.168.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: inside)
    webhook, _ = add(engine, "https://rebind.example/")
    announce(engine)
    sender.serve(webhook)
    assert "rebind.example is not on the public internet" in str(records(engine, webhook)[0].error)


def test_a_host_that_nobody_answers_at_is_tried_again(engine: Engine, receiver: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host = f"127.0.0.1:{taken.getsockname()[1]}"
    client = WebhookClient([host], timeout=0.5)
    sender = Sender(engine, client)
    webhook, _ = add(engine, f"http://{host}/")
    announce(engine)
    assert sender.serve(webhook) == 1
    [record] = records(engine, webhook)
    assert "cannot be reached" in str(record.error)
    assert record.due_at is not None
    sender.close()
    client.close()


def test_a_host_that_is_slow_is_given_up_in_time(engine: Engine, receiver: Receiver) -> None:
    released = threading.Event()

    def slow(_: Told) -> Reply:
        released.wait(30)
        return TAKEN

    receiver.reply = slow
    client = WebhookClient([receiver.host], timeout=0.2)
    answer = client.post(receiver.url, {}, b"{}")
    released.set()
    assert answer == type(answer)(None, "It cannot be reached: it takes too long.", away=True)
    client.close()


def test_a_started_sender_hears_of_deliveries_at_once(
    engine: Engine, receiver: Receiver, client: WebhookClient
) -> None:
    """By the hint: it would look by itself only in an hour. Two webhooks, one of which is away."""
    add(engine, receiver.url)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        away = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    add(engine, away)
    with Sender(engine, client, poll_seconds=3600):
        first = announce(engine, 30)
        until(lambda: len(receiver.told) == 30, what="the first are told")
        second = announce(engine, 30)
        until(lambda: len(receiver.told) == 60, what="the others are told")
    assert sorted(told.json["movie"]["id"] for told in receiver.told) == first + second
    assert len({told.delivery for told in receiver.told}) == 60


def test_a_sender_without_a_hint_looks_by_itself(
    engine: Engine, receiver: Receiver, client: WebhookClient
) -> None:
    add(engine, receiver.url)
    with Sender(engine, client, poll_seconds=0.05):
        ledger.execute(
            engine,
            "INSERT INTO marquee.delivery (webhook_id, event, body) SELECT id, 'test', '{}' FROM marquee.webhook",
        )
        until(lambda: receiver.told)
    assert receiver.told[0].json == {"delivery": receiver.told[0].delivery}
