"""Signing in with a password or a link, and out; what a session survives and what ends it."""

import pytest
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.people.editors import add_editor, disable_editor
from catalog.people.invitations import invite
from catalog.people.keys import fingerprint, new_key
from review.security import passwords
from tests.integration.review.conftest import MakeBrowser
from tests.support.browsing import Browser
from tests.support.ledger import execute, scalar

PASSWORD = "a few words in a row"


@pytest.fixture(scope="module")
def hashed() -> str:
    return passwords.hash_password(PASSWORD)


@pytest.fixture
def ann_by_password(engine: Engine, hashed: str) -> str:
    with transaction(engine) as connection:
        add_editor(connection, "Ann", hashed)
    return "Ann"


def link(engine: Engine, name: str = "ann", minutes: float = 5) -> str:
    key = new_key()
    with transaction(engine) as connection:
        invite(connection, add_editor(connection, name, None).id, fingerprint(key), minutes)
    return key


class TestPassword:
    def test_the_right_one_signs_in_whatever_the_case_of_the_name(
        self, browser: Browser, ann_by_password: str
    ) -> None:
        answer = browser.submit("/sign-in", name="aNN", password=PASSWORD, next="/queue?state=done")
        assert (answer.status_code, answer.headers["location"]) == (303, "/queue?state=done")
        assert browser.get("/queue").status_code == 200

    def test_a_wrong_one_does_not_and_does_not_say_which(
        self, browser: Browser, ann_by_password: str
    ) -> None:
        for name, password in (("Ann", "wrong wrong wrong"), ("nobody", PASSWORD), (" ", PASSWORD)):
            answer = browser.submit("/sign-in", name=name, password=password)
            assert answer.status_code == 401
            assert "The name or the password is wrong." in answer.text
        assert browser.submit("/sign-in", name="", password="").status_code == 422
        assert browser.get("/").headers["location"] == "/sign-in"

    def test_an_editor_without_a_password_cannot_use_one(self, browser: Browser, engine: Engine) -> None:
        link(engine)
        assert browser.submit("/sign-in", name="ann", password="").status_code in (401, 422)
        assert browser.submit("/sign-in", name="ann", password="the password of nobody").status_code == 401

    def test_after_five_failures_even_the_right_one_must_wait(
        self, browser: Browser, ann_by_password: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "review.pages.sign_in.verify_password", lambda kept, password: password == PASSWORD
        )
        for _ in range(5):
            assert browser.submit("/sign-in", name="Ann", password="wrong wrong").status_code == 401
        answer = browser.submit("/sign-in", name="Ann", password=PASSWORD)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert "Too many attempts" in answer.text

    def test_success_forgets_the_failures(
        self, browser: Browser, engine: Engine, ann_by_password: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "review.pages.sign_in.verify_password", lambda kept, password: password == PASSWORD
        )
        for _ in range(4):
            browser.submit("/sign-in", name="Ann", password="wrong wrong")
        assert browser.submit("/sign-in", name="Ann", password=PASSWORD).status_code == 303
        assert scalar(engine, "SELECT count(*) FROM marquee.sign_in_failure WHERE name = 'ann'") == 0

    def test_an_outdated_hash_is_renewed(
        self, browser: Browser, engine: Engine, ann_by_password: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = scalar(engine, "SELECT password_hash FROM marquee.editor")
        monkeypatch.setattr("review.pages.sign_in.is_outdated", lambda kept: True)
        assert browser.submit("/sign-in", name="Ann", password=PASSWORD).status_code == 303
        after = scalar(engine, "SELECT password_hash FROM marquee.editor")
        assert after != before
        assert passwords.verify_password(after, PASSWORD)

    def test_the_form_is_told_the_name_again_but_never_the_password(
        self, browser: Browser, ann_by_password: str
    ) -> None:
        text = browser.submit("/sign-in", name='"><b>', password="secret secret").text
        assert "&#34;&gt;&lt;b&gt;" in text
        assert "secret secret" not in text


class TestLink:
    def test_signs_in_once(self, browser: Browser, make_browser: MakeBrowser, engine: Engine) -> None:
        key = link(engine)
        page = browser.get(f"/enter?token={key}")
        assert page.status_code == 200
        assert 'data-testid="enter"' in page.text
        assert browser.submit("/enter", token=key).headers["location"] == "/"
        assert browser.get("/queue").status_code == 200
        again = make_browser().submit("/enter", token=key)
        assert again.status_code == 403
        assert "used already" in again.text

    def test_a_preview_of_it_uses_nothing_up(self, browser: Browser, engine: Engine) -> None:
        key = link(engine)
        for _ in range(3):
            browser.get(f"/enter?token={key}")
            browser.client.head(f"/enter?token={key}")
        assert browser.submit("/enter", token=key).status_code == 303

    def test_an_unknown_one_does_not(self, browser: Browser) -> None:
        for token in ("", "unknown", "ü" * 50, "x" * 500):
            assert browser.get("/enter", params={"token": token}).status_code == 200
            assert browser.submit("/enter", token=token).status_code in (403, 422)
        assert browser.get("/queue").status_code == 303

    def test_an_old_one_does_not(self, browser: Browser, engine: Engine) -> None:
        assert browser.submit("/enter", token=link(engine, minutes=-1)).status_code == 403


class TestSession:
    def test_signing_out_ends_it_for_the_cookie_too(self, ann: Browser) -> None:
        cookies = dict(ann.client.cookies)
        assert ann.submit("/sign-out").headers["location"] == "/sign-in"
        ann.client.cookies.update(cookies)
        assert ann.get("/queue").status_code == 303

    def test_it_ends_when_its_time_is_over(self, ann: Browser, engine: Engine) -> None:
        execute(engine, "UPDATE marquee.session SET expires_at = now()")
        assert ann.get("/queue").headers["location"] == "/sign-in?next=%2Fqueue"

    def test_it_ends_when_the_editor_is_disabled(self, ann: Browser, engine: Engine) -> None:
        with transaction(engine) as connection:
            disable_editor(connection, "ann")
        assert ann.get("/queue").status_code == 303
        assert ann.send("/undo").status_code == 401

    def test_a_changed_cookie_is_none(self, ann: Browser) -> None:
        signed = ann.client.cookies["marquee_session"]
        for forged in (signed[:-2] + "xx", "a" + signed, signed.split(".")[0], "x" * 10_000, "\xe9"):
            ann.client.cookies.clear()
            cookie = f"marquee_session={forged}".encode()
            assert ann.get("/queue", headers={"Cookie": cookie}).status_code == 303

    def test_a_visitors_cookie_is_no_sessions(self, ann: Browser, browser: Browser) -> None:
        browser.get("/sign-in")
        visitor = browser.client.cookies["marquee_visitor"]
        browser.client.cookies.set("marquee_session", visitor)
        assert browser.get("/queue").status_code == 303

    def test_the_database_keeps_no_secret_that_would_do_as_a_cookie(
        self, ann: Browser, engine: Engine
    ) -> None:
        kept = scalar(engine, "SELECT sha256 FROM marquee.session")
        assert len(kept) == 64
        assert kept not in ann.client.cookies["marquee_session"]

    def test_every_sign_in_has_a_secret_of_its_own(self, ann: Browser, engine: Engine) -> None:
        before = ann.client.cookies["marquee_session"]
        key = new_key()
        with transaction(engine) as connection:
            invite(connection, ann.editor.id, fingerprint(key), 5)  # type: ignore[union-attr]
        ann.submit("/enter", token=key)
        assert ann.client.cookies["marquee_session"] != before

    def test_somebody_who_is_not_signed_in_is_asked_to_and_led_back(self, browser: Browser) -> None:
        answer = browser.get("/queue?state=done&order=rare")
        assert answer.headers["location"] == "/sign-in?next=%2Fqueue%3Fstate%3Ddone%26order%3Drare"
        assert 'value="/queue?state=done&amp;order=rare"' in browser.get(answer.headers["location"]).text
        assert browser.client.get("/queue", headers={"Accept": "application/json"}).status_code == 401
