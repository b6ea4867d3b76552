"""The claims stay cheap with a long queue: they read little more than they return, whatever comes first."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, TextClause, text

from catalog.engine import transaction
from catalog.ledger import arrivals, dispatch, recovery, tagging
from tests.support.ledger import execute

QUEUE = 50_000
BATCH = 64
# Each row is found by the claim and found again by the update; and some to spare.
MAX_ROWS = 3 * BATCH + 20

RELAY = pytest.param(dispatch.CLAIM, {"movies": BATCH, "lease": 60, "lowest": 2}, "pending", id="relay")
TAGGER = pytest.param(
    tagging.CLAIM,
    {"movies": BATCH, "lease": 60, "owner": 5, "suspects": 8, "lowest": 2},
    "ready",
    id="tagger",
)
CLAIMS = pytest.mark.parametrize(("claim", "values", "state"), [RELAY, TAGGER])


def fill(engine: Engine, state: str, priority: str = "2", due: str = "now() - interval '1 minute'") -> None:
    execute(
        engine,
        "INSERT INTO marquee.tagging (movie_id, state, priority, due_at) "
        f"SELECT n, '{state}', {priority}, {due} FROM generate_series(1, {QUEUE}) n",
    )
    execute(engine, "ANALYZE marquee.tagging")


def arrive(engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(text("ALTER TABLE marquee.tagging SET (autovacuum_enabled = off)"))
        connection.execute(text(f"INSERT INTO marquee.arrival (first_id, last_id) VALUES (1, {QUEUE})"))
        connection.execute(
            text(
                "INSERT INTO marquee.tagging (movie_id, priority, due_at) "
                f"SELECT n, 1, NULL FROM generate_series(1, {QUEUE}) n"
            )
        )


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


def rows_read(engine: Engine, statement: TextClause, values: dict[str, Any]) -> float:
    """How many rows of the ledger the statement reads, those included that a filter throws away."""
    with engine.connect() as connection:
        explained = connection.execute(
            text("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement.text), values
        )
        plan = explained.scalar_one()[0]["Plan"]
        connection.rollback()
    read = 0.0
    for node in nodes(plan):
        if node.get("Relation Name") == "tagging" and "Scan" in node["Node Type"]:
            thrown = sum(n for name, n in node.items() if name.startswith("Rows Removed by"))
            read += (node["Actual Rows"] + thrown) * node["Actual Loops"]
    return read


@CLAIMS
def test_a_claim_reads_little_more_than_it_returns(
    engine: Engine, claim: TextClause, values: dict[str, Any], state: str
) -> None:
    fill(engine, state, "n % 3")
    assert BATCH < rows_read(engine, claim, values) <= MAX_ROWS


@CLAIMS
def test_empty_levels_cost_nothing(
    engine: Engine, claim: TextClause, values: dict[str, Any], state: str
) -> None:
    fill(engine, state)
    assert BATCH < rows_read(engine, claim, values) <= MAX_ROWS


@CLAIMS
def test_a_level_in_which_nothing_is_due_costs_nothing(
    engine: Engine, claim: TextClause, values: dict[str, Any], state: str
) -> None:
    fill(engine, state, "(n % 2)", "now() + (0.5 - n % 2) * interval '1 hour'")
    assert BATCH < rows_read(engine, claim, values) <= MAX_ROWS


@CLAIMS
def test_nothing_due_at_all_costs_nothing(
    engine: Engine, claim: TextClause, values: dict[str, Any], state: str
) -> None:
    fill(engine, state, "(n % 3)", "now() + interval '1 hour'")
    assert rows_read(engine, claim, values) <= 20


@CLAIMS
def test_movies_in_other_states_cost_nothing(
    engine: Engine, claim: TextClause, values: dict[str, Any], state: str
) -> None:
    fill(engine, "tagged")
    assert rows_read(engine, claim, values) <= 20


@CLAIMS
def test_a_claim_is_cheap_before_the_first_analyze(
    engine: Engine, claim: TextClause, values: dict[str, Any], state: str
) -> None:
    with transaction(engine) as connection:
        connection.execute(text("ALTER TABLE marquee.tagging SET (autovacuum_enabled = off)"))
        connection.execute(
            text(
                "INSERT INTO marquee.tagging (movie_id, state, due_at) "
                f"SELECT n, '{state}', now() - interval '1 minute' FROM generate_series(1, {QUEUE}) n"
            )
        )
    assert BATCH < rows_read(engine, claim, values) <= MAX_ROWS


ROWS = arrivals.STRETCH
MIDDLE = {"id": 1, "first": QUEUE // 2, "last": QUEUE // 2 + ROWS - 1}


@pytest.mark.parametrize("analyzed", [False, True], ids=["before the first analyze", "analyzed"])
@pytest.mark.parametrize(
    ("statement", "values", "least", "most"),
    [
        pytest.param(
            arrivals.LAST, {"first": QUEUE // 2, "rows": ROWS - 1}, ROWS, ROWS, id="end of a stretch"
        ),
        pytest.param(
            arrivals.PLACE, MIDDLE, 2 * ROWS, 2 * ROWS, id="places"
        ),  # found, and found by the update
        pytest.param(arrivals.PUT_OFF, MIDDLE, 1, 2 * ROWS, id="what is left"),
    ],
)
def test_a_stretch_of_an_arrival_reads_no_more_than_itself(
    engine: Engine, statement: TextClause, values: dict[str, Any], least: int, most: int, analyzed: bool
) -> None:
    arrive(engine)
    if analyzed:
        execute(engine, "ANALYZE marquee.tagging")
    assert least <= rows_read(engine, statement, values) <= most


def test_fresh_movies_cost_a_claim_nothing(engine: Engine) -> None:
    arrive(engine)
    [claim, values, _state] = RELAY.values
    assert rows_read(engine, claim, values) <= 20  # type: ignore[arg-type]


def test_looking_whether_the_line_is_short_reads_no_more_than_is_asked_for(engine: Engine) -> None:
    fill(engine, "pending", "1")
    values = {"bulk": 1, "at": datetime.now(UTC), "movies": BATCH}
    assert rows_read(engine, arrivals.BEFORE, values) == BATCH
    assert rows_read(engine, arrivals.BEFORE, values | {"at": datetime(2000, 1, 1, tzinfo=UTC)}) <= 20


def test_recovery_reads_only_what_is_under_way(engine: Engine) -> None:
    fill(engine, "pending")
    execute(
        engine,
        "UPDATE marquee.tagging SET state = 'tagging', owner = 5, claimed_at = now(), lease_until = now() "
        "WHERE movie_id <= 10",
    )
    values = {"locks": recovery.WORKER_LOCKS, "grace": 0, "max_deaths": 3}
    assert 10 < rows_read(engine, recovery.RECOVER, values) <= 40
    assert rows_read(engine, dispatch.QUEUED, {}) <= 20


def test_the_measure_notices_a_claim_that_reads_the_whole_queue(engine: Engine) -> None:
    fill(engine, "pending", "(n % 3)", "now() - n * interval '1 second'")
    careless = text(
        "SELECT movie_id FROM marquee.tagging WHERE state = 'pending' AND due_at <= now() "
        "ORDER BY priority DESC, due_at LIMIT :movies"
    )
    assert rows_read(engine, careless, {"movies": BATCH}) > 10 * MAX_ROWS
