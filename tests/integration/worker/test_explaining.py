"""Explaining: what was asked for, what comes first, and what a dying worker leaves."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import Engine, text

from catalog.engine import transaction
from catalog.explanations import (
    ExplanationRecord,
    ask,
    ask_ahead,
    claim_explanations,
    finish_explanation,
    read_explanations,
)
from catalog.ledger.words import Limits
from tagger.content import Content
from tests.support import ledger
from tests.support.stub_model import StubLoader, StubPredictor, promote_stub, stub_embed, stub_explain
from tests.support.waiting import until
from worker.champion import Champion
from worker.drain import Drain
from worker.errors import DeviceError
from worker.explaining import CHANGED, NOTHING, Explainer
from worker.posters import PosterStore

OWNER = 42
MakeExplainer = Callable[..., Explainer]


@pytest.fixture
def drain(engine: Engine, stub: StubPredictor, store: PosterStore) -> Iterator[Drain]:
    made = Drain(engine, OWNER, Champion("cpu"), store, Limits(), batch_size=8)
    yield made
    made.close()


@pytest.fixture
def make_explainer(engine: Engine, drain: Drain, monkeypatch: pytest.MonkeyPatch) -> MakeExplainer:
    monkeypatch.setattr("worker.explaining.QUIET_SECONDS", 0.0)

    def make(**options: Any) -> Explainer:
        chosen = {"lease_seconds": 30.0, "ahead": 0, "poll_seconds": 60.0} | options
        return Explainer(
            engine,
            drain,
            drain.run,
            explain=stub_explain,
            embeds=stub_embed,
            **chosen,  # type: ignore[arg-type]
        )

    return make


@pytest.fixture
def explainer(make_explainer: MakeExplainer) -> Explainer:
    return make_explainer()


@pytest.fixture
def genres(engine: Engine) -> dict[str, int]:
    return {r.name: r.id for r in ledger.execute(engine, "SELECT id, name FROM marquee.genre")}


def tagged(engine: Engine, drain: Drain, count: int = 1, **content: Any) -> list[int]:
    """So many movies, tagged."""
    ids = ledger.insert(engine, count)
    ledger.make_ready(engine, ids, **content)
    assert drain.run() == count
    return ids


def ask_for(engine: Engine, movie_id: int, genre_ids: Sequence[int] = (), **options: Any) -> None:
    with transaction(engine) as connection:
        ask(connection, movie_id, genre_ids, **options)


def read(engine: Engine, movie_id: int) -> dict[int | None, ExplanationRecord]:
    with transaction(engine) as connection:
        return read_explanations(connection, movie_id)


def label(engine: Engine, movie_id: int, genre_id: int, *, holds: bool = True) -> None:
    ledger.execute(
        engine,
        "WITH d AS (INSERT INTO marquee.decision (movie_id, genre_id, verdict, source, author, revision) "
        "VALUES (:m, :g, 'accepted', 'editor', 'x', 1) RETURNING id) "
        "INSERT INTO marquee.label SELECT :m, :g, :h, id FROM d",
        m=movie_id, g=genre_id, h=holds,
    )  # fmt: skip


def work(explainer: Explainer) -> int:
    """Step until there is nothing left; returns how many steps did something."""
    steps = 0
    while explainer.step():
        steps += 1
    return steps


class TestAsking:
    def test_what_is_asked_is_explained_in_one_go(
        self, engine: Engine, drain: Drain, explainer: Explainer, stub: StubPredictor, genres: dict[str, int]
    ) -> None:
        [movie] = tagged(engine, drain, plot="a ghost hides")
        ask_for(engine, movie, [genres["Drama"], genres["Comedy"]])
        assert {r.state for r in read(engine, movie).values()} == {"asked"}
        assert work(explainer) == 1
        found = read(engine, movie)
        assert set(found) == {genres["Drama"], genres["Comedy"], None}
        detail = found[genres["Drama"]].detail
        assert detail["genre"] == "Drama"
        assert [w["word"] for w in detail["words"]] == ["a", "ghost", "hides"]
        assert (detail["words"][1]["start"], detail["words"][1]["end"]) == (2, 7)
        assert found[None] == ExplanationRecord("done", [])
        assert stub.explained == [("movie 1", ("Comedy", "Drama"))]

    def test_asking_twice_explains_once(
        self, engine: Engine, drain: Drain, explainer: Explainer, stub: StubPredictor, genres: dict[str, int]
    ) -> None:
        [movie] = tagged(engine, drain)
        for _ in range(2):
            ask_for(engine, movie, [genres["Drama"]] * 2)
        work(explainer)
        ask_for(engine, movie, [genres["Drama"]])
        assert work(explainer) == 0
        assert len(stub.explained) == 1

    def test_that_nothing_was_near_is_looked_at_again_once_there_are_labels(
        self, engine: Engine, drain: Drain, explainer: Explainer, genres: dict[str, int]
    ) -> None:
        movie, other = tagged(engine, drain, 2, plot="a ghost hides")
        ask_for(engine, movie, ahead=True)
        work(explainer)
        assert read(engine, movie)[None] == ExplanationRecord("done", [])
        ask_for(engine, movie)
        assert read(engine, movie)[None].state == "done"
        label(engine, other, genres["Drama"])
        ask_for(engine, movie, ahead=True)
        assert read(engine, movie)[None].state == "done"
        ask_for(engine, movie)
        work(explainer)
        assert [near["movie_id"] for near in read(engine, movie)[None].detail] == [other]
        ask_for(engine, movie)
        assert read(engine, movie)[None].state == "done"

    def test_a_new_revision_is_explained_anew(
        self, engine: Engine, drain: Drain, explainer: Explainer, genres: dict[str, int]
    ) -> None:
        [movie] = tagged(engine, drain, plot="before")
        ask_for(engine, movie, [genres["Drama"]])
        work(explainer)
        ledger.execute(engine, "UPDATE marquee.movie SET title = 'changed' WHERE id = :i", i=movie)
        ledger.make_ready(engine, [movie], plot="after")
        drain.run()
        assert read(engine, movie) == {}
        ask_for(engine, movie, [genres["Drama"]], neighbours=False)
        work(explainer)
        assert read(engine, movie)[genres["Drama"]].detail["words"][0]["word"] == "after"

    def test_another_model_explains_anew_and_the_one_that_tagged_until_then(
        self, engine: Engine, drain: Drain, explainer: Explainer, stub: StubPredictor, loader: StubLoader,
        genres: dict[str, int],
    ) -> None:  # fmt: skip
        first, _ = tagged(engine, drain, 2)
        newer = loader.add(StubPredictor("stub-2"))
        promote_stub(engine, newer)
        drain.champion.follow(engine)
        ask_for(engine, first, [genres["Drama"]])
        work(explainer)
        assert (len(stub.explained), len(newer.explained)) == (1, 0), "the model that tagged the movie"
        ledger.execute(engine, "UPDATE marquee.tagging SET state = 'ready', due_at = now()")
        drain.run()
        assert read(engine, first) == {}
        ask_for(engine, first, [genres["Drama"]])
        work(explainer)
        assert len(newer.explained) == 1

    def test_a_model_that_is_gone_is_said(
        self, engine: Engine, drain: Drain, explainer: Explainer, stub: StubPredictor, loader: StubLoader,
        genres: dict[str, int],
    ) -> None:  # fmt: skip
        [movie] = tagged(engine, drain)
        promote_stub(engine, loader.add(StubPredictor("stub-2")))
        loader.known["stub-1"] = StubPredictor("another")
        drain.champion = Champion("cpu")  # a worker that has started since
        ask_for(engine, movie, [genres["Drama"]])
        work(explainer)
        found = read(engine, movie)[genres["Drama"]]
        assert found.state == "failed"
        assert "stub-1" in str(found.error)

    @pytest.mark.parametrize("content", [{"plot": None}, {"plot": ""}])
    def test_a_movie_with_nothing_to_see(
        self,
        engine: Engine,
        drain: Drain,
        explainer: Explainer,
        genres: dict[str, int],
        content: dict[str, Any],
    ) -> None:
        [movie] = tagged(engine, drain, **content)
        ask_for(engine, movie, [genres["Drama"]])
        work(explainer)
        assert {(r.state, r.error) for r in read(engine, movie).values()} == {("failed", NOTHING)}

    def test_a_genre_that_the_model_does_not_know(
        self, engine: Engine, drain: Drain, explainer: Explainer, genres: dict[str, int]
    ) -> None:
        [movie] = tagged(engine, drain)
        ask_for(engine, movie, [genres["Western"], genres["Drama"], 9999])
        work(explainer)
        states = {key: r.state for key, r in read(engine, movie).items()}
        assert states == {genres["Western"]: "failed", genres["Drama"]: "done", None: "done"}

    def test_a_movie_that_was_never_tagged(
        self, engine: Engine, explainer: Explainer, genres: dict[str, int]
    ) -> None:
        [movie] = ledger.insert(engine)
        ask_for(engine, movie, [genres["Drama"]])
        assert work(explainer) == 0
        assert read(engine, movie) == {}

    def test_a_movie_that_changed_and_went_to_quarantine(
        self, engine: Engine, drain: Drain, explainer: Explainer, genres: dict[str, int]
    ) -> None:
        [movie] = tagged(engine, drain)
        ledger.execute(engine, "UPDATE marquee.movie SET title = 'changed' WHERE id = :i", i=movie)
        ledger.make_ready(engine, [movie])
        ask_for(engine, movie, [genres["Drama"]], neighbours=False)
        ledger.execute(engine, "UPDATE marquee.tagging SET due_at = now() + interval '1 hour'")
        assert work(explainer) == 0, "it is under way: wait until it is tagged"
        ledger.execute(engine, "UPDATE marquee.tagging SET state = 'quarantined'")
        assert work(explainer) == 1
        assert read(engine, movie)[genres["Drama"]].error == CHANGED


class TestOrder:
    def test_movies_come_before_explanations(
        self, engine: Engine, drain: Drain, explainer: Explainer, stub: StubPredictor, genres: dict[str, int]
    ) -> None:
        [movie] = tagged(engine, drain)
        ask_for(engine, movie, [genres["Drama"]])
        [ready] = ledger.insert(engine, 1, title="ready")
        ledger.make_ready(engine, [ready])
        seen: list[str] = []

        def during(contents: Sequence[Content]) -> None:
            seen.extend(c.title for c in contents)

        stub.during = during
        explainer.step()
        assert seen == ["ready", "movie 1"]

    def test_a_movie_that_comes_meanwhile_goes_first(
        self, engine: Engine, drain: Drain, make_explainer: MakeExplainer, stub: StubPredictor,
        genres: dict[str, int],
    ) -> None:  # fmt: skip
        """The wake-up finds the device taken; it is given back at the next few passes."""
        [movie] = tagged(engine, drain)
        ask_for(engine, movie, [genres["Drama"]], neighbours=False)
        order: list[str] = []

        def explain(predictor: Any, content: Content, names: Any, *, between: Any) -> Any:
            ledger.make_ready(engine, ledger.insert(engine, 1, title="urgent"))
            woken = threading.Thread(target=drain.run)
            woken.start()
            woken.join()
            assert ledger.counts(engine) == {"tagged": 1, "ready": 1}
            between()
            order.append("explained")
            assert ledger.counts(engine) == {"tagged": 2}
            return stub_explain(predictor, content, names, between=between)

        explainer = make_explainer()
        explainer._explain = explain
        assert work(explainer) == 1
        assert order == ["explained"]
        assert read(engine, movie)[genres["Drama"]].state == "done"

    def test_movies_that_keep_the_device_long_cost_no_attempt(
        self, engine: Engine, drain: Drain, make_explainer: MakeExplainer, genres: dict[str, int]
    ) -> None:
        """By then the lease may have run out, and another worker be at it."""
        [movie] = tagged(engine, drain)
        ask_for(engine, movie, [genres["Drama"]], neighbours=False)

        def explain(predictor: Any, content: Content, names: Any, *, between: Any) -> Any:
            woken = threading.Thread(target=drain.run)
            woken.start()
            woken.join()
            between()
            raise AssertionError("it went on")

        explainer = make_explainer(lease_seconds=0.0)
        explainer._explain = explain
        assert explainer.step()
        [row] = ledger.execute(engine, "SELECT attempts, lease_until FROM marquee.explanation")
        assert tuple(row) == (0, None)

    def test_a_wake_up_while_it_looks_for_work_is_heard(
        self, engine: Engine, drain: Drain, explainer: Explainer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """There is nothing to explain; but while it looked, the drain found the device taken."""

        def nothing(*_: Any, **options: Any) -> None:
            ledger.make_ready(engine, ledger.insert(engine, 1))
            assert drain.run() == 0

        monkeypatch.setattr("worker.explaining.claim_explanations", nothing)
        explainer._explain_next(ahead=False)
        assert ledger.counts(engine) == {"tagged": 1}

    def test_what_an_editor_waits_for_comes_first(
        self, engine: Engine, drain: Drain, explainer: Explainer, stub: StubPredictor, genres: dict[str, int]
    ) -> None:
        first, second, third = tagged(engine, drain, 3)
        ask_for(engine, first, [genres["Drama"]], ahead=True)
        ask_for(engine, second, [genres["Drama"]], ahead=True)
        ask_for(engine, third, [genres["Drama"]])
        ask_for(engine, second, [genres["Drama"]])
        work(explainer)
        assert [title for title, _ in stub.explained] == ["movie 3", "movie 2", "movie 1"]

    def test_nothing_ahead_while_movies_keep_coming(
        self, engine: Engine, drain: Drain, explainer: Explainer, monkeypatch: pytest.MonkeyPatch,
        genres: dict[str, int],
    ) -> None:  # fmt: skip
        monkeypatch.setattr("worker.explaining.QUIET_SECONDS", 3600.0)
        first, second = tagged(engine, drain, 2)
        ask_for(engine, first, [genres["Drama"]], ahead=True)
        ask_for(engine, second, [genres["Drama"]])
        work(explainer)
        assert (read(engine, first)[None].state, read(engine, second)[None].state) == ("asked", "done")


class TestAhead:
    @pytest.fixture
    def queue(self, engine: Engine, drain: Drain, genres: dict[str, int]) -> list[int]:
        """Three open movies, the last one the least certain."""
        ids = tagged(engine, drain, 3)
        for place, movie in enumerate(ids):
            ledger.execute(
                engine,
                "UPDATE marquee.review SET state = 'open', asks = :asks, uncertainty = :u WHERE movie_id = :m",
                asks=[genres["Drama"], genres["Comedy"]], u=place / 10, m=movie,
            )  # fmt: skip
        return ids

    def test_the_first_of_the_queue(
        self, engine: Engine, queue: list[int], make_explainer: MakeExplainer, stub: StubPredictor
    ) -> None:
        work(make_explainer(ahead=2))
        assert [title for title, _ in stub.explained] == ["movie 3", "movie 2"]
        assert len(read(engine, queue[2])) == 3
        assert read(engine, queue[0]) == {}

    def test_is_not_asked_twice_nor_after_it_failed(
        self, engine: Engine, queue: list[int], make_explainer: MakeExplainer
    ) -> None:
        with transaction(engine) as connection:
            assert ask_ahead(connection, 2) == 6
            assert ask_ahead(connection, 2) == 0
        ledger.execute(engine, "UPDATE marquee.explanation SET done_at = now(), error = 'no'")
        assert work(make_explainer(ahead=2)) == 0

    def test_none_where_it_is_off(
        self, queue: list[int], make_explainer: MakeExplainer, stub: StubPredictor
    ) -> None:
        assert work(make_explainer(ahead=0)) == 0
        assert stub.explained == []


class TestFaults:
    def test_a_killed_worker_loses_nothing(
        self, engine: Engine, drain: Drain, explainer: Explainer, genres: dict[str, int]
    ) -> None:
        [movie] = tagged(engine, drain)
        ask_for(engine, movie, [genres["Drama"]])
        with transaction(engine) as connection:
            assert claim_explanations(connection, 30.0) is not None
        assert work(explainer) == 0, "another worker has it"
        ledger.execute(engine, "UPDATE marquee.explanation SET lease_until = now() - interval '1 second'")
        assert work(explainer) == 1
        assert {r.state for r in read(engine, movie).values()} == {"done"}

    def test_the_result_of_a_worker_that_was_given_up_is_refused(
        self, engine: Engine, drain: Drain, genres: dict[str, int]
    ) -> None:
        [movie] = tagged(engine, drain)
        ask_for(engine, movie, [], neighbours=True)
        with transaction(engine) as connection:
            late = claim_explanations(connection, 0.0)
        with transaction(engine) as connection:
            job = claim_explanations(connection, 30.0)
        assert late is not None
        assert job is not None
        with transaction(engine) as connection:
            assert not finish_explanation(connection, late, late.requests[0], ["late"])
            assert finish_explanation(connection, job, job.requests[0], ["in time"])
        assert read(engine, movie)[None].detail == ["in time"]

    def test_a_movie_tagged_anew_meanwhile_is_asked_for_anew(
        self, engine: Engine, drain: Drain, explainer: Explainer, genres: dict[str, int]
    ) -> None:
        [movie] = tagged(engine, drain, plot="before")
        ask_for(engine, movie, [genres["Drama"]], neighbours=False)
        with transaction(engine) as connection:
            job = claim_explanations(connection, 3600.0)
        assert job is not None
        ledger.execute(engine, "UPDATE marquee.movie SET title = 'changed' WHERE id = :i", i=movie)
        ledger.make_ready(engine, [movie], plot="after")
        drain.run()
        with transaction(engine) as connection:
            assert not finish_explanation(connection, job, job.requests[0], {"words": []})
        assert work(explainer) == 1
        assert read(engine, movie)[genres["Drama"]].detail["words"][0]["word"] == "after"

    def test_three_failures_are_enough(
        self, engine: Engine, drain: Drain, explainer: Explainer, stub: StubPredictor, genres: dict[str, int]
    ) -> None:
        [movie] = tagged(engine, drain)
        ask_for(engine, movie, [genres["Drama"]], neighbours=False)

        def during(contents: Sequence[Content]) -> None:
            if contents[0].title == "movie 1":
                raise ValueError("too odd")

        stub.during = during
        for attempt in range(1, 4):
            assert explainer.step(), attempt
            ledger.execute(engine, "UPDATE marquee.explanation SET lease_until = NULL")
        assert not explainer.step()
        assert read(engine, movie)[genres["Drama"]] == ExplanationRecord(
            "failed", None, "ValueError: too odd"
        )

    def test_three_deaths_are_enough(
        self, engine: Engine, drain: Drain, explainer: Explainer, stub: StubPredictor, genres: dict[str, int]
    ) -> None:
        [movie] = tagged(engine, drain)
        ask_for(engine, movie, [genres["Drama"]], neighbours=False)
        for _ in range(3):
            with transaction(engine) as connection:
                assert claim_explanations(connection, 0.0) is not None
        assert work(explainer) == 0
        assert read(engine, movie)[genres["Drama"]].state == "failed"
        assert stub.explained == []

    def test_a_device_that_fails_at_everything_blames_no_movie(
        self, engine: Engine, drain: Drain, explainer: Explainer, stub: StubPredictor, genres: dict[str, int]
    ) -> None:
        [movie] = tagged(engine, drain)
        ask_for(engine, movie, [genres["Drama"]])

        def during(contents: Sequence[Content]) -> None:
            raise RuntimeError("CUDA error")

        stub.during = during
        broken: list[DeviceError] = []
        drain.broken = broken.append
        with pytest.raises(DeviceError):
            explainer.step()
        assert len(broken) == 1
        assert {r.state for r in read(engine, movie).values()} == {"asked"}

    def test_a_store_that_is_away_lets_it_wait(
        self, engine: Engine, drain: Drain, explainer: Explainer, store: PosterStore, jpeg: bytes,
        genres: dict[str, int], monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        from worker.errors import PosterStoreError

        [movie] = tagged(engine, drain, poster_hash=store.put(jpeg))
        ask_for(engine, movie, [genres["Drama"]], neighbours=False)
        with monkeypatch.context() as patch:
            patch.setattr(store, "get", lambda _: (_ for _ in ()).throw(PosterStoreError("away")))
            assert explainer.step()
        assert not explainer.step(), "in five seconds"
        [row] = ledger.execute(engine, "SELECT attempts, done_at FROM marquee.explanation")
        assert (row.attempts, row.done_at) == (0, None)
        ledger.execute(engine, "UPDATE marquee.explanation SET lease_until = NULL")
        work(explainer)
        assert read(engine, movie)[genres["Drama"]].state == "done"

    def test_stopping_gives_back_what_is_in_hand(
        self, engine: Engine, drain: Drain, make_explainer: MakeExplainer, genres: dict[str, int]
    ) -> None:
        [movie] = tagged(engine, drain)
        inside = threading.Event()
        explainer = make_explainer()

        def explain(*_: Any, between: Callable[[], None]) -> Any:
            inside.set()
            until(lambda: explainer._stopping)
            between()
            raise AssertionError("it went on")

        explainer._explain = explain
        with explainer:
            ask_for(engine, movie, [genres["Drama"]])
            assert inside.wait(20)
        [*rows] = ledger.execute(engine, "SELECT attempts, lease_until, done_at FROM marquee.explanation")
        assert [tuple(r) for r in rows] == [(0, None, None)] * 2

    def test_a_question_wakes_it_at_once(
        self, engine: Engine, drain: Drain, make_explainer: MakeExplainer, genres: dict[str, int]
    ) -> None:
        """It polls but once a minute here: what wakes it is the notification."""
        [movie] = tagged(engine, drain)
        explainer = make_explainer(poll_seconds=60.0)
        with explainer:
            until(lambda: explainer._listener.connected)
            ask_for(engine, movie, [genres["Drama"]])
            until(lambda: {r.state for r in read(engine, movie).values()} == {"done"}, seconds=20)


class TestNeighbours:
    def test_the_nearest_with_their_labels(
        self, engine: Engine, drain: Drain, explainer: Explainer, store: PosterStore, jpeg: bytes,
        genres: dict[str, int],
    ) -> None:  # fmt: skip
        digest = store.put(jpeg)
        [near] = tagged(engine, drain, plot="a train in the night", year=1950, poster_hash=digest)
        [far] = tagged(engine, drain, plot="a clown laughs")
        [unlabelled] = tagged(engine, drain, plot="the night train")
        [denied] = tagged(engine, drain, plot="night train")
        [movie] = tagged(engine, drain, plot="the night train")
        label(engine, near, genres["Thriller"])
        label(engine, near, genres["Crime"])
        label(engine, near, genres["Comedy"], holds=False)
        label(engine, far, genres["Comedy"])
        label(engine, denied, genres["Drama"], holds=False)
        label(engine, movie, genres["Drama"])
        work(explainer)
        ask_for(engine, movie)
        work(explainer)
        found = read(engine, movie)[None].detail
        assert found[0] == {
            "movie_id": near, "title": "movie 1", "year": 1950, "poster_hash": digest,
            "genres": ["Crime", "Thriller"], "similarity": found[0]["similarity"],
        }  # fmt: skip
        assert 0 < found[0]["similarity"] < 1
        assert unlabelled not in [f["movie_id"] for f in found]
        assert [f["movie_id"] for f in found] in ([near], [near, far])

    def test_vectors_are_made_once_and_kept(
        self, engine: Engine, drain: Drain, make_explainer: MakeExplainer, stub: StubPredictor,
        genres: dict[str, int],
    ) -> None:  # fmt: skip
        ids = tagged(engine, drain, 20, plot="a night train")
        for movie in ids:
            label(engine, movie, genres["Drama"])
        work(make_explainer())
        assert len(stub.embedded) == 20
        ask_for(engine, ids[0])
        other = make_explainer()
        work(other)
        assert len(stub.embedded) == 21, "another worker reads them"
        assert len(read(engine, ids[0])[None].detail) == 6
        assert ids[0] not in [f["movie_id"] for f in read(engine, ids[0])[None].detail]
        vectors = ledger.execute(engine, "SELECT movie_id, vector FROM marquee.embedding")
        [kept] = stub_embed(stub, [Content("", plot="a night train")])
        assert all(r.vector == pytest.approx(kept.tolist(), rel=1e-6) for r in vectors)
        assert other.neighbours._matrix[7].tolist() == pytest.approx(kept.tolist(), rel=1e-6)

    def test_changed_and_withdrawn_movies(
        self, engine: Engine, drain: Drain, explainer: Explainer, monkeypatch: pytest.MonkeyPatch,
        genres: dict[str, int],
    ) -> None:  # fmt: skip
        monkeypatch.setattr("worker.neighbours.SURVEY_SECONDS", 0.0)
        changed, withdrawn, movie = tagged(engine, drain, 3, plot="a night train")
        for other in (changed, withdrawn):
            label(engine, other, genres["Drama"])
        ask_for(engine, movie)
        work(explainer)
        assert {f["movie_id"] for f in read(engine, movie)[None].detail} == {changed, withdrawn}
        ledger.execute(engine, "DELETE FROM marquee.label WHERE movie_id = :i", i=withdrawn)
        ledger.execute(engine, "UPDATE marquee.movie SET title = 'new' WHERE id = :i", i=changed)
        ledger.make_ready(engine, [changed], plot="clowns juggle")
        work(explainer)
        assert ledger.execute(engine, "SELECT movie_id, revision FROM marquee.embedding") == [(changed, 2)]
        [late] = tagged(engine, drain, plot="clowns juggle")
        ask_for(engine, late)
        work(explainer)
        assert [(f["movie_id"], f["similarity"]) for f in read(engine, late)[None].detail] == [
            (changed, pytest.approx(1.0, abs=1e-4))
        ]

    def test_only_the_newest_are_kept(
        self, engine: Engine, drain: Drain, explainer: Explainer, genres: dict[str, int]
    ) -> None:
        explainer.neighbours.newest = 2
        ids = tagged(engine, drain, 4)
        for movie in ids:
            label(engine, movie, genres["Drama"])
        work(explainer)
        kept = ledger.execute(engine, "SELECT movie_id FROM marquee.embedding ORDER BY movie_id")
        assert [r.movie_id for r in kept] == ids[2:]


def test_nobody_waits_for_whoever_deletes_a_movie(
    engine: Engine, drain: Drain, explainer: Explainer, genres: dict[str, int]
) -> None:
    """Its request is passed over, its vector not kept; the others are served."""
    gone, kept = tagged(engine, drain, 2)
    for movie in (gone, kept):
        label(engine, movie, genres["Drama"])
    with engine.connect() as connection:
        connection.execute(text("DELETE FROM marquee.tagging WHERE movie_id = :i"), {"i": gone})
        ask_for(engine, gone, [genres["Drama"]])
        ask_for(engine, kept, [genres["Drama"]])
        work(explainer)
        connection.rollback()
    assert read(engine, gone) == {}
    assert {r.state for r in read(engine, kept).values()} == {"done"}
    vectors = ledger.execute(engine, "SELECT movie_id FROM marquee.embedding")
    assert [r.movie_id for r in vectors] == [kept]
