"""What an idle tag worker asks every second reads little, however many movies there are."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, TextClause, text

from catalog import explanations
from tests.support.ledger import execute
from tests.support.models import champion_model

MOVIES = 100_000


@pytest.fixture
def queue(engine: Engine) -> Engine:
    """Open movies, all but few of them with explanations that are done."""
    model = champion_model(engine)
    execute(
        engine,
        "INSERT INTO marquee.tagging (movie_id, state, due_at, tagged_revision, tagged_model_id) "
        f"SELECT n, 'tagged', now(), 1, {model.id} FROM generate_series(1, {MOVIES}) n",
    )
    execute(
        engine,
        "INSERT INTO marquee.content (movie_id, revision, sha256, training_allowed) "
        f"SELECT n, 1, '', true FROM generate_series(1, {MOVIES}) n",
    )
    execute(
        engine,
        "INSERT INTO marquee.review "
        "(movie_id, revision, model_id, state, asks, facets, uncertainty, rarity, tagged_at) "
        f"SELECT n, 1, {model.id}, 'open', '{{3}}', '{{}}', random(), 0, now() "
        f"FROM generate_series(1, {MOVIES}) n",
    )
    execute(
        engine,
        "INSERT INTO marquee.explanation (movie_id, genre_id, revision, model_id, done_at) "
        f"SELECT n, 3, 1, {model.id}, CASE WHEN n % 4000 = 0 THEN NULL ELSE now() END "
        f"FROM generate_series(1, {MOVIES}) n",
    )
    execute(engine, "ANALYZE marquee.tagging, marquee.content, marquee.review, marquee.explanation")
    return engine


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


def rows_read(engine: Engine, statement: TextClause, values: dict[str, Any]) -> float:
    """The rows that the statement reads of any table, those included that a filter throws away."""
    with engine.connect() as connection:
        explained = connection.execute(text("EXPLAIN (ANALYZE, FORMAT JSON) " + statement.text), values)
        plan = explained.scalar_one()[0]["Plan"]
        connection.rollback()
    return sum(
        (node["Actual Rows"] + sum(n for name, n in node.items() if name.startswith("Rows Removed by")))
        * node["Actual Loops"]
        for node in nodes(plan)
        if "Scan" in node["Node Type"] and node.get("Relation Name") not in (None, "genre")
    )


def test_what_is_asked_every_second_reads_little(queue: Engine) -> None:
    ahead = rows_read(queue, explanations.ASK_QUEUE, {"movies": 20, "priority": 1})
    following = rows_read(queue, explanations.CLAIM, {"lease": 30.0, "priority": 1})
    given_up = rows_read(queue, explanations.GIVE_UP, {"attempts": 3, "error": "x"})
    assert 20 <= ahead <= 200
    assert 1 <= following <= 200
    assert given_up <= 60
