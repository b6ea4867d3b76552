"""Tokens: shown once, valid for their scopes, until they expire or are revoked."""

from collections.abc import Sequence

import pytest
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.errors import InvalidTokenError, TokenNotFoundError
from catalog.people.tokens import TokenRecord, add_token, list_tokens, read_token, revoke_token
from tests.support.ledger import execute, scalar


def add(
    engine: Engine, name: str = "load", scopes: Sequence[str] = ("decide",), days: float | None = None
) -> str:
    with transaction(engine) as connection:
        return add_token(connection, name, scopes, days)


def read(engine: Engine, plain: str) -> TokenRecord | None:
    with transaction(engine) as connection:
        return read_token(connection, plain)


def test_a_token_is_read_by_what_was_shown_once(engine: Engine) -> None:
    plain = add(engine, " a  load ", ["movies:write", "movies:read", "movies:read"])
    found = read(engine, plain)
    assert found is not None
    assert (found.name, found.scopes) == ("a load", ("movies:read", "movies:write"))
    assert (found.allows("movies:read"), found.allows("decide")) == (True, False)
    assert plain.startswith("marquee_")
    assert len(plain) > 50
    assert plain not in str(execute(engine, "SELECT * FROM marquee.token"))
    for wrong in ("", plain[:-1], plain + "x", plain.removeprefix("marquee_"), "\x00\ud800"):
        assert read(engine, wrong) is None


def test_admin_may_do_all(engine: Engine) -> None:
    found = read(engine, add(engine, scopes=["admin"]))
    assert found is not None
    assert found.allows("decide")
    assert found.allows("movies:write")


def test_a_token_expires_and_is_revoked(engine: Engine) -> None:
    short, long = add(engine, "short", days=1), add(engine, "long")
    assert read(engine, short) is not None
    execute(engine, "UPDATE marquee.token SET expires_at = now() WHERE name = 'short'")
    assert read(engine, short) is None
    with transaction(engine) as connection:
        revoke_token(connection, "long")
        revoke_token(connection, "long")
        listed = {t.name: t for t in list_tokens(connection)}
    assert read(engine, long) is None
    assert listed["long"].revoked_at is not None
    assert listed["long"].used_at is None
    assert listed["short"].used_at is not None
    with pytest.raises(TokenNotFoundError), transaction(engine) as connection:
        revoke_token(connection, "none")


def test_its_use_is_noted_at_most_once_a_minute(engine: Engine) -> None:
    plain = add(engine)
    read(engine, plain)
    first = scalar(engine, "SELECT used_at FROM marquee.token")
    read(engine, plain)
    assert scalar(engine, "SELECT used_at FROM marquee.token") == first
    execute(engine, "UPDATE marquee.token SET used_at = used_at - interval '2 minutes'")
    read(engine, plain)
    assert scalar(engine, "SELECT used_at FROM marquee.token") >= first


def test_a_request_does_not_wait_for_another_that_notes_the_use(engine: Engine) -> None:
    plain = add(engine)
    with transaction(engine) as other:
        read_token(other, plain)
        assert read(engine, plain) is not None


@pytest.mark.parametrize(
    ("name", "scopes", "days", "cause"),
    [
        ("", ["decide"], None, "characters"),
        ("a" * 81, ["decide"], None, "characters"),
        ("new", [], None, "without a scope"),
        ("new", ["decide", "root"], None, "no scope 'root'"),
        ("new", ["decide"], 0, "days"),
        ("new", ["decide"], float("nan"), "days"),
        ("taken", ["decide"], None, "already"),
    ],
)
def test_a_token_that_cannot_be(
    engine: Engine, name: str, scopes: list[str], days: float | None, cause: str
) -> None:
    add(engine, "taken")
    with pytest.raises(InvalidTokenError, match=cause):
        add(engine, name, scopes, days)
