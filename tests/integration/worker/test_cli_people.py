"""`marquee editors` and `marquee tokens`."""

import io
from collections.abc import Sequence

import pytest
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.liveness import Presence
from catalog.people.editors import add_editor, find_editor
from catalog.people.invitations import redeem
from catalog.people.keys import fingerprint
from catalog.people.tokens import read_token
from review.security.passwords import verify_password
from tests.support import ledger
from tests.support.cli import Cli
from worker.links import first_link

PASSWORD = "a long enough password"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is typed when a password is asked for, on a terminal."""
    answers: list[str] = []

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("typer._click.termui.hidden_prompt_func", lambda _: answers.pop(0))
    return answers


def piped(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def hash_of(engine: Engine, name: str) -> str | None:
    with transaction(engine) as connection:
        found = find_editor(connection, name)
    assert found is not None
    return found[1]


def redeemed(engine: Engine, link: str) -> str | None:
    with transaction(engine) as connection:
        editor = redeem(connection, fingerprint(link.partition("?token=")[2]))
    return editor.name if editor else None


class TestAddingEditors:
    def test_a_link_where_there_is_no_terminal(
        self, cli: Cli, catalog: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        piped(monkeypatch, "")
        said = cli("editors", "add", "ada", "--role", "admin")
        assert said.code == 0
        assert said.out.startswith("http://127.0.0.1:8484/enter?token=")
        assert redeemed(catalog, said.out.strip()) == "ada"
        assert redeemed(catalog, said.out.strip()) is None
        assert hash_of(catalog, "ada") is None

    def test_the_link_leads_to_the_page_that_runs_or_the_public_one(
        self, cli: Cli, catalog: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Presence(catalog, "web", device="http://127.0.0.1:40001"):
            said = cli("editors", "add", "ada", "--link", "--json")
        assert said.data["link"].startswith("http://127.0.0.1:40001/enter?")
        monkeypatch.setenv("MARQUEE_REVIEW_URL", "https://review.example.org/")
        assert cli("editors", "link", "ada").out.startswith("https://review.example.org/enter?")

    def test_a_password_from_standard_input(
        self, cli: Cli, catalog: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        piped(monkeypatch, PASSWORD + "\n")
        said = cli("editors", "add", "ada", "--password-stdin", "--json")
        assert (said.code, said.data["role"], said.data["link"]) == (0, "editor", None)
        assert verify_password(hash_of(catalog, "ada"), PASSWORD)
        assert PASSWORD not in said.out + said.err

    def test_a_password_that_is_typed_twice(self, cli: Cli, catalog: Engine, typed: list[str]) -> None:
        typed += [PASSWORD, PASSWORD]
        assert cli("editors", "add", "ada").code == 0
        assert verify_password(hash_of(catalog, "ada"), PASSWORD)

    @pytest.mark.parametrize(
        ("answers", "reason"), [((PASSWORD, "another one entirely"), "differ"), (("short", "short"), "10 to")]
    )
    def test_a_password_that_will_not_do(
        self, cli: Cli, catalog: Engine, typed: list[str], answers: Sequence[str], reason: str
    ) -> None:
        typed += answers
        said = cli("editors", "add", "ada")
        assert said.code != 0
        assert reason in said.err
        assert ledger.scalar(catalog, "SELECT count(*) FROM marquee.editor") == 0

    def test_none_typed_is_a_link(self, cli: Cli, catalog: Engine, typed: list[str]) -> None:
        typed.append("")
        assert "/enter?token=" in cli("editors", "add", "ada").out

    def test_a_name_that_is_taken(self, cli: Cli, catalog: Engine) -> None:
        assert cli("editors", "add", "ada", "--link").code == 0
        said = cli("editors", "add", "Ada", "--link")
        assert said.code == 1
        assert "already" in said.err

    def test_a_role_that_is_none(self, cli: Cli, catalog: Engine) -> None:
        assert cli("editors", "add", "ada", "--role", "king").code == 2


class TestEditors:
    def test_list(self, cli: Cli, catalog: Engine) -> None:
        assert "editors add" in cli("editors", "list").err
        assert cli("editors", "list", "--json").data == []
        cli("editors", "add", "ada [b]", "--link")
        said = cli("editors", "list", "--json")
        assert [(e["name"], e["role"], e["has_password"]) for e in said.data] == [
            ("ada [b]", "editor", False)
        ]
        assert "ada [b]" in cli("editors", "list").out

    def test_disable_and_enable(self, cli: Cli, catalog: Engine) -> None:
        link = cli("editors", "add", "ada", "--link").out.strip()
        assert cli("editors", "disable", "ada").code == 0
        assert redeemed(catalog, link) is None
        assert cli("editors", "link", "ada").code == 1
        assert cli("editors", "enable", "ada").code == 0
        assert cli("editors", "link", "ada").code == 0

    def test_a_new_password(self, cli: Cli, catalog: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        cli("editors", "add", "ada", "--link")
        piped(monkeypatch, PASSWORD)
        assert cli("editors", "password", "ada", "--password-stdin").code == 0
        assert verify_password(hash_of(catalog, "ada"), PASSWORD)

    @pytest.mark.parametrize("command", ["disable", "enable", "link", "password"])
    def test_nobody_of_this_name(
        self, cli: Cli, catalog: Engine, monkeypatch: pytest.MonkeyPatch, command: str
    ) -> None:
        piped(monkeypatch, PASSWORD)
        said = cli("editors", command, "nobody", *(["--password-stdin"] if command == "password" else []))
        assert said.code == 1
        assert "editors list" in said.err


class TestTokens:
    def test_is_shown_once(self, cli: Cli, catalog: Engine) -> None:
        said = cli("tokens", "add", "ingest", "--scope", "movies:write", "--scope", "decide", "--days", "30")
        assert said.code == 0
        plain = said.out.strip()
        with transaction(catalog) as connection:
            token = read_token(connection, plain)
        assert token is not None
        assert token.scopes == ("movies:write", "decide")
        assert plain not in cli("tokens", "list").out + cli("tokens", "list", "--json").out

    def test_json(self, cli: Cli, catalog: Engine) -> None:
        data = cli("tokens", "add", "reader", "--scope", "movies:read", "--json").data
        assert data["token"].startswith("marquee_")
        [listed] = cli("tokens", "list", "--json").data
        assert (listed["name"], listed["scopes"], listed["expires_at"]) == ("reader", ["movies:read"], None)

    def test_revoked(self, cli: Cli, catalog: Engine) -> None:
        plain = cli("tokens", "add", "ingest", "--scope", "admin").out.strip()
        assert cli("tokens", "revoke", "ingest").code == 0
        with transaction(catalog) as connection:
            assert read_token(connection, plain) is None
        assert cli("tokens", "revoke", "nothing").code == 1

    @pytest.mark.parametrize(
        "arguments", [(), ("--scope", "everything"), ("--scope", "decide", "--days", "soon")]
    )
    def test_wrong_usage(self, cli: Cli, catalog: Engine, arguments: tuple[str, ...]) -> None:
        assert cli("tokens", "add", "ingest", *arguments).code == 2

    def test_days_that_cannot_be(self, cli: Cli, catalog: Engine) -> None:
        assert cli("tokens", "add", "ingest", "--scope", "decide", "--days", "0").code == 1


class TestFirstLink:
    def link(self, engine: Engine) -> str | None:
        with transaction(engine) as connection:
            return first_link(connection, "http://127.0.0.1:8484")

    def test_makes_the_first_admin_once(self, engine: Engine) -> None:
        links = [self.link(engine), self.link(engine)]
        assert [redeemed(engine, str(link)) for link in links] == ["admin", "admin"]
        roles = ledger.execute(engine, "SELECT name, role FROM marquee.editor")
        assert [tuple(r) for r in roles] == [("admin", "admin")]

    def test_none_where_somebody_has_a_password_or_admin_is_shut_out(self, engine: Engine) -> None:
        self.link(engine)
        ledger.execute(engine, "UPDATE marquee.editor SET disabled_at = now()")
        assert self.link(engine) is None
        with transaction(engine) as connection:
            add_editor(connection, "ada", "hashed")
        assert self.link(engine) is None
        assert ledger.scalar(engine, "SELECT count(*) FROM marquee.editor") == 2
