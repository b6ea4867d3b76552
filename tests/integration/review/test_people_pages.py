"""The pages about people: an editor's own, and an admin's for all of them."""

import re

import pytest
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.people.editors import find_editor
from catalog.people.tokens import add_token
from review.security.passwords import verify_password
from tests.integration.review.conftest import MakeBrowser
from tests.support.browsing import Browser


def kept(engine: Engine, name: str) -> str | None:
    with transaction(engine) as connection:
        found = find_editor(connection, name)
    assert found is not None
    return found[1]


class TestAccount:
    def test_a_newcomer_sets_a_password_and_changes_it(
        self, ann: Browser, engine: Engine, make_browser: MakeBrowser
    ) -> None:
        assert 'data-testid="current"' not in ann.get("/account").text
        answer = ann.submit("/account/password", password="my first password")
        assert answer.headers["location"] == "/account?changed=true"
        assert verify_password(kept(engine, "ann"), "my first password")
        assert 'data-testid="current"' in ann.get("/account").text
        wrong = ann.submit("/account/password", password="another password", current="not it, not it")
        assert wrong.status_code == 422
        assert "not your password" in wrong.text
        ann.submit("/account/password", password="another password", current="my first password")
        other = make_browser()
        assert other.submit("/sign-in", name="ann", password="another password").status_code == 303
        ann.submit("/account/password", password="a third password", current="another password")
        assert other.get("/queue").status_code == 303
        assert ann.get("/queue").status_code == 200

    @pytest.mark.parametrize("password", ["short", "x" * 257])
    def test_a_bad_password_is_refused(self, ann: Browser, engine: Engine, password: str) -> None:
        answer = ann.submit("/account/password", password=password)
        assert answer.status_code == 422
        assert "10 to 256 characters" in answer.text
        assert kept(engine, "ann") is None


class TestEditors:
    def test_an_added_editor_enters_by_the_link_that_is_shown_once(
        self, admin: Browser, make_browser: MakeBrowser
    ) -> None:
        page = admin.submit("/editors", name="eve", role="editor").text
        found = re.search(r"/enter\?token=([\w-]+)", page)
        assert found is not None
        assert "/enter?token=" not in admin.get("/editors").text
        eve = make_browser()
        assert eve.submit("/enter", token=found[1]).status_code == 303
        assert eve.get("/editors").status_code == 403

    def test_disabling_shuts_out_at_once_and_enabling_lets_in(
        self, admin: Browser, ann: Browser, make_browser: MakeBrowser
    ) -> None:
        assert admin.submit("/editors/disable", name="ann").headers["location"] == "/editors"
        assert ann.get("/queue").status_code == 303
        assert admin.submit("/editors/link", name="ann").status_code == 404
        assert admin.submit("/editors/enable", name="ann").status_code == 303
        found = re.search(r"/enter\?token=([\w-]+)", admin.submit("/editors/link", name="ann").text)
        assert found is not None
        assert make_browser().submit("/enter", token=found[1]).status_code == 303

    def test_what_cannot_be_is_explained(self, admin: Browser, ann: Browser) -> None:
        assert "already" in admin.submit("/editors", name="ANN", role="editor").text
        assert admin.submit("/editors", name=" ", role="editor").status_code == 422
        assert admin.submit("/editors", name="x", role="owner").status_code == 422
        assert admin.submit("/editors/disable", name="nobody").status_code == 404

    def test_tokens_are_listed_and_never_shown(self, admin: Browser, engine: Engine) -> None:
        with transaction(engine) as connection:
            plain = add_token(connection, "nightly", ["movies:write"])
        page = admin.get("/editors").text
        assert "nightly" in page
        assert "movies:write" in page
        assert plain not in page
