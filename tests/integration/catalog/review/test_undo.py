"""Undo walks back over what an editor did, without limit, and leaves alone what others have changed since."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from catalog.decisions import Verdicted, decide
from catalog.engine import transaction
from catalog.people.editors import EditorRecord
from catalog.registry import ModelRecord
from catalog.review.actions import Undone, history, skip, undo
from catalog.review.filters import Filter
from catalog.review.leases import holder, take
from catalog.review.queue import next_movie
from tests.support.ledger import execute, scalar
from tests.support.models import champion_model
from tests.support.review import (
    card,
    change,
    editor,
    enter,
    genre_id,
    labels,
    press,
    queue_row,
    retag,
    tag,
    tagged,
    undone,
)

FINISHED = "SELECT finished_at FROM marquee.review WHERE movie_id = :id"


@pytest.fixture
def model(engine: Engine) -> ModelRecord:
    return champion_model(engine)


@pytest.fixture
def movie(engine: Engine, model: ModelRecord) -> int:
    return tagged(engine, model)[0]


@pytest.fixture
def ann(engine: Engine) -> EditorRecord:
    return editor(engine)


@pytest.fixture
def bob(engine: Engine) -> EditorRecord:
    return editor(engine, "bob")


def undo_all(engine: Engine, who: EditorRecord) -> list[Undone]:
    found = []
    while (last := undone(engine, who)) is not None:
        found.append(last)
    return found


def test_nothing_to_undo(engine: Engine, ann: EditorRecord) -> None:
    assert undone(engine, ann) is None


def test_each_undo_takes_back_one_action_and_the_log_only_grows(
    engine: Engine, movie: int, ann: EditorRecord
) -> None:
    press(engine, ann, movie, "Comedy", "accepted")
    press(engine, ann, movie, "Comedy", "rejected")
    press(engine, ann, movie, "Comedy", "withdrawn")
    press(engine, ann, movie, "Comedy", "accepted")
    stood = []
    for _ in range(4):
        done = undone(engine, ann)
        assert done is not None
        assert (done.kind, done.movie_id, done.restored, done.kept) == ("toggle", movie, 1, 0)
        stood.append(labels(engine))
    comedy = (movie, "Comedy")
    assert stood == [{}, {comedy: (False, "ann")}, {comedy: (True, "ann")}, {}]
    assert undone(engine, ann) is None
    logged = execute(engine, "SELECT verdict FROM marquee.decision ORDER BY id")
    assert [r.verdict for r in logged] == [
        "accepted", "rejected", "withdrawn", "accepted", "withdrawn", "rejected", "accepted", "withdrawn",
    ]  # fmt: skip
    assert queue_row(engine, movie) == ("open", ["Comedy"])


def test_undo_goes_on_over_new_actions_and_across_days(
    engine: Engine, model: ModelRecord, ann: EditorRecord
) -> None:
    first, second = tagged(engine, model, 2)
    press(engine, ann, first, "Drama", "accepted")
    press(engine, ann, first, "War", "accepted")
    undone(engine, ann)
    press(engine, ann, second, "Drama", "accepted")
    assert [u.movie_id for u in undo_all(engine, ann)] == [second, first]
    assert labels(engine) == {}
    with transaction(engine) as connection:
        assert all(d.undone for d in history(connection, ann.id))


def test_undo_of_enter_opens_the_movie_for_the_editor_again(
    engine: Engine, movie: int, ann: EditorRecord, bob: EditorRecord
) -> None:
    enter(engine, ann, movie, {"Drama": True})
    assert queue_row(engine, movie) == ("done", [])
    done = undone(engine, ann)
    assert done is not None
    assert (done.kind, done.restored, done.holder) == ("finish", 2, None)
    assert (queue_row(engine, movie), labels(engine)) == (("open", ["Comedy"]), {})
    assert scalar(engine, FINISHED, id=movie) is None
    with transaction(engine) as connection:
        assert holder(connection, movie, bob.id) == "ann"
    seen = card(engine, movie)
    assert [g.name for g in seen.genres if g.asks] == ["Comedy"]


def test_undo_of_enter_that_decided_nothing(engine: Engine, model: ModelRecord, ann: EditorRecord) -> None:
    movie = tagged(engine, model, said={"Action": (0.99, "accepted")})[0]
    enter(engine, ann, movie)
    undone(engine, ann)
    assert queue_row(engine, movie) == ("auto", [])


def test_undo_of_the_second_enter_leaves_the_first(
    engine: Engine, movie: int, ann: EditorRecord, bob: EditorRecord
) -> None:
    enter(engine, bob, movie)
    first = scalar(engine, FINISHED, id=movie)
    enter(engine, ann, movie)
    undone(engine, ann)
    assert scalar(engine, FINISHED, id=movie) == first
    undone(engine, bob)
    assert scalar(engine, FINISHED, id=movie) is None


def test_undo_of_the_first_enter_leaves_the_second_and_is_not_forgotten(
    engine: Engine, movie: int, ann: EditorRecord, bob: EditorRecord
) -> None:
    enter(engine, bob, movie)
    enter(engine, ann, movie)
    second = scalar(engine, FINISHED, id=movie)
    undone(engine, bob)
    assert scalar(engine, FINISHED, id=movie) == second
    undone(engine, ann)
    assert scalar(engine, FINISHED, id=movie) is None
    assert queue_row(engine, movie) == ("open", ["Comedy"])


def test_undo_of_skip_brings_the_movie_back(engine: Engine, movie: int, ann: EditorRecord) -> None:
    with transaction(engine) as connection:
        skip(connection, ann, movie, for_seconds=1000)
    until = scalar(engine, "SELECT until FROM marquee.review_skip")
    with transaction(engine) as connection:
        skip(connection, ann, movie)
    done = undone(engine, ann)
    assert done is not None
    assert (done.kind, done.movie_id, done.restored) == ("skip", movie, 0)
    assert scalar(engine, "SELECT until FROM marquee.review_skip") == until
    undone(engine, ann)
    assert execute(engine, "SELECT FROM marquee.review_skip") == []
    with transaction(engine) as connection:
        assert next_movie(connection, ann.id, Filter()) == movie


def test_what_another_has_changed_since_is_kept(
    engine: Engine, movie: int, ann: EditorRecord, bob: EditorRecord
) -> None:
    enter(engine, ann, movie, {"Comedy": True, "Drama": True})
    press(engine, bob, movie, "Drama", "rejected")
    done = undone(engine, ann)
    assert done is not None
    assert (done.restored, done.kept) == (1, 1)
    assert labels(engine) == {(movie, "Drama"): (False, "bob")}


def test_a_label_never_goes_back_to_what_its_author_has_undone(
    engine: Engine, movie: int, ann: EditorRecord, bob: EditorRecord
) -> None:
    press(engine, ann, movie, "Drama", "accepted")
    press(engine, bob, movie, "Drama", "rejected")
    assert undone(engine, ann).kept == 1  # type: ignore[union-attr]
    undone(engine, bob)
    assert labels(engine) == {}


def test_the_label_goes_back_to_the_very_decision_that_it_stood_on(
    engine: Engine, movie: int, ann: EditorRecord, bob: EditorRecord
) -> None:
    with transaction(engine) as connection:
        drama, war = genre_id(engine, "Drama"), genre_id(engine, "War")
        decide(connection, [Verdicted(movie, drama, "accepted")], author="imdb.csv", source="import")
        decide(connection, [Verdicted(movie, war, "accepted")], author="bob", source="editor")
    before = execute(engine, "SELECT * FROM marquee.label ORDER BY genre_id")
    state = queue_row(engine, movie)
    press(engine, ann, movie, "Drama", "rejected")
    press(engine, ann, movie, "War", "withdrawn")
    undo_all(engine, ann)
    assert execute(engine, "SELECT * FROM marquee.label ORDER BY genre_id") == before
    assert queue_row(engine, movie) == state
    assert labels(engine)[movie, "Drama"] == (True, "imdb.csv")


def test_undo_while_another_has_the_movie_open_is_done_and_says_who(
    engine: Engine, movie: int, ann: EditorRecord, bob: EditorRecord
) -> None:
    press(engine, ann, movie, "Drama", "accepted")
    with transaction(engine) as connection:
        take(connection, movie, bob.id, 90)
    done = undone(engine, ann)
    assert done is not None
    assert (done.restored, done.holder) == (1, "bob")


def test_undo_on_a_movie_that_is_gone(engine: Engine, model: ModelRecord, ann: EditorRecord) -> None:
    first, second = tagged(engine, model, 2)
    press(engine, ann, second, "Drama", "accepted")
    enter(engine, ann, first)
    with transaction(engine) as connection:
        skip(connection, ann, first)
    execute(engine, "DELETE FROM marquee.movie WHERE id = :id", id=first)
    found = undo_all(engine, ann)
    assert [(u.kind, u.movie_id, u.restored, u.kept) for u in found] == [
        ("skip", first, 0, 0),
        ("finish", first, 0, 1),
        ("toggle", second, 1, 0),
    ]


def test_undo_after_the_movie_was_tagged_again(engine: Engine, movie: int, ann: EditorRecord) -> None:
    enter(engine, ann, movie)
    change(engine, movie)
    tag(engine, champion_model(engine, "m-2"), {"Comedy": (0.99, "accepted"), "Drama": (0.5, "review")})
    assert queue_row(engine, movie) == ("done", [])
    undone(engine, ann)
    assert queue_row(engine, movie) == ("open", ["Drama"])


def test_undo_brings_a_dispute_back(engine: Engine, movie: int, ann: EditorRecord) -> None:
    enter(engine, ann, movie, {"Comedy": False})
    retag(engine, champion_model(engine, "m-2"), {"Comedy": (0.99, "accepted")})
    assert queue_row(engine, movie) == ("open", ["Comedy"])
    enter(engine, ann, movie)
    assert queue_row(engine, movie) == ("done", [])
    undone(engine, ann)
    assert queue_row(engine, movie) == ("open", ["Comedy"])
    assert labels(engine) == {(movie, "Comedy"): (False, "ann")}


def test_an_older_action_alone_can_be_undone(
    engine: Engine, movie: int, ann: EditorRecord, bob: EditorRecord
) -> None:
    old = press(engine, ann, movie, "Drama", "accepted").action_id
    over = press(engine, ann, movie, "Comedy", "rejected").action_id
    press(engine, ann, movie, "Comedy", "accepted")
    for who, action_id, found in ((bob, old, None), (ann, old, 1), (ann, old, None), (ann, over, 0)):
        with transaction(engine) as connection:
            done = undo(connection, who, only=action_id)
        assert (done and done.restored) == found
    assert labels(engine) == {(movie, "Comedy"): (True, "ann")}
    undone(engine, ann)
    assert labels(engine) == {}
    assert undone(engine, ann) is None


def test_of_many_undos_at_once_each_takes_back_another(
    engine: Engine, model: ModelRecord, ann: EditorRecord
) -> None:
    movies = tagged(engine, model, 6)
    for movie in movies:
        press(engine, ann, movie, "Drama", "accepted")
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: undone(engine, ann), range(8)))
    assert sorted(u.movie_id or 0 for u in found if u) == movies
    assert found.count(None) == 2
    assert labels(engine) == {}


def test_undo_and_a_decision_of_another_at_the_same_moment_lose_nothing(
    engine: Engine, model: ModelRecord, ann: EditorRecord, bob: EditorRecord
) -> None:
    movies = tagged(engine, model, 8)
    for movie in movies:
        press(engine, ann, movie, "Drama", "accepted")

    def bobs(movie: int) -> None:
        with transaction(engine) as connection:
            said = [Verdicted(movie, genre_id(engine, "Drama"), "rejected")]
            decide(connection, said, author="bob", source="editor")

    with ThreadPoolExecutor(4) as pool:
        decisions = [pool.submit(bobs, m) for m in movies]
        undos = [pool.submit(undone, engine, ann) for _ in movies]
        for work in (*decisions, *undos):
            work.result(timeout=60)
    assert labels(engine) == {(m, "Drama"): (False, "bob") for m in movies}
