import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from tagger.artifact import MANIFEST, load_artifact, save_artifact
from tagger.errors import ArtifactError
from tagger.predictor import Predictor
from tests.unit.tagger.small import small_artifact


def test_saving_what_was_loaded_gives_the_same_bytes(artifact: Path, tmp_path: Path) -> None:
    loaded = load_artifact(artifact)
    copy = tmp_path / "copy"
    assert save_artifact(loaded, copy, (artifact / "README.md").read_text()) == loaded.sha256
    for path in artifact.iterdir():
        assert path.read_bytes() == (copy / path.name).read_bytes()


def test_the_same_model_gives_the_same_bytes(artifact: Path, tmp_path: Path) -> None:
    assert load_artifact(artifact).sha256 == load_artifact(small_artifact(tmp_path / "again")).sha256


@pytest.mark.parametrize("name", ["model.safetensors", "lexicon.json", "README.md"])
def test_a_changed_byte_is_refused(artifact: Path, name: str) -> None:
    data = bytearray((artifact / name).read_bytes())
    data[len(data) // 2] ^= 1
    (artifact / name).write_bytes(data)
    with pytest.raises(ArtifactError, match="changed after it was made"):
        load_artifact(artifact)


@pytest.mark.parametrize("name", ["model.safetensors", "lexicon.json"])
def test_a_missing_or_shortened_file_is_refused(artifact: Path, name: str) -> None:
    data = (artifact / name).read_bytes()
    (artifact / name).write_bytes(data[:-1])
    with pytest.raises(ArtifactError, match="bytes"):
        load_artifact(artifact)
    (artifact / name).unlink()
    with pytest.raises(ArtifactError, match="missing"):
        load_artifact(artifact)


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize("name", ["model.safetensors", "lexicon.json"])
def test_a_pickle_is_never_loaded(artifact: Path, name: str) -> None:
    data = pickle.dumps(Trap())
    (artifact / name).write_bytes(data)
    manifest = json.loads((artifact / MANIFEST).read_text())
    from hashlib import sha256

    manifest["files"][name] = {"sha256": sha256(data).hexdigest(), "bytes": len(data)}
    (artifact / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match="damaged"):
        load_artifact(artifact)


def test_a_file_that_the_manifest_does_not_name_is_refused(artifact: Path) -> None:
    (artifact / "extra.pt").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ArtifactError, match=r"extra\.pt"):
        load_artifact(artifact)


def test_a_file_outside_the_folder_cannot_be_named(artifact: Path) -> None:
    manifest = json.loads((artifact / MANIFEST).read_text())
    manifest["files"]["../secret"] = {"sha256": "", "bytes": 0}
    (artifact / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match="does not list"):
        load_artifact(artifact)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "[" * 100_000, '{"schema_version": 99}'])
def test_what_is_no_manifest_is_refused(artifact: Path, text: str) -> None:
    (artifact / MANIFEST).write_text(text)
    with pytest.raises(ArtifactError):
        load_artifact(artifact)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("model", "width"), 10**9),
        (("model", "genres"), ["A", "A"]),
        (("model", "heads"), 0),
        (("model", "surprise"), 1),
        (("model", "members"), 10**6),
        (("prior",), [0.1]),
        (("calibration", "scale"), [[1.0]]),
        (("bands", "low"), [[0.9] * 4] * 3),
        (("encoders",), {}),
    ],
)
def test_a_manifest_that_cannot_be_is_refused(artifact: Path, path: tuple[str, ...], value: object) -> None:
    manifest = json.loads((artifact / MANIFEST).read_text())
    inner = manifest
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    (artifact / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError):
        load_artifact(artifact)


def test_tensors_of_another_model_are_refused(artifact: Path) -> None:
    manifest = json.loads((artifact / MANIFEST).read_text())
    manifest["model"]["layers"] = 2
    (artifact / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match="tensors"):
        Predictor.load(artifact)


def test_no_artifact_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no artifact"):
        load_artifact(tmp_path)


def test_ends_that_are_not_there_survive(artifact: Path, tmp_path: Path) -> None:
    loaded = load_artifact(artifact)
    loaded.bands.high[0, 1] = np.inf
    loaded.bands.low[2, 3] = -np.inf
    save_artifact(loaded, tmp_path / "open")
    bands = load_artifact(tmp_path / "open").bands
    assert bands.high[0, 1] == np.inf
    assert bands.low[2, 3] == -np.inf
