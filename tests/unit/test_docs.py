"""What the documents name is there: settings, commands with their options, files and chores."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from marquee.settings import Settings
from worker.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SETTINGS = {f"MARQUEE_{name.upper()}" for name in Settings.model_fields}


def commands(text: str) -> set[str]:
    """The `marquee …` command lines in a page: in code spans and at the start of console lines."""
    spans = re.findall(r"`(?:MARQUEE_\w+=\S+ )?marquee ([^`\n]+)`", text)
    lines = re.findall(r"^\$ marquee ([^#\n]+)", text, re.MULTILINE)
    return {found.strip() for found in (*spans, *lines)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_variable_is_a_setting(page: Path) -> None:
    named = set(re.findall(r"MARQUEE_\w+", page.read_text()))
    assert {n for n in named if not n.startswith("MARQUEE_TEST_")} <= SETTINGS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_is_one(page: Path) -> None:
    for line in commands(page.read_text()):
        command: Any = typer.main.get_command(app)
        for word in shlex.split(line.replace("…", "")):
            if hasattr(command, "commands"):
                assert word in command.commands, line
                command = command.commands[word]
            elif word.startswith("--"):
                assert word in {o for p in command.params for o in p.opts} | {"--help"}, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_chore_is_one_of_the_makefile(page: Path) -> None:
    chores = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert chores
    named = {
        word
        for line in re.findall(r"(?:`|^\$ |^)make ([a-z -]+)(?:`|$)", page.read_text(), re.M)
        for word in line.split()
    }
    assert named <= chores


@pytest.mark.parametrize("page", [*PAGES, ROOT / "docker-compose.yml"], ids=lambda page: page.name)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    text = page.read_text()
    roots = "catalog|marquee|migrations|tagger|tests|training|worker|scripts|benchmarks"
    for name in re.findall(rf"`((?:{roots})/[\w/.-]+\.(?:py|sql|md))`", text):
        assert (ROOT / name).is_file(), name
    for target in re.findall(r"(?<!!)\[[^\]]*\]\((?!https?:|#)([^)#]+)", text):
        assert (page.parent / target).exists(), target
