"""The models on a worker's device: the first load, the swap, what is refused, and what is kept at hand."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from sqlalchemy import Engine
from structlog.testing import capture_logs

import worker.champion
from catalog.engine import transaction
from catalog.errors import UnknownGenreError
from catalog.ledger.retagging import retag
from catalog.ledger.words import Limits
from catalog.liveness import Presence
from catalog.registry import promote, read_model, roll_back
from tagger.content import Content
from tagger.errors import ArtifactError
from tests.support import ledger
from tests.support.stub_model import StubLoader, StubPredictor, described, promote_stub
from tests.support.waiting import until
from worker.champion import Champion, Loaded
from worker.drain import Drain
from worker.errors import NoChampionError
from worker.posters import PosterStore
from worker.registering import ensure_champion
from worker.sweep import Sweep
from worker.watch import ChampionWatch

OWNER = 42
STUB = StubPredictor()


@pytest.fixture
def champion() -> Champion:
    return Champion("cpu")


@pytest.fixture
def drain(engine: Engine, champion: Champion, store: PosterStore) -> Iterator[Drain]:
    made = Drain(engine, OWNER, champion, store, Limits(), batch_size=8)
    yield made
    made.close()


def current(engine: Engine, champion: Champion) -> Loaded:
    with transaction(engine) as connection:
        return champion.current(connection)


def again(engine: Engine, model_id: int) -> None:
    """Promote a model that is known."""
    with transaction(engine) as connection:
        promote(connection, model_id, "again")


def back(engine: Engine) -> str:
    with transaction(engine) as connection:
        return roll_back(connection, "a test").version


class TestTheFirstPromotion:
    @pytest.fixture
    def shipped(self, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
        """What the artifact that ships is said to be."""
        told = described(STUB)
        monkeypatch.setattr("worker.registering.load_artifact", lambda _: told)
        return told

    def test_workers_that_start_at_once_promote_once(self, engine: Engine, shipped: SimpleNamespace) -> None:
        start = threading.Barrier(4)

        def go(_: int) -> int:
            start.wait(10)
            return ensure_champion(engine, None).id

        with ThreadPoolExecutor(4) as pool:
            assert len(set(pool.map(go, range(4)))) == 1
        assert ledger.scalar(engine, "SELECT count(*) FROM marquee.promotion") == 1
        assert ledger.scalar(engine, "SELECT count(*) FROM marquee.model") == 1

    def test_a_champion_that_is_there_stays(self, engine: Engine, shipped: SimpleNamespace) -> None:
        chosen = promote_stub(engine, StubPredictor("chosen"))
        assert ensure_champion(engine, None).id == chosen
        assert ledger.scalar(engine, "SELECT count(*) FROM marquee.promotion") == 1

    def test_a_new_version_brings_its_model_along(self, engine: Engine, shipped: SimpleNamespace) -> None:
        first = ensure_champion(engine, None)
        shipped.version, shipped.sha256 = "v2", StubPredictor("v2").sha256
        second = ensure_champion(engine, None)
        assert (first.version, second.version) == ("stub-1", "v2")
        shipped.version, shipped.sha256 = STUB.version, STUB.sha256  # a host of the older version
        assert ensure_champion(engine, None).id == second.id
        assert ledger.scalar(engine, "SELECT count(*) FROM marquee.promotion") == 2

    def test_an_artifact_of_ones_own(self, engine: Engine, shipped: SimpleNamespace, tmp_path: Path) -> None:
        assert ensure_champion(engine, tmp_path).uri == str(tmp_path)

    def test_a_model_with_a_genre_that_the_catalog_lacks(
        self, engine: Engine, shipped: SimpleNamespace
    ) -> None:
        shipped.config.genres = ("Drama", "Slapstick")
        with pytest.raises(UnknownGenreError, match="Slapstick"):
            ensure_champion(engine, None)
        assert ledger.scalar(engine, "SELECT count(*) FROM marquee.model") == 0

    @pytest.mark.parametrize("version", ["two words-0123", "a\nb", "[red]x", "x" * 101])
    def test_a_name_that_is_none(self, engine: Engine, shipped: SimpleNamespace, version: str) -> None:
        shipped.version = version
        with pytest.raises(ArtifactError, match="a name that is none"):
            ensure_champion(engine, None)


class TestTheFirstLoad:
    def test_nothing_promoted(self, engine: Engine, champion: Champion) -> None:
        with pytest.raises(NoChampionError):
            current(engine, champion)

    def test_another_artifact_at_the_champions_place(
        self, engine: Engine, champion: Champion, loader: StubLoader
    ) -> None:
        promote_stub(engine, StubPredictor("one"))
        loader.known["one"] = StubPredictor("another")
        with pytest.raises(NoChampionError, match="holds another, not one") as caught:
            current(engine, champion)
        assert "on this host" in caught.value.mend

    def test_it_is_loaded_once_for_all_threads(
        self, engine: Engine, champion: Champion, loader: StubLoader, stub: StubPredictor
    ) -> None:
        start = threading.Barrier(4)

        def go(_: int) -> object:
            start.wait(10)
            return current(engine, champion).predictor

        with ThreadPoolExecutor(4) as pool:
            assert all(found is stub for found in pool.map(go, range(4)))
        assert loader.loads == ["stub-1"]

    def test_a_worker_that_starts_while_the_champion_is_broken_has_the_one_before(
        self, engine: Engine, champion: Champion, loader: StubLoader, stub: StubPredictor
    ) -> None:
        broken = promote_stub(engine, StubPredictor("broken"))
        assert current(engine, champion).predictor is stub
        assert champion.refusal is not None
        assert champion.refusal.model_id == broken


class TestTheSwap:
    def test_a_new_champion_is_loaded_beside_the_old_one(
        self, engine: Engine, champion: Champion, loader: StubLoader, stub: StubPredictor
    ) -> None:
        second = loader.add(StubPredictor("stub-2"))
        assert current(engine, champion).predictor is stub
        promote_stub(engine, second)
        waiting = current(engine, champion)
        assert waiting.predictor is stub, "who tags does not wait for a load"
        assert not champion.is_wanted(waiting)
        champion.follow(engine)
        assert current(engine, champion).predictor is second
        assert loader.loads == ["stub-1", "stub-2"]

    def test_a_roll_back_and_its_opposite_load_nothing(
        self, engine: Engine, champion: Champion, loader: StubLoader, stub: StubPredictor
    ) -> None:
        current(engine, champion)
        second = promote_stub(engine, loader.add(StubPredictor("stub-2")))
        champion.follow(engine)
        for _ in range(3):
            assert back(engine) == "stub-1"
            assert current(engine, champion).predictor is stub
            again(engine, second)
            assert current(engine, champion).record.version == "stub-2"
            champion.follow(engine)
        assert loader.loads == ["stub-1", "stub-2"]

    def test_a_worker_that_starts_keeps_the_one_before_at_hand(
        self, engine: Engine, champion: Champion, loader: StubLoader, stub: StubPredictor
    ) -> None:
        promote_stub(engine, loader.add(StubPredictor("stub-2")))
        champion.follow(engine)
        assert loader.loads == ["stub-2", "stub-1"]
        back(engine)
        assert current(engine, champion).predictor is stub

    def test_where_there_is_no_room_only_one_is_held(
        self,
        engine: Engine,
        champion: Champion,
        loader: StubLoader,
        stub: StubPredictor,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(worker.champion.Champion, "_has_room", lambda _: False)
        current(engine, champion)
        promote_stub(engine, loader.add(StubPredictor("stub-2")))
        champion.follow(engine)
        champion.follow(engine)
        assert [m.record.version for m in champion._held.values()] == ["stub-2"]
        back(engine)
        champion.follow(engine)
        assert current(engine, champion).predictor is stub

    def test_many_models_do_not_pile_up(self, engine: Engine, champion: Champion, loader: StubLoader) -> None:
        ids = []
        for n in range(6):
            ids.append(promote_stub(engine, loader.add(StubPredictor(f"m-{n}"))))
            champion.follow(engine)
        with transaction(engine) as connection:
            for model_id in ids:
                assert champion.earlier(connection, model_id).record.id == model_id
        held = {m.record.version for m in champion._held.values()}
        assert len(held) <= 3
        assert {"m-5", "m-4"} <= held, "what explanations need does not push out what a roll-back needs"

    def test_a_device_that_is_full_gives_up_the_model_before(
        self, engine: Engine, champion: Champion, loader: StubLoader, stub: StubPredictor,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        load, seen = loader.load, []

        def full(path: Path, device: str = "cpu", **options: object) -> StubPredictor:
            seen.append(len(champion._held))
            if path.name == "stub-3" and len(champion._held) > 1:
                raise torch.OutOfMemoryError("full")
            return load(path, device)

        monkeypatch.setattr(loader, "load", full)
        for n in (2, 3):
            current(engine, champion)
            promote_stub(engine, loader.add(StubPredictor(f"stub-{n}")))
            champion.follow(engine)
        assert current(engine, champion).record.version == "stub-3"
        assert seen == [0, 1, 2, 1]


class TestRefusal:
    @pytest.mark.parametrize(
        "error", [ArtifactError("a changed byte"), RuntimeError("CUDA error"), OSError("gone")]
    )
    def test_a_champion_that_cannot_be_loaded_is_refused_and_the_old_one_goes_on(
        self, engine: Engine, drain: Drain, loader: StubLoader, stub: StubPredictor, monkeypatch: pytest.MonkeyPatch,
        error: Exception,
    ) -> None:  # fmt: skip
        current(engine, drain.champion)
        model_id = promote_stub(engine, StubPredictor("broken"))

        def load(*_: object, **options: object) -> StubPredictor:
            raise error

        monkeypatch.setattr(loader, "load", load)
        with capture_logs() as logs:
            for _ in range(3):
                drain.champion.follow(engine)
        assert [e["log_level"] for e in logs if e["event"] == "a model cannot be loaded"] == ["error"]
        assert drain.champion.refusal is not None
        assert drain.champion.refusal.model_id == model_id
        assert str(error) in drain.champion.refusal.reason
        ledger.make_ready(engine, ledger.insert(engine, 3))
        assert drain.run() == 3
        assert len(stub.batches) == 1

    def test_one_that_cannot_compute_is_refused(
        self, engine: Engine, champion: Champion, loader: StubLoader, stub: StubPredictor,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        def fails(_: Sequence[Content]) -> None:
            raise RuntimeError("no such kernel")

        current(engine, champion)
        monkeypatch.undo()
        monkeypatch.setattr("worker.champion.Predictor", loader)
        promote_stub(engine, loader.add(StubPredictor("stub-2", during=fails)))
        champion.follow(engine)
        assert current(engine, champion).predictor is stub
        assert champion.refusal is not None
        assert "no such kernel" in champion.refusal.reason

    def test_it_is_tried_again_after_a_while(
        self, engine: Engine, champion: Champion, loader: StubLoader, stub: StubPredictor,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        current(engine, champion)
        second = StubPredictor("stub-2")
        promote_stub(engine, second)
        champion.follow(engine)
        loader.add(second)  # somebody copies the artifact to this host
        champion.follow(engine)
        assert champion.refusal is not None
        monkeypatch.setattr("worker.champion.monotonic", lambda: 1e9)
        champion.follow(engine)
        assert current(engine, champion).predictor is second
        assert champion.refusal is None

    def test_a_roll_back_ends_it(
        self, engine: Engine, champion: Champion, loader: StubLoader, stub: StubPredictor
    ) -> None:
        current(engine, champion)
        promote_stub(engine, StubPredictor("broken"))
        champion.follow(engine)
        back(engine)
        champion.follow(engine)
        assert champion.refusal is None
        assert champion.is_wanted(current(engine, champion))

    def test_what_the_old_model_tags_meanwhile_does_not_go_in_circles(
        self, engine: Engine, drain: Drain, loader: StubLoader, stub: StubPredictor
    ) -> None:
        """A refused champion would else have its predecessor tag the same movies again for ever."""
        ledger.make_ready(engine, ledger.insert(engine, 3))
        drain.run()
        promote_stub(engine, StubPredictor("broken"))
        drain.champion.follow(engine)
        with transaction(engine) as connection:
            assert retag(connection) == 3
        assert drain.run() == 0
        ledger.make_ready(engine, ledger.insert(engine, 1))
        assert drain.run() == 1
        assert ledger.counts(engine) == {"tagged": 1, "ready": 3}


class TestTheWatch:
    def test_it_hears_of_promotions_and_tells_which_model_tags(
        self, engine: Engine, champion: Champion, loader: StubLoader, stub: StubPredictor
    ) -> None:
        said = "SELECT model_id, refusal FROM marquee.worker"
        second = loader.add(StubPredictor("stub-2"))
        with (
            Presence(engine, "tag", beat=0.05) as presence,
            ChampionWatch(engine, champion, presence, poll_seconds=60) as watch,
        ):
            until(lambda: champion.now is not None and watch._listener.connected)
            model_id = promote_stub(engine, second)
            until(lambda: champion.now is not None and champion.now.predictor is second)
            until(lambda: tuple(ledger.execute(engine, said)[0]) == (model_id, None))
            promote_stub(engine, StubPredictor("broken"))
            until(lambda: ledger.execute(engine, said)[0].refusal is not None)
            assert ledger.execute(engine, said)[0].model_id == model_id

    def test_it_goes_on_when_a_look_fails(
        self, engine: Engine, champion: Champion, loader: StubLoader
    ) -> None:
        with ChampionWatch(engine, champion, poll_seconds=0.05):
            promote_stub(engine, loader.add(StubPredictor("stub-1")))
            until(lambda: champion.now is not None)


class TestUnderLoad:
    def test_promote_and_roll_back_twenty_times_under_a_steady_stream(
        self, engine: Engine, drain: Drain, loader: StubLoader, stub: StubPredictor, capsys: pytest.CaptureFixture[str]
    ) -> None:  # fmt: skip
        """No movie fails, no batch is of two models, each prediction is its model's own, and nothing pauses."""

        def device(contents: Sequence[Content]) -> None:
            threading.Event().wait(0.004)

        second = loader.add(StubPredictor("stub-2", during=device))
        stub.during = device
        first_id, stop = current(engine, drain.champion).record.id, threading.Event()

        def stream() -> int:
            count = 0
            while not stop.wait(0.01):
                ledger.make_ready(engine, ledger.insert(engine, 4))
                count += 4
            return count

        second_id = promote_stub(engine, second)
        waits = []
        with (
            ThreadPoolExecutor(1) as pool,
            Sweep(drain, seconds=0.01),
            ChampionWatch(engine, drain.champion, poll_seconds=1.0),
        ):
            streamed = pool.submit(stream)
            for turn in range(20):
                wanted = first_id if turn % 2 == 0 else second_id
                back(engine) if turn % 2 == 0 else again(engine, second_id)
                used = (
                    "SELECT min(at) - (SELECT max(at) FROM marquee.promotion) FROM marquee.prediction_log "
                    "WHERE model_id = :m AND at > (SELECT max(at) FROM marquee.promotion)"
                )
                waits.append(until(lambda m=wanted, q=used: ledger.scalar(engine, q, m=m)))
            stop.set()
            movies = streamed.result()
            until(lambda: ledger.counts(engine) == {"tagged": movies})
        assert ledger.scalar(engine, "SELECT count(*) FROM marquee.promotion") == 22
        assert set(ledger.effects(engine).values()) == {1}
        assert ledger.scalar(engine, "SELECT max(failures + deaths) FROM marquee.tagging") == 0
        mixed = (
            "SELECT count(*) FROM (SELECT FROM marquee.prediction_log GROUP BY xmin::text "
            "HAVING count(DISTINCT model_id) > 1) m"
        )
        assert ledger.scalar(engine, mixed) == 0
        check_that_each_is_its_models_own(engine, stub, second)
        pause = ledger.scalar(
            engine,
            "SELECT max(extract(epoch FROM gap)) FROM ("
            "SELECT at - lag(at) OVER (ORDER BY at) AS gap FROM marquee.prediction_log) g",
        )
        late = max(w.total_seconds() for w in waits)
        with capsys.disabled():
            print(f"\n20 swaps, {movies} movies: longest pause {pause:.3f} s, longest wait {late:.3f} s")
        assert pause < 1
        assert late < 2


def check_that_each_is_its_models_own(engine: Engine, *stubs: StubPredictor) -> None:
    """Every confidence that was written is what the model that it names says of the movie."""
    known = {s.version: s for s in stubs}
    rows = ledger.execute(
        engine,
        "SELECT m.version, c.title, c.year, c.language, c.plot, l.confidences FROM marquee.prediction_log l "
        "JOIN marquee.model m ON m.id = l.model_id JOIN marquee.content c USING (movie_id)",
    )
    assert {r.version for r in rows} == set(known)
    for r in rows:
        said = known[r.version].say(Content(r.title, r.year, r.language, r.plot, None))
        assert sorted(r.confidences) == pytest.approx(sorted(said.confidence.tolist()))


def test_movies_of_the_model_before_are_tagged_again_behind_new_ones(
    engine: Engine, drain: Drain, loader: StubLoader, stub: StubPredictor
) -> None:
    old = ledger.insert(engine, 20)
    ledger.make_ready(engine, old)
    assert drain.run() == 20
    second = loader.add(StubPredictor("stub-2"))
    model_id = promote_stub(engine, second)
    drain.champion.follow(engine)
    with transaction(engine) as connection:
        assert retag(connection) == 20
    doubt = ledger.execute(
        engine, "SELECT movie_id FROM marquee.review ORDER BY uncertainty DESC, movie_id DESC"
    )
    new: list[int] = []

    def during(contents: Sequence[Content]) -> None:
        if len(second.batches) == 1:
            new.extend(ledger.insert(engine, 2, title="new"))
            ledger.make_ready(engine, new)

    second.during = during
    assert drain.run() == 22
    flat = [title for batch in second.batches for title in batch]
    titles = {r.id: r.title for r in ledger.execute(engine, "SELECT id, title FROM marquee.movie")}
    assert sorted(flat[:8]) == sorted(titles[r.movie_id] for r in doubt[:8]), "the least certain first"
    assert "new" in second.batches[1] + second.batches[2]
    with transaction(engine) as connection:
        assert retag(connection) == 0
        assert read_model(connection, model_id).version == "stub-2"
    assert ledger.scalar(engine, "SELECT count(*) FROM marquee.review WHERE model_id <> :m", m=model_id) == 0
