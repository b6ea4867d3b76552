"""A folder of movies behind the offline TMDB, a poster store, and a model that is a stub."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import Engine

from tests.support.cli import Cli
from tests.support.folders import write_folder
from tests.support.stub_model import StubLoader, StubPredictor, promote_stub
from tests.support.workbench import Bench, Host, MakeBench
from worker.offline_tmdb import OfflineTmdb
from worker.posters import PosterStore

MOVIES = [
    {"tmdb_id": 11, "imdb_id": "tt0000011", "title": "The Whole", "year": 1999, "plot": "Nothing is missing.",
     "poster": "11.jpg", "genres": ["Horror", "Western"]},
    {"tmdb_id": 12, "imdb_id": "tt0000012", "title": "No Plot", "year": 2001, "poster": "12.jpg"},
    {"tmdb_id": 13, "imdb_id": "tt0000013", "title": "No Poster", "year": 2002, "plot": "A plot alone."},
    {"tmdb_id": 15, "title": "Twins", "year": 1988, "plot": "The first.", "poster": "11.jpg"},
    {"tmdb_id": 16, "title": "Twins", "year": 1988, "plot": "The second.", "poster": "11.jpg"},
    {"tmdb_id": 17, "title": "Nul\u0000 and \u0007bell", "year": 1990,
     "plot": "A\u0000 plot \u0001 with\u001b noise."},
    {"tmdb_id": 18, "title": "Long", "year": 1991, "plot": "word " * 200_000},
    {"tmdb_id": 19, "title": "Blank", "year": 1992, "plot": " \n\t "},
    *({"tmdb_id": 100 + i, "title": f"Movie {i}", "year": 2000, "plot": f"Plot {i}.", "poster": "12.jpg"}
      for i in range(40)),
]  # fmt: skip


@pytest.fixture(scope="session")
def movie_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("movies"), MOVIES)


@pytest.fixture(scope="session")
def offline(movie_folder: Path) -> Iterator[OfflineTmdb]:
    with OfflineTmdb(movie_folder) as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> PosterStore:
    return PosterStore(str(tmp_path / "posters"))


@pytest.fixture
def loader(monkeypatch: pytest.MonkeyPatch) -> StubLoader:
    """Loads stubs where the worker would load artifacts."""
    loader = StubLoader()
    monkeypatch.setattr("worker.champion.Predictor", loader)
    monkeypatch.setattr("worker.champion.prove", lambda predictor: None)
    return loader


@pytest.fixture
def stub(engine: Engine, loader: StubLoader) -> StubPredictor:
    """The champion: a stub."""
    predictor = loader.add(StubPredictor())
    promote_stub(engine, predictor)
    return predictor


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.close()


@pytest.fixture
def jpeg() -> bytes:
    out = BytesIO()
    Image.new("RGB", (60, 90), "teal").save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def make_bench(engine: Engine, tmdb: OfflineTmdb, store: PosterStore, host: Host) -> Iterator[MakeBench]:
    made: list[Bench] = []

    def make(*, with_tmdb: bool = True) -> Bench:
        made.append(Bench(engine, tmdb if with_tmdb else None, store, [host.origin]))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return make_bench()


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """The command line in an empty directory, with nothing running and a wide terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("MARQUEE_HOME", str(tmp_path / "home"))
    return Cli(monkeypatch, capsys)


@pytest.fixture
def catalog(
    cli: Cli, engine: Engine, database_url: str, broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> Engine:
    """The test's database, as the command line's own."""
    monkeypatch.setenv("MARQUEE_DATABASE_URL", database_url)
    monkeypatch.setenv("MARQUEE_BROKER_URL", broker_url)
    return engine
