from pathlib import Path

import pytest

from tagger.errors import EncoderError
from tagger.weights import file_sha256, resolve
from tests.unit.tagger.small import TEXT


def test_a_local_folder_is_found_by_name(encoder_root: Path) -> None:
    weights = resolve(TEXT)
    assert weights.folder == encoder_root / TEXT
    assert weights.sha256 == file_sha256(encoder_root / TEXT / "model.safetensors")


def test_other_weights_are_refused() -> None:
    with pytest.raises(EncoderError, match="not the one this model was trained with"):
        resolve(TEXT, sha256="0" * 64)


def test_an_encoder_that_is_not_here_is_named_with_its_mend() -> None:
    with pytest.raises(EncoderError, match="nobody/nothing is not on this machine"):
        resolve("nobody/nothing")


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "efficientnet-lite0"])
def test_the_wheels_are_found(name: str) -> None:
    assert resolve(name).file.is_file()


def test_a_changed_file_is_hashed_anew(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"one")
    before = file_sha256(path)
    path.write_bytes(b"three")
    assert file_sha256(path) != before
