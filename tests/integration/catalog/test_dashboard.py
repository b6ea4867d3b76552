"""The dashboard tells what is true: counts, rates, waits, measures of the model, and what is closed or given up."""

from typing import Any

import pytest
from sqlalchemy import Engine, TextClause, text

from catalog import dashboard
from catalog.dashboard import Agreement, Dashboard, read_dashboard
from catalog.engine import transaction
from catalog.gates import close_gate
from catalog.ledger.tagging import claim_ready
from catalog.ledger.trouble import Failure, fail
from catalog.ledger.words import Limits, State
from catalog.people import editors
from catalog.registry import ModelRecord
from catalog.review import audit, bulk_runs
from catalog.review.bulk import start, step
from catalog.review.filters import Filter
from tests.integration.catalog.test_query_plans import nodes
from tests.support.ledger import execute, insert, make_ready
from tests.support.models import champion_model
from tests.support.review import editor, enter, genre_id, press, retag, tag, tagged, undone


def read(engine: Engine) -> Dashboard:
    with transaction(engine) as connection:
        return read_dashboard(connection)


@pytest.fixture
def model(engine: Engine) -> ModelRecord:
    return champion_model(engine)


def test_an_empty_catalog_has_a_dashboard(engine: Engine) -> None:
    seen = read(engine)
    assert set(seen.states) == {s.value for s in State}
    assert set(seen.states.values()) == {0}
    assert seen.queue == {"open": 0, "done": 0, "auto": 0}
    assert [n for _, n in seen.throughput] == [0] * 60
    assert (seen.latency_n, seen.latency_p50, seen.latency_p95, seen.coverage) == (0, None, None, None)
    assert (seen.quarantine, seen.agreement, seen.models, seen.workers, seen.gates, seen.runs) == (
        [], [], [], [], {}, [],
    )  # fmt: skip
    assert [(p.genre, p.n, p.precision) for p in seen.precision] == [(None, 0, None)]


def test_movies_are_counted_by_state(engine: Engine, model: ModelRecord) -> None:
    tagged(engine, model, 3)
    tagged(engine, model, 2, {"Action": (0.99, "accepted")})
    make_ready(engine, insert(engine, 4))
    with transaction(engine) as connection:
        taken = claim_ready(connection, 5, 2, 60)
        fail(
            connection,
            5,
            State.TAGGING,
            [Failure(taken[0].movie_id, 1, "the poster is no picture", final=True)],
            Limits(),
        )
        close_gate(connection, "tmdb", 60, "401")
    insert(engine, 1)
    enter(engine, editor(engine), 1)
    seen = read(engine)
    found = {k: n for k, n in seen.states.items() if n}
    assert found == {"tagged": 5, "ready": 2, "tagging": 1, "quarantined": 1, "pending": 1}
    assert seen.queue == {"open": 2, "done": 1, "auto": 2}
    assert [(q.movie_id, q.title, q.reason) for q in seen.quarantine] == [
        (taken[0].movie_id, f"movie {taken[0].movie_id - 5}", "the poster is no picture")
    ]
    assert seen.gates == {"tmdb": "401"}


def test_throughput_and_latency_are_of_the_newest_movies(engine: Engine, model: ModelRecord) -> None:
    tagged(engine, model, 4)
    execute(
        engine,
        "UPDATE marquee.tagging SET changed_at = tagged_at - make_interval(secs => movie_id)",
    )
    seen = read(engine)
    assert sum(n for _, n in seen.throughput[-2:]) == 4
    assert sum(n for _, n in seen.throughput[:-2]) == 0
    assert seen.latency_n == 4
    assert (seen.latency_p50, seen.latency_p95) == (pytest.approx(2.5), pytest.approx(3.85))
    execute(
        engine, "UPDATE marquee.review SET tagged_at = tagged_at - interval '30 minutes' WHERE movie_id < 3"
    )
    again = read(engine)
    assert sum(n for _, n in again.throughput[-2:]) == 2
    assert sum(n for _, n in again.throughput[28:32]) == 2


def test_a_movie_that_was_tagged_again_waited_for_no_change(engine: Engine, model: ModelRecord) -> None:
    tagged(engine, model, 2)
    retag(engine, champion_model(engine, "m-2"))
    assert read(engine).latency_n == 0


def test_coverage_is_the_share_that_the_model_decided_whoever_decided_the_rest(
    engine: Engine, model: ModelRecord
) -> None:
    tagged(engine, model, 3)  # of three genres, one is for an editor
    assert read(engine).coverage == pytest.approx(2 / 3)
    enter(engine, editor(engine), 1)
    assert read(engine).coverage == pytest.approx(2 / 3)
    make_ready(engine, insert(engine, 3))
    tag(engine, model, {})
    assert read(engine).coverage == pytest.approx(5 / 6)


def test_agreement_is_what_editors_said_last_by_hand_of_what_was_predicted_then(
    engine: Engine, model: ModelRecord
) -> None:
    ann, movies = editor(engine), tagged(engine, model, 4)
    press(engine, ann, movies[0], "Comedy", "rejected")
    press(engine, ann, movies[0], "Comedy", "accepted")
    press(engine, ann, movies[1], "Comedy", "rejected")
    press(engine, ann, movies[1], "Drama", "rejected")
    press(engine, ann, movies[2], "Comedy", "rejected")
    undone(engine, ann)
    press(engine, ann, movies[2], "War", "accepted")  # of which the model knows nothing
    with transaction(engine) as connection:
        run = start(connection, ann, Filter(state=None), genre_id(engine, "Action"), "rejected")
    step(engine, run)
    said = [Agreement("Comedy", 2, 1), Agreement("Drama", 1, 1)]
    assert read(engine).agreement == said
    retag(engine, champion_model(engine, "m-2"), {"Comedy": (0.1, "rejected")})
    assert read(engine).agreement == said


def test_audits_models_and_runs(engine: Engine) -> None:
    first = champion_model(engine, "m-1")
    tagged(engine, first, 2, {"Action": (0.99, "accepted")}, audit_share=1.0)
    second = champion_model(engine, "m-2")
    tagged(engine, second, 1)
    ann = editor(engine)
    enter(engine, ann, 1)
    enter(engine, ann, 2, {"Action": False})
    with transaction(engine) as connection:
        run = start(connection, ann, Filter(), genre_id(engine, "Comedy"), "accepted")
    seen = read(engine)
    assert [(p.genre, p.right, p.n, p.precision) for p in seen.precision] == [
        (None, 1, 2, 0.5),
        ("Action", 1, 2, 0.5),
    ]
    assert (seen.precision[0].lower, seen.precision[0].upper) == (
        pytest.approx(0.0126, abs=1e-4),
        pytest.approx(0.9874, abs=1e-4),
    )
    assert [(m.version, m.champion, m.movies, m.reason) for m in seen.models] == [
        ("m-2", True, 1, "a test"),
        ("m-1", False, 2, "a test"),
    ]
    assert [(r.id, r.genre, r.finished) for r in seen.runs] == [(run, "Comedy", False)]


LARGE = {
    "movie",
    "content",
    "prediction",
    "prediction_log",
    "timeline",
    "review",
    "decision",
    "label",
    "action",
}
STATEMENTS = {
    "throughput": (dashboard.THROUGHPUT, {"minutes": 60}),
    "latency": (dashboard.LATENCY, {"newest": 1000}),
    "queue": (dashboard.QUEUE, {}),
    "quarantine": (dashboard.QUARANTINE, {"limit": 50}),
    "agreement": (dashboard.AGREEMENT, {"actions": 1000}),
    "coverage": (dashboard.COVERAGE, {}),
    "models": (dashboard.MODELS, {"champion": 1}),
    "precision": (audit.ANSWERED, {"model_id": None}),
    "runs": (bulk_runs.NEWEST, {"limit": 10}),
    "editors": (editors.LIST, {}),
}


@pytest.mark.parametrize(("statement", "values"), STATEMENTS.values(), ids=list(STATEMENTS))
def test_no_statement_reads_a_large_table_from_end_to_end(
    engine: Engine, model: ModelRecord, statement: TextClause, values: dict[str, Any]
) -> None:
    tagged(engine, model, 5)
    with engine.connect() as connection:
        # A small table is read whole by choice.
        connection.execute(text("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off"))
        explained = connection.execute(text("EXPLAIN (FORMAT JSON) " + statement.text), values)
        plan = explained.scalar_one()[0]["Plan"]
    whole = {n["Relation Name"] for n in nodes(plan) if n["Node Type"] == "Seq Scan"}
    assert whole.isdisjoint(LARGE)
    unbounded = [n for n in nodes(plan) if n.get("Relation Name") == "review" and "Index Cond" not in n]
    assert unbounded == []


def test_the_measure_notices_a_statement_that_reads_all_predictions(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        careless = text(
            "EXPLAIN (FORMAT JSON) SELECT count(*) FROM marquee.prediction WHERE confidence > 0.5"
        )
        plan = connection.execute(careless).scalar_one()[0]["Plan"]
    assert {n.get("Relation Name") for n in nodes(plan) if n["Node Type"] == "Seq Scan"} == {"prediction"}
