"""Promotions: one at a time, with their evidence, undone one by one; and what was champion when, and why."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from catalog.engine import transaction
from catalog.errors import PromotionRefusedError, UnknownGenreError, UnknownModelError
from catalog.registry import (
    CHAMPION_CHANNEL,
    Promotion,
    champion,
    champion_at,
    champion_id,
    lineage,
    promote,
    register,
    roll_back,
    take_turn,
)
from tests.support.ledger import execute, scalar
from tests.support.listening import notifications
from tests.support.waiting import until

WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def registered(engine: Engine, version: str, **manifest: Any) -> int:
    with transaction(engine) as connection:
        return register(
            connection,
            version=version,
            sha256=f"sha256 of {version}",
            uri=f"/models/{version}",
            manifest={"genres": ["Drama", "Comedy"], "data": {"sha256": f"data of {version}"}} | manifest,
        )


def promoted(engine: Engine, model_id: int, reason: str = "a test", **more: Any) -> int:
    with transaction(engine) as connection:
        return promote(connection, model_id, reason, **more)


def back(engine: Engine) -> str:
    with transaction(engine) as connection:
        return roll_back(connection, "no good").version


def at(engine: Engine, moment: datetime) -> Promotion | None:
    with transaction(engine) as connection:
        return champion_at(connection, moment)


def now(engine: Engine) -> datetime:
    found = scalar(engine, "SELECT clock_timestamp()")
    assert isinstance(found, datetime)
    return found


@pytest.fixture
def models(engine: Engine) -> list[int]:
    return [registered(engine, name) for name in "abcd"]


def test_a_promotion_and_its_evidence_stand_together_or_not_at_all(engine: Engine, models: list[int]) -> None:
    with pytest.raises(RuntimeError), transaction(engine) as connection:
        promote(connection, models[0], "better", {"lower bound": 0.02})
        raise RuntimeError("killed before the commit")
    assert scalar(engine, "SELECT count(*) FROM marquee.promotion") == 0
    with notifications(engine, CHAMPION_CHANNEL) as heard:
        promoted(engine, models[0], "better", evidence={"lower bound": 0.02})
        assert heard() == 1
        with pytest.raises(PromotionRefusedError):
            promoted(engine, models[0])
        assert heard() == 0
    [row] = execute(engine, "SELECT model_id, reason, evidence, back_to, retag FROM marquee.promotion")
    assert tuple(row) == (models[0], "better", {"lower bound": 0.02}, None, True)


class TestRefused:
    def test_the_champion_again(self, engine: Engine, models: list[int]) -> None:
        promoted(engine, models[0])
        with pytest.raises(PromotionRefusedError, match="a is champion already"):
            promoted(engine, models[0])

    def test_genres_that_the_catalog_no_longer_has(self, engine: Engine, models: list[int]) -> None:
        promoted(engine, models[0])
        odd = registered(engine, "odd", genres=["Drama", "Western"])
        execute(engine, "UPDATE marquee.genre SET name = 'Cowboys' WHERE name = 'Western'")
        with pytest.raises(UnknownGenreError, match="Western"):
            promoted(engine, odd)
        with transaction(engine) as connection:
            assert champion_id(connection) == models[0]

    def test_a_model_that_there_is_not(self, engine: Engine) -> None:
        with pytest.raises(UnknownModelError, match="99"):
            promoted(engine, 99)

    def test_evidence_against_another_champion(self, engine: Engine, models: list[int]) -> None:
        promoted(engine, models[0])
        promoted(engine, models[1])
        with pytest.raises(PromotionRefusedError, match="no longer the one that c was compared with"):
            promoted(engine, models[2], instead_of=models[0])
        promoted(engine, models[2], instead_of=models[1])

    def test_a_roll_back_where_there_is_nothing_before(self, engine: Engine, models: list[int]) -> None:
        for _ in range(2):
            with pytest.raises(PromotionRefusedError, match="No model was champion before"):
                back(engine)
            promoted(engine, models[0]) if not scalar(
                engine, "SELECT count(*) FROM marquee.promotion"
            ) else None

    def test_a_change_of_the_log(self, engine: Engine, models: list[int]) -> None:
        promoted(engine, models[0])
        for change in ("UPDATE marquee.promotion SET reason = 'x'", "DELETE FROM marquee.promotion"):
            with pytest.raises(DBAPIError, match="append-only"):
                execute(engine, change)


def test_promotions_take_turns(engine: Engine, models: list[int]) -> None:
    """While one is under way the other waits, and then sees what the first has done."""
    promoted(engine, models[0])
    with ThreadPoolExecutor(2) as pool:
        with transaction(engine) as connection:
            take_turn(connection)
            racing = [pool.submit(promoted, engine, m, instead_of=models[0]) for m in models[1:3]]
            until(lambda: scalar(engine, WAITING) == 2)
        errors = [r.exception() for r in racing]
    assert [type(e) for e in errors if e] == [PromotionRefusedError]
    assert scalar(engine, "SELECT count(*) FROM marquee.promotion") == 2


def test_many_at_once_leave_one_line_of_champions(engine: Engine, models: list[int]) -> None:
    start = threading.Barrier(8)

    def go(n: int) -> None:
        start.wait(10)
        for _ in range(5):
            with suppress(PromotionRefusedError):
                back(engine) if n % 3 == 0 else promoted(engine, models[n % 4])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(go, range(8)))
    rows = execute(engine, "SELECT model_id, at FROM marquee.promotion ORDER BY id")
    assert len(rows) > 5
    assert all(a.model_id != b.model_id and a.at < b.at for a, b in pairwise(rows))


class TestRollingBack:
    def test_it_walks_back_like_an_undo(self, engine: Engine, models: list[int]) -> None:
        for model in models[:3]:
            promoted(engine, model)
        assert [back(engine), back(engine)] == ["b", "a"]
        with pytest.raises(PromotionRefusedError):
            back(engine)
        promoted(engine, models[3])
        assert back(engine) == "a"
        promoted(engine, models[2])
        promoted(engine, models[3])
        assert [back(engine), back(engine)] == ["c", "a"]

    def test_a_model_that_was_champion_twice(self, engine: Engine, models: list[int]) -> None:
        for model in (models[0], models[1], models[0], models[2]):
            promoted(engine, model)
        assert [back(engine), back(engine), back(engine)] == ["a", "b", "a"]

    def test_who_was_champion_last(self, engine: Engine, models: list[int]) -> None:
        for model in (models[0], models[1], models[2]):
            promoted(engine, model)
        back(engine)
        with transaction(engine) as connection:
            assert lineage(connection, 10) == [models[1], models[2], models[0]]
            assert lineage(connection, 1) == [models[1]]


class TestWhatWasLive:
    def test_at_any_time_and_why(self, engine: Engine, models: list[int]) -> None:
        before = now(engine)
        promoted(engine, models[0], "first", evidence={"by": "ann"})
        between = now(engine)
        promoted(engine, models[1], "better", evidence={"macro-F1": 0.7})
        back(engine)
        assert at(engine, before) is None
        first = at(engine, between)
        assert first is not None
        assert (first.version, first.reason, first.evidence) == ("a", "first", {"by": "ann"})
        assert (first.sha256, first.data_sha256, first.back_to) == ("sha256 of a", "data of a", None)
        last = at(engine, now(engine) + timedelta(days=1))
        assert last is not None
        assert (last.version, last.reason, last.back_to) == ("a", "no good", first.promotion_id)

    def test_of_each_moment_there_is_one(self, engine: Engine, models: list[int]) -> None:
        """From the moment of a promotion on it is the new one; just before it, the old one."""
        for model in models:
            promoted(engine, model)
        rows = execute(engine, "SELECT id, at FROM marquee.promotion ORDER BY id")
        for earlier, row in zip([None, *rows], rows, strict=False):
            then, just_before = at(engine, row.at), at(engine, row.at - timedelta(microseconds=1))
            assert then is not None
            assert then.promotion_id == row.id
            assert (just_before and just_before.promotion_id) == (earlier and earlier.id)

    def test_it_joins_predictions_to_the_champion_of_their_time(
        self, engine: Engine, models: list[int]
    ) -> None:
        promoted(engine, models[0])
        with engine.connect() as connection:
            found = connection.execute(
                text(
                    "SELECT t.at, c.version FROM generate_series(now(), now() + interval '2 day', '1 day') AS t(at) "
                    "CROSS JOIN LATERAL marquee.champion_at(t.at) c"
                )
            ).all()
        assert [r.version for r in found] == ["a"] * 3


def test_a_model_that_is_registered_again_keeps_its_id_and_takes_what_is_new(engine: Engine) -> None:
    first = registered(engine, "a")
    assert registered(engine, "a", bands={"low": []}) == first
    assert scalar(engine, "SELECT manifest -> 'bands' -> 'low' FROM marquee.model") == []
    promoted(engine, first)
    with transaction(engine) as connection:
        found = champion(connection)
    assert found is not None
    assert found.genres == ("Drama", "Comedy")
