"""`docker-compose.yml` and the Dockerfile say what the command line, the settings and the package say."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from setuptools import find_packages

from marquee.settings import Settings, load_settings
from worker.cli import app

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
THEIRS = [name for name in SERVICES if name not in OURS]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETTINGS = {f"MARQUEE_{name.upper()}" for name in Settings.model_fields}
SECRETS = ("PASSWORD", "TOKEN", "SECRET", "KEY")


def instructions(name: str) -> list[str]:
    """The arguments of every such instruction of the Dockerfile, its continued lines joined."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.partition(" ")[2] for line in joined.splitlines() if line.startswith(f"{name} ")]


def packaged() -> set[str]:
    """The top-level packages that the wheel holds."""
    found = find_packages(ROOT, include=PROJECT["tool"]["setuptools"]["packages"]["find"]["include"])
    return {name.partition(".")[0] for name in found}


def test_there_is_a_service_for_every_part() -> None:
    assert set(SERVICES) == {
        "postgres", "redis", "migrate", "relay", "fetch", "tag-cpu", "tag-gpu", "beat", "review",
    }  # fmt: skip


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_of_the_command_line(name: str) -> None:
    command: Any = typer.main.get_command(app)
    for word in shlex.split(SERVICES[name]["command"]):
        assert word in command.commands
        command = command.commands[word]
    assert not hasattr(command, "commands"), "a group, not a command"


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    environment = SERVICES[name]["environment"]
    assert environment.keys() <= SETTINGS
    assert {"MARQUEE_DATABASE_URL", "MARQUEE_BROKER_URL"} <= environment.keys()


def test_the_image_sets_settings_alone() -> None:
    said = set(re.findall(r"(MARQUEE_\w+)=", " ".join(instructions("ENV"))))
    assert said
    assert said <= SETTINGS


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    used = re.findall(r"\$\{(\w+)([^}]*)\}", text)
    secrets = [(name, rest) for name, rest in used if name.endswith(SECRETS)]
    assert {name for name, _ in secrets} == {"POSTGRES_PASSWORD", "MARQUEE_TMDB_TOKEN"}
    assert all(rest.startswith(":?") for _, rest in secrets), "nothing starts without them"
    written = [
        value for s in SERVICES.values() for key, value in s.get("environment", {}).items()
        if key.endswith(SECRETS)
    ]  # fmt: skip
    assert written
    assert all(re.fullmatch(r"\$\{\w+:\?[^}]*\}", value) for value in written)


@pytest.mark.parametrize("name", THEIRS)
def test_images_of_others_are_pinned_to_a_major_version(name: str) -> None:
    assert re.fullmatch(r"[a-z]+:\d+(\.\d+)*(-\w+)?", SERVICES[name]["image"])


def test_base_images_are_pinned() -> None:
    bases = [line.split()[0] for line in instructions("FROM")]
    assert bases
    assert all(re.fullmatch(r"python:3\.\d+-slim", base) for base in bases)


def test_nothing_of_ours_starts_before_what_it_needs() -> None:
    for name in OURS:
        needs = {n: how["condition"] for n, how in SERVICES[name]["depends_on"].items()}
        if name == "migrate":
            assert needs == {"postgres": "service_healthy"}
        else:
            assert needs == {"migrate": "service_completed_successfully", "redis": "service_healthy"}
    assert all("healthcheck" in SERVICES[name] for name in THEIRS)


def test_no_port_is_open_to_the_outside() -> None:
    """The review page's is published to this host alone: TLS is a proxy's."""
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"review"}
    port = Settings.model_fields["review_port"].default
    assert SERVICES["review"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert SERVICES["review"]["environment"]["MARQUEE_REVIEW_HOST"] == "0.0.0.0"


def test_the_review_page_is_healthy_when_nothing_is_missing() -> None:
    [*_, code] = SERVICES["review"]["healthcheck"]["test"]
    compile(code, "health check", "exec")
    assert f":{Settings.model_fields['review_port'].default}/readyz" in code


def test_the_settings_of_the_review_page_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every default in the file is one that the settings take; secrets are given."""
    for name, value in SERVICES["review"]["environment"].items():
        default = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:\?[^}]*\}", "s" * 32, default))
    settings = load_settings()
    assert settings.review_url == "http://localhost:8484"
    assert settings.review_proxies == []


def test_volumes_are_declared() -> None:
    used = {volume.partition(":")[0] for s in SERVICES.values() for volume in s.get("volumes", ())}
    assert used == set(COMPOSE["volumes"])


def test_a_gpu_is_reserved_where_one_is_used() -> None:
    [device] = SERVICES["tag-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
    assert SERVICES["tag-gpu"]["environment"]["MARQUEE_DEVICE"] == "cuda:0"
    assert SERVICES["tag-cpu"]["environment"]["MARQUEE_DEVICE"] == "cpu"
    assert (SERVICES["tag-gpu"]["profiles"], SERVICES["tag-cpu"]["profiles"]) == (["gpu"], ["cpu"])


def test_the_image_runs_as_an_ordinary_user() -> None:
    last_stage = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    users = re.findall(r"^USER (\S+)", last_stage, re.MULTILINE)
    assert users
    assert users[-1] not in ("root", "0")
    assert not re.search(r"^(ARG|ENV).*(PASSWORD|TOKEN|SECRET)", DOCKERFILE, re.MULTILINE)


def test_the_image_holds_every_package_and_nothing_else() -> None:
    copied = {source for line in instructions("COPY") for source in line.split()[:-1] if "=" not in source}
    folders = {source for source in copied if (ROOT / source).is_dir()}
    assert folders == packaged()
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert ignored[0] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == {
        c for c in copied if not c.startswith("/")
    }


def test_torch_is_pinned_as_in_the_project() -> None:
    pins = {d for d in PROJECT["project"]["dependencies"] if d.startswith(("torch==", "torchvision=="))}
    assert len(pins) == 2
    assert pins <= set(" ".join(instructions("RUN")).split())
