"""Editors, their sessions and their links: who is in, and who is out at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.errors import EditorNotFoundError, InvalidEditorError
from catalog.people.editors import (
    EditorRecord,
    add_editor,
    disable_editor,
    enable_editor,
    find_editor,
    list_editors,
    read_editor,
    set_password,
)
from catalog.people.invitations import invite, redeem
from catalog.people.keys import fingerprint, new_key
from catalog.people.sessions import close_session, open_session, read_session
from tests.support.ledger import execute, scalar


@pytest.fixture
def ann(engine: Engine) -> EditorRecord:
    with transaction(engine) as connection:
        return add_editor(connection, " Ann  Lee ", "hash", "admin")


def session_of(engine: Engine, sha256: str) -> EditorRecord | None:
    with transaction(engine) as connection:
        return read_session(connection, sha256)


def test_an_editor_is_found_by_name_whatever_its_case(engine: Engine, ann: EditorRecord) -> None:
    assert (ann.name, ann.role) == ("Ann Lee", "admin")
    with transaction(engine) as connection:
        assert find_editor(connection, "ann LEE ") == (ann, "hash")
        assert read_editor(connection, ann.id) == ann
        assert find_editor(connection, "bob\x00") is None


@pytest.mark.parametrize(
    ("name", "role", "cause"),
    [
        ("ANN LEE", "editor", "already"),
        ("", "editor", "characters"),
        ("\x00 ", "editor", "characters"),
        ("a" * 81, "editor", "characters"),
        ("a\u202eb", "editor", "characters"),
        ("bob", "root", "no role"),
    ],
)
def test_an_editor_that_cannot_be(
    engine: Engine, ann: EditorRecord, name: str, role: str, cause: str
) -> None:
    with pytest.raises(InvalidEditorError, match=cause), transaction(engine) as connection:
        add_editor(connection, name, None, role)  # type: ignore[arg-type]


def test_a_disabled_editor_is_out_at_once(engine: Engine, ann: EditorRecord) -> None:
    with transaction(engine) as connection:
        open_session(connection, ann.id, "s", 1)
        invite(connection, ann.id, "i", 10)
    assert session_of(engine, "s") == ann
    with transaction(engine) as connection:
        disable_editor(connection, "ann lee")
    with transaction(engine) as connection:
        assert read_session(connection, "s") is None
        assert redeem(connection, "i") is None
        assert find_editor(connection, "ann lee") is None
        assert read_editor(connection, ann.id) is None
        open_session(connection, ann.id, "late", 1)
        listing = list_editors(connection)[0]
    assert (listing.name, listing.has_password, listing.disabled_at is not None) == ("Ann Lee", True, True)
    assert scalar(engine, "SELECT count(*) FROM marquee.session") == 0
    with transaction(engine) as connection:
        enable_editor(connection, "Ann Lee")
        assert find_editor(connection, "ann lee") == (ann, "hash")
        assert read_session(connection, "s") is None


def test_a_new_password_signs_every_other_browser_out(engine: Engine, ann: EditorRecord) -> None:
    with transaction(engine) as connection:
        for key in ("here", "there"):
            open_session(connection, ann.id, key, 1)
        invite(connection, ann.id, "i", 10)
        set_password(connection, "Ann Lee", "new", keeping="here")
        assert find_editor(connection, "ann lee") == (ann, "new")
        assert read_session(connection, "here") == ann
        assert read_session(connection, "there") is None
        assert redeem(connection, "i") is None


def test_whoever_is_not_there_cannot_be_changed(engine: Engine) -> None:
    with transaction(engine) as connection:
        for change in (disable_editor, enable_editor):
            with pytest.raises(EditorNotFoundError):
                change(connection, "nobody")
        with pytest.raises(EditorNotFoundError):
            set_password(connection, "nobody", "hash")


def test_a_session_slides_while_it_is_used_and_ends_when_it_is_not(engine: Engine, ann: EditorRecord) -> None:
    with transaction(engine) as connection:
        open_session(connection, ann.id, "s", 2)
    life = "SELECT extract(epoch FROM expires_at - clock_timestamp()) FROM marquee.session WHERE sha256 = 's'"
    execute(engine, "UPDATE marquee.session SET seen_at = seen_at - interval '1 hour', "
                    "expires_at = expires_at - interval '1 hour'")  # fmt: skip
    assert scalar(engine, life) == pytest.approx(3600, abs=60)
    assert session_of(engine, "s") == ann
    assert scalar(engine, life) == pytest.approx(7200, abs=60)
    seen = scalar(engine, "SELECT seen_at FROM marquee.session")
    assert session_of(engine, "s") == ann
    assert (
        scalar(engine, "SELECT seen_at FROM marquee.session") == seen
    )  # not written again within the minute
    execute(engine, "UPDATE marquee.session SET seen_at = seen_at - interval '3 hours', "
                    "expires_at = expires_at - interval '3 hours'")  # fmt: skip
    assert session_of(engine, "s") is None
    with transaction(engine) as connection:
        open_session(connection, ann.id, "next", 2)
    assert [r.sha256 for r in execute(engine, "SELECT sha256 FROM marquee.session")] == ["next"]


def test_a_session_is_closed_and_an_unknown_one_is_nobodys(engine: Engine, ann: EditorRecord) -> None:
    with transaction(engine) as connection:
        open_session(connection, ann.id, "s", 1)
        close_session(connection, "s")
        assert read_session(connection, "s") is None
        assert read_session(connection, "other") is None


def test_an_invitation_works_once_and_not_too_late(engine: Engine, ann: EditorRecord) -> None:
    with transaction(engine) as connection:
        invite(connection, ann.id, "once", 10)
        invite(connection, ann.id, "late", -1)
        assert redeem(connection, "once") == ann
        assert redeem(connection, "once") is None
        assert redeem(connection, "late") is None
        assert redeem(connection, "unknown") is None


def test_of_many_browsers_with_one_link_one_is_in(engine: Engine, ann: EditorRecord) -> None:
    with transaction(engine) as connection:
        invite(connection, ann.id, "i", 10)

    def use(_: int) -> EditorRecord | None:
        with transaction(engine) as connection:
            return redeem(connection, "i")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(use, range(8)))
    assert found.count(ann) == 1
    assert found.count(None) == 7


def test_a_key_is_long_random_and_known_by_its_hash() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert min(map(len, keys)) >= 43
    assert len({fingerprint(k) for k in keys}) == 100
    assert fingerprint("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
