"""Audits: an editor who looks answers them unawares; what they say of the precision is neither more nor less."""

import pytest
from scipy.stats import binomtest
from sqlalchemy import Engine

from catalog.decisions import Verdicted, decide
from catalog.engine import transaction
from catalog.people.editors import EditorRecord
from catalog.registry import ModelRecord
from catalog.review.audit import measured, precision
from tests.support.ledger import execute
from tests.support.models import champion_model
from tests.support.review import change, editor, enter, genre_id, press, queue_row, tag, tagged, undone

SURE = {"Action": (0.97, "accepted")}


@pytest.fixture
def model(engine: Engine) -> ModelRecord:
    return champion_model(engine)


@pytest.fixture
def ann(engine: Engine) -> EditorRecord:
    return editor(engine)


@pytest.fixture
def movie(engine: Engine, model: ModelRecord) -> int:
    """A movie of which the model is sure, drawn for an audit."""
    return tagged(engine, model, said=SURE, audit_share=1.0)[0]


def answers(engine: Engine) -> list[bool | None]:
    found = execute(engine, "SELECT decision_id, holds FROM marquee.audit ORDER BY id")
    assert all((r.decision_id is None) == (r.holds is None) for r in found)
    return [r.holds for r in found]


def measure(engine: Engine, model_id: int | None = None) -> list[tuple[str | None, int, int]]:
    with transaction(engine) as connection:
        return [(p.genre, p.right, p.n) for p in precision(connection, model_id)]


def test_whoever_looks_at_the_movie_answers_its_audit(
    engine: Engine, movie: int, ann: EditorRecord, model: ModelRecord
) -> None:
    assert queue_row(engine, movie) == ("open", ["Action"])
    assert measure(engine) == [(None, 0, 0)]
    enter(engine, ann, movie)
    assert answers(engine) == [True]
    assert measure(engine) == [(None, 1, 1), ("Action", 1, 1)]
    assert measure(engine, model.id + 1) == [(None, 0, 0)]


def test_the_newest_word_is_the_answer_and_a_withdrawn_one_is_none(
    engine: Engine, movie: int, ann: EditorRecord
) -> None:
    press(engine, ann, movie, "Action", "accepted")
    press(engine, ann, movie, "Action", "rejected")
    assert answers(engine) == [False]
    press(engine, ann, movie, "Action", "withdrawn")
    assert answers(engine) == [None]
    assert queue_row(engine, movie) == ("open", ["Action"])
    seen = []
    while undone(engine, ann):
        seen.append(answers(engine))
    assert seen == [[False], [True], [None]]
    assert queue_row(engine, movie) == ("open", ["Action"])


def test_another_genre_answers_nothing(engine: Engine, movie: int, ann: EditorRecord) -> None:
    press(engine, ann, movie, "Drama", "accepted")
    assert answers(engine) == [None]


def test_an_import_answers_nothing(engine: Engine, movie: int) -> None:
    with transaction(engine) as connection:
        said = [Verdicted(movie, genre_id(engine, "Action"), "rejected")]
        decide(connection, said, author="a file", source="import")
    assert answers(engine) == [None]


def test_an_undo_back_to_a_word_from_before_the_draw_opens_the_audit(
    engine: Engine, model: ModelRecord, ann: EditorRecord
) -> None:
    movie = tagged(engine, model, said=SURE)[0]
    press(engine, ann, movie, "Action", "accepted")
    execute(
        engine,
        "INSERT INTO marquee.audit (movie_id, genre_id, model_id, revision, confidence) "
        "VALUES (:movie, :genre, :model, 1, 0.97)",
        movie=movie,
        genre=genre_id(engine, "Action"),
        model=model.id,
    )
    press(engine, ann, movie, "Action", "rejected")
    assert answers(engine) == [False]
    undone(engine, ann)
    assert answers(engine) == [None]


def test_a_word_on_a_movie_that_changed_after_the_draw_is_no_answer(
    engine: Engine, movie: int, ann: EditorRecord
) -> None:
    change(engine, movie)
    tag(engine, champion_model(engine, "m-2"), SURE)
    press(engine, ann, movie, "Action", "rejected")
    assert answers(engine) == []  # it was superseded, and nobody had answered it


def test_an_answer_stays_when_the_movie_is_tagged_again(
    engine: Engine, movie: int, ann: EditorRecord
) -> None:
    press(engine, ann, movie, "Action", "rejected")
    change(engine, movie)
    tag(engine, champion_model(engine, "m-2"), SURE)
    press(engine, ann, movie, "Action", "accepted")
    assert answers(engine) == [False]


@pytest.mark.parametrize(("right", "n"), [(0, 1), (1, 1), (9, 10), (0, 50), (50, 50), (487, 500)])
def test_the_interval_is_that_of_clopper_and_pearson(right: int, n: int) -> None:
    found = measured("Action", right, n)
    exact = binomtest(right, n).proportion_ci(0.95, method="exact")
    assert (found.lower, found.upper) == (pytest.approx(exact.low), pytest.approx(exact.high))
    assert found.precision == right / n


def test_of_no_audit_nothing_is_known() -> None:
    found = measured(None, 0, 0)
    assert (found.precision, found.lower, found.upper) == (None, 0.0, 1.0)
