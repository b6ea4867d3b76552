"""The model's commands, through typer."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.unit.tagger.small import poster, write_dataset
from worker.cli.learn import app


@pytest.mark.parametrize("command", ["train", "evaluate", "predict"])
def test_help_has_an_example(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"])
    assert shown.exit_code == 0
    assert "Example: marquee" in shown.stdout


def test_predict_prints_json(artifact: Path, tmp_path: Path) -> None:
    (tmp_path / "poster.png").write_bytes(poster(1, form="PNG"))
    words = [
        "predict",
        "--title",
        "the sea",
        "--plot",
        "a ghost hides",
        "--poster",
        str(tmp_path / "poster.png"),
    ]
    found = CliRunner().invoke(app, [*words, "--artifact", str(artifact), "--explain", "Horror", "--json"])
    assert found.exit_code == 0, found.output
    data = json.loads(found.stdout)
    assert {row["genre"] for row in data["genres"]} == {"Comedy", "Drama", "Horror", "War"}
    assert data["explanation"]["genre"] == "Horror"


def test_predict_prints_a_table(artifact: Path) -> None:
    words = [
        "predict",
        "--title",
        "the sea",
        "--plot",
        "a ghost",
        "--artifact",
        str(artifact),
        "--explain",
        "War",
    ]
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 0, found.output
    assert "shares: plot 100%, poster 0%" in found.stdout


def test_evaluate_prints_json_and_writes_a_page(artifact: Path, tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", 12)
    words = [
        "evaluate",
        "--dataset",
        str(data),
        "--artifact",
        str(artifact),
        "--html",
        str(tmp_path / "r.html"),
    ]
    found = CliRunner().invoke(app, [*words, "--threads", "1", "--json"])
    assert found.exit_code == 0, found.output
    assert 0 < json.loads(found.stdout)["map"] <= 1
    assert (tmp_path / "r.html").is_file()
