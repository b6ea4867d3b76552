from pathlib import Path

import numpy as np

from tagger.predictor import Predictor
from tests.unit.tagger.small import write_dataset
from training.checks import Shuffled, check, gain
from training.dataset import read_dataset
from training.evaluate import Scored, score


def test_shuffled_posters_are_other_movies_posters(tmp_path: Path) -> None:
    dataset = read_dataset(write_dataset(tmp_path / "data", 12))
    shuffled = Shuffled(dataset)
    assert [m.name for m in shuffled.movies] == [m.name for m in dataset.movies]
    assert {m.poster for m in shuffled.movies} == {m.poster for m in dataset.movies}
    assert [m.poster for m in shuffled.movies] != [m.poster for m in dataset.movies]


def test_a_gain_is_a_paired_difference() -> None:
    random = np.random.default_rng(0)
    labels = random.random((300, 3)) < 0.3
    weak = random.random(labels.shape) + 0.3 * labels
    strong = weak + 0.3 * labels
    better, worse = (
        Scored(p, p > 0.5, np.zeros(labels.shape, dtype=np.int64), labels) for p in (strong, weak)
    )
    found = gain(better, worse, 50)
    assert 0 < found["interval"][0] <= found["map"] <= found["interval"][1]
    assert gain(worse, worse, 10) == {"map": 0.0, "interval": [0.0, 0.0]}


def test_every_check_is_made(predictor: Predictor, tmp_path: Path) -> None:
    dataset = read_dataset(write_dataset(tmp_path / "data", 12))
    scored = score(predictor, dataset, dataset.labels(predictor.genres))
    found = check(predictor, dataset, scored, explained=4, draws=10)
    assert set(found) == {"posters_add", "shuffled_posters_add", "deletion"}
    assert found["deletion"] == {"words": 3, "movies": 0}  # the plots are too short to delete from
