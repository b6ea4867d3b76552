"""What no request gets past: CSRF, roles, headers, hosts, sizes, ways to other sites."""

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import Engine
from structlog.testing import capture_logs

from review.app import create_app
from review.config import ReviewConfig
from review.pages import PAGES
from tests.integration.review.conftest import CONFIG
from tests.support.browsing import JSON, Browser, KeptPosters
from tests.support.databases import engine_on

CHANGING = sorted(
    route.path
    for page in PAGES
    for route in page.routes
    if isinstance(route, APIRoute) and "POST" in (route.methods or ())
)
READING = sorted(
    route.path
    for page in PAGES
    for route in page.routes
    if isinstance(route, APIRoute) and "GET" in (route.methods or ())
)
FOR_ALL = {"/sign-in", "/enter"}
FOR_ADMINS = {path for path in CHANGING + READING if path.startswith(("/editors", "/dashboard/"))}


def filled(path: str) -> str:
    return path.replace("{movie_id}", "1").replace("{bulk_id}", "1").replace("{digest}", "0" * 64)


class TestForgery:
    def test_there_is_something_to_test(self) -> None:
        assert len(CHANGING) > 15

    def test_a_request_without_a_token_is_refused(self, ann: Browser) -> None:
        for path in CHANGING:
            answer = ann.client.post(filled(path), data={"movie": "1"}, headers=JSON)
            assert (answer.status_code, answer.json()["error"]) == (403, "forged"), path

    def test_a_request_with_another_sessions_token_is_refused(self, ann: Browser, bob: Browser) -> None:
        foreign = bob.token()
        for path in CHANGING:
            answer = ann.client.post(filled(path), headers={**JSON, "X-CSRF-Token": foreign})
            assert (answer.status_code, answer.json()["error"]) == (403, "forged"), path
            assert ann.client.post(filled(path), data={"csrf": foreign}).status_code == 403, path

    def test_the_right_token_from_another_site_is_refused(self, ann: Browser) -> None:
        given = {"X-CSRF-Token": ann.token(), **JSON}
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://elsewhere.example"},
            {"Origin": "null"},
            {"Origin": "http://testserver:81"},
            {"Origin": "http://["},
        ):
            assert ann.client.post("/undo", headers=given | headers).status_code == 403, headers
        own = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
        assert ann.client.post("/undo", headers=given | own).status_code == 200

    def test_a_strange_token_is_refused(self, ann: Browser) -> None:
        for token in ("", "é", "0" * 64):
            answer = ann.client.post("/undo", headers={**JSON, "X-CSRF-Token": token.encode()})
            assert answer.status_code == 403
        file = {"csrf": ("a.txt", b"x")}
        assert ann.client.post("/undo", files=file).status_code == 403

    def test_a_visitor_without_a_cookie_has_no_token(self, browser: Browser) -> None:
        token = browser.token()
        browser.client.cookies.clear()
        given = {"csrf": token, "name": "x", "password": "y"}
        assert browser.client.post("/sign-in", data=given).status_code == 403


class TestRoles:
    def test_nobody_changes_anything_without_a_session(self, browser: Browser) -> None:
        for path in sorted(set(CHANGING) - FOR_ALL):
            answer = browser.send(filled(path))
            assert (answer.status_code, answer.json()["error"]) == (401, "signed-out"), path

    def test_nobody_sees_anything_without_a_session(self, browser: Browser) -> None:
        for path in sorted(set(READING) - FOR_ALL):
            answer = browser.client.get(filled(path), params={"genre": 1}, headers=JSON)
            assert (answer.status_code, answer.json()["error"]) == (401, "signed-out"), path

    def test_an_editor_is_no_admin(self, ann: Browser) -> None:
        for path in sorted(FOR_ADMINS & set(CHANGING)):
            answer = ann.send(filled(path), name="x", role="admin", movie=1)
            assert answer.status_code == 403, path
            assert "Only an admin" in answer.json()["message"]

    def test_an_editor_does_not_see_the_editors(self, ann: Browser) -> None:
        answer = ann.get("/editors")
        assert answer.status_code == 403
        assert "Only an admin may do this." in answer.text
        assert "/editors" not in ann.get("/queue").text


class TestHeaders:
    def test_every_answer_has_them(self, ann: Browser) -> None:
        for path in (
            "/sign-in", "/", "/queue", "/dashboard", "/nowhere", "/static/base.css", "/static/nothing.js",
            "/posters/0", "/api/v1/movies", "/healthz", "/review/99999999",
        ):  # fmt: skip
            headers = ann.get(path).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy, path
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert headers["cross-origin-opener-policy"] == "same-origin"

    def test_private_pages_are_not_kept(self, ann: Browser) -> None:
        for path in ("/queue", "/dashboard", "/account", "/nowhere"):
            assert ann.get(path).headers["cache-control"] == "no-store"
        assert ann.get("/static/base.css").headers["cache-control"] == "no-cache"

    def test_a_fault_has_them_and_is_told_to_the_log_alone(
        self, ann: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: Any) -> None:
            raise RuntimeError("a secret detail")

        monkeypatch.setattr("review.pages.queue.read_page", fail)
        with capture_logs() as logs:
            answer = ann.get("/queue")
        assert [(entry["event"], entry["path"]) for entry in logs] == [("a request failed", "/queue")]
        assert answer.status_code == 500
        assert "A fault of ours" in answer.text
        assert "secret detail" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]

    def test_no_page_has_inline_script_or_style(self, ann: Browser) -> None:
        for path in ("/queue", "/dashboard", "/account", "/"):
            text = ann.client.get(path, follow_redirects=True).text
            assert "<script>" not in text
            assert " style=" not in text
            assert "<style" not in text
            assert " onclick=" not in text

    def test_over_https_cookies_and_the_host_are_held_to_it(
        self, engine: Engine, posters: KeptPosters
    ) -> None:
        config = ReviewConfig(secret_key=b"k", secure_cookies=True, public_url="https://marquee.example")
        browser = Browser(create_app(engine, config, posters), engine, base_url="https://marquee.example")
        answer = browser.get("/sign-in")
        assert "max-age=" in answer.headers["strict-transport-security"]
        browser.enter()
        cookie = browser.submit("/sign-out").headers.get_list("set-cookie")[0]
        assert cookie.startswith("__Host-marquee_session=")
        for attribute in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
            assert attribute in cookie

    def test_cookies_are_for_this_site_and_not_for_scripts(self, browser: Browser) -> None:
        cookie = browser.get("/sign-in").headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie


class TestHosts:
    @pytest.fixture
    def public(self, engine: Engine, posters: KeptPosters) -> FastAPI:
        config = ReviewConfig(secret_key=b"k", public_url="https://marquee.example:8443/")
        return create_app(engine, config, posters)

    def test_known_ones_are_served_and_others_are_not(self, public: FastAPI, engine: Engine) -> None:
        browser = Browser(public, engine)
        for host in ("marquee.example:8443", "MARQUEE.example:8443", "localhost:1", "127.0.0.1", "[::1]:80"):
            assert browser.get("/sign-in", headers={"Host": host}).status_code == 200, host
        for host in (
            "evil.example", "marquee.example", "marquee.example:8443.evil.example", "localhost.evil.example", "",
        ):  # fmt: skip
            assert browser.get("/sign-in", headers={"Host": host}).status_code == 421, host

    def test_the_public_url_is_an_origin_behind_a_proxy(self, public: FastAPI, engine: Engine) -> None:
        browser = Browser(public, engine, base_url="http://127.0.0.1").enter()
        headers = {**JSON, "X-CSRF-Token": browser.token(), "Origin": "https://marquee.example:8443"}
        assert browser.client.post("/undo", headers=headers).status_code == 200


class TestSizes:
    def test_a_form_is_bounded(self, ann: Browser) -> None:
        answer = ann.submit("/movies/1/edit", plot="x" * (2 * 1024 * 1024), revision=1)
        assert answer.status_code == 413

    def test_one_without_a_length_is_counted(self, ann: Browser) -> None:
        headers = {"X-CSRF-Token": ann.token(), "Content-Type": "application/x-www-form-urlencoded"}
        body = (b"queue=" + b"x" * 65536 for _ in range(40))
        assert ann.client.post("/undo", content=body, headers=headers).status_code == 413

    def test_a_poster_may_be_larger_but_not_much(self, ann: Browser) -> None:
        files = {"poster": ("p.jpg", b"\xff\xd8\xff" + b"x" * 11_000_000)}
        answer = ann.client.post("/movies/1/poster", files=files, data={"csrf": ann.token(), "revision": "1"})
        assert answer.status_code == 413


class TestOtherSites:
    def test_a_sign_in_leads_to_none(self, browser: Browser) -> None:
        for target in (
            "https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)",
            "/\n/evil.example", "\\\\evil.example", "evil", "/\t/evil.example",
        ):  # fmt: skip
            text = browser.get("/sign-in", params={"next": target}).text
            assert 'name="next" value="/"' in text, target


class TestOutage:
    def test_without_postgres_the_pages_say_so_and_the_script_may_try_again(
        self, ann: Browser, posters: KeptPosters
    ) -> None:
        with engine_on("postgresql://nobody@127.0.0.1:9/nothing") as away:
            browser = Browser(create_app(away, CONFIG, posters), away)
            browser.client.cookies.update(ann.client.cookies)
            with capture_logs() as logs:
                page = browser.get("/queue")
            assert "Postgres cannot be reached" in logs[0]["error"]
            assert (page.status_code, page.headers["retry-after"]) == (503, "2")
            assert "Marquee cannot do this now." in page.text
            assert "nobody" not in page.text
            answer = browser.send("/undo")
            assert (answer.status_code, answer.json()["error"]) == (503, "refused")
            assert browser.get("/sign-in").status_code == 200
            assert browser.get("/static/base.css").status_code == 200
