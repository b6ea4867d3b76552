"""What webhooks are told is written with the thing that it tells, and claimed by one sender at a time."""

from typing import Any

import pytest
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.errors import InvalidWebhookError, WebhookNotFoundError
from catalog.ledger.dispatch import claim_pending
from catalog.ledger.fetching import claim_queued, finish_fetch
from catalog.ledger.tagging import claim_ready, finish_tagging
from catalog.registry import ModelRecord
from catalog.webhooks import deliveries, hooks, news
from tests.support import ledger
from tests.support.models import champion_model, same_for_all

OWNER = 5


def add(engine: Engine, *events: str, url: str = "https://x.example/hook") -> int:
    with transaction(engine) as connection:
        return hooks.add_webhook(connection, url, events or ("tagged",))[0].id


def tag(engine: Engine, model: ModelRecord, ids: list[int]) -> None:
    ledger.make_ready(engine, ids)
    with transaction(engine) as connection:
        jobs = claim_ready(connection, OWNER, 100, 60)
    with transaction(engine) as connection:
        finish_tagging(connection, OWNER, model, same_for_all(jobs, model), 0.1)


def told(engine: Engine) -> list[Any]:
    return ledger.execute(engine, "SELECT * FROM marquee.delivery ORDER BY id")


def test_a_tagged_movie_is_told_with_its_genres(engine: Engine) -> None:
    model = champion_model(engine)
    webhook = add(engine, "tagged")
    [movie] = ledger.insert(engine, external_id="ext-1", tmdb_id=603)
    tag(engine, model, [movie])
    [delivery] = told(engine)
    assert (delivery.webhook_id, delivery.event, delivery.movie_id) == (webhook, "tagged", movie)
    body = delivery.body
    assert body["movie"] == {
        "id": movie,
        "external_id": "ext-1",
        "tmdb_id": 603,
        "imdb_id": None,
        "title": "movie 1",
    }
    assert (body["event"], body["revision"], body["model"]) == ("tagged", 1, "m-1")
    assert body["at"].endswith("+00:00")
    assert body["genres"][0] == {
        "genre": "Action",
        "confidence": 0.9,
        "decision": "accepted",
        "label": None,
        "holds": True,
    }
    assert [g["genre"] for g in body["genres"]] == ["Action", "Comedy", "Drama"]


def test_a_movie_that_needs_review_is_told_once(engine: Engine) -> None:
    """When it begins to wait for an editor, not each time that it is tagged while it waits."""
    sure = champion_model(engine, "sure", genres=("Action",))
    [movie] = ledger.insert(engine)
    add(engine, "needs_review")
    tag(engine, sure, [movie])
    assert told(engine) == []
    unsure = champion_model(engine, "unsure")
    for title in ("a", "b"):
        ledger.execute(engine, "UPDATE marquee.movie SET title = :title", title=title)
        tag(engine, unsure, [movie])
    [delivery] = told(engine)
    assert (delivery.event, delivery.movie_id) == ("needs_review", movie)
    assert delivery.body["model"] == "unsure"
    assert {g["decision"] for g in delivery.body["genres"]} == {"accepted", "review"}


def test_a_movie_that_did_not_change_is_told_too(engine: Engine) -> None:
    """Whoever wrote a movie waits to hear of it, even where the model had nothing to do."""
    model = champion_model(engine)
    [movie] = ledger.insert(engine)
    tag(engine, model, [movie])
    add(engine, "tagged")
    ledger.execute(engine, "UPDATE marquee.tagging SET state = 'pending', refetch = true")
    with transaction(engine) as connection:
        claim_pending(connection, 10, 60)
    with transaction(engine) as connection:
        jobs = claim_queued(connection, OWNER, [movie], 60)
        assert jobs[0].before is not None
        assert finish_fetch(connection, OWNER, {movie: jobs[0].before}, {}).tagged == {movie}
    assert [d.movie_id for d in told(engine)] == [movie]


def test_nobody_is_told_what_he_did_not_ask_for(engine: Engine) -> None:
    model = champion_model(engine)
    add(engine, "decided")
    disabled = add(engine, "tagged")
    with transaction(engine) as connection:
        hooks.disable_webhook(connection, disabled, "no more")
    tag(engine, model, ledger.insert(engine, 3))
    assert told(engine) == []


def test_what_is_rolled_back_is_not_told(engine: Engine) -> None:
    add(engine)
    [movie] = ledger.insert(engine)
    with pytest.raises(RuntimeError), transaction(engine) as connection:
        assert news.announce(connection, "tagged", [movie]) == 1
        raise RuntimeError
    assert told(engine) == []


def test_a_webhook_that_is_being_deleted_holds_nobody_up(engine: Engine) -> None:
    """The foreign key's check would wait for the deletion, and then fail the batch."""
    gone, stays = add(engine), add(engine)
    [movie] = ledger.insert(engine)
    with transaction(engine) as deleting:
        hooks.delete_webhook(deleting, gone)
        with transaction(engine) as connection:
            assert news.announce(connection, "tagged", [movie]) == 1
    assert [d.webhook_id for d in told(engine)] == [stays]


def test_two_senders_never_claim_the_same(engine: Engine) -> None:
    webhook = add(engine)
    movies = ledger.insert(engine, 10)
    with transaction(engine) as connection:
        news.announce(connection, "tagged", movies)
    with transaction(engine) as one, transaction(engine) as other:
        first = deliveries.claim_due(one, webhook, 4, 60)
        second = deliveries.claim_due(other, webhook, 100, 60)
    assert (len(first), len(second)) == (4, 6)
    assert len({d.id for d in first + second}) == 10
    with transaction(engine) as connection:
        assert deliveries.claim_due(connection, webhook, 100, 60) == []
        assert deliveries.webhooks_with_due(connection) == []


def test_a_claim_of_a_dead_sender_falls_due_again(engine: Engine) -> None:
    webhook = add(engine)
    with transaction(engine) as connection:
        news.announce(connection, "tagged", ledger.insert(engine))
    with transaction(engine) as connection:
        [first] = deliveries.claim_due(connection, webhook, 10, lease_seconds=0)
    with transaction(engine) as connection:
        [again] = deliveries.claim_due(connection, webhook, 10, 60)
    assert (again.id, again.body, again.attempts) == (first.id, first.body, 2)


def test_back_off_doubles_and_ends_after_most_of_a_day() -> None:
    pauses = [deliveries.back_off(n) for n in range(1, deliveries.MAX_ATTEMPTS)]
    assert pauses[:3] == [10, 20, 40]
    assert max(pauses) == deliveries.LONGEST_PAUSE
    assert 18 * 3600 < sum(pauses) < 24 * 3600


def test_the_last_attempt_gives_up_visibly(engine: Engine) -> None:
    webhook = add(engine)
    with transaction(engine) as connection:
        news.announce(connection, "tagged", ledger.insert(engine))
    for attempt in range(1, deliveries.MAX_ATTEMPTS + 1):
        with transaction(engine) as connection:
            [claimed] = deliveries.claim_due(connection, webhook, 1, 60)
            assert claimed.attempts == attempt
            deliveries.failed(connection, claimed, status=500, error="it said\x00 no", pause=0)
    with transaction(engine) as connection:
        assert deliveries.claim_due(connection, webhook, 1, 60) == []
        [record] = deliveries.list_deliveries(connection, webhook)
    assert record.given_up_at is not None
    assert (record.status, record.error, record.due_at) == (500, "it said no", None)


def test_what_was_not_tried_is_not_counted(engine: Engine) -> None:
    webhook = add(engine)
    with transaction(engine) as connection:
        news.announce(connection, "tagged", ledger.insert(engine))
        claimed = deliveries.claim_due(connection, webhook, 1, 60)
        deliveries.postpone(connection, claimed, 0)
    with transaction(engine) as connection:
        assert deliveries.claim_due(connection, webhook, 1, 60)[0].attempts == 1


def test_disabling_gives_up_what_is_pending_and_keeps_it_visible(engine: Engine) -> None:
    webhook = add(engine)
    with transaction(engine) as connection:
        news.announce(connection, "tagged", ledger.insert(engine, 2))
        assert hooks.read_webhook(connection, webhook).pending == 2
        hooks.disable_webhook(connection, webhook, "It answered 410.")
        assert hooks.read_webhook(connection, webhook).pending == 0
        found = deliveries.list_deliveries(connection, webhook)
    assert [d.error for d in found] == ["It answered 410."] * 2
    assert all(d.given_up_at for d in found)


def test_old_deliveries_go(engine: Engine) -> None:
    add(engine)
    with transaction(engine) as connection:
        news.announce(connection, "tagged", ledger.insert(engine, 3))
    ledger.execute(
        engine,
        "UPDATE marquee.delivery SET created_at = now() - interval '31 days' "
        "WHERE id < (SELECT max(id) FROM marquee.delivery)",
    )
    with transaction(engine) as connection:
        assert deliveries.prune(connection) == 2
    assert len(told(engine)) == 1


def scanned(plan: dict[str, Any]) -> float:
    """How many deliveries a plan reads, those included that a filter throws away."""
    below = sum(scanned(inner) for inner in plan.get("Plans", []))
    if plan.get("Relation Name") != "delivery" or "Scan" not in plan["Node Type"]:
        return below
    thrown = sum(n for name, n in plan.items() if name.startswith("Rows Removed by"))
    return below + (plan["Actual Rows"] + thrown) * plan["Actual Loops"]


def test_a_claim_reads_little_more_than_it_takes(engine: Engine) -> None:
    """Whatever was told before, and whatever waits for others or for later."""
    quiet, other, busy = add(engine), add(engine), add(engine)
    ledger.execute(
        engine,
        "INSERT INTO marquee.delivery (webhook_id, event, body, due_at, delivered_at) "
        "SELECT CASE n % 4 WHEN 0 THEN :quiet WHEN 1 THEN :other ELSE :busy END, 'tagged', '{}', "
        "CASE n % 4 WHEN 3 THEN now() + interval '1 hour' ELSE now() END, CASE n % 4 WHEN 0 THEN now() END "
        "FROM generate_series(1, 20000) n",
        quiet=quiet,
        other=other,
        busy=busy,
    )
    ledger.execute(engine, "ANALYZE marquee.delivery")
    explain = "EXPLAIN (ANALYZE, FORMAT JSON) "
    [[claim]] = ledger.execute(engine, explain + deliveries.CLAIM.text, webhook=busy, most=4, lease=60)
    assert 4 <= scanned(claim[0]["Plan"]) <= 12
    [[due]] = ledger.execute(engine, explain + deliveries.DUE.text)
    assert scanned(due[0]["Plan"]) <= 6
    with transaction(engine) as connection:
        assert deliveries.webhooks_with_due(connection) == [other, busy]


@pytest.mark.parametrize(
    "url",
    [
        "", "x", "ftp://x.example/", "https://", "https:///path", "https://user:pass@x.example/",
        "https://x.example/ a", "https://x.example/\n", "https://x.example/\x00", "https://ä.example/",
        "https://x.example/#f", "https://x.example:99999/", "https://[::1/", "javascript:alert(1)",
        "//x.example/", "HTTPS://x.example/", "https://x.example/" + "a" * 2048,
    ],
)  # fmt: skip
def test_urls_that_are_none(engine: Engine, url: str) -> None:
    with transaction(engine) as connection, pytest.raises(InvalidWebhookError):
        hooks.add_webhook(connection, url, ["tagged"])


@pytest.mark.parametrize("events", [[], ["tagged", "untagged"], ["test"]])
def test_events_that_are_none(engine: Engine, events: list[str]) -> None:
    with transaction(engine) as connection, pytest.raises(InvalidWebhookError):
        hooks.add_webhook(connection, "https://x.example/", events)


def test_what_is_not_there(engine: Engine) -> None:
    with transaction(engine) as connection:
        for missing in (
            hooks.read_webhook,
            hooks.delete_webhook,
            deliveries.list_deliveries,
            news.announce_test,
        ):
            with pytest.raises(WebhookNotFoundError):
                missing(connection, 99)  # type: ignore[operator]
