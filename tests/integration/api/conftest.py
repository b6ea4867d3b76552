"""The API over the test's own catalog, and clients with a token each."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from catalog.engine import transaction
from catalog.people.tokens import add_token
from review.api import PREFIX, add_api

MakeClient = Callable[..., TestClient]


@pytest.fixture
def app(engine: Engine) -> FastAPI:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    add_api(app, engine)
    return app


@pytest.fixture
def make_client(app: FastAPI, engine: Engine) -> Iterator[MakeClient]:
    """Makes a client whose token has these scopes; without any it has no token."""
    with ExitStack() as stack:

        def make(*scopes: str, token: str | None = None) -> TestClient:
            if scopes:
                with transaction(engine) as connection:
                    token = add_token(connection, "-".join(scopes).replace(":", "-"), scopes)
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            client = TestClient(app, base_url="http://testserver" + PREFIX, headers=headers)
            return stack.enter_context(client)

        yield make


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    """May do all."""
    return make_client("admin")
