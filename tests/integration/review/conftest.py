"""The web application over the test's own catalog, and browsers at it."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from catalog.registry import ModelRecord
from review.app import create_app
from review.config import ReviewConfig
from tests.support.browsing import Browser, KeptPosters
from tests.support.models import champion_model

CONFIG = ReviewConfig(secret_key=b"a key for tests")
MakeBrowser = Callable[..., Browser]


@pytest.fixture
def posters() -> KeptPosters:
    return KeptPosters()


@pytest.fixture
def app(engine: Engine, posters: KeptPosters) -> FastAPI:
    return create_app(engine, CONFIG, posters)


@pytest.fixture
def make_browser(app: FastAPI, engine: Engine) -> MakeBrowser:
    """Makes browsers in which nobody is signed in."""
    return lambda **options: Browser(app, engine, **options)


@pytest.fixture
def browser(make_browser: MakeBrowser) -> Browser:
    """Nobody is signed in."""
    return make_browser()


@pytest.fixture
def ann(make_browser: MakeBrowser) -> Browser:
    """An editor's."""
    return make_browser().enter("ann")


@pytest.fixture
def bob(make_browser: MakeBrowser) -> Browser:
    """Another editor's."""
    return make_browser().enter("bob")


@pytest.fixture
def admin(make_browser: MakeBrowser) -> Browser:
    """An admin's."""
    return make_browser().enter("root", "admin")


@pytest.fixture
def model(engine: Engine) -> ModelRecord:
    """The champion."""
    return champion_model(engine)
