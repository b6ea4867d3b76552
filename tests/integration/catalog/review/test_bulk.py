"""Bulk decisions: one genre and no other, never against an editor, exactly once whatever happens meanwhile."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from catalog.decisions import Verdicted, decide
from catalog.engine import transaction
from catalog.errors import BulkNotFoundError, UnknownGenreError
from catalog.people.editors import EditorRecord
from catalog.registry import ModelRecord
from catalog.review.actions import history
from catalog.review.bulk import (
    BulkVerdict,
    Preview,
    Progress,
    preview,
    read_progress,
    start,
    step,
    unfinished,
)
from catalog.review.bulk_runs import newest_runs
from catalog.review.filters import Filter
from tests.integration.catalog.test_deadlock import until_waiting
from tests.support.databases import engine_on
from tests.support.ledger import execute, scalar
from tests.support.models import champion_model
from tests.support.review import card, editor, genre_id, labels, press, queue_row, tagged, undone
from tests.support.waiting import until

DOUBTFUL = Filter(genre="Comedy", band="review")


@pytest.fixture
def model(engine: Engine) -> ModelRecord:
    return champion_model(engine)


@pytest.fixture
def movies(engine: Engine, model: ModelRecord) -> list[int]:
    """Ten movies that may be comedies, and two that are none."""
    found = tagged(engine, model, 10)
    tagged(engine, model, 2, {"Action": (0.99, "accepted"), "Drama": (0.5, "review")})
    return found


@pytest.fixture
def ann(engine: Engine) -> EditorRecord:
    return editor(engine)


@pytest.fixture
def bob(engine: Engine) -> EditorRecord:
    return editor(engine, "bob")


def look(
    engine: Engine, sought: Filter = DOUBTFUL, verdict: BulkVerdict = "accepted", genre: str = "Comedy"
) -> Preview:
    number = genre_id(engine, genre)
    with transaction(engine) as connection:
        return preview(connection, sought, number, verdict)


def begin(
    engine: Engine,
    who: EditorRecord,
    sought: Filter = DOUBTFUL,
    verdict: BulkVerdict = "accepted",
    genre: str = "Comedy",
) -> int:
    number = genre_id(engine, genre)
    with transaction(engine) as connection:
        return start(connection, who, sought, number, verdict)


def run(engine: Engine, bulk_id: int, chunk: int = 3) -> Progress:
    while not (progress := step(engine, bulk_id, chunk)).finished:
        pass
    return progress


def comedies(engine: Engine) -> dict[int, tuple[bool, str]]:
    return {movie: said for (movie, genre), said in labels(engine).items() if genre == "Comedy"}


def test_a_preview_counts_and_shows_what_would_change(
    engine: Engine, movies: list[int], ann: EditorRecord, bob: EditorRecord
) -> None:
    sought = Filter(state=None)
    press(engine, bob, movies[0], "Comedy", "rejected")
    press(engine, bob, movies[1], "Comedy", "accepted")
    with transaction(engine) as connection:
        said = [Verdicted(m, genre_id(engine, "Comedy"), v) for m, v in ((movies[2], "rejected"), (movies[3], "accepted"))]  # type: ignore[arg-type]  # fmt: skip  # noqa: E501
        decide(connection, said, author="a file", source="import")
    seen = look(engine, sought)
    assert (seen.total, seen.changes, seen.same, seen.kept) == (12, 9, 2, 1)
    assert len(seen.sample) == 9
    assert {r.movie_id for r in seen.sample}.isdisjoint({movies[0], movies[1], movies[3]})
    other = look(engine, sought, "rejected")
    assert (other.total, other.changes, other.same, other.kept) == (12, 9, 2, 1)
    assert look(engine, Filter(year=1999)).total == 0
    assert scalar(engine, "SELECT count(*) FROM marquee.action WHERE kind = 'bulk'") == 0


def test_a_run_decides_one_genre_on_what_the_filter_found_and_nothing_else(
    engine: Engine, movies: list[int], ann: EditorRecord
) -> None:
    bulk_id = begin(engine, ann)
    with transaction(engine) as connection:
        assert unfinished(connection) == [bulk_id]
        fresh = read_progress(connection, bulk_id)
    assert (fresh.total, fresh.done, fresh.changed, fresh.finished) == (10, 0, 0, False)
    assert (fresh.genre, fresh.verdict, fresh.editor, fresh.filter) == (
        "Comedy", "accepted", "ann", {"genre": "Comedy", "band": "review"},
    )  # fmt: skip
    first = step(engine, bulk_id, 3)
    assert (first.done, first.changed, first.finished) == (3, 3, False)
    last = run(engine, bulk_id)
    assert (last.done, last.changed, last.finished, last.error) == (10, 10, True, None)
    assert labels(engine) == {(m, "Comedy"): (True, "ann") for m in movies}
    assert [queue_row(engine, m) for m in movies] == [("done", [])] * 10
    assert scalar(engine, "SELECT count(DISTINCT action_id) FROM marquee.decision") == 1
    assert execute(engine, "SELECT FROM marquee.bulk_movie") == []
    with transaction(engine) as connection:
        assert unfinished(connection) == []
        done = history(connection, ann.id)[0]
        assert newest_runs(connection)[0] == last
    assert (done.kind, done.detail["genre"], done.detail["verdict"]) == ("bulk", "Comedy", "accepted")
    assert step(engine, bulk_id) == last


def test_an_editors_word_is_kept_also_if_it_comes_between_preview_and_step(
    engine: Engine, movies: list[int], ann: EditorRecord, bob: EditorRecord
) -> None:
    press(engine, bob, movies[0], "Comedy", "rejected")
    press(engine, ann, movies[1], "Comedy", "rejected")
    sought = Filter(state=None, genre="Comedy", band="review")
    bulk_id = begin(engine, ann, sought)
    press(engine, bob, movies[2], "Comedy", "rejected")
    press(engine, bob, movies[3], "Comedy", "accepted")
    done = run(engine, bulk_id)
    assert (done.total, done.done, done.changed) == (8, 8, 6)
    expected = dict.fromkeys(movies, (True, "ann")) | {
        movies[0]: (False, "bob"),
        movies[1]: (False, "ann"),
        movies[2]: (False, "bob"),
        movies[3]: (True, "bob"),
    }
    assert comedies(engine) == expected


def test_an_imports_word_gives_way(engine: Engine, movies: list[int], ann: EditorRecord) -> None:
    with transaction(engine) as connection:
        said = [Verdicted(movies[0], genre_id(engine, "Comedy"), "rejected")]
        decide(connection, said, author="a file", source="import")
    run(engine, begin(engine, ann, Filter(state=None, genre="Comedy", band="review")))
    assert comedies(engine)[movies[0]] == (True, "ann")
    undone(engine, ann)
    with transaction(engine) as connection:
        waiting = unfinished(connection)
    run(engine, waiting[0])
    assert comedies(engine) == {movies[0]: (False, "a file")}


def test_movies_that_are_gone_are_passed_over_and_counted(
    engine: Engine, movies: list[int], ann: EditorRecord
) -> None:
    bulk_id = begin(engine, ann)
    execute(engine, "DELETE FROM marquee.movie WHERE id <= :last", last=movies[3])
    done = run(engine, bulk_id)
    assert (done.total, done.done, done.changed, done.finished) == (10, 10, 6, True)


def test_a_movie_that_comes_to_fit_the_filter_later_is_not_touched(
    engine: Engine, movies: list[int], model: ModelRecord, ann: EditorRecord
) -> None:
    bulk_id = begin(engine, ann)
    late = tagged(engine, model)[0]
    run(engine, bulk_id)
    assert late not in comedies(engine)


def test_nothing_to_do_is_finished_at_once(engine: Engine, movies: list[int], ann: EditorRecord) -> None:
    bulk_id = begin(engine, ann, Filter(year=1999))
    assert step(engine, bulk_id).finished
    assert undone(engine, ann) is not None


def test_one_undo_takes_all_back_in_steps(
    engine: Engine, movies: list[int], ann: EditorRecord, bob: EditorRecord
) -> None:
    press(engine, bob, movies[0], "Drama", "accepted")
    before = labels(engine)
    bulk_id = begin(engine, ann, Filter(state=None, genre="Comedy", band="review"))
    run(engine, bulk_id)
    press(engine, bob, movies[1], "Comedy", "rejected")
    done = undone(engine, ann)
    assert done is not None
    assert (done.kind, done.movie_id) == ("bulk", None)
    assert done.bulk_id is not None
    first = step(engine, done.bulk_id, 4)
    assert (first.total, first.done, first.finished, first.is_undo, first.verdict) == (
        10,
        4,
        False,
        True,
        "withdrawn",
    )
    last = run(engine, done.bulk_id)
    assert (last.done, last.changed, last.finished) == (10, 9, True)
    assert labels(engine) == before | {(movies[1], "Comedy"): (False, "bob")}
    assert queue_row(engine, movies[5]) == ("open", ["Comedy"])
    with transaction(engine) as connection:
        assert read_progress(connection, bulk_id).undone
    assert undone(engine, ann) is None


def test_undo_stops_a_run_that_is_under_way(engine: Engine, movies: list[int], ann: EditorRecord) -> None:
    bulk_id = begin(engine, ann)
    step(engine, bulk_id, 4)
    done = undone(engine, ann)
    assert done is not None
    stopped = step(engine, bulk_id, 4)
    assert (stopped.done, stopped.finished, stopped.undone) == (4, True, True)
    assert done.bulk_id is not None
    back = run(engine, done.bulk_id)
    assert (back.total, back.changed) == (4, 4)
    assert labels(engine) == {}


def test_of_many_runners_none_does_anothers_work(
    engine: Engine, model: ModelRecord, ann: EditorRecord
) -> None:
    movies = tagged(engine, model, 60)
    bulk_id = begin(engine, ann)
    with ThreadPoolExecutor(6) as pool:
        for found in pool.map(lambda _: run(engine, bulk_id, 5), range(6)):
            assert (found.done, found.changed) == (60, 60)
    assert scalar(engine, "SELECT count(*) FROM marquee.decision") == 60
    assert set(comedies(engine)) == set(movies)


RUNNER = """
import sys
from catalog.engine import connect
from catalog.review.bulk import step
engine = connect(sys.argv[1], name="runner")
while not step(engine, int(sys.argv[2]), 1).finished:
    pass
"""


def test_a_runner_may_be_killed_at_any_point(
    engine: Engine, database_url: str, model: ModelRecord, ann: EditorRecord
) -> None:
    tagged(engine, model, 300)
    bulk_id = begin(engine, ann)
    done = 0
    for kill in range(3):
        # The runner is killed as soon as it is seen to have gone on, in the middle of whatever it does then.
        runner = subprocess.Popen([sys.executable, "-c", RUNNER, database_url, str(bulk_id)])
        until(lambda done=done: progress(engine, bulk_id).done > done, what=f"run {kill} goes on")  # type: ignore[misc]
        os.kill(runner.pid, signal.SIGKILL)
        runner.wait()
        done = progress(engine, bulk_id).done
        assert scalar(engine, "SELECT count(*) FROM marquee.decision") == done
    assert run(engine, bulk_id).changed == 300
    assert scalar(engine, "SELECT count(*) FROM marquee.decision") == 300
    assert scalar(engine, "SELECT count(*) FROM marquee.label") == 300


def progress(engine: Engine, bulk_id: int) -> Progress:
    with transaction(engine) as connection:
        return read_progress(connection, bulk_id)


def test_a_movie_that_somebody_is_deleting_is_left_for_later(
    engine: Engine, database_url: str, movies: list[int], ann: EditorRecord
) -> None:
    bulk_id = begin(engine, ann)
    with engine_on(database_url, name="writer") as other, other.connect() as writer:
        deletes = text("DELETE FROM marquee.movie WHERE id = ANY(:ids)")
        writer.execute(deletes, {"ids": movies[1:3]})
        found = step(engine, bulk_id, 10)
        assert (found.done, found.changed, found.finished) == (8, 8, False)
        assert not step(engine, bulk_id, 10).finished  # it waits a second for the writer, and gives way
        writer.rollback()
    done = run(engine, bulk_id)
    assert (done.done, done.changed) == (10, 10)


def test_no_deadlock_with_a_writer_that_deletes_in_the_other_order(
    engine: Engine, database_url: str, movies: list[int], ann: EditorRecord
) -> None:
    bulk_id = begin(engine, ann)
    delete = text("DELETE FROM marquee.movie WHERE id = :id")
    with (
        ThreadPoolExecutor(1) as pool,
        engine_on(database_url, name="writer") as other,
        other.begin() as writer,
    ):
        writer.execute(delete, {"id": movies[-1]})
        with engine.begin() as held:
            held.execute(
                text("SELECT FROM marquee.tagging WHERE movie_id = :id FOR KEY SHARE"), {"id": movies[0]}
            )
            waits = pool.submit(writer.execute, delete, {"id": movies[0]})
            until_waiting(engine, "writer")
            assert step(engine, bulk_id, 10).done >= 8
        waits.result(timeout=30)
    assert run(engine, bulk_id).error is None


def test_a_run_that_postgres_refuses_ends_and_says_why(
    engine: Engine, movies: list[int], ann: EditorRecord
) -> None:
    bulk_id = begin(engine, ann)
    step(engine, bulk_id, 4)
    execute(engine, "ALTER TABLE marquee.label ADD CONSTRAINT no_more CHECK (movie_id < 5)")
    failed = step(engine, bulk_id, 4)
    assert (failed.done, failed.finished) == (4, True)
    assert failed.error is not None
    assert "no_more" in failed.error
    undone(engine, ann)
    with transaction(engine) as connection:
        back = run(engine, unfinished(connection)[0])
    assert (back.changed, labels(engine)) == (4, {})


def test_an_open_audit_is_not_answered_by_a_run(
    engine: Engine, model: ModelRecord, ann: EditorRecord
) -> None:
    movie = tagged(engine, model, said={"Action": (0.99, "accepted")}, audit_share=1.0)[0]
    run(engine, begin(engine, ann, Filter(genre="Action"), genre="Action"))
    assert labels(engine) == {(movie, "Action"): (True, "ann")}
    assert scalar(engine, "SELECT count(*) FROM marquee.audit WHERE decision_id IS NULL") == 1


def test_who_had_the_movie_open_sees_what_was_done_in_bulk(
    engine: Engine, movies: list[int], ann: EditorRecord, bob: EditorRecord
) -> None:
    seen = card(engine, movies[0]).seen
    run(engine, begin(engine, bob))
    with pytest.raises(Exception, match="bob accepted Comedy in bulk"):
        press(engine, ann, movies[0], "Action", "rejected", seen=seen)


def test_what_is_not_there_is_refused(engine: Engine, movies: list[int], ann: EditorRecord) -> None:
    with transaction(engine) as connection:
        for number in (0, 99, -1, 2**40):
            with pytest.raises(UnknownGenreError):
                preview(connection, DOUBTFUL, number, "accepted")
            with pytest.raises(UnknownGenreError):
                start(connection, ann, DOUBTFUL, number, "accepted")
        with pytest.raises(BulkNotFoundError):
            read_progress(connection, 99)
    with pytest.raises(BulkNotFoundError):
        step(engine, 99)
