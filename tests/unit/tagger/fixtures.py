"""The fixtures that the tests of `tagger` and of `training` share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tagger.predictor import Predictor
from tests.unit.tagger.small import make_encoders, small_artifact


@pytest.fixture(scope="session")
def encoder_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("encoders")
    make_encoders(root)
    return root


@pytest.fixture(autouse=True)
def _small_encoders(
    encoder_root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The small encoders are found by name, and features go to a cache of the test's own."""
    monkeypatch.setenv("MARQUEE_ENCODERS", str(encoder_root))
    monkeypatch.setenv("MARQUEE_HOME", str(tmp_path_factory.mktemp("home")))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    return small_artifact(tmp_path / "artifact")


@pytest.fixture
def predictor(artifact: Path) -> Predictor:
    return Predictor.load(artifact)
