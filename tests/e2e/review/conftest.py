"""Chromium before the review page, and movies for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine

from catalog.registry import ModelRecord
from tests.support.browser import WAIT_MS, Visitors, running_chromium
from tests.support.ledger import execute
from tests.support.models import champion_model
from tests.support.web import Site, running_review


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests here; after them its event loop is gone."""
    expect.set_options(timeout=WAIT_MS)
    with running_chromium() as running:
        yield running


@pytest.fixture
def model(engine: Engine) -> ModelRecord:
    """A champion that knows every genre of the catalog."""
    return champion_model(engine, genres=[r.name for r in execute(engine, "SELECT name FROM marquee.genre")])


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> Iterator[Site]:
    """The review page, up."""
    with running_review(engine, tmp_path) as running:
        yield running


@pytest.fixture
def visitors(browser: Browser, site: Site) -> Iterator[Visitors]:
    """Windows on the review page; at the end none of them has done what it must not."""
    opened = Visitors(browser, site)
    yield opened
    opened.close()
