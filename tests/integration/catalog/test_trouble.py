"""Failures: back-off that doubles, quarantine with a reason, and a hand-back that harms nobody."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.ledger.tagging import claim_ready, finish_tagging
from catalog.ledger.trouble import Failure, fail, hand_back
from catalog.ledger.words import Limits, State
from tests.support.ledger import events, execute, insert, make_due, make_ready, row, scalar
from tests.support.models import champion_model, same_for_all

OWNER = 5
LIMITS = Limits(retry_seconds=10)


def take(engine: Engine, count: int) -> None:
    make_due(engine)
    with transaction(engine) as connection:
        assert len(claim_ready(connection, OWNER, count, 60)) == count


def fail_one(engine: Engine, reason: str = "a reason", **failure: Any) -> None:
    with transaction(engine) as connection:
        assert fail(connection, OWNER, State.TAGGING, [Failure(1, 1, reason, **failure)], LIMITS).held == {1}


def test_the_back_off_doubles_and_the_fifth_failure_quarantines(engine: Engine) -> None:
    make_ready(engine, insert(engine, 1))
    for number in range(1, 6):
        take(engine, 1)
        before: datetime = scalar(engine, "SELECT clock_timestamp()")
        fail_one(engine, f"reason {number}")
        now = row(engine, 1)
        assert (now.failures, now.error, now.owner, now.lease_until) == (
            number,
            f"reason {number}",
            None,
            None,
        )
        delay = (now.due_at - before) / timedelta(seconds=10 * 2 ** (number - 1))
        assert 0.5 <= delay <= 1.1
        assert now.state == ("quarantined" if number == 5 else "ready")
    story = events(engine, 1)
    assert [e for e, _ in story] == ["changed", "fetched", *["failed"] * 4, "quarantined"]
    assert story[-1][1] == {"during": "tagging", "failures": 5, "reason": "reason 5"}


def test_a_final_failure_quarantines_at_once(engine: Engine) -> None:
    make_ready(engine, insert(engine, 1))
    take(engine, 1)
    fail_one(engine, "can never be done", final=True)
    assert (row(engine, 1).state, row(engine, 1).failures) == ("quarantined", 1)


def test_a_failure_may_ask_for_a_new_fetch_and_still_ends_in_quarantine(engine: Engine) -> None:
    make_ready(engine, insert(engine, 1))
    for number in range(1, 6):
        take(engine, 1)
        fail_one(engine, "the poster is gone", refetch=True)
        if number < 5:
            assert (row(engine, 1).state, row(engine, 1).refetch) == ("pending", True)
            make_due(engine)
            make_ready(engine, [1])
            assert row(engine, 1).refetch is False
    assert row(engine, 1).state == "quarantined"


@pytest.mark.parametrize("reason", ["a NUL \x00 here", "half a pair \ud83d here", "x" * 10_000])
def test_a_reason_of_any_kind_is_kept(engine: Engine, reason: str) -> None:
    make_ready(engine, insert(engine, 1))
    take(engine, 1)
    fail_one(engine, reason)
    kept = row(engine, 1).error
    assert kept.startswith(reason[:6])
    assert len(kept) <= 2000
    assert events(engine, 1)[-1][1]["reason"] == kept


def test_a_movie_handed_back_is_as_it_was(engine: Engine) -> None:
    make_ready(engine, insert(engine, 3))
    untouched = ("state", "owner", "lease_until", "deaths", "failures", "error", "revision", "priority")
    before = [[getattr(row(engine, i), name) for name in untouched] for i in (1, 2, 3)]
    take(engine, 3)
    later = datetime.fromisoformat("2100-01-01T00:00:00+00:00")
    with transaction(engine) as connection:
        assert hand_back(connection, OWNER, State.TAGGING, {1: 1}).held == {1}
        assert hand_back(connection, OWNER, State.TAGGING, {2: 1}, due_at=later).held == {2}
        assert hand_back(connection, OWNER, State.TAGGING, {3: 1}, delay=60).held == {3}
    assert [[getattr(row(engine, i), name) for name in untouched] for i in (1, 2, 3)] == before
    now: datetime = scalar(engine, "SELECT clock_timestamp()")
    assert row(engine, 1).due_at <= now
    assert row(engine, 2).due_at == later
    assert timedelta(seconds=30) < row(engine, 3).due_at - now <= timedelta(seconds=60)
    assert [e for e, _ in events(engine, 1)] == ["changed", "fetched"]


def test_a_success_forgets_the_failures_before_it(engine: Engine) -> None:
    model = champion_model(engine)
    make_ready(engine, insert(engine, 1))
    take(engine, 1)
    fail_one(engine)
    execute(engine, "UPDATE marquee.tagging SET due_at = now()")
    with transaction(engine) as connection:
        jobs = claim_ready(connection, OWNER, 1, 60)
        finish_tagging(connection, OWNER, model, same_for_all(jobs, model), 0.1)
    assert (row(engine, 1).state, row(engine, 1).failures, row(engine, 1).error) == ("tagged", 0, None)
