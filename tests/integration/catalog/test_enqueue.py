"""Asking again: by id, all, the failed, those of an older model; what is under way is not disturbed."""

import pytest
from sqlalchemy import Engine, text

from catalog.content import ContentRecord
from catalog.engine import transaction
from catalog.errors import UnknownModelError
from catalog.ledger.dispatch import claim_pending
from catalog.ledger.enqueue import CHAMPION, Choice, choose, enqueue
from catalog.ledger.fetching import claim_queued, finish_fetch
from catalog.ledger.tagging import claim_ready, finish_tagging
from catalog.ledger.trouble import Failure, fail
from catalog.ledger.words import Limits, Priority, State
from catalog.registry import ModelRecord
from tests.support.ledger import events, execute, insert, make_ready, row, states
from tests.support.listening import notifications
from tests.support.models import champion_model, same_for_all

OWNER = 5


def tag(engine: Engine, ids: list[int], model: ModelRecord) -> None:
    make_ready(engine, ids)
    with transaction(engine) as connection:
        jobs = claim_ready(connection, OWNER, 100, 60)
        finish_tagging(connection, OWNER, model, same_for_all(jobs, model), 0.1)


def quarantine(engine: Engine, movie_id: int) -> None:
    make_ready(engine, [movie_id])
    with transaction(engine) as connection:
        claim_ready(connection, OWNER, 1, 60)
        fail(connection, OWNER, State.TAGGING, [Failure(movie_id, 1, "broken", final=True)], Limits())


def chosen(engine: Engine, choice: Choice, chunk: int = 1000) -> list[int]:
    return [i for ids in choose(engine, choice, chunk) for i in ids]


def test_a_tagged_movie_with_its_content_at_hand_needs_no_fetch(engine: Engine) -> None:
    tag(engine, insert(engine, 2), champion_model(engine))
    with notifications(engine) as heard:
        assert enqueue(engine, [1], Priority.RETAG) == {1}
        assert heard() == 1
    assert states(engine) == {1: "ready", 2: "tagged"}
    assert row(engine, 1).priority == Priority.RETAG
    assert events(engine, 1)[-1] == ("enqueued", {"priority": 2, "refetch": False})


def test_a_new_fetch_can_be_asked_for(engine: Engine) -> None:
    tag(engine, insert(engine, 1), champion_model(engine))
    enqueue(engine, [1], Priority.BULK, refetch=True)
    assert (row(engine, 1).state, row(engine, 1).refetch) == ("pending", True)
    with transaction(engine) as connection:
        claim_pending(connection, 1, 60)
        assert claim_queued(connection, OWNER, [1], 60)[0].refetch


def test_a_quarantined_movie_comes_back_with_a_clean_slate(engine: Engine) -> None:
    insert(engine, 1)
    quarantine(engine, 1)
    assert states(engine) == {1: "quarantined"}
    assert enqueue(engine, [1], Priority.INTERACTIVE) == {1}
    now = row(engine, 1)
    assert (now.state, now.deaths, now.failures, now.error) == ("pending", 0, 0, None)


@pytest.mark.parametrize("state", ["queued", "fetching", "ready", "tagging"])
def test_a_movie_under_way_is_left_alone_and_hurries(engine: Engine, state: str) -> None:
    insert(engine, 1, priority="retag")
    if state in ("ready", "tagging"):
        make_ready(engine, [1])
    with transaction(engine) as connection:
        if state in ("queued", "fetching"):
            claim_pending(connection, 1, 60)
        if state == "fetching":
            claim_queued(connection, OWNER, [1], 60)
        if state == "tagging":
            claim_ready(connection, OWNER, 1, 60)
    execute(engine, "UPDATE marquee.tagging SET deaths = 1, failures = 2")
    before = row(engine, 1)
    assert enqueue(engine, [1], Priority.INTERACTIVE) == {1}
    now = row(engine, 1)
    for name in ("state", "owner", "lease_until", "revision", "taken_revision", "deaths", "failures"):
        assert getattr(now, name) == getattr(before, name), name
    assert (before.state, now.priority) == (state, 0)
    enqueue(engine, [1], Priority.RETAG)
    assert row(engine, 1).priority == 0


def test_a_movie_in_its_back_off_is_due_now(engine: Engine) -> None:
    insert(engine, 1)
    execute(engine, "UPDATE marquee.tagging SET due_at = now() + interval '1 hour', failures = 3")
    enqueue(engine, [1], Priority.INTERACTIVE)
    with transaction(engine) as connection:
        assert len(claim_pending(connection, 1, 60)) == 1


def test_a_fetch_under_way_does_not_pass_for_the_new_one(engine: Engine) -> None:
    insert(engine, 1)
    with transaction(engine) as connection:
        claim_pending(connection, 1, 60)
        claim_queued(connection, OWNER, [1], 60)
    enqueue(engine, [1], Priority.INTERACTIVE, refetch=True)
    with transaction(engine) as connection:
        assert finish_fetch(connection, OWNER, {1: ContentRecord(1, 1)}, {}).fence.stale == {1}
    assert (row(engine, 1).state, row(engine, 1).refetch) == ("pending", True)
    with transaction(engine) as connection:
        claim_pending(connection, 1, 60)
    assert [e for e, _ in events(engine, 1)] == ["changed", "enqueued"]  # no change of the movie's is made up


def test_unknown_ids_are_not_done(engine: Engine) -> None:
    insert(engine, 2)
    assert enqueue(engine, [1, 99, 2, -5, 10**17], Priority.BULK) == {1, 2}
    assert enqueue(engine, [], Priority.BULK) == set()


def test_choices(engine: Engine) -> None:
    old = champion_model(engine, "old")
    tag(engine, insert(engine, 2), old)
    new = champion_model(engine, "new")
    tag(engine, insert(engine, 1), new)
    quarantine(engine, insert(engine, 1)[0])
    insert(engine, 1)
    assert chosen(engine, Choice(everything=True)) == [1, 2, 3, 4, 5]
    assert chosen(engine, Choice(everything=True), chunk=2) == [1, 2, 3, 4, 5]
    assert chosen(engine, Choice(failed=True)) == [4]
    assert chosen(engine, Choice(older_than=CHAMPION)) == [1, 2]
    assert chosen(engine, Choice(failed=True, older_than=CHAMPION)) == [1, 2, 4]
    assert chosen(engine, Choice(older_than="new")) == [1, 2]
    assert chosen(engine, Choice(older_than="old")) == []
    with pytest.raises(UnknownModelError, match="newest"):
        chosen(engine, Choice(older_than="newest"))
    assert chosen(engine, Choice()) == []


def test_everything_adopts_movies_that_came_in_without_triggers(engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(text("ALTER TABLE marquee.movie DISABLE TRIGGER USER"))
        connection.execute(text("INSERT INTO marquee.movie (id, title) VALUES (-3, 'a'), (8, 'b')"))
        connection.execute(text("ALTER TABLE marquee.movie ENABLE TRIGGER USER"))
    assert chosen(engine, Choice(everything=True)) == [-3, 8]
    assert states(engine) == {-3: "pending", 8: "pending"}
