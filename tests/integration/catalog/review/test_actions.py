"""What an editor does is logged, takes effect at once, and is refused where the movie is no more what he saw."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from sqlalchemy import Engine, text

from catalog.decisions import Verdicted, decide
from catalog.engine import transaction
from catalog.errors import DecisionConflictError, LeaseHeldError, MovieNotFoundError, UnknownGenreError
from catalog.ledger.enqueue import enqueue
from catalog.ledger.words import Priority
from catalog.people.editors import EditorRecord
from catalog.registry import ModelRecord
from catalog.review.actions import history, newest_action, skip, toggle
from catalog.review.filters import Filter
from catalog.review.leases import holder, take
from catalog.review.queue import next_movie
from tests.integration.catalog.test_deadlock import until_waiting
from tests.support.databases import engine_on
from tests.support.ledger import execute, insert, make_ready, scalar
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
    tagged,
    undone,
)

DECISIONS = """
SELECT d.movie_id, g.name, d.verdict, d.author, d.source, d.revision, d.model_id, d.confidence, d.action_id,
       d.replaces, d.id, a.kind, a.seconds, a.editor_id
FROM marquee.decision d JOIN marquee.genre g ON g.id = d.genre_id LEFT JOIN marquee.action a ON a.id = d.action_id
ORDER BY d.id
"""


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


def test_a_key_decides_a_genre_and_all_is_remembered(
    engine: Engine, movie: int, ann: EditorRecord, model: ModelRecord
) -> None:
    done = press(engine, ann, movie, "Comedy", "accepted")
    assert labels(engine) == {(movie, "Comedy"): (True, "ann")}
    d = execute(engine, DECISIONS)[0]
    assert (d.name, d.verdict, d.author, d.source, d.revision) == ("Comedy", "accepted", "ann", "editor", 1)
    assert (d.model_id, d.confidence, d.replaces) == (model.id, pytest.approx(0.55), None)
    assert (d.action_id, d.kind, d.seconds, d.editor_id) == (done.action_id, "toggle", 1.5, ann.id)
    found = {g.name: g for g in done.card.genres}
    assert (found["Comedy"].label, found["Comedy"].labelled_by, found["Comedy"].asks) == (True, "ann", False)
    assert queue_row(engine, movie) == ("done", [])
    assert done.card.seen == card(engine, movie).seen


def test_a_genre_that_the_model_is_sure_of_can_be_changed_and_given_back(
    engine: Engine, movie: int, ann: EditorRecord
) -> None:
    press(engine, ann, movie, "Action", "rejected")
    press(engine, ann, movie, "Western", "accepted")
    assert labels(engine) == {(movie, "Action"): (False, "ann"), (movie, "Western"): (True, "ann")}
    press(engine, ann, movie, "Action", "withdrawn")
    assert labels(engine) == {(movie, "Western"): (True, "ann")}
    last = execute(engine, DECISIONS)
    assert [d.replaces for d in last] == [None, None, last[0].id]
    assert press(engine, ann, movie, "Drama", "withdrawn").action_id is None
    assert len(execute(engine, DECISIONS)) == 3


def test_enter_decides_what_asks_and_lets_the_rest_stand(
    engine: Engine, movie: int, ann: EditorRecord
) -> None:
    with transaction(engine) as connection:
        assert take(connection, movie, ann.id, 90) is None
    done = enter(engine, ann, movie, {"Action": True, "Drama": False})
    assert labels(engine) == {(movie, "Comedy"): (True, "ann")}
    assert queue_row(engine, movie) == ("done", [])
    assert scalar(engine, "SELECT finished_at IS NOT NULL FROM marquee.review")
    assert scalar(engine, "SELECT count(*) FROM marquee.review_lease") == 0
    assert done.action_id is not None
    assert {d.action_id for d in execute(engine, DECISIONS)} == {done.action_id}


def test_enter_takes_the_editors_word(engine: Engine, movie: int, ann: EditorRecord) -> None:
    enter(engine, ann, movie, {"Comedy": False, "Action": False, "Western": True})
    assert labels(engine) == {
        (movie, "Comedy"): (False, "ann"),
        (movie, "Action"): (False, "ann"),
        (movie, "Western"): (True, "ann"),
    }


def test_enter_on_what_asks_nothing_is_an_action_too(
    engine: Engine, model: ModelRecord, ann: EditorRecord
) -> None:
    movie = tagged(engine, model, said={"Action": (0.99, "accepted")})[0]
    assert queue_row(engine, movie)[0] == "auto"
    assert enter(engine, ann, movie).action_id is not None
    assert queue_row(engine, movie)[0] == "done"
    assert labels(engine) == {}


def test_a_movie_of_which_nobody_knows_anything_can_be_decided(engine: Engine, ann: EditorRecord) -> None:
    movie = insert(engine, 1)[0]
    press(engine, ann, movie, "Drama", "accepted")
    assert labels(engine) == {(movie, "Drama"): (True, "ann")}
    enter(engine, ann, movie, {"War": True})
    assert len(labels(engine)) == 2


def test_a_skipped_movie_does_not_come_back_to_him_but_to_others(
    engine: Engine, movie: int, ann: EditorRecord, bob: EditorRecord
) -> None:
    with transaction(engine) as connection:
        assert next_movie(connection, ann.id, Filter()) == movie
    with transaction(engine) as connection:
        skip(connection, ann, movie, seconds=0.5)
    with transaction(engine) as connection:
        assert next_movie(connection, ann.id, Filter()) is None
    with transaction(engine) as connection:
        assert next_movie(connection, bob.id, Filter()) == movie
    with pytest.raises(MovieNotFoundError), transaction(engine) as connection:
        skip(connection, ann, 99)


def test_what_is_not_there_is_refused(engine: Engine, movie: int, ann: EditorRecord) -> None:
    with transaction(engine) as connection:
        for number in (0, 999, -1, 70_000, 2**70):
            with pytest.raises(UnknownGenreError):
                toggle(connection, ann, movie, number, "accepted", seen="1.none.1.0")
        with pytest.raises(MovieNotFoundError):
            toggle(connection, ann, 99, 1, "accepted", seen="1.none.1.0")
    assert scalar(engine, "SELECT count(*) FROM marquee.action") == 0


def test_another_who_has_the_movie_open_is_named_and_nothing_is_written(
    engine: Engine, movie: int, ann: EditorRecord, bob: EditorRecord
) -> None:
    with transaction(engine) as connection:
        take(connection, movie, bob.id, 90)
    for act in (lambda: press(engine, ann, movie, "Comedy", "accepted"), lambda: enter(engine, ann, movie)):
        with pytest.raises(LeaseHeldError, match="bob has movie") as raised:
            act()
        assert raised.value.holder == "bob"
    execute(engine, "UPDATE marquee.review_lease SET lease_until = now()")
    press(engine, ann, movie, "Comedy", "accepted")
    assert scalar(engine, "SELECT count(*) FROM marquee.action") == 1


def test_what_another_decided_meanwhile_is_a_conflict_that_says_so(
    engine: Engine, movie: int, ann: EditorRecord, bob: EditorRecord
) -> None:
    seen = card(engine, movie).seen
    press(engine, bob, movie, "Drama", "accepted")
    with pytest.raises(DecisionConflictError) as raised:
        press(engine, ann, movie, "Comedy", "accepted", seen=seen)
    assert [line.split(" at ")[0] for line in raised.value.difference] == ["bob accepted Drama"]
    assert raised.value.card == card(engine, movie)
    with pytest.raises(DecisionConflictError):
        enter(engine, ann, movie, seen=seen)
    assert labels(engine) == {(movie, "Drama"): (True, "bob")}
    assert scalar(engine, "SELECT count(*) FROM marquee.action") == 1
    press(engine, ann, movie, "Comedy", "accepted", seen=raised.value.card.seen)


def test_an_import_and_a_withdrawal_are_named_as_what_they_are(
    engine: Engine, movie: int, ann: EditorRecord, bob: EditorRecord
) -> None:
    seen = card(engine, movie).seen
    with transaction(engine) as connection:
        decide(connection, [Verdicted(movie, 1, "accepted")], author="imdb.csv", source="import")
    press(engine, bob, movie, "Action", "withdrawn")
    with pytest.raises(DecisionConflictError) as raised:
        enter(engine, ann, movie, seen=seen)
    assert [line.split(" at ")[0] for line in raised.value.difference] == [
        "The import imdb.csv accepted Action",
        "bob took back what was said of Action",
    ]


def test_his_own_keys_are_no_conflict_however_fast(engine: Engine, movie: int, ann: EditorRecord) -> None:
    seen = card(engine, movie).seen
    press(engine, ann, movie, "Comedy", "accepted", seen=seen)
    press(engine, ann, movie, "Drama", "accepted", seen=seen)
    enter(engine, ann, movie, seen=seen)
    assert set(labels(engine)) == {(movie, "Comedy"), (movie, "Drama")}


def test_a_movie_that_changed_meanwhile_shows_the_difference(
    engine: Engine, movie: int, ann: EditorRecord
) -> None:
    seen = card(engine, movie).seen
    change(engine, movie)
    with pytest.raises(DecisionConflictError, match="you saw revision 1, now it is 2"):
        enter(engine, ann, movie, seen=seen)
    seen = card(engine, movie).seen
    retag(engine, champion_model(engine, "m-2"))
    with pytest.raises(DecisionConflictError, match=r"you saw what m-1 says, now m-2 has spoken"):
        enter(engine, ann, movie, seen=seen)
    assert labels(engine) == {}


def test_another_text_of_the_same_revision_is_a_difference_and_a_change_of_what_nobody_sees_is_none(
    engine: Engine, movie: int, ann: EditorRecord
) -> None:
    seen = card(engine, movie).seen
    enqueue(engine, [movie], Priority.INTERACTIVE, refetch=True)
    make_ready(engine, [movie], plot="TMDB has another plot now")
    with pytest.raises(DecisionConflictError, match="changed, it was fetched again"):
        enter(engine, ann, movie, seen=seen)
    seen = card(engine, movie).seen
    execute(engine, "UPDATE marquee.movie SET imdb_id = 'tt0000001'")
    make_ready(engine, [movie], plot="TMDB has another plot now")
    assert card(engine, movie).seen != seen
    enter(engine, ann, movie, seen=seen)


def test_a_change_that_is_not_fetched_yet_is_no_difference_and_is_remembered_as_what_was_seen(
    engine: Engine, movie: int, ann: EditorRecord
) -> None:
    seen = card(engine, movie).seen
    execute(engine, "UPDATE marquee.movie SET title = 'new'")
    press(engine, ann, movie, "Comedy", "rejected", seen=seen)
    assert [d.revision for d in execute(engine, DECISIONS)] == [1]


@pytest.mark.parametrize(
    "seen", ["", "1.a.1", "a.b.c.d", "1.1.1.1.1", "-1.a.1.0", "1.a.1." + "9" * 30, "².a.².²", "\x00"]
)
def test_a_page_that_cannot_say_what_it_shows_is_out_of_date(
    engine: Engine, movie: int, ann: EditorRecord, seen: str
) -> None:
    with transaction(engine) as connection, pytest.raises(DecisionConflictError):
        toggle(connection, ann, movie, 1, "accepted", seen=seen)


def test_of_two_at_the_same_moment_one_decides_and_the_other_sees_the_difference(
    engine: Engine, movie: int, ann: EditorRecord, bob: EditorRecord
) -> None:
    seen = card(engine, movie).seen

    def act(who: EditorRecord) -> str:
        try:
            enter(engine, who, movie, seen=seen)
        except DecisionConflictError as error:
            return error.difference[0].split(" at ")[0]
        return "done"

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(act, (ann, bob)))
    assert said[1] == "done"
    assert said[0] in {"ann accepted Comedy", "bob accepted Comedy"}
    assert scalar(engine, "SELECT count(*) FROM marquee.decision") == 1


def test_many_keys_at_once_lose_nothing(
    engine: Engine, model: ModelRecord, ann: EditorRecord, bob: EditorRecord
) -> None:
    movies = tagged(engine, model, 4)
    seen = {m: card(engine, m).seen for m in movies}
    numbers = [genre_id(engine, name) for name in ("Action", "Comedy", "Drama", "War")]

    def act(key: tuple[EditorRecord, int, int]) -> None:
        who, movie, number = key
        with transaction(engine) as connection:
            toggle(connection, who, movie, number, "accepted", seen=seen[movie])

    keys = [(who, m, n) for who, own in ((ann, movies[:2]), (bob, movies[2:])) for m in own for n in numbers]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, keys))
    assert len(labels(engine)) == 16
    assert scalar(engine, "SELECT count(*) FROM marquee.action") == 16


def test_the_seconds_are_what_they_can_be(engine: Engine, movie: int, ann: EditorRecord) -> None:
    number, seen = genre_id(engine, "Comedy"), card(engine, movie).seen
    for seconds in (float("nan"), -1.0, float("inf"), 2.0, None):
        with transaction(engine) as connection:
            toggle(connection, ann, movie, number, "accepted", seen=seen, seconds=seconds)
    found = execute(engine, "SELECT seconds FROM marquee.action ORDER BY id")
    assert [r.seconds for r in found] == [None, None, 86_400.0, 2.0, None]


def test_the_history_names_what_was_done(
    engine: Engine, movie: int, ann: EditorRecord, bob: EditorRecord
) -> None:
    press(engine, ann, movie, "Comedy", "rejected")
    press(engine, bob, movie, "Drama", "accepted")
    with transaction(engine) as connection:
        skipped = skip(connection, ann, movie)
        found = history(connection, ann.id)
        assert newest_action(connection, ann.id) == skipped == found[0].action_id
        assert newest_action(connection, 99) == 0
        assert history(connection, ann.id, 1) == found[:1]
    assert [(d.kind, d.title, d.verdicts, d.undone) for d in found] == [
        ("skip", "movie 1", {}, False),
        ("toggle", "movie 1", {"Comedy": "rejected"}, False),
    ]


def test_a_decision_keeps_the_lease_and_enter_gives_it_back(
    engine: Engine, movie: int, ann: EditorRecord, bob: EditorRecord
) -> None:
    with transaction(engine) as connection:
        take(connection, movie, ann.id, 90)
    press(engine, ann, movie, "Comedy", "accepted")
    with transaction(engine) as connection:
        assert holder(connection, movie, bob.id) == "ann"
    enter(engine, ann, movie)
    with transaction(engine) as connection:
        assert holder(connection, movie, bob.id) is None


@pytest.mark.parametrize(
    "act",
    [
        lambda engine, who, movie: enter(engine, who, movie, {"Drama": True}),
        lambda engine, who, movie: undone(engine, who),
    ],
    ids=["enter", "undo"],
)
def test_whoever_deletes_the_movie_at_the_same_moment_is_never_held_up_for_good(
    engine: Engine, database_url: str, movie: int, ann: EditorRecord, act: Callable[..., object]
) -> None:
    enter(engine, ann, movie)
    with ThreadPoolExecutor(1) as pool, engine_on(database_url, name="editor") as other:
        with engine.begin() as writer:
            writer.execute(text("SET LOCAL lock_timeout = '10s'"))
            writer.execute(text("SELECT FROM marquee.tagging FOR UPDATE"))
            done = pool.submit(act, other, ann, movie)
            until_waiting(engine, "editor")
            writer.execute(text("DELETE FROM marquee.movie"))
        with suppress(MovieNotFoundError):
            assert done.result(timeout=30)
    assert scalar(engine, "SELECT count(*) FROM marquee.review") == 0
