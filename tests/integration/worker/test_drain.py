"""The drain's logic, with a model that is a stub."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

import worker.drain
from catalog.errors import DatabaseUnavailableError
from catalog.ledger.words import Limits
from tagger.content import Content
from tagger.errors import NonFiniteError, OutOfDeviceMemoryError
from tests.support import ledger
from tests.support.stub_model import StubLoader, StubPredictor, promote_stub
from tests.support.waiting import until
from worker.champion import Champion
from worker.drain import Drain
from worker.errors import DeviceError, NoChampionError
from worker.posters import PosterStore

OWNER = 42
WAIT = 20.0
MakeDrain = Callable[..., Drain]


@pytest.fixture
def make_drain(engine: Engine, stub: StubPredictor, store: PosterStore) -> Iterator[MakeDrain]:
    drains: list[Drain] = []

    def make(batch_size: int = 8, limits: Limits | None = None, **options: object) -> Drain:
        champion = Champion("cpu")
        limits = limits or Limits()
        drains.append(
            Drain(engine, OWNER, champion, store, limits, batch_size=batch_size, **options)  # type: ignore[arg-type]
        )
        return drains[-1]

    yield make
    for drain in drains:
        drain.close()


def ready(engine: Engine, count: int, **content: object) -> list[int]:
    ids = ledger.insert(engine, count)
    ledger.make_ready(engine, ids, **content)
    return ids


def test_full_batches_under_backlog(engine: Engine, stub: StubPredictor, make_drain: MakeDrain) -> None:
    ready(engine, 20)
    assert make_drain(8).run() == 20
    assert [len(b) for b in stub.batches] == [8, 8, 4]
    assert ledger.counts(engine) == {"tagged": 20}
    assert set(ledger.effects(engine).values()) == {1}


def test_nothing_ready(stub: StubPredictor, make_drain: MakeDrain) -> None:
    assert make_drain().run() == 0
    assert stub.batches == []


def test_next_batch_is_claimed_and_prepared_while_the_device_works(
    engine: Engine, stub: StubPredictor, make_drain: MakeDrain
) -> None:
    ready(engine, 16)
    second_prepared = threading.Event()
    prepared: list[int] = []

    def while_preparing(contents: Sequence[Content]) -> None:
        prepared.append(len(contents))
        if len(prepared) == 2:
            second_prepared.set()

    def during(contents: Sequence[Content]) -> None:
        if len(stub.batches) == 1:
            assert second_prepared.wait(WAIT), (
                "the second batch was not prepared while the first was on the device"
            )
            assert ledger.counts(engine) == {"tagging": 16}

    stub.while_preparing, stub.during = while_preparing, during
    assert make_drain(8).run() == 16


def test_a_bad_movie_is_found_and_its_mates_are_tagged(
    engine: Engine, stub: StubPredictor, make_drain: MakeDrain
) -> None:
    ids = ready(engine, 8)
    bad = ids[5]

    def during(contents: Sequence[Content]) -> None:
        if any(c.title == "movie 6" for c in contents):
            raise RuntimeError("cannot digest this one")

    stub.during = during
    drain = make_drain(8, Limits(retry_seconds=30.0))
    for attempt in range(1, 6):
        assert drain.run() == (7 if attempt == 1 else 0)
        row = ledger.row(engine, bad)
        assert row.failures == attempt
        assert row.state == ("quarantined" if attempt == 5 else "ready")
        if attempt < 5:
            assert ledger.scalar(
                engine, "SELECT due_at > now() FROM marquee.tagging WHERE movie_id = :i", i=bad
            )
        ledger.make_due(engine)
    assert "RuntimeError: cannot digest this one" in row.error
    assert ledger.events(engine, bad)[-1][0] == "quarantined"
    assert ledger.events(engine, bad)[-1][1]["reason"] == row.error
    assert ledger.effects(engine) == dict.fromkeys(set(ids) - {bad}, 1)
    assert drain.run() == 0, "a quarantined movie is left alone"


def test_a_batch_that_cannot_be_prepared_is_bisected_too(
    engine: Engine, stub: StubPredictor, make_drain: MakeDrain
) -> None:
    ids = ready(engine, 4)

    def broken(contents: Sequence[Content]) -> None:
        if any(c.title == "movie 2" for c in contents):
            raise ValueError("a damaged poster")

    stub.while_preparing = stub.during = broken
    assert make_drain(4).run() == 3
    assert ledger.row(engine, ids[1]).failures == 1


def test_out_of_memory_halves_this_batch_and_the_ones_after(
    engine: Engine, stub: StubPredictor, make_drain: MakeDrain
) -> None:
    ready(engine, 24)

    def during(contents: Sequence[Content]) -> None:
        if len(contents) > 4:
            raise OutOfDeviceMemoryError("too many", mend="Lower the batch size.")

    stub.during = during
    drain = make_drain(8)
    assert drain.run() == 24
    assert drain.batch_size == 4
    assert ledger.counts(engine) == {"tagged": 24}
    assert all(ledger.row(engine, i).failures == 0 for i in ledger.states(engine))


def test_numbers_that_are_none_never_reach_the_catalog(
    engine: Engine, stub: StubPredictor, make_drain: MakeDrain
) -> None:
    ids = ready(engine, 3)

    def during(contents: Sequence[Content]) -> None:
        wrong = [i for i, c in enumerate(contents) if c.title == "movie 1"]
        if wrong:
            raise NonFiniteError(wrong)

    stub.during = during
    assert make_drain().run() == 2
    assert ledger.row(engine, ids[0]).state == "ready"
    assert ids[0] not in ledger.effects(engine)


def test_a_device_that_fails_everything_ends_the_worker_and_blames_no_movie(
    engine: Engine, stub: StubPredictor, make_drain: MakeDrain
) -> None:
    """The batch in hand stays as a killed worker leaves it; the one behind it goes back unharmed."""
    ready(engine, 8)

    def during(contents: Sequence[Content]) -> None:
        if len(stub.batches) == 1:
            until(lambda: ledger.counts(engine) == {"tagging": 8})
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    stub.during = during
    broken: list[DeviceError] = []
    with pytest.raises(DeviceError, match="illegal memory access"):
        make_drain(4, broken=broken.append).run()
    assert len(broken) == 1
    assert ledger.counts(engine) == {"tagging": 4, "ready": 4}
    assert ledger.scalar(engine, "SELECT max(failures) FROM marquee.tagging") == 0


def test_a_device_that_fails_ends_the_worker_though_postgres_fails_too(
    engine: Engine, stub: StubPredictor, make_drain: MakeDrain, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(engine, 8)

    def during(_: Sequence[Content]) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    stub.during = during
    broken: list[DeviceError] = []
    drain = make_drain(4, broken=broken.append)
    current, calls = drain.champion.current, iter([True])

    def once(connection: Connection) -> object:
        if next(calls, False):
            return current(connection)
        raise DatabaseUnavailableError("Postgres cannot be reached.")

    monkeypatch.setattr(drain.champion, "current", once)
    with pytest.raises(DeviceError):
        drain.run()
    assert len(broken) == 1


def test_a_row_that_somebody_holds_for_a_moment_is_finished_all_the_same(
    engine: Engine, stub: StubPredictor, make_drain: MakeDrain, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = ready(engine, 3)
    pauses: list[float] = []
    with engine.connect() as connection:

        def during(_: Sequence[Content]) -> None:
            connection.execute(
                text("SELECT FROM marquee.tagging WHERE movie_id = :i FOR UPDATE"), {"i": ids[1]}
            )

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                assert ledger.counts(engine) == {"tagged": 2, "tagging": 1}
                connection.rollback()

        stub.during = during
        monkeypatch.setattr("worker.patience.time.sleep", sleep)
        assert make_drain().run() == 3
    assert ledger.counts(engine) == {"tagged": 3}
    assert len(pauses) == 3


@pytest.mark.parametrize("harm", ["missing", "damaged"])
def test_a_poster_that_is_lost_is_fetched_anew(
    engine: Engine, make_drain: MakeDrain, store: PosterStore, tmp_path: Path, harm: str
) -> None:
    digest = store.put(b"a poster")
    [lost] = ready(engine, 1, poster_hash=digest)
    [whole] = ready(engine, 1)
    [file] = tmp_path.rglob("*.jpg")
    file.unlink() if harm == "missing" else file.write_bytes(b"a p0ster")
    assert make_drain().run() == 1
    row = ledger.row(engine, lost)
    assert (row.state, row.refetch, row.failures) == ("pending", True, 1)
    assert harm in row.error or "has no poster" in row.error
    assert ledger.row(engine, whole).state == "tagged"


def test_a_store_that_is_away_blames_no_movie(engine: Engine, make_drain: MakeDrain, tmp_path: Path) -> None:
    ids = ready(engine, 2, poster_hash="ab" * 32)
    (tmp_path / "posters").mkdir()
    (tmp_path / "posters" / "ab").write_text("not a directory")
    assert make_drain().run() == 0
    rows = [ledger.row(engine, i) for i in ids]
    assert [(r.state, r.failures) for r in rows] == [("ready", 0)] * 2
    assert ledger.scalar(engine, "SELECT bool_and(due_at > now()) FROM marquee.tagging")


def test_a_change_while_being_tagged_wins(engine: Engine, stub: StubPredictor, make_drain: MakeDrain) -> None:
    ids = ready(engine, 3)

    def during(contents: Sequence[Content]) -> None:
        if len(stub.batches) == 1:
            ledger.execute(engine, "UPDATE marquee.movie SET title = 'changed' WHERE id = :i", i=ids[1])

    stub.during = during
    drain = make_drain()
    assert drain.run() == 2
    assert ledger.row(engine, ids[1]).state == "pending"
    assert ids[1] not in ledger.effects(engine)
    ledger.make_ready(engine, [ids[1]])
    assert drain.run() == 1
    assert stub.batches[-1] == ["changed"]
    assert ledger.row(engine, ids[1]).tagged_revision == 2


def test_a_movie_deleted_while_being_tagged_is_dropped(
    engine: Engine, stub: StubPredictor, make_drain: MakeDrain
) -> None:
    ids = ready(engine, 3)

    def during(contents: Sequence[Content]) -> None:
        ledger.execute(engine, "DELETE FROM marquee.movie WHERE id = :i", i=ids[1])

    stub.during = during
    assert make_drain().run() == 2
    assert ledger.effects(engine) == {ids[0]: 1, ids[2]: 1}
    assert ledger.counts(engine) == {"tagged": 2}


def test_stop_hands_control_and_the_next_batch_back(
    engine: Engine, stub: StubPredictor, make_drain: MakeDrain
) -> None:
    ready(engine, 24)
    stop, claimed = threading.Event(), threading.Event()

    def during(contents: Sequence[Content]) -> None:
        assert claimed.wait(WAIT)
        stop.set()

    def while_preparing(contents: Sequence[Content]) -> None:
        if stub.batches or ledger.counts(engine).get("tagging") == 16:
            claimed.set()

    stub.during, stub.while_preparing = during, while_preparing
    assert make_drain(8, stopping=stop.is_set).run() == 8
    assert ledger.counts(engine) == {"tagged": 8, "ready": 16}
    assert ledger.scalar(engine, "SELECT max(deaths) FROM marquee.tagging") == 0


def test_a_promotion_swaps_the_model_between_two_batches(
    engine: Engine, stub: StubPredictor, loader: StubLoader, make_drain: MakeDrain
) -> None:
    ready(engine, 24)
    second = loader.add(StubPredictor("stub-2"))

    def during(contents: Sequence[Content]) -> None:
        if len(stub.batches) == 1:
            promote_stub(engine, second)
            drain.champion.follow(engine)

    stub.during = during
    drain = make_drain(8)
    assert drain.run() == 24
    assert (len(stub.batches), len(second.batches)) == (1, 2), "what was prepared before has the new one too"
    assert loader.loads == ["stub-1", "stub-2"]
    used = ledger.execute(
        engine,
        "SELECT m.version, count(*) AS n FROM marquee.prediction_log l "
        "JOIN marquee.model m ON m.id = l.model_id GROUP BY 1",
    )
    assert {r.version: r.n for r in used} == {
        "stub-1": 8 * len(stub.batches), "stub-2": 8 * len(second.batches)
    }  # fmt: skip


def test_a_champion_that_is_not_what_lies_there_tags_nothing(
    engine: Engine, stub: StubPredictor, loader: StubLoader, make_drain: MakeDrain
) -> None:
    ids = ready(engine, 2)
    loader.known["stub-1"] = StubPredictor("another")
    with pytest.raises(NoChampionError):
        make_drain().run()
    assert ledger.states(engine) == dict.fromkeys(ids, "ready")


def test_two_callers_at_once_tag_each_movie_once(
    engine: Engine, stub: StubPredictor, make_drain: MakeDrain
) -> None:
    ready(engine, 32)
    inside, go = threading.Event(), threading.Event()

    def during(contents: Sequence[Content]) -> None:
        inside.set()
        assert go.wait(WAIT)

    stub.during = during
    drain = make_drain(8)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(drain.run)
        assert inside.wait(WAIT)
        assert pool.submit(drain.run).result(WAIT) == 0
        go.set()
        assert first.result(WAIT) == 32
    assert set(ledger.effects(engine).values()) == {1}


def test_a_wake_up_during_a_run_is_not_lost(
    engine: Engine, stub: StubPredictor, make_drain: MakeDrain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first run has found no next batch; then a movie becomes ready, and its wake-up comes."""
    ready(engine, 1)
    looked, go = threading.Event(), threading.Event()
    claim = worker.drain.claim_ready

    def claim_and_tell(*args: Any, **options: Any) -> Any:
        jobs = claim(*args, **options)
        if not jobs:
            looked.set()
        return jobs

    def during(contents: Sequence[Content]) -> None:
        assert go.wait(WAIT)

    monkeypatch.setattr(worker.drain, "claim_ready", claim_and_tell)
    stub.during = during
    drain = make_drain(8)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(drain.run)
        assert looked.wait(WAIT)
        ready(engine, 1)
        assert drain.run() == 0
        go.set()
        assert first.result(WAIT) == 2


def test_a_result_is_kept_until_postgres_is_back(
    engine: Engine, stub: StubPredictor, make_drain: MakeDrain, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(engine, 4)
    finish, away = worker.drain.finish_tagging, [True, True]

    def breaks(*args: object, **options: object) -> object:
        if away:
            away.pop()
            raise DatabaseUnavailableError("Postgres cannot be reached.")
        return finish(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(worker.drain, "finish_tagging", breaks)
    monkeypatch.setattr("worker.patience.PAUSE", 0.01)
    assert make_drain().run() == 4
    assert len(stub.batches) == 1, "the result was thrown away"
    assert set(ledger.effects(engine).values()) == {1}


def test_batches_of_a_run_that_breaks_off_go_back_unharmed(
    engine: Engine, stub: StubPredictor, make_drain: MakeDrain, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(engine, 16)

    def breaks(*args: object, **options: object) -> object:
        raise DatabaseUnavailableError("Postgres cannot be reached.")

    monkeypatch.setattr("worker.drain.finish_tagging", breaks)
    with pytest.raises(DatabaseUnavailableError):
        make_drain(8, Limits(lease_seconds=0.0)).run()
    assert ledger.counts(engine) == {"ready": 16}


def test_interactive_before_bulk_before_retag(
    engine: Engine, stub: StubPredictor, make_drain: MakeDrain
) -> None:
    for priority in ("retag", "bulk", "interactive"):
        ledger.make_ready(engine, ledger.insert(engine, 2, priority=priority, title=priority))
    make_drain(2).run()
    assert stub.batches == [["interactive"] * 2, ["bulk"] * 2, ["retag"] * 2]


def test_movies_tagged_again_go_in_small_batches_and_none_is_taken_ahead(
    engine: Engine, stub: StubPredictor, make_drain: MakeDrain
) -> None:
    """So a movie that comes meanwhile waits for one small batch, however slow the device is."""
    ledger.make_ready(engine, ledger.insert(engine, 4, priority="retag", title="again"))

    def during(contents: Sequence[Content]) -> None:
        if len(stub.batches) == 1:
            assert ledger.counts(engine) == {"tagging": 1, "ready": 3}
            ledger.make_ready(engine, ledger.insert(engine, 3, title="new"))

    stub.during = during
    drain = make_drain(8)
    drain._pace = 1.0  # as if a movie took a second
    assert drain.run() == 7
    assert stub.batches == [["again"], ["new"] * 3, ["again"], ["again"], ["again"]]


def test_suspects_go_first_and_nothing_is_taken_ahead_of_them(
    engine: Engine, stub: StubPredictor, make_drain: MakeDrain
) -> None:
    """Were the next batch claimed while a suspect is on the device, its death would count against that, too."""
    ids = ready(engine, 34)
    ledger.execute(engine, "UPDATE marquee.tagging SET deaths = 1 WHERE movie_id = ANY(:i)", i=ids[:20])
    ledger.execute(engine, "UPDATE marquee.tagging SET deaths = 2 WHERE movie_id = ANY(:i)", i=ids[20:22])
    held: list[tuple[int, int]] = []

    def during(contents: Sequence[Content]) -> None:
        held.append((len(contents), ledger.counts(engine)["tagging"]))

    stub.during = during
    assert make_drain(64).run() == 34
    assert held == [(1, 1), (1, 1), (16, 16), (4, 4), (12, 12)]


def test_with_few_deaths_allowed_each_suspect_goes_alone(
    engine: Engine, stub: StubPredictor, make_drain: MakeDrain
) -> None:
    ready(engine, 3)
    ledger.execute(engine, "UPDATE marquee.tagging SET deaths = 1")
    make_drain(64, Limits(max_deaths=2)).run()
    assert [len(batch) for batch in stub.batches] == [1, 1, 1]


def test_a_suspect_is_tagged_alone_and_first(
    engine: Engine, stub: StubPredictor, make_drain: MakeDrain
) -> None:
    ids = ready(engine, 4)
    ledger.execute(engine, "UPDATE marquee.tagging SET deaths = 1 WHERE movie_id = :i", i=ids[2])
    make_drain(8).run()
    assert [sorted(batch) for batch in stub.batches] == [["movie 3"], ["movie 1", "movie 2", "movie 4"]]
    assert ledger.row(engine, ids[2]).deaths == 0
