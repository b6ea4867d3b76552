"""Recovery: what a dead worker, a hung one or a lost message left behind goes to others; poison is parked."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text

from catalog.engine import transaction
from catalog.ledger.dispatch import claim_pending
from catalog.ledger.fetching import claim_queued
from catalog.ledger.leases import renew
from catalog.ledger.recovery import WORKER_LOCKS, Recovered, recover
from catalog.ledger.tagging import claim_ready, finish_tagging
from catalog.ledger.words import Limits, State
from tests.support.ledger import events, execute, insert, make_ready, row, states
from tests.support.models import champion_model, same_for_all

DEAD, ALIVE = 70, 71
# The tests' server may have started a moment ago.
NOW = Limits(grace_seconds=0)


def look(engine: Engine, limits: Limits = NOW) -> list[Recovered]:
    with transaction(engine) as connection:
        return sorted(recover(connection, limits), key=lambda r: r.movie_id)


@contextmanager
def alive(engine: Engine, worker: int = ALIVE, locks: int = WORKER_LOCKS) -> Iterator[None]:
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:locks, :id)"), {"locks": locks, "id": worker})
        yield
        connection.execute(text("SELECT pg_advisory_unlock(:locks, :id)"), {"locks": locks, "id": worker})


def start_fetching(engine: Engine, owner: int, lease: float = 60) -> None:
    with transaction(engine) as connection:
        ids = [d.movie_id for d in claim_pending(connection, 100, 60)]
        claim_queued(connection, owner, ids, lease)


def start_tagging(engine: Engine, owner: int, movies: int = 100, lease: float = 60) -> list[int]:
    with transaction(engine) as connection:
        return sorted(j.movie_id for j in claim_ready(connection, owner, movies, lease))


def test_a_dead_workers_movies_are_recovered_at_once(engine: Engine) -> None:
    insert(engine, 2)
    start_fetching(engine, DEAD)
    make_ready(engine, insert(engine, 1))
    start_tagging(engine, DEAD)
    assert look(engine) == [
        Recovered(1, State.FETCHING, State.PENDING),
        Recovered(2, State.FETCHING, State.PENDING),
        Recovered(3, State.TAGGING, State.READY),
    ]
    for movie_id in (1, 2, 3):
        now = row(engine, movie_id)
        assert (now.deaths, now.owner, now.lease_until) == (1, None, None)
    event, detail = events(engine, 3)[-1]
    assert (event, detail["deaths"], detail["worker"], detail["from"]) == ("recovered", 1, DEAD, "tagging")
    assert look(engine) == []


def test_a_living_workers_movies_are_left_alone(engine: Engine) -> None:
    insert(engine, 2)
    start_fetching(engine, ALIVE)
    with alive(engine):
        assert look(engine) == []
    assert [r.movie_id for r in look(engine)] == [1, 2]


def test_another_advisory_lock_of_the_same_number_is_no_sign_of_life(engine: Engine) -> None:
    insert(engine, 1)
    start_fetching(engine, ALIVE)
    with alive(engine, locks=WORKER_LOCKS + 1):
        assert [r.movie_id for r in look(engine)] == [1]


def test_a_lease_that_expired_takes_a_movie_from_a_living_worker(engine: Engine) -> None:
    insert(engine, 1)
    start_fetching(engine, ALIVE, lease=-1)
    with alive(engine):
        assert look(engine) == [Recovered(1, State.FETCHING, State.PENDING)]
    assert row(engine, 1).deaths == 1
    assert "hung" in row(engine, 1).error


def test_a_message_that_nobody_took_goes_back_without_a_death(engine: Engine) -> None:
    insert(engine, 1)
    with transaction(engine) as connection:
        claim_pending(connection, 1, 60)
    assert look(engine) == []
    execute(engine, "UPDATE marquee.tagging SET lease_until = clock_timestamp() - interval '1 second'")
    assert look(engine) == [Recovered(1, State.QUEUED, State.PENDING)]
    assert row(engine, 1).deaths == 0
    assert [e for e, _ in events(engine, 1)] == ["changed"]


def test_the_third_death_quarantines_the_poison_and_not_its_batch_mates(engine: Engine) -> None:
    model = champion_model(engine)
    make_ready(engine, insert(engine, 4))
    poison = 3
    assert start_tagging(engine, DEAD) == [1, 2, 3, 4]
    look(engine)
    for _ in range(6):
        with transaction(engine) as connection:
            jobs = claim_ready(connection, DEAD, 64, 60)
        assert len(jobs) <= 1  # each suspect alone
        if jobs and jobs[0].movie_id == poison:
            look(engine)
        elif jobs:
            with transaction(engine) as connection:
                finish_tagging(connection, DEAD, model, same_for_all(jobs, model), 0.1)
    assert states(engine) == {1: "tagged", 2: "tagged", 3: "quarantined", 4: "tagged"}
    parked = row(engine, poison)
    assert (parked.deaths, parked.owner, parked.lease_until) == (3, None, None)
    assert parked.error == "A worker died while tagging this movie; that was number 3."
    assert events(engine, poison)[-1][0] == "quarantined"
    assert events(engine, poison)[-1][1]["reason"] == parked.error
    assert [row(engine, i).deaths for i in (1, 2, 4)] == [0, 0, 0]


def test_a_restart_of_postgres_counts_no_death(engine: Engine) -> None:
    insert(engine, 2)
    start_fetching(engine, DEAD)
    execute(
        engine,
        "UPDATE marquee.tagging SET claimed_at = pg_postmaster_start_time() - interval '1 second', "
        "lease_until = clock_timestamp() + (movie_id - 1.5) * interval '1 minute'",
    )
    assert [(r.movie_id, r.state) for r in look(engine)] == [(1, State.PENDING), (2, State.PENDING)]
    assert [row(engine, i).deaths for i in (1, 2)] == [0, 0]


def test_after_a_restart_workers_have_time_to_take_their_locks_again(engine: Engine) -> None:
    insert(engine, 2)
    start_fetching(engine, DEAD)
    claimed_before = (
        "UPDATE marquee.tagging SET claimed_at = pg_postmaster_start_time() - interval '1 second' "
    )
    execute(engine, claimed_before + "WHERE movie_id = 1")
    just_started = Limits(grace_seconds=1e9)
    assert look(engine, just_started) == []  # 2 was claimed since: the worker is back, its lock not yet
    execute(engine, "UPDATE marquee.tagging SET lease_until = clock_timestamp() - interval '1 second'")
    assert len(look(engine, just_started)) == 2


def test_a_recovered_movie_is_due_at_once_and_its_old_owner_is_refused(engine: Engine) -> None:
    model = champion_model(engine)
    make_ready(engine, insert(engine, 1))
    with transaction(engine) as connection:
        late = claim_ready(connection, DEAD, 1, 60)
    look(engine)
    assert start_tagging(engine, ALIVE) == [1]
    with transaction(engine) as connection:
        assert finish_tagging(connection, DEAD, model, same_for_all(late, model), 9.9).stale == {1}
    assert row(engine, 1).owner == ALIVE


def test_a_lease_can_be_renewed_by_its_owner_only(engine: Engine) -> None:
    insert(engine, 2)
    start_fetching(engine, ALIVE, lease=-1)
    with transaction(engine) as connection:
        renew(connection, DEAD, State.FETCHING, [1, 2], 60)
        renew(connection, ALIVE, State.FETCHING, [1], 60)
    with alive(engine):
        assert [r.movie_id for r in look(engine)] == [2]
