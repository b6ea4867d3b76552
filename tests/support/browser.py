"""The system's Chromium for tests, editors who sit at it, and a watch over what no page of ours may do."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Request,
    sync_playwright,
)

from tests.support.web import Site

NAMES = ("chromium", "chromium-browser", "google-chrome")
WAIT_MS = 15_000


def find_chromium() -> str:
    """Where Chromium is. Without one the test is skipped, and in CI it fails."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("no Chromium, and CI must have one: .ci/run installs it")
    if found is None:
        pytest.skip("no Chromium: apt-get install chromium")
    return found


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start it, headless. Playwright's event loop is this thread's until the end."""
    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--disable-gpu"])
        yield browser
        browser.close()


class Visitors:
    """Opens windows on a site, each with cookies of its own, and notes what none of its pages may do.

    `faults` are errors in the console (what the Content-Security-Policy stops is one), errors that no script
    caught, dialogs, and requests to anybody but the site. `allow` names those that a test provokes; they are noted in
    `allowed`.
    """

    def __init__(self, browser: Browser, site: Site) -> None:
        self.browser = browser
        self.site = site
        self.faults: list[str] = []
        self.allowed: list[str] = []
        self._pieces: list[str] = []
        self._contexts: list[BrowserContext] = []

    def allow(self, *pieces: str) -> None:
        """What has one of these pieces in it is no fault in this test."""
        self._pieces += pieces

    def window(self, **options: Any) -> Page:
        """A page of a browser that nobody has used yet."""
        context = self.browser.new_context(base_url=self.site.url, reduced_motion="reduce", **options)
        context.set_default_timeout(WAIT_MS)
        context.on("console", self._console)
        context.on("weberror", lambda error: self._note(f"uncaught: {error.error}"))
        context.on("dialog", self._dialog)
        context.on("request", self._request)
        self._contexts.append(context)
        return context.new_page()

    def enter(
        self, name: str = "ada", to: str = "/", role: Literal["editor", "admin"] = "editor", **options: Any
    ) -> Page:
        """A window in which this editor is signed in, on a page of the site."""
        page = self.window(**options)
        page.goto(self.site.link(name, role))
        page.get_by_test_id("enter").click()
        page.wait_for_url(lambda url: "/enter" not in url)  # and loaded: keys are heard from then on
        if to != "/":
            page.goto(to)
        return page

    def close(self) -> None:
        """Close every window, and fail where a page did what it must not."""
        for context in self._contexts:
            context.close()
        assert self.faults == []

    def _note(self, fault: str) -> None:
        provoked = any(piece in fault for piece in self._pieces)
        (self.allowed if provoked else self.faults).append(fault)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._note(f"console: {message.text}")

    def _dialog(self, dialog: Dialog) -> None:
        self._note(f"dialog: {dialog.type} {dialog.message}")
        dialog.accept()

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.site.url).netloc:
            self._note(f"asked elsewhere: {request.url}")
