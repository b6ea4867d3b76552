"""Claims: whoever takes movies takes the most urgent due ones, and nobody takes the same."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Connection, Engine, text

from catalog.engine import transaction
from catalog.ledger.dispatch import claim_pending, queued, return_queued
from catalog.ledger.fetching import claim_queued
from catalog.ledger.tagging import claim_ready
from tests.support.ledger import content, counts, execute, insert, make_ready, row, states

Claim = Callable[[Connection, int], list[int]]


def by_relay(connection: Connection, movies: int) -> list[int]:
    return [d.movie_id for d in claim_pending(connection, movies, 60)]


def by_tagger(connection: Connection, movies: int) -> list[int]:
    return [j.movie_id for j in claim_ready(connection, 5, movies, 60)]


CLAIMS = pytest.mark.parametrize("claim", [by_relay, by_tagger])


def movies_for(claim: Claim, engine: Engine, count: int) -> list[int]:
    ids = insert(engine, count)
    if claim is by_tagger:
        make_ready(engine, ids)
    return ids


def take(engine: Engine, claim: Claim, movies: int) -> list[int]:
    with transaction(engine) as connection:
        return claim(connection, movies)


@CLAIMS
def test_eight_claimers_never_share_a_movie(engine: Engine, claim: Claim) -> None:
    ids = movies_for(claim, engine, 400)
    together = Barrier(8)

    def drain(_number: int) -> list[int]:
        together.wait(timeout=20)
        mine: list[int] = []
        while taken := take(engine, claim, 7):
            mine += taken
        return mine

    with ThreadPoolExecutor(8) as pool:
        taken = [i for mine in pool.map(drain, range(8)) for i in mine]
    assert sorted(taken) == ids


@CLAIMS
def test_claims_that_overlap_in_time_share_nothing_and_wait_for_nothing(engine: Engine, claim: Claim) -> None:
    ids = movies_for(claim, engine, 4)
    with engine.begin() as one, engine.begin() as other:
        other.execute(text("SET LOCAL lock_timeout = '2s'"))
        first = claim(one, 3)
        assert sorted(first + claim(other, 3)) == ids
    assert take(engine, claim, 3) == []


@CLAIMS
def test_the_most_urgent_go_first_then_the_longest_due(engine: Engine, claim: Claim) -> None:
    movies_for(claim, engine, 6)
    for movie_id, (priority, minutes) in enumerate([(1, 1), (1, 2), (0, 1), (2, 9), (0, 3), (1, 3)], start=1):
        execute(
            engine,
            "UPDATE marquee.tagging SET priority = :p, due_at = now() - make_interval(mins => :m) "
            "WHERE movie_id = :id",
            p=priority,
            m=minutes,
            id=movie_id,
        )
    assert [take(engine, claim, 1) for _ in range(7)] == [[5], [3], [6], [2], [1], [4], []]


@CLAIMS
def test_a_claim_fills_up_from_the_next_level(engine: Engine, claim: Claim) -> None:
    movies_for(claim, engine, 6)
    execute(engine, "UPDATE marquee.tagging SET priority = movie_id % 3")
    assert set(take(engine, claim, 3)) >= {3, 6}
    assert len(take(engine, claim, 10)) == 3


@CLAIMS
def test_what_is_not_yet_due_is_left(engine: Engine, claim: Claim) -> None:
    movies_for(claim, engine, 3)
    execute(engine, "UPDATE marquee.tagging SET due_at = now() + interval '1 hour' WHERE movie_id < 3")
    assert take(engine, claim, 10) == [3]


@CLAIMS
def test_a_movie_that_a_writer_holds_is_passed_over(engine: Engine, claim: Claim) -> None:
    movies_for(claim, engine, 3)
    with engine.begin() as writer, engine.begin() as worker:
        writer.execute(text("UPDATE marquee.movie SET title = 'x' WHERE id = 2"))
        worker.execute(text("SET LOCAL lock_timeout = '2s'"))
        assert sorted(claim(worker, 10)) == [1, 3]


@CLAIMS
def test_an_editor_who_decides_on_a_movie_does_not_hold_it_up(engine: Engine, claim: Claim) -> None:
    movies_for(claim, engine, 1)
    with engine.begin() as editor, engine.begin() as worker:
        editor.execute(text("SELECT FROM marquee.tagging FOR KEY SHARE"))  # as a label's foreign key does
        assert claim(worker, 10) == [1]


def test_the_relay_names_priority_and_suspects(engine: Engine) -> None:
    insert(engine, 2)
    execute(engine, "UPDATE marquee.tagging SET deaths = 1, priority = 2 WHERE movie_id = 2")
    with transaction(engine) as connection:
        found = claim_pending(connection, 5, 60)
        assert queued(connection) == 2
    assert [(d.movie_id, d.priority, d.suspect) for d in found] == [(1, 0, False), (2, 2, True)]


def test_what_could_not_be_sent_is_returned(engine: Engine) -> None:
    ids = insert(engine, 3)
    with transaction(engine) as connection:
        claim_pending(connection, 5, 60)
        claim_queued(connection, 5, [3], 60)
        return_queued(connection, ids)
    assert states(engine) == {1: "pending", 2: "pending", 3: "fetching"}


def test_a_second_copy_of_a_message_takes_nothing(engine: Engine) -> None:
    insert(engine, 2, plot="its own")
    with transaction(engine) as connection:
        claim_pending(connection, 5, 60)
    with transaction(engine) as connection:
        jobs = claim_queued(connection, 5, [1, 2, 77], 60)
        assert [(j.movie_id, j.revision, j.plot, j.refetch) for j in jobs] == [
            (1, 1, "its own", False),
            (2, 1, "its own", False),
        ]
    with transaction(engine) as connection:
        assert claim_queued(connection, 6, [1, 2], 60) == []
    assert {row(engine, i).owner for i in (1, 2)} == {5}


def test_the_tagger_gets_the_content_of_the_revision_that_it_took(engine: Engine) -> None:
    ids = insert(engine, 2)
    make_ready(engine, ids, plot="a plot", poster_hash="f" * 64)
    with transaction(engine) as connection:
        jobs = claim_ready(connection, 5, 2, 60)
    assert {(j.movie_id, j.content.plot, j.content.revision, j.revision) for j in jobs} == {
        (1, "a plot", 1, 1),
        (2, "a plot", 1, 1),
    }
    assert {j.content.sha256 for j in jobs} == {content(engine, i).sha256 for i in ids}


def test_suspects_go_first_and_each_alone(engine: Engine) -> None:
    make_ready(engine, insert(engine, 5))
    execute(
        engine,
        "UPDATE marquee.tagging SET deaths = 1, priority = 2, due_at = now() - interval '1 hour' / movie_id "
        "WHERE movie_id > 3",
    )
    assert [sorted(take(engine, by_tagger, 64)) for _ in range(4)] == [[4], [5], [1, 2, 3], []]


def test_a_suspect_that_is_not_due_holds_nobody_up(engine: Engine) -> None:
    make_ready(engine, insert(engine, 3))
    execute(
        engine,
        "UPDATE marquee.tagging SET deaths = 1, due_at = now() + interval '1 hour' WHERE movie_id = 2",
    )
    assert sorted(take(engine, by_tagger, 64)) == [1, 3]
    assert counts(engine) == {"ready": 1, "tagging": 2}
