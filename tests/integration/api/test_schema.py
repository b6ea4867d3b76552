"""Schemathesis on the OpenAPI document: no request makes a server error, and every answer is as documented.

What is sent is drawn from the document, also to its contrary; each run draws the same. The long run (`-m slow`)
draws more, and anew each time.
"""

import json
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.schemas import BaseSchema
from sqlalchemy import Engine, create_engine

from catalog.engine import transaction
from catalog.people.tokens import add_token
from catalog.webhooks.hooks import add_webhook
from catalog.webhooks.news import announce
from review.api import PREFIX, create_api
from tests.integration.api.test_movies import tag
from tests.support import ledger

NDJSON = "application/x-ndjson"
# Whether a request that the document allows is taken (and no other) is not checked: the API takes a number for a
# text where it has one meaning, and some rules, such as that a band needs a genre, no JSON schema can say.
LENIENT = ("positive_data_acceptance", "negative_data_rejection", "missing_required_header")
SHORT = settings(
    max_examples=10, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
LONG = settings(SHORT, max_examples=300, derandomize=False)
Operation = tuple[str, str]


@schemathesis.serializer(NDJSON)
def as_text(_: Any, value: Any) -> bytes:
    """Text goes out as it is; what is none, as JSON."""
    return value.encode("utf-8", "replace") if isinstance(value, str) else json.dumps(value).encode()


DOCUMENT = create_api(create_engine("postgresql+psycopg2://")).openapi()
OPERATIONS: list[Operation] = [
    (m.upper(), path) for path, methods in DOCUMENT["paths"].items() for m in methods
]


def checks() -> list[Any]:
    return [check for check in CHECKS.get_all() if check.__name__ not in LENIENT]


@pytest.fixture
def schema(app: FastAPI, engine: Engine) -> BaseSchema:
    """The document of an API over a catalog in which ids 1 to 3 mean something."""
    movies = [ledger.insert(engine, external_id=f"movie-{number}")[0] for number in (1, 2, 3)]
    with transaction(engine) as connection:
        for _ in movies:
            add_webhook(connection, "https://x.example/", ["tagged", "decided"])
    tag(engine, movies)
    with transaction(engine) as connection:
        token = add_token(connection, "all", ["admin"])
        announce(connection, "tagged", movies)
    found: BaseSchema = schemathesis.openapi.from_asgi(f"{PREFIX}/openapi.json", app)
    found.config.update(headers={"Authorization": f"Bearer {token}"})
    return found


def give_meaning(case: Case, number: int) -> None:
    """Put in what the catalog has, where what was drawn could only be unknown to it."""
    case.path_parameters = dict.fromkeys(case.path_parameters, number)
    known = {"genre": "Action", "model": "m-1", "external_id": f"movie-{number}"}
    case.query = {
        k: known.get(k, v) for k, v in case.query.items() if k not in {"cursor", "disputed", "band"}
    }
    if isinstance(case.body, dict):
        if "url" in case.body:
            case.body["url"] = "https://x.example/"
        for said in case.body.get("decisions") or ():
            if isinstance(said, dict):
                said["genre"] = "Action"


def draw(schema: BaseSchema, operation: Operation, how: settings) -> int:
    """Send what is drawn and check each answer; returns how many were sent."""
    method, path = operation
    target = schema[path][method]
    sent = 0

    @how
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        nonlocal sent
        mode = data.draw(st.sampled_from(GenerationMode))
        case: Case = data.draw(target.as_strategy(generation_mode=mode))
        if data.draw(st.booleans()):
            give_meaning(case, data.draw(st.integers(1, 3)))
        case.call_and_validate(checks=checks())
        sent += 1

    run()
    return sent


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
def test_answers_are_as_documented(schema: BaseSchema, operation: Operation) -> None:
    assert draw(schema, operation, SHORT) >= 1


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
def test_answers_are_as_documented_for_long(schema: BaseSchema, operation: Operation) -> None:
    assert draw(schema, operation, LONG) >= 1
