import json
import tarfile
from pathlib import Path

import pytest

from tagger.poster import normalise
from tests.unit.tagger.small import poster, write_dataset
from training.dataset import read_dataset
from training.errors import DatasetError


def write(folder: Path, *lines: object, name: str = "movies.jsonl") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines))
    return folder


def movie(n: int, **changes: object) -> dict[str, object]:
    return {
        "tmdb_id": n,
        "title": "The Sea",
        "year": 1990,
        "plot": "A ghost.",
        "genres": ["Horror"],
        **changes,
    }


def test_posters_come_from_folders_and_tars_normalised(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "data", movie(1, poster="1.webp"), movie(2, poster="2.webp"), movie(3, poster="3.webp")
    )
    data = [poster(n, (400, 600), "WEBP") for n in range(3)]
    (folder / "deep").mkdir()
    (folder / "deep" / "1.webp").write_bytes(data[1])
    (tmp_path / "2.webp").write_bytes(data[2])
    with tarfile.open(folder / "posters.tar", "w") as tar:
        tar.add(tmp_path / "2.webp", "posters/2.webp")
    dataset = read_dataset(folder)
    assert [c.poster for c in dataset.contents()] == [normalise(data[1]), normalise(data[2]), None]


def test_texts_are_cleaned_as_in_the_pipeline(tmp_path: Path) -> None:
    dataset = read_dataset(
        write(tmp_path / "d", movie(1, title=" The\x00 Sea\n", plot="  "), movie(2, plot="a\tb"))
    )
    assert dataset.content(0).title == "The Sea"
    assert [c.plot for c in dataset.contents()] == [None, "a b"]


def test_a_poster_that_is_refused_counts_as_missing(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", movie(1, poster="1.png"))
    (folder / "1.png").write_bytes(b"<html>")
    assert read_dataset(folder).content(0).poster is None


def test_every_bad_line_is_named(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "data",
        movie(1), "{broken", "", "[1]", movie(2, genres="Horror"), movie(3, year="1990"), movie(4, plot=7),
        movie(1), movie(5, language="english?!"), movie(6, genres=[""]), movie(7),
    )  # fmt: skip
    with pytest.raises(DatasetError) as caught:
        read_dataset(folder)
    assert [line.split(":")[1] for line in caught.value.lines] == ["2", "4", "5", "6", "7", "8", "9", "10"]
    assert "movies.jsonl:8: the same id as movies.jsonl:1" in str(caught.value)


def test_an_unknown_genre_is_named_with_its_movie(tmp_path: Path) -> None:
    dataset = read_dataset(write(tmp_path / "d", movie(1), movie(2, genres=["Ballet"])))
    with pytest.raises(DatasetError, match="2: unknown genre Ballet"):
        dataset.labels(["Horror"])


def test_training_and_evaluation_each_read_their_files(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", movie(1), name="train.jsonl")
    assert len(read_dataset(folder)) == 1
    write(folder, movie(2), movie(3), name="val.jsonl")
    assert [m.name for m in read_dataset(folder, purpose="train").movies] == ["1"]
    assert [m.name for m in read_dataset(folder).movies] == ["2", "3"]
    assert len(read_dataset(folder / "train.jsonl")) == 1


@pytest.mark.parametrize("make", [lambda p: p / "nowhere", lambda p: p, lambda p: write(p / "empty", "")])
def test_nothing_to_read_is_said_so(tmp_path: Path, make: object) -> None:
    with pytest.raises(DatasetError):
        read_dataset(make(tmp_path))  # type: ignore[operator]


def test_a_broken_tar_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", movie(1))
    (folder / "posters.tar").write_bytes(b"no tar at all" * 100)
    with pytest.raises(DatasetError, match=r"posters\.tar"):
        read_dataset(folder)


def test_labels_and_hash(tmp_path: Path) -> None:
    dataset = read_dataset(write_dataset(tmp_path / "data", 8))
    assert dataset.genres == ("Comedy", "Drama", "Horror", "War")
    labels = dataset.labels(dataset.genres)
    assert labels.shape == (8, 4)
    assert labels[0].tolist() == [True, True, False, False]
    assert dataset.sha256 == read_dataset(write_dataset(tmp_path / "again", 8)).sha256
    assert dataset.sha256 != dataset.subset(range(7)).sha256
