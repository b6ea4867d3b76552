"""The first promotion, and a champion that is loaded."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine

from catalog.errors import UnknownGenreError
from tests.support import ledger
from tests.support.stub_model import StubLoader, StubPredictor, promote_stub
from worker.champion import Champion, ensure_champion
from worker.errors import NoChampionError

STUB = StubPredictor()


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the artifact that ships is said to be; loading it takes as long as it takes four threads to come."""
    told = SimpleNamespace(
        version="v1", sha256=STUB.sha256, config=SimpleNamespace(genres=STUB.genres), about={}
    )
    monkeypatch.setattr("worker.champion.load_artifact", lambda _: told)
    return told


def test_workers_that_start_at_once_promote_once(engine: Engine, shipped: SimpleNamespace) -> None:
    start = threading.Barrier(4)

    def go(_: int) -> int:
        start.wait(10)
        return ensure_champion(engine, None).id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(go, range(4)))) == 1
    assert ledger.scalar(engine, "SELECT count(*) FROM marquee.promotion") == 1
    assert ledger.scalar(engine, "SELECT count(*) FROM marquee.model") == 1


def test_a_champion_that_is_there_stays(engine: Engine, shipped: SimpleNamespace) -> None:
    chosen = promote_stub(engine, StubPredictor("chosen"))
    assert ensure_champion(engine, None).id == chosen
    assert ledger.scalar(engine, "SELECT count(*) FROM marquee.promotion") == 1


def test_a_new_version_brings_its_model_along(engine: Engine, shipped: SimpleNamespace) -> None:
    first = ensure_champion(engine, None)
    shipped.version, shipped.sha256 = "v2", StubPredictor("v2").sha256
    second = ensure_champion(engine, None)
    assert (first.version, second.version) == ("v1", "v2")
    shipped.version, shipped.sha256 = "v1", STUB.sha256  # a host of the older version does not take it back
    assert ensure_champion(engine, None).id == second.id
    assert ledger.scalar(engine, "SELECT count(*) FROM marquee.promotion") == 2


def test_another_artifact_at_the_champions_place(engine: Engine, loader: StubLoader) -> None:
    promote_stub(engine, StubPredictor("one"))
    loader.known["one"] = StubPredictor("another")
    with (
        engine.connect() as connection,
        pytest.raises(NoChampionError, match="holds another, not one") as caught,
    ):
        Champion("cpu").current(connection)
    assert "on this host" in caught.value.mend


def test_an_artifact_of_ones_own(engine: Engine, shipped: SimpleNamespace, tmp_path: Path) -> None:
    assert ensure_champion(engine, tmp_path).uri == str(tmp_path)


def test_a_model_with_a_genre_that_the_catalog_lacks(engine: Engine, shipped: SimpleNamespace) -> None:
    shipped.config.genres = ("Drama", "Slapstick")
    with pytest.raises(UnknownGenreError, match="Slapstick"):
        ensure_champion(engine, None)
    assert ledger.scalar(engine, "SELECT count(*) FROM marquee.model") == 0


def test_nothing_promoted(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(NoChampionError):
        Champion("cpu").current(connection)


def test_loaded_once_and_anew_after_a_promotion(engine: Engine, loader: StubLoader) -> None:
    first, second = loader.add(StubPredictor("one")), loader.add(StubPredictor("two"))
    promote_stub(engine, first)
    champion = Champion("cpu")

    def current() -> object:
        with engine.connect() as connection:
            return champion.current(connection).predictor

    assert current() is current() is first
    promote_stub(engine, second)
    assert current() is second
    assert loader.loads == ["one", "two"]
