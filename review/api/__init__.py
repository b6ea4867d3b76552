"""The HTTP API: `/api/v1` for pipelines with a token, its manual at `/docs`, and the health of Marquee.

It is an application of its own within the web application, so that its errors are problems and its OpenAPI
document holds nothing else.
"""

from typing import Any

from fastapi import FastAPI
from sqlalchemy import Engine

from review.api import bulk, decisions, docs, health, hooks, movies, problems, system
from review.api.bounds import BoundedBodies
from review.api.guard import SCHEME

PREFIX = "/api/v1"
ABOUT = """
Movies go in, genres with calibrated confidences come out; editors decide the doubtful ones.

Every request needs a token: `Authorization: Bearer TOKEN`. `marquee tokens add NAME --scope movies:write` makes one.
Scopes are `movies:read`, `movies:write`, `decide` and `admin`, which may do all.

Every error is `application/problem+json` (RFC 9457) with its cause (`detail`) and its mend (`mend`).
"""
TAGS = [
    {"name": "movies", "description": "Write movies, read what is known of them, decide."},
    {"name": "system", "description": "Genres, models, and how the system stands."},
    {"name": "webhooks", "description": "Be told of movies."},
]


def add_api(app: FastAPI, engine: Engine) -> None:
    """Put the API, its manual and the health of Marquee into the web application."""
    app.state.engine = engine
    app.mount(PREFIX, create_api(engine), "api")
    app.include_router(docs.router)
    app.include_router(health.router)


def create_api(engine: Engine) -> FastAPI:
    """The API alone; its paths are below `PREFIX`."""
    api = FastAPI(
        title="Marquee",
        version="1",
        summary="Genres for movie catalogs.",
        description=ABOUT,
        openapi_tags=TAGS,
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        servers=[{"url": PREFIX}],
        root_path_in_servers=False,
        generate_unique_id_function=lambda route: route.name,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    api.state.engine = engine
    for part in (movies, bulk, decisions, system, hooks):
        api.include_router(part.router)
    hooks.document_news(api.webhooks)
    problems.install(api)
    api.add_middleware(BoundedBodies, except_at=[bulk.PATH])
    generated = api.openapi

    def document() -> dict[str, Any]:
        schema = generated()
        components = schema.setdefault("components", {})
        components.setdefault("securitySchemes", {})[SCHEME] = {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of `marquee tokens add`.",
        }
        components["schemas"]["Problem"] = problems.Problem.model_json_schema()
        return schema

    api.openapi = document  # type: ignore[method-assign]
    return api
