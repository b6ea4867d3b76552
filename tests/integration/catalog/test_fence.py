"""The fence: only who owns a movie writes a result, at the revision that was taken, and nobody waits."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, Engine, text

from catalog.content import ContentRecord
from catalog.engine import transaction
from catalog.ledger.dispatch import claim_pending
from catalog.ledger.fence import Held
from catalog.ledger.fetching import claim_queued, finish_fetch
from catalog.ledger.tagging import claim_ready, finish_tagging
from catalog.ledger.trouble import Failure, fail, hand_back
from catalog.ledger.words import Limits, State
from tests.support.ledger import effects, execute, insert, make_ready, row, states
from tests.support.models import champion_model, same_for_all

OWNER = 5
Finish = Callable[[Connection, int], Held]


def fetching(engine: Engine, count: int) -> Finish:
    insert(engine, count)
    with transaction(engine) as connection:
        ids = [d.movie_id for d in claim_pending(connection, count, 60)]
        jobs = claim_queued(connection, OWNER, ids, 60)

    def finish(connection: Connection, owner: int) -> Held:
        records = {j.movie_id: ContentRecord(j.movie_id, j.revision, title=j.title) for j in jobs}
        return finish_fetch(connection, owner, records, {}).fence

    return finish


def tagging(engine: Engine, count: int) -> Finish:
    model = champion_model(engine)
    make_ready(engine, insert(engine, count))
    with transaction(engine) as connection:
        jobs = claim_ready(connection, OWNER, count, 60)
    return lambda connection, owner: finish_tagging(connection, owner, model, same_for_all(jobs, model), 0.1)


def failing(engine: Engine, count: int) -> Finish:
    tagging(engine, count)
    failures = [Failure(i, 1, "reason") for i in range(1, count + 1)]
    return lambda connection, owner: fail(connection, owner, State.TAGGING, failures, Limits())


def handing_back(engine: Engine, count: int) -> Finish:
    tagging(engine, count)
    revisions = dict.fromkeys(range(1, count + 1), 1)
    return lambda connection, owner: hand_back(connection, owner, State.TAGGING, revisions)


Start = Callable[[Engine, int], Finish]
WORK = pytest.mark.parametrize("start", [fetching, tagging, failing, handing_back])


@WORK
def test_who_owns_the_movies_finishes_them(engine: Engine, start: Start) -> None:
    finish = start(engine, 3)
    with transaction(engine) as connection:
        assert finish(connection, OWNER) == Held(frozenset({1, 2, 3}), frozenset(), frozenset())
    assert {(r.owner, r.lease_until) for r in (row(engine, i) for i in (1, 2, 3))} == {(None, None)}


@WORK
@pytest.mark.parametrize(
    "meanwhile",
    [
        "UPDATE marquee.movie SET title = 'changed' WHERE id = 2",
        "DELETE FROM marquee.movie WHERE id = 2",
        "UPDATE marquee.tagging SET owner = 6 WHERE movie_id = 2",
        "UPDATE marquee.tagging SET state = 'pending', owner = NULL, lease_until = NULL WHERE movie_id = 2",
    ],
    ids=["changed", "deleted", "given to another", "taken away"],
)
def test_a_stale_result_is_dropped_and_its_batch_mates_are_not(
    engine: Engine, start: Start, meanwhile: str
) -> None:
    finish = start(engine, 3)
    execute(engine, meanwhile)
    before = execute(engine, "SELECT * FROM marquee.tagging WHERE movie_id = 2")
    with transaction(engine) as connection:
        assert finish(connection, OWNER) == Held(frozenset({1, 3}), frozenset(), frozenset({2}))
    assert execute(engine, "SELECT * FROM marquee.tagging WHERE movie_id = 2") == before
    assert 2 not in effects(engine)


@WORK
def test_a_second_finish_finds_nothing(engine: Engine, start: Start) -> None:
    finish = start(engine, 2)
    with transaction(engine) as connection:
        finish(connection, OWNER)
    logged = effects(engine)
    with transaction(engine) as connection:
        assert finish(connection, OWNER).stale == {1, 2}
    assert effects(engine) == logged


@WORK
def test_a_movie_that_a_writer_holds_is_locked_and_nobody_waits(engine: Engine, start: Start) -> None:
    finish = start(engine, 3)
    before = states(engine)
    with engine.connect() as writer:
        writer.execute(text("UPDATE marquee.movie SET title = 'x' WHERE id = 2"))
        with engine.begin() as worker:
            worker.execute(text("SET LOCAL lock_timeout = '2s'"))
            assert finish(worker, OWNER) == Held(frozenset({1, 3}), frozenset({2}), frozenset())
        writer.rollback()
    assert states(engine)[2] == before[2]
    with transaction(engine) as connection:
        assert finish(connection, OWNER).held == {2}


@WORK
def test_a_movie_deleted_and_made_anew_is_not_the_one_that_was_taken(engine: Engine, start: Start) -> None:
    finish = start(engine, 1)
    before = row(engine, 1)
    execute(engine, "DELETE FROM marquee.movie")
    execute(engine, "INSERT INTO marquee.movie (id, title) VALUES (1, 'another movie')")
    # The same worker has the new one in hand by now, in the same state.
    execute(
        engine,
        "UPDATE marquee.tagging SET state = :state, owner = :owner, lease_until = now() + interval '1 h'",
        state=before.state,
        owner=OWNER,
    )
    with transaction(engine) as connection:
        assert finish(connection, OWNER).stale == {1}


def test_nothing_to_finish_is_nothing(engine: Engine) -> None:
    with transaction(engine) as connection:
        assert finish_fetch(connection, OWNER, {}, {}).fence == Held(frozenset(), frozenset(), frozenset())
        assert not hand_back(connection, OWNER, State.FETCHING, {}).held
        assert not fail(connection, OWNER, State.TAGGING, [], Limits()).held
