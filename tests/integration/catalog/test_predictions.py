"""Write-back: the newest prediction of each genre, every earlier one, and the way from each to its model."""

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from catalog.engine import transaction
from catalog.errors import UnknownGenreError
from catalog.ledger.enqueue import enqueue
from catalog.ledger.tagging import claim_ready, finish_tagging
from catalog.ledger.words import Priority
from catalog.predictions import MoviePrediction
from catalog.registry import ModelRecord, champion, register
from tests.support.ledger import effects, events, execute, insert, make_ready, row, scalar
from tests.support.listening import notifications
from tests.support.models import champion_model, same_for_all

JOIN = """
SELECT l.movie_id, l.revision, l.content_sha256, m.sha256, m.data_sha256, m.manifest, m.version,
       (SELECT array_agg(g.name ORDER BY g.id) FROM marquee.genre g WHERE g.id = ANY(l.genre_ids)) AS genres
FROM marquee.prediction_log l JOIN marquee.model m ON m.id = l.model_id ORDER BY l.id
"""
NEWEST = """
SELECT g.name, p.confidence, m.version FROM marquee.prediction p
JOIN marquee.genre g ON g.id = p.genre_id JOIN marquee.model m ON m.id = p.model_id
WHERE p.movie_id = :id ORDER BY g.name
"""


def tag(engine: Engine, model: ModelRecord, confidence: float = 0.9) -> None:
    with transaction(engine) as connection:
        jobs = claim_ready(connection, 5, 100, 60)
        finish_tagging(connection, 5, model, same_for_all(jobs, model, confidence), 0.2)


def test_a_tagged_movie_has_a_prediction_for_every_genre_and_a_finished_ledger_row(engine: Engine) -> None:
    model = champion_model(engine)
    make_ready(engine, insert(engine, 2))
    with notifications(engine, "marquee_tagged") as heard:
        tag(engine, model)
        assert heard() == 1
    now = row(engine, 1)
    assert (now.state, now.owner, now.lease_until) == ("tagged", None, None)
    assert (now.tagged_revision, now.tagged_model_id) == (1, model.id)
    assert now.tagged_sha256 == scalar(engine, "SELECT sha256 FROM marquee.content WHERE movie_id = 1")
    found = execute(engine, NEWEST, id=1)
    assert [(r.name, round(r.confidence, 2)) for r in found] == [
        ("Action", 0.9),
        ("Comedy", 0.25),
        ("Drama", 0.25),
    ]
    event, detail = events(engine, 1)[-1]
    assert (event, detail["genres"], detail["model"], detail["batch"]) == (
        "tagged",
        {"Action": 0.9},
        "m-1",
        2,
    )


def test_history_is_kept(engine: Engine) -> None:
    first = champion_model(engine, "first")
    make_ready(engine, insert(engine, 1))
    tag(engine, first, 0.9)
    second = champion_model(engine, "second")
    enqueue(engine, [1], Priority.RETAG)
    tag(engine, second, 0.6)
    assert effects(engine) == {1: 2}
    logged = execute(engine, "SELECT confidences FROM marquee.prediction_log ORDER BY id")
    assert [round(r.confidences[0], 2) for r in logged] == [0.9, 0.6]
    assert {(round(r.confidence, 2), r.version) for r in execute(engine, NEWEST, id=1)} == {
        (0.6, "second"),
        (0.25, "second"),
    }


def test_a_model_with_other_genres_forgets_those_that_it_does_not_know(engine: Engine) -> None:
    make_ready(engine, insert(engine, 2))
    tag(engine, champion_model(engine, "first"))
    enqueue(engine, [1], Priority.RETAG)
    tag(engine, champion_model(engine, "second", ["War", "Drama"]))
    assert [r.name for r in execute(engine, NEWEST, id=1)] == ["Drama", "War"]
    assert [r.name for r in execute(engine, NEWEST, id=2)] == ["Action", "Comedy", "Drama"]
    assert [r.genres for r in execute(engine, JOIN) if r.movie_id == 1] == [
        ["Action", "Comedy", "Drama"],
        ["Drama", "War"],
    ]


def test_every_prediction_joins_to_its_weights_data_and_thresholds(engine: Engine) -> None:
    make_ready(engine, insert(engine, 3))
    tag(engine, champion_model(engine, "first"))
    enqueue(engine, [1], Priority.RETAG)
    tag(engine, champion_model(engine, "second"))
    found = execute(engine, JOIN)
    assert len(found) == scalar(engine, "SELECT count(*) FROM marquee.prediction_log") == 4
    assert [(r.sha256, r.data_sha256) for r in found] == [
        *[("sha256 of first", "data of first")] * 3,
        ("sha256 of second", "data of second"),
    ]
    assert all(r.manifest["genres"] and r.content_sha256 for r in found)
    for query in ("DELETE FROM marquee.model", "UPDATE marquee.model SET id = id + 100"):
        with pytest.raises(IntegrityError):
            execute(engine, query)


@pytest.mark.parametrize("confidence", [float("nan"), -0.1, 1.1])
def test_what_is_no_probability_is_refused_and_nothing_of_the_batch_is_written(
    engine: Engine, confidence: float
) -> None:
    model = champion_model(engine)
    make_ready(engine, insert(engine, 2))
    with transaction(engine) as connection:
        jobs = claim_ready(connection, 5, 2, 60)
    results = same_for_all(jobs, model)
    results[1] = (jobs[1], MoviePrediction([confidence] * 3, [False] * 3, ["review"] * 3))
    with pytest.raises(IntegrityError), transaction(engine) as connection:
        finish_tagging(connection, 5, model, results, 0.1)
    assert effects(engine) == {}
    assert row(engine, 1).state == "tagging"


def test_a_model_with_a_genre_that_the_catalog_lacks_is_refused(engine: Engine) -> None:
    with pytest.raises(UnknownGenreError, match=r"'Noir', 'Talkie'.*Add it to marquee.genre"):
        champion_model(engine, "m", ["Talkie", "Drama", "Noir"])
    with transaction(engine) as connection:
        assert champion(connection) is None


def test_a_model_registered_again_keeps_its_id_and_takes_the_new_place(engine: Engine) -> None:
    model = champion_model(engine)
    with transaction(engine) as connection:
        again = register(
            connection,
            version=model.version,
            sha256=model.sha256,
            uri="/elsewhere",
            manifest={"genres": list(model.genres)},
        )
        now = champion(connection)
    assert now is not None
    assert (again, now.uri) == (model.id, "/elsewhere")
