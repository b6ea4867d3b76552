"""`marquee models`: what may become champion, and what it says of those that may."""

import json
import pickle
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.ledger.retagging import retag
from catalog.liveness import Presence
from tagger.artifact import MANIFEST, TENSORS
from tests.support import ledger
from tests.support.cli import Cli
from tests.support.models import champion_model
from tests.support.waiting import until
from tests.unit.tagger.small import make_encoders, small_artifact

CHAMPION = "SELECT version FROM marquee.champion_at(now())"


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small artifact, to be copied."""
    root = tmp_path_factory.mktemp("artifact")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARQUEE_ENCODERS", str(root / "encoders"))
        (root / "encoders").mkdir()
        make_encoders(root / "encoders")
        return small_artifact(root / "small")


MakeArtifact = Callable[..., Path]


@pytest.fixture
def make(small: Path, tmp_path: Path) -> MakeArtifact:
    """Makes artifacts that differ in their name and what else is given of the manifest."""

    def make(name: str, **changes: Any) -> Path:
        folder = tmp_path / name
        shutil.copytree(small, folder)
        rewrite(folder, lambda manifest: manifest.update(name=name, **changes))
        return folder

    return make


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def added(cli: Cli, folder: Path) -> str:
    said = cli("models", "add", folder, "--json")
    assert said.code == 0, said.err
    return str(said.data["model"])


def flip_a_byte(folder: Path) -> None:
    data = bytearray((folder / TENSORS).read_bytes())
    data[-1] ^= 1
    (folder / TENSORS).write_bytes(data)


def say_a_wrong_hash(folder: Path) -> None:
    rewrite(folder, lambda m: m["files"][TENSORS].update(sha256="0" * 64))


def lose_a_file(folder: Path) -> None:
    (folder / TENSORS).unlink()


def put_a_pickle_in(folder: Path) -> None:
    (folder / "weights.pkl").write_bytes(pickle.dumps({}))


def name_a_pickle(folder: Path) -> None:
    put_a_pickle_in(folder)
    rewrite(folder, lambda m: m["files"].update({"weights.pkl": {"sha256": "", "bytes": 1}}))


def disguise_a_pickle(folder: Path) -> None:
    data = pickle.dumps({})
    (folder / TENSORS).write_bytes(data)
    told = {"sha256": sha256(data).hexdigest(), "bytes": len(data)}
    rewrite(folder, lambda m: m["files"].update({TENSORS: told}))


def want_a_genre(folder: Path) -> None:
    rewrite(folder, lambda m: m["model"].update(genres=["Comedy", "Drama", "Horror", "Slapstick"]))


def lose_the_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


HARMS = pytest.mark.parametrize(
    ("harm", "says"),
    [
        (flip_a_byte, "changed after it was made"),
        (say_a_wrong_hash, "its hash differs"),
        (lose_a_file, "is missing"),
        (lose_the_manifest, "manifest.json is missing"),
        (put_a_pickle_in, "not named by the manifest"),
        (name_a_pickle, "does not list the files"),
        (disguise_a_pickle, "damaged"),
        (want_a_genre, "no genre named 'Slapstick'"),
    ],
)


class TestRefused:
    @HARMS
    def test_when_it_is_added(
        self, cli: Cli, catalog: Engine, make: MakeArtifact, harm: Callable[[Path], None], says: str
    ) -> None:
        champion_model(catalog)
        folder = make("bad")
        harm(folder)
        said = cli("models", "add", folder)
        assert said.code == 1
        assert says in " ".join(said.err.split())
        assert "Mend:" in said.err
        assert ledger.scalar(catalog, CHAMPION) == "m-1"
        assert ledger.scalar(catalog, "SELECT count(*) FROM marquee.model") == 1

    @pytest.mark.parametrize("harm", [flip_a_byte, say_a_wrong_hash, lose_a_file, put_a_pickle_in])
    def test_when_it_was_harmed_since_it_was_added(
        self, cli: Cli, catalog: Engine, make: MakeArtifact, harm: Callable[[Path], None]
    ) -> None:
        champion_model(catalog)
        folder = make("good")
        version = added(cli, folder)
        harm(folder)
        said = cli("models", "promote", version)
        assert said.code == 1
        assert "Mend: Put it there again" in said.err
        assert ledger.scalar(catalog, CHAMPION) == "m-1"

    def test_another_artifact_at_its_place(self, cli: Cli, catalog: Engine, make: MakeArtifact) -> None:
        champion_model(catalog)
        folder = make("good")
        version = added(cli, folder)
        rewrite(folder, lambda m: m.update(name="other"))
        said = cli("models", "promote", version)
        assert said.code == 1
        assert f"not {version}" in " ".join(said.err.split())
        assert ledger.scalar(catalog, CHAMPION) == "m-1"

    def test_a_genre_that_the_catalog_lost(self, cli: Cli, catalog: Engine, make: MakeArtifact) -> None:
        champion_model(catalog)
        version = added(cli, make("good"))
        ledger.execute(catalog, "UPDATE marquee.genre SET name = 'Wars' WHERE name = 'War'")
        said = cli("models", "promote", version)
        assert (said.code, "no genre named 'War'" in said.err) == (1, True)
        assert ledger.scalar(catalog, CHAMPION) == "m-1"

    def test_the_champion_again(self, cli: Cli, catalog: Engine, make: MakeArtifact) -> None:
        version = added(cli, make("good"))
        assert cli("models", "promote", version).code == 0
        said = cli("models", "promote", version)
        assert (said.code, "is champion already" in said.err) == (1, True)
        assert ledger.scalar(catalog, "SELECT count(*) FROM marquee.promotion") == 1

    def test_a_roll_back_to_what_is_harmed(self, cli: Cli, catalog: Engine, make: MakeArtifact) -> None:
        folder = make("a")
        for path in (folder, make("b")):
            cli("models", "promote", added(cli, path))
        flip_a_byte(folder)
        said = cli("models", "rollback")
        assert (said.code, "changed after it was made" in " ".join(said.err.split())) == (1, True)
        assert ledger.scalar(catalog, CHAMPION).startswith("b-")

    def test_a_roll_back_from_the_first(self, cli: Cli, catalog: Engine, make: MakeArtifact) -> None:
        assert cli("models", "rollback").code == 1
        cli("models", "promote", added(cli, make("a")))
        said = cli("models", "rollback")
        assert (said.code, "No model was champion before" in said.err) == (1, True)


def test_promotions_and_roll_backs_walk_like_an_undo(cli: Cli, catalog: Engine, make: MakeArtifact) -> None:
    versions = [added(cli, make(name)) for name in "abcd"]
    for version in versions[:3]:
        assert cli("models", "promote", version, "--reason", f"try {version}").code == 0
    walk = []
    for _ in range(2):
        said = cli("models", "rollback", "--reason", "too many Westerns", "--json")
        walk.append(said.data["champion"])
    assert walk == [versions[1], versions[0]]
    assert cli("models", "rollback").code == 1
    assert cli("models", "promote", versions[3]).code == 0
    assert cli("models", "rollback", "--json").data == {"champion": versions[0], "before": versions[3]}
    told = ledger.execute(catalog, "SELECT * FROM marquee.champion_at(now())")[0]
    assert (told.version, told.reason, told.evidence["instead_of"]) == (versions[0], "by hand", versions[3])


def test_no_retag(cli: Cli, catalog: Engine, make: MakeArtifact) -> None:
    a, b = added(cli, make("a")), added(cli, make("b"))
    cli("models", "promote", a)
    assert cli("models", "promote", b, "--no-retag").code == 0
    log = "SELECT array_agg(retag ORDER BY id) FROM marquee.promotion"
    assert ledger.scalar(catalog, log) == [True, False]
    with transaction(catalog) as connection:
        assert retag(connection) == 0
    assert cli("models", "rollback", "--no-retag").code == 0
    assert ledger.scalar(catalog, log) == [True, False, False]


class TestNaming:
    def test_a_beginning_is_enough(self, cli: Cli, catalog: Engine, make: MakeArtifact) -> None:
        first, second = added(cli, make("spring")), added(cli, make("summer"))
        assert cli("models", "show", "sp", "--json").data["version"] == first
        assert cli("models", "show", second, "--json").data["version"] == second
        said = cli("models", "show", "s")
        assert said.code == 1
        assert first in said.err
        assert second in said.err
        assert "Give more of it" in said.err

    @pytest.mark.parametrize("name", ["winter", "%", "", "_"])
    def test_one_that_there_is_not(self, cli: Cli, catalog: Engine, make: MakeArtifact, name: str) -> None:
        added(cli, make("spring"))
        for command in (("show", name), ("promote", name), ("diff", name, "spring")):
            said = cli("models", *command)
            assert (said.code, "marquee models list" in said.err) == (1, True)

    def test_a_version_that_is_the_beginning_of_another(self, cli: Cli, catalog: Engine) -> None:
        champion_model(catalog, "m-1")
        champion_model(catalog, "m-10")
        assert cli("models", "show", "m-1", "--json").data["version"] == "m-1"


METRICS = {"both": {"f1_macro": {"value": 0.612, "low": 0.6, "high": 0.62}, "ece": 0.0168}}


class TestLooking:
    def test_an_empty_list(self, cli: Cli, catalog: Engine) -> None:
        assert "No model yet" in cli("models", "list").out
        assert cli("models", "list", "--json").data == []

    def test_the_list(self, cli: Cli, catalog: Engine, make: MakeArtifact) -> None:
        a = added(cli, make("a", metrics=METRICS, data={"sha256": "d" * 64}))
        b = added(cli, make("b"))
        cli("models", "promote", a, "--reason", "better [bold]by far")
        cli("models", "promote", b)
        out = cli("models", "list").out
        assert all(
            part in out for part in (a, b, "0.612", "d" * 12, "champion", "before it", "better [bold]by far")
        )
        data = cli("models", "list", "--json").data
        assert [(m["version"], m["champion"], m["before"]) for m in data] == [
            (b, True, False),
            (a, False, True),
        ]
        assert data[1]["metrics"]["f1_macro"] == 0.612
        assert "manifest" not in data[0]

    def test_one(self, cli: Cli, catalog: Engine, make: MakeArtifact) -> None:
        a = added(cli, make("a", metrics=METRICS, data={"sha256": "d" * 64, "movies": 7}))
        assert "never was champion" in cli("models", "show", a).out
        cli("models", "promote", a, "--reason", "first of all")
        out = cli("models", "show", "a").out
        assert all(part in out for part in (a, "d" * 64, "0.017", "Horror", "0.800", "first of all"))
        data = cli("models", "show", "a", "--json").data
        assert data["manifest"]["bands"]["high"][0] == [0.8] * 4
        assert data["promotions"][0]["evidence"] == {"by": "the command line", "instead_of": None}

    def test_two_side_by_side(self, cli: Cli, catalog: Engine, make: MakeArtifact) -> None:
        a = added(cli, make("a", metrics=METRICS, data={"sha256": "d" * 64}))
        folder = make("b", metrics={"both": {"f1_macro": 0.7}}, data={"sha256": "e" * 64})
        rewrite(folder, lambda m: m["model"].update(genres=["Comedy", "Drama", "Horror", "Western"]))
        rewrite(folder, lambda m: m["bands"]["high"][0].__setitem__(0, None))
        b = added(cli, folder)
        out = cli("models", "diff", "a", "b").out
        for part in (
            a,
            b,
            "d" * 64,
            "e" * 64,
            "0.612",
            "0.700",
            "Western",
            "War",
            "text encoder",
            "0.800",
            "—",
        ):
            assert part in out, part
        data = cli("models", "diff", "a", "b", "--json").data
        assert data[a]["metrics"]["both"]["f1_macro"] == 0.612
        assert data[b]["bands"]["Comedy"] == {"low": 0.3, "high": None}
        assert data[b]["facts"]["data"] == "e" * 64

    @pytest.mark.parametrize(
        "odd",
        [
            {"metrics": 3, "data": {}, "recipe": []},
            {"metrics": {"both": {"map": "high"}}, "recipe": {"name": 1}},
        ],
    )
    def test_a_manifest_of_another_shape(
        self, cli: Cli, catalog: Engine, make: MakeArtifact, odd: dict[str, Any]
    ) -> None:
        a = added(cli, make("a", **odd))
        for command in (("list",), ("show", a), ("diff", a, a)):
            assert cli("models", *command).code == 0

    def test_a_model_of_an_earlier_version_without_bands(self, cli: Cli, catalog: Engine) -> None:
        champion_model(catalog)
        assert cli("models", "show", "m-1").code == 0
        assert cli("models", "diff", "m-1", "m-1").code == 0


class TestAdding:
    def test_again_from_another_place(
        self, cli: Cli, catalog: Engine, make: MakeArtifact, tmp_path: Path
    ) -> None:
        folder = make("a")
        added(cli, folder)
        moved = tmp_path / "moved"
        shutil.move(folder, moved)
        said = cli("models", "add", moved)
        assert (said.code, "known already" in said.out) == (0, True)
        assert ledger.scalar(catalog, "SELECT uri FROM marquee.model") == str(moved)

    def test_it_says_what_comes_next(self, cli: Cli, catalog: Engine, make: MakeArtifact) -> None:
        out = cli("models", "add", make("a")).out
        assert "marquee models promote a-" in out
        assert ledger.scalar(catalog, "SELECT count(*) FROM marquee.promotion") == 0

    def test_the_one_that_ships_stays_wherever_a_host_has_it(self, cli: Cli, catalog: Engine) -> None:
        from tagger.artifact import default_path

        added(cli, default_path())
        assert ledger.scalar(catalog, "SELECT uri FROM marquee.model") == "shipped:default"

    @pytest.mark.parametrize("name", ["[red]x", "two words", "x\x1b[31m"])
    def test_a_name_that_would_write_on_the_terminal(
        self, cli: Cli, catalog: Engine, make: MakeArtifact, name: str
    ) -> None:
        folder = make("a")
        rewrite(folder, lambda m: m.update(name=name))
        said = cli("models", "add", folder)
        assert (said.code, "a name that is none" in " ".join(said.err.split())) == (1, True)
        assert "\x1b[31m" not in said.err


def test_where_nothing_runs(cli: Cli) -> None:
    assert cli("models", "list").code == 3


def test_the_status_says_which_worker_cannot_load_the_champion(cli: Cli, catalog: Engine) -> None:
    with Presence(catalog, "tag", beat=0.02) as presence:
        assert "cannot load" not in cli("status").out
        presence.refusal = "There is no artifact at [/srv]."
        until(lambda: ledger.scalar(catalog, "SELECT refusal FROM marquee.worker"))
        said = cli("status")
        assert "cannot load the champion: There is no artifact at [/srv]." in said.out
        assert cli("status", "--json").data["workers"][0]["refusal"] == presence.refusal
