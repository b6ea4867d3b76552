"""Tagging again after a promotion: which movies, in what order, how many at a time, and nothing twice."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, text

from catalog.engine import transaction
from catalog.ledger import retagging
from catalog.ledger.retagging import retag
from catalog.ledger.tagging import claim_ready, finish_tagging
from catalog.ledger.words import Priority
from catalog.registry import ModelRecord, champion, promote, roll_back
from tests.integration.catalog.test_query_plans import nodes
from tests.support.ledger import counts, events, execute, insert, make_ready, row
from tests.support.models import champion_model, prediction, same_for_all

OWNER = 5


def tag(engine: Engine, model: ModelRecord, movies: int = 100, confidence: float | None = None) -> list[int]:
    """Tag what is ready, by the model; returns the movies in the order in which they were claimed."""
    with transaction(engine) as connection:
        jobs = claim_ready(connection, OWNER, movies, 60)
        results = (
            same_for_all(jobs, model, confidence)
            if confidence is not None
            else [(job, prediction(model, 0.9 - 0.01 * job.movie_id)) for job in jobs]
        )
        finish_tagging(connection, OWNER, model, results, 0.1)
    return [job.movie_id for job in jobs]


def asked(engine: Engine, movies: int = 1000) -> int:
    with transaction(engine) as connection:
        return retag(connection, movies)


def line(engine: Engine) -> list[int]:
    """The movies that are ready, in the order of the line."""
    rows = execute(
        engine, "SELECT movie_id FROM marquee.tagging WHERE state = 'ready' ORDER BY priority, due_at"
    )
    return [r.movie_id for r in rows]


@pytest.fixture
def tagged(engine: Engine) -> list[int]:
    """Ten movies that an older model tagged, the last one the least certain; another is champion now."""
    old = champion_model(engine, "old")
    ids = insert(engine, 10)
    make_ready(engine, ids)
    tag(engine, old)
    champion_model(engine, "new")
    return ids


def test_the_least_certain_come_first(engine: Engine, tagged: list[int]) -> None:
    assert asked(engine, 4) == 4
    assert line(engine) == tagged[::-1][:4]
    assert row(engine, tagged[-1]).priority == Priority.RETAG
    assert events(engine, tagged[-1])[-1] == ("enqueued", {"priority": 2, "refetch": False})


def test_no_more_than_the_line_can_take(engine: Engine, tagged: list[int]) -> None:
    assert asked(engine, 4) == 4
    assert asked(engine, 4) == 0
    with transaction(engine) as connection:
        claim_ready(connection, OWNER, 1, 60)
    assert asked(engine, 4) == 4
    assert line(engine) == tagged[::-1][1:8]


def test_all_are_reached_once_and_then_nothing_is_left(engine: Engine, tagged: list[int]) -> None:
    with transaction(engine) as connection:
        new = champion(connection)
    assert new is not None
    seen: list[int] = []
    while asked(engine, 3):
        seen += tag(engine, new, 3)
    assert sorted(seen) == tagged
    assert counts(engine) == {"tagged": 10}
    assert asked(engine) == 0
    again = "SELECT count(*) FROM marquee.timeline WHERE event = 'enqueued'"
    assert execute(engine, again)[0][0] == 10


def test_whoever_dies_leaves_nothing_behind(engine: Engine, tagged: list[int]) -> None:
    with pytest.raises(RuntimeError), transaction(engine) as connection:
        retag(connection, 4)
        raise RuntimeError("killed")
    assert asked(engine, 4) == 4


def test_a_roll_back_asks_for_what_the_newer_one_has_tagged(engine: Engine, tagged: list[int]) -> None:
    with transaction(engine) as connection:
        new = champion(connection)
    assert new is not None
    assert asked(engine, 4) == 4
    tag(engine, new, 4)
    with transaction(engine) as connection:
        roll_back(connection, "no good")
    assert asked(engine) == 4
    assert sorted(line(engine)) == tagged[-4:]


@pytest.mark.parametrize("how", ["promote", "roll back"])
def test_it_can_be_forgone(engine: Engine, tagged: list[int], how: str) -> None:
    with transaction(engine) as connection:
        if how == "promote":
            old = execute(engine, "SELECT id FROM marquee.model WHERE version = 'old'")[0].id
            promote(connection, old, "again", retag=False)
        else:
            roll_back(connection, "no good", retag=False)
    assert asked(engine) == 0
    third = champion_model(engine, "third")
    assert third.version == "third"
    assert asked(engine) == 10, "the last promotion counts"


def test_movies_under_way_in_quarantine_or_of_the_champion_are_left_alone(
    engine: Engine, tagged: list[int]
) -> None:
    execute(engine, "UPDATE marquee.tagging SET state = 'quarantined' WHERE movie_id = :i", i=tagged[0])
    execute(engine, "UPDATE marquee.movie SET title = 'changed' WHERE id = :i", i=tagged[1])
    assert asked(engine) == 8
    assert row(engine, tagged[0]).state == "quarantined"
    assert row(engine, tagged[1]).priority == Priority.INTERACTIVE


def test_rows_that_a_writer_holds_are_passed_over_and_come_later(engine: Engine, tagged: list[int]) -> None:
    with engine.connect() as writer:
        writer.execute(text("SELECT FROM marquee.tagging WHERE movie_id = :i FOR UPDATE"), {"i": tagged[-1]})
        assert asked(engine) == 9
        writer.rollback()
    assert asked(engine) == 1


def test_of_several_relays_one_does_it(engine: Engine, tagged: list[int]) -> None:
    start = threading.Barrier(4)

    def go(_: int) -> int:
        with transaction(engine) as connection:
            start.wait(10)
            found = retag(connection, 10)
            start.wait(10)
            return found

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(go, range(4))) == [0, 0, 0, 10]
    assert all(len([e for e, _ in events(engine, i) if e == "enqueued"]) == 1 for i in tagged)


def test_nothing_was_ever_promoted(engine: Engine) -> None:
    assert asked(engine) == 0


class TestPlan:
    """A catalog of 30,000 movies, of which ever fewer are the older model's."""

    MOVIES = 30_000
    CHUNK = 100

    @pytest.mark.parametrize("left", [30_000, 15_000, 200, 0])
    def test_it_reads_little_more_than_it_returns(self, engine: Engine, left: int) -> None:
        old, new = champion_model(engine, "old"), champion_model(engine, "new")
        execute(
            engine,
            "INSERT INTO marquee.tagging (movie_id, state, tagged_model_id, tagged_revision) "
            "SELECT n, 'tagged', CASE WHEN n <= :left THEN CAST(:old AS integer) ELSE :new END, 1 "
            "FROM generate_series(1, :movies) n",
            left=left, old=old.id, new=new.id, movies=self.MOVIES,
        )  # fmt: skip
        execute(
            engine,
            "INSERT INTO marquee.review (movie_id, revision, model_id, state, asks, facets, uncertainty, rarity, "
            "tagged_at) SELECT movie_id, 1, tagged_model_id, 'auto', '{}', '{}', (movie_id * 7919 % 1000) / 1000.0, "
            "0, now() FROM marquee.tagging",
        )
        execute(engine, "ANALYZE marquee.tagging")
        execute(engine, "ANALYZE marquee.review")
        assert self.rows_read(engine) <= 4 * self.CHUNK + 20

    def rows_read(self, engine: Engine) -> float:
        asked: dict[str, Any] = {"movies": self.CHUNK}
        with engine.connect() as connection:
            found = connection.execute(text("EXPLAIN (ANALYZE, FORMAT JSON) " + retagging.NEXT.text), asked)
            plan = found.scalar_one()[0]["Plan"]
        read = 0.0
        for node in nodes(plan):
            if node.get("Relation Name") in ("review", "tagging") and "Scan" in node["Node Type"]:
                thrown = sum(n for name, n in node.items() if name.startswith("Rows Removed by"))
                read += (node["Actual Rows"] + thrown) * node["Actual Loops"]
        return read
