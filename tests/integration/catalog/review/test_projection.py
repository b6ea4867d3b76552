"""What follows for the queue from predictions, labels, audits and content."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, text

from catalog.decisions import Verdict, Verdicted, decide
from catalog.engine import transaction
from catalog.ledger.enqueue import enqueue
from catalog.ledger.tagging import claim_ready, finish_tagging
from catalog.ledger.words import Priority
from catalog.registry import ModelRecord
from catalog.review.project import project
from tests.integration.catalog.test_deadlock import until_waiting
from tests.support.databases import engine_on
from tests.support.ledger import execute, insert, make_ready, scalar
from tests.support.models import champion_model, same_for_all
from tests.support.review import (
    USUAL,
    Said,
    card,
    change,
    editor,
    enter,
    genre_id,
    press,
    queue_row,
    retag,
    tag,
    tagged,
)
from tests.support.review import says as prediction

SURE: dict[str, Said] = {
    "Action": (0.97, "accepted"),
    "Comedy": (0.03, "rejected"),
    "Drama": (0.02, "rejected"),
}


@pytest.fixture
def model(engine: Engine) -> ModelRecord:
    return champion_model(engine)


def review(engine: Engine, movie_id: int = 1) -> Any:
    return execute(engine, "SELECT * FROM marquee.review WHERE movie_id = :id", id=movie_id)[0]


def imported(engine: Engine, movie_id: int, genre: str, verdict: Verdict) -> None:
    said = [Verdicted(movie_id, genre_id(engine, genre), verdict)]
    with transaction(engine) as connection:
        decide(connection, said, author="a list", source="import")


def names(engine: Engine, movie_id: int = 1) -> set[str]:
    """The facets of the movie, genres and models by their names."""
    known = dict(execute(engine, "SELECT id::text, name FROM marquee.genre"))
    facets = set()
    for facet in review(engine, movie_id).facets:
        kind, _, value = facet.partition(":")
        facets.add(f"{kind}:{known[value]}" if kind in {"genre", "accepted", "review"} else facet)
    return facets


def audits(engine: Engine) -> list[Any]:
    return execute(engine, "SELECT * FROM marquee.audit ORDER BY movie_id, genre_id")


def test_a_doubtful_genre_asks(engine: Engine, model: ModelRecord) -> None:
    tagged(engine, model)
    assert queue_row(engine, 1) == ("open", ["Comedy"])


def test_a_sure_model_asks_nobody(engine: Engine, model: ModelRecord) -> None:
    tagged(engine, model, 1, SURE)
    assert queue_row(engine, 1) == ("auto", [])


def test_a_movie_that_no_model_has_tagged_is_not_in_the_queue(engine: Engine, model: ModelRecord) -> None:
    make_ready(engine, insert(engine, 1))
    imported(engine, 1, "Drama", "accepted")
    assert scalar(engine, "SELECT count(*) FROM marquee.review") == 0


def test_what_an_import_labelled_does_not_ask_and_is_no_editors_work(
    engine: Engine, model: ModelRecord
) -> None:
    make_ready(engine, insert(engine, 1))
    imported(engine, 1, "Comedy", "accepted")
    tag(engine, model)
    assert queue_row(engine, 1) == ("auto", [])


def test_an_import_that_the_model_contradicts_is_not_disputed(engine: Engine, model: ModelRecord) -> None:
    make_ready(engine, insert(engine, 1))
    imported(engine, 1, "Action", "rejected")
    tag(engine, model, SURE)
    assert queue_row(engine, 1) == ("auto", [])
    assert review(engine).disagreed_at is None


def test_a_decision_of_an_editor_makes_it_done_and_taking_it_back_opens_it(
    engine: Engine, model: ModelRecord
) -> None:
    tagged(engine, model)
    ann = editor(engine)
    press(engine, ann, 1, "Comedy", "rejected")
    assert queue_row(engine, 1) == ("done", [])
    press(engine, ann, 1, "Comedy", "withdrawn")
    assert queue_row(engine, 1) == ("open", ["Comedy"])


def test_who_contradicts_a_model_that_he_has_seen_is_not_asked_again(
    engine: Engine, model: ModelRecord
) -> None:
    tagged(engine, model, 1, SURE)
    press(engine, editor(engine), 1, "Action", "rejected")
    assert queue_row(engine, 1) == ("done", [])
    assert review(engine).disagreed_at is not None
    retag(engine, model, SURE)
    assert queue_row(engine, 1) == ("done", [])


def test_a_label_is_disputed_where_the_changed_movie_makes_the_model_sure_of_the_opposite(
    engine: Engine, model: ModelRecord
) -> None:
    tagged(engine, model)
    ann = editor(engine)
    press(engine, ann, 1, "Comedy", "accepted")
    change(engine, 1)
    tag(engine, model, SURE)
    assert queue_row(engine, 1) == ("open", ["Comedy"])
    assert "disputed" in review(engine).facets
    assert review(engine).disagreed_at is not None
    assert {g.name for g in card(engine, 1).genres if g.holds} == {"Action", "Comedy"}
    press(engine, ann, 1, "Comedy", "accepted")
    assert queue_row(engine, 1) == ("done", [])
    assert "disputed" not in review(engine).facets


@pytest.mark.parametrize(
    ("verdict", "said", "disputed"),
    [
        ("accepted", (0.02, "rejected"), True),
        ("rejected", (0.98, "accepted"), True),
        ("accepted", (0.98, "accepted"), False),
        ("rejected", (0.02, "rejected"), False),
        ("accepted", (0.45, "review"), False),
        ("rejected", (0.55, "review"), False),
    ],
)
def test_only_a_sure_model_that_says_the_opposite_disputes(
    engine: Engine, model: ModelRecord, verdict: Verdict, said: Said, disputed: bool
) -> None:
    tagged(engine, model)
    enter(engine, editor(engine), 1, {"Comedy": verdict == "accepted"})
    newer = champion_model(engine, "m-2")
    retag(engine, newer, USUAL | {"Comedy": said})
    assert queue_row(engine, 1) == (("open", ["Comedy"]) if disputed else ("done", []))
    assert ("disputed" in review(engine).facets) == disputed


def test_a_change_that_the_model_does_not_see_disputes_nothing(engine: Engine, model: ModelRecord) -> None:
    tagged(engine, model, 1, SURE)
    press(engine, editor(engine), 1, "Action", "rejected")
    before = review(engine)
    execute(engine, "UPDATE marquee.movie SET imdb_id = 'tt0000001'")
    make_ready(engine, [1])
    assert scalar(engine, "SELECT tagged_revision FROM marquee.tagging") == 2
    assert queue_row(engine, 1) == ("done", [])
    assert (review(engine).revision, review(engine).tagged_at > before.tagged_at) == (1, True)


def test_a_finished_movie_asks_only_for_what_is_disputed(engine: Engine, model: ModelRecord) -> None:
    tagged(engine, model, 1, SURE)
    enter(engine, editor(engine), 1)
    assert queue_row(engine, 1) == ("done", [])
    change(engine, 1)
    tag(engine, model)
    assert queue_row(engine, 1) == ("done", [])


def test_the_facets_say_all_that_a_filter_can_find(engine: Engine, model: ModelRecord) -> None:
    ids = insert(engine, 1, year=1987, language="fr")
    make_ready(
        engine, ids, year=1987, language="FR ", plot_source="tmdb", poster_hash="a" * 64, poster_source="tmdb"
    )
    tag(engine, model)
    assert names(engine) == {
        "genre:Action",
        "accepted:Action",
        "genre:Comedy",
        "review:Comedy",
        "year:1987",
        "decade:1980",
        "language:fr",
        "source:tmdb",
        f"model:{model.id}",
    }
    press(engine, editor(engine), 1, "Action", "rejected")
    press(engine, editor(engine, "bob"), 1, "Drama", "accepted")
    assert {f for f in names(engine) if f.startswith(("genre", "accepted"))} == {
        "genre:Comedy",
        "genre:Drama",
        "accepted:Action",
    }


def test_the_facets_say_what_is_missing(engine: Engine, model: ModelRecord) -> None:
    make_ready(engine, insert(engine, 1), plot=None, language="x" * 5000)
    tag(engine, model, SURE)
    assert names(engine) == {
        "genre:Action",
        "accepted:Action",
        "missing:plot",
        "missing:poster",
        "language:" + "x" * 40,
        f"model:{model.id}",
    }


def test_the_keys_of_the_orders(engine: Engine, model: ModelRecord) -> None:
    tagged(engine, model, 9, SURE)
    tagged(engine, model, 1, {"Drama": (0.3, "review"), "Comedy": (0.6, "review")})
    row = review(engine, 10)
    assert row.uncertainty == pytest.approx(0.8)
    # Drama is the rarer of the two that ask: 0.3 + 9 * 0.02 of ten movies.
    assert review(engine, 9).uncertainty == pytest.approx(0.06)
    tagged(engine, model, 1, {"Action": (0.5, "review")})
    assert review(engine, 11).rarity < row.rarity < 1


def test_an_audit_asks_like_any_doubtful_genre(engine: Engine, model: ModelRecord) -> None:
    tagged(engine, model, 1, SURE, audit_share=1.0)
    assert queue_row(engine, 1) == ("open", ["Action"])
    found = {g.name: g for g in card(engine, 1).genres}
    assert (found["Action"].asks, found["Action"].mark, found["Action"].decision) == (True, "you", "review")
    press(engine, editor(engine), 1, "Action", "accepted")
    assert queue_row(engine, 1) == ("done", [])
    assert [(a.holds, a.decision_id is not None) for a in audits(engine)] == [(True, True)]


def test_the_audited_share_is_about_what_was_asked_for(engine: Engine, model: ModelRecord) -> None:
    tagged(engine, model, 2000, SURE, audit_share=0.1)
    drawn = len(audits(engine))
    assert 120 < drawn < 290  # six standard deviations from 200
    open_movies = scalar(engine, "SELECT count(*) FROM marquee.review WHERE state = 'open'")
    assert open_movies == drawn


def test_audits_stand_anywhere_in_the_queue(engine: Engine, model: ModelRecord) -> None:
    tagged(engine, model, 200, SURE, audit_share=1.0)
    places = [r.uncertainty for r in execute(engine, "SELECT uncertainty FROM marquee.review")]
    assert min(places) < 0.05
    assert max(places) > 0.95
    assert sum(p < 0.5 for p in places) == pytest.approx(100, abs=10)


def test_nobody_audits_a_label_or_a_doubt(engine: Engine, model: ModelRecord) -> None:
    make_ready(engine, insert(engine, 1))
    imported(engine, 1, "Action", "accepted")
    tag(engine, model, audit_share=1.0)
    assert audits(engine) == []


def test_an_audit_is_drawn_once_for_a_prediction_and_gives_way_to_a_new_one(
    engine: Engine, model: ModelRecord
) -> None:
    tagged(engine, model, 1, SURE, audit_share=1.0)
    with transaction(engine) as connection:
        project(connection, [1], audit_share=1.0)
    assert [(a.model_id, a.revision) for a in audits(engine)] == [(model.id, 1)]
    change(engine, 1)
    tag(engine, model, USUAL | {"Action": (0.4, "review")}, audit_share=1.0)
    assert audits(engine) == []
    assert queue_row(engine, 1) == ("open", ["Action", "Comedy"])


def test_an_audit_that_was_answered_stays(engine: Engine, model: ModelRecord) -> None:
    tagged(engine, model, 1, SURE, audit_share=1.0)
    enter(engine, editor(engine), 1)
    newer = champion_model(engine, "m-2")
    retag(engine, newer, SURE)
    assert [(a.model_id, a.holds) for a in audits(engine)] == [(model.id, True)]


def test_a_tagging_waits_for_a_decision_and_sees_it(
    engine: Engine, database_url: str, model: ModelRecord
) -> None:
    tagged(engine, model)
    enqueue(engine, [1], Priority.RETAG)

    def tag_again(worker: Engine) -> None:
        with transaction(worker) as connection:
            jobs = claim_ready(connection, 6, 10, 60)
            assert len(jobs) == 1
        with transaction(worker) as connection:
            finish_tagging(connection, 6, model, [(job, prediction(model)) for job in jobs], 0.1)

    with ThreadPoolExecutor(1) as pool, engine_on(database_url, name="worker") as worker:
        with transaction(engine) as connection:
            said = [Verdicted(1, genre_id(engine, "Comedy"), "accepted")]
            decide(connection, said, author="ann", source="editor")
            tagging = pool.submit(tag_again, worker)
            until_waiting(engine, "worker")
        tagging.result(timeout=30)
    assert queue_row(engine, 1) == ("done", [])


def test_tag_workers_do_not_wait_for_each_other(engine: Engine, model: ModelRecord) -> None:
    # Movies 1 and 257 share a lock.
    make_ready(engine, insert(engine, 257))
    with transaction(engine) as connection:
        jobs = {j.movie_id: j for j in claim_ready(connection, 5, 1000, 60)}
    with engine.begin() as one, engine.begin() as other:
        finish_tagging(one, 5, model, same_for_all([jobs[1]], model), 0.1, audit_share=1.0)
        other.execute(text("SET LOCAL lock_timeout = '2s'"))
        held = finish_tagging(other, 5, model, same_for_all([jobs[257]], model), 0.1, audit_share=1.0)
        assert held.held == {257}
    assert scalar(engine, "SELECT count(*) FROM marquee.review") == 2


def test_the_queue_forgets_a_movie_that_is_deleted(engine: Engine, model: ModelRecord) -> None:
    tagged(engine, model, 2)
    execute(engine, "DELETE FROM marquee.movie WHERE id = 1")
    assert [r.movie_id for r in execute(engine, "SELECT movie_id FROM marquee.review")] == [2]
