from pathlib import Path

import numpy as np

from training.cache import Half, Pack


class Maker:
    def __init__(self) -> None:
        self.made: list[int] = []

    def __call__(self, part: list[int]) -> list[Half]:
        self.made += part
        return [np.full((place + 1, 3), place, dtype=np.float16) for place in part]


def test_only_what_is_missing_is_made(tmp_path: Path) -> None:
    first, second = Maker(), Maker()
    Pack(tmp_path, {"a": 1}, 3).fill(["x", "y", "x"], first)
    pack = Pack(tmp_path, {"a": 1}, 3)
    pack.fill(["y", "z", "x"], second)
    assert first.made == [0, 1]
    assert second.made == [1]
    assert pack["x"].tolist() == [[0, 0, 0]]
    assert pack["y"].shape == (2, 3)
    assert pack["z"].tolist() == [[1, 1, 1], [1, 1, 1]]


def test_another_encoder_has_another_pack(tmp_path: Path) -> None:
    Pack(tmp_path, {"a": 1}, 3).fill(["x"], Maker())
    other = Maker()
    Pack(tmp_path, {"a": 2}, 3).fill(["x"], other)
    assert other.made == [0]


def test_what_a_broken_run_left_is_overwritten(tmp_path: Path) -> None:
    pack = Pack(tmp_path, {}, 3)
    pack.fill(["x"], Maker())
    with (pack.folder / "vectors.f16").open("ab") as file:
        file.write(b"half a row")
    again = Pack(tmp_path, {}, 3)
    again.fill(["x", "y"], Maker())
    assert again["y"].tolist() == [[1, 1, 1], [1, 1, 1]]


def test_content_without_vectors(tmp_path: Path) -> None:
    pack = Pack(tmp_path, {}, 3)
    pack.fill(["x", "y"], lambda part: [np.zeros((0, 3), dtype=np.float16) for _ in part])
    again = Pack(tmp_path, {}, 3)
    again.fill(["x"], Maker())
    assert len(again._index) == 2
