"""Decisions: what people say becomes the label and shows in the view, and no model changes it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from catalog.decisions import Verdict, Verdicted, decide
from catalog.engine import transaction
from catalog.ledger.enqueue import enqueue
from catalog.ledger.tagging import claim_ready, finish_tagging
from catalog.ledger.words import Priority
from catalog.registry import ModelRecord, genre_ids
from tests.integration.catalog.test_deadlock import until_waiting
from tests.support.databases import engine_on
from tests.support.ledger import execute, insert, make_ready
from tests.support.models import champion_model, same_for_all

VIEW = "SELECT * FROM marquee.movie_genres WHERE movie_id = :id ORDER BY genre"


def tag(engine: Engine, model: ModelRecord, confidence: float = 0.9) -> None:
    with transaction(engine) as connection:
        jobs = claim_ready(connection, 5, 100, 60)
        finish_tagging(connection, 5, model, same_for_all(jobs, model, confidence), 0.2)


def say(engine: Engine, *verdicts: tuple[int, str, Verdict], author: str = "ann") -> int:
    with transaction(engine) as connection:
        said = [Verdicted(m, genre_ids(connection, (genre,))[0], v) for m, genre, v in verdicts]
        return decide(connection, said, author=author, source="editor")


def view(engine: Engine, movie_id: int = 1) -> list[tuple[str, float | None, str, str | None, str]]:
    return [
        (
            r.genre,
            None if r.confidence is None else round(r.confidence, 2),
            r.source,
            r.model_version,
            r.decision,
        )
        for r in execute(engine, VIEW, id=movie_id)
    ]


def labels(engine: Engine) -> dict[tuple[int, str], bool]:
    found = execute(
        engine, "SELECT movie_id, name, holds FROM marquee.label JOIN marquee.genre g ON g.id = genre_id"
    )
    return {(r.movie_id, r.name): r.holds for r in found}


@pytest.fixture
def model(engine: Engine) -> ModelRecord:
    """The champion; movies 1 and 2 are tagged by it as Action."""
    champion = champion_model(engine)
    make_ready(engine, insert(engine, 2))
    tag(engine, champion)
    return champion


def test_the_view_shows_the_models_genres(engine: Engine, model: ModelRecord) -> None:
    assert view(engine) == [("Action", 0.9, "model", "m-1", "accepted")]


def test_the_editor_stands_over_the_model(engine: Engine, model: ModelRecord) -> None:
    assert say(engine, (1, "Action", "rejected"), (1, "Drama", "accepted"), (1, "Western", "accepted")) == 3
    assert view(engine) == [
        ("Drama", 0.25, "editor", "m-1", "accepted"),
        ("Western", None, "editor", None, "accepted"),
    ]
    assert view(engine, 2) == [("Action", 0.9, "model", "m-1", "accepted")]


def test_a_decision_remembers_what_stood_when_it_was_said(engine: Engine, model: ModelRecord) -> None:
    say(engine, (1, "Action", "accepted"), (1, "Western", "accepted"))
    found = execute(
        engine,
        "SELECT revision, model_id, confidence, author, source, verdict FROM marquee.decision ORDER BY id",
    )
    assert [(r.revision, r.model_id, r.author, r.source) for r in found] == [
        (1, model.id, "ann", "editor"),
        (1, None, "ann", "editor"),
    ]
    assert found[0].confidence == pytest.approx(0.9)


def test_a_withdrawn_decision_gives_the_genre_back_to_the_model(engine: Engine, model: ModelRecord) -> None:
    say(engine, (1, "Action", "rejected"))
    assert view(engine) == []
    say(engine, (1, "Action", "withdrawn"), (1, "Drama", "withdrawn"))
    assert labels(engine) == {}
    assert view(engine) == [("Action", 0.9, "model", "m-1", "accepted")]
    assert len(execute(engine, "SELECT FROM marquee.decision")) == 3


def test_of_two_verdicts_the_later_holds(engine: Engine, model: ModelRecord) -> None:
    say(
        engine,
        (1, "Drama", "rejected"),
        (1, "Drama", "accepted"),
        (2, "Drama", "accepted"),
        (2, "Drama", "rejected"),
    )
    assert labels(engine) == {(1, "Drama"): True, (2, "Drama"): False}
    say(engine, (1, "Drama", "rejected"), author="bob")
    assert labels(engine) == {(1, "Drama"): False, (2, "Drama"): False}


def test_a_verdict_on_no_movie_is_passed_over(engine: Engine, model: ModelRecord) -> None:
    assert say(engine, (99, "Drama", "accepted"), (1, "Drama", "accepted")) == 1
    assert say(engine) == 0


def test_no_model_changes_a_label(engine: Engine, model: ModelRecord) -> None:
    say(engine, (1, "Action", "rejected"), (1, "Drama", "accepted"))
    before = execute(engine, "SELECT * FROM marquee.label ORDER BY genre_id")
    enqueue(engine, [1, 2], Priority.RETAG)
    tag(engine, champion_model(engine, "m-2", ["War", "Action"]), 0.99)
    assert execute(engine, "SELECT * FROM marquee.label ORDER BY genre_id") == before
    assert view(engine) == [
        ("Drama", None, "editor", None, "accepted"),
        ("War", 0.99, "model", "m-2", "accepted"),
    ]


def test_a_change_of_the_movie_keeps_its_labels(engine: Engine, model: ModelRecord) -> None:
    say(engine, (1, "Drama", "accepted"))
    execute(engine, "UPDATE marquee.movie SET title = 'new'")
    assert labels(engine) == {(1, "Drama"): True}


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO marquee.movie_genres (movie_id, genre) VALUES (1, 'Drama')",
        "UPDATE marquee.movie_genres SET genre = 'Drama'",
        "DELETE FROM marquee.movie_genres",
    ],
)
def test_the_view_is_read_only(engine: Engine, model: ModelRecord, statement: str) -> None:
    with pytest.raises(DBAPIError, match=r"cannot (insert into|update|delete from) view"):
        execute(engine, statement)


def test_of_two_people_at_the_same_moment_the_later_in_the_log_holds(
    engine: Engine, database_url: str, model: ModelRecord
) -> None:
    with ThreadPoolExecutor(1) as pool, engine_on(database_url, name="bob") as other:
        with transaction(engine) as connection:
            action = genre_ids(connection, ("Action",))[0]
            decide(connection, [Verdicted(1, action, "accepted")], author="ann", source="editor")
            said = pool.submit(say, other, (1, "Action", "withdrawn"), author="bob")
            until_waiting(engine, "bob")
        assert said.result(timeout=30) == 1
    assert labels(engine) == {}


def test_a_decision_waits_for_no_worker(engine: Engine, model: ModelRecord) -> None:
    execute(engine, "UPDATE marquee.tagging SET state = 'ready'")
    with engine.begin() as worker, engine.begin() as editor:
        assert len(claim_ready(worker, 5, 10, 60)) == 2
        editor.execute(text("SET LOCAL lock_timeout = '2s'"))
        decide(editor, [Verdicted(1, 1, "accepted")], author="ann", source="editor")


def test_a_decision_waits_for_whoever_deletes_the_movie(
    engine: Engine, database_url: str, model: ModelRecord
) -> None:
    with ThreadPoolExecutor(1) as pool, engine_on(database_url, name="editor") as other:
        with transaction(engine) as writer:
            writer.execute(text("DELETE FROM marquee.movie WHERE id = 1"))
            said = pool.submit(say, other, (1, "Action", "rejected"))
            until_waiting(engine, "editor")
        assert said.result(timeout=30) == 0
    assert labels(engine) == {}


def test_a_decision_remembers_what_the_label_stood_on(engine: Engine, model: ModelRecord) -> None:
    say(engine, (1, "Action", "rejected"))
    say(engine, (1, "Action", "accepted"), (1, "Drama", "accepted"), author="bob")
    say(engine, (1, "Action", "withdrawn"))
    say(engine, (1, "Action", "accepted"))
    found = execute(engine, "SELECT id, replaces FROM marquee.decision ORDER BY id")
    assert [(r.id, r.replaces) for r in found] == [(1, None), (2, 1), (3, None), (4, 2), (5, None)]


def test_an_import_speaks_of_the_movie_and_an_editor_of_what_was_shown(
    engine: Engine, model: ModelRecord
) -> None:
    execute(engine, "UPDATE marquee.movie SET title = 'new'")
    say(engine, (1, "Action", "accepted"))
    with transaction(engine) as connection:
        decide(connection, [Verdicted(1, 1, "accepted")], author="a file", source="import")
        decide(connection, [Verdicted(1, 1, "accepted")], author="ann", source="editor", revision=7)
    revisions = execute(engine, "SELECT revision FROM marquee.decision ORDER BY id")
    assert [r.revision for r in revisions] == [1, 2, 7]
