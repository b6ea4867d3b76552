"""The web application as a whole: `create_app` puts the pages, the HTTP API and the bounds together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from sqlalchemy import Engine
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from review import answers
from review.api import add_api
from review.bulk_runner import BulkRunner
from review.config import Posters, ReviewConfig
from review.pages import PAGES
from review.security.bounds import Bounds, max_body
from review.security.headers import SecurityHeaders
from review.services import Services
from review.views import STATIC, make_templates
from review.visit import genuine


class StaticAssets(StaticFiles):
    """The scripts and styles; a browser asks whether they have changed before it uses its copy."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with how long it may be kept."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def create_app(engine: Engine, config: ReviewConfig, posters: Posters) -> FastAPI:
    """The application over a catalog; nothing is asked of the catalog before the first request."""
    bulks = BulkRunner(engine)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        bulks.start()
        yield
        bulks.stop()

    app = FastAPI(
        title="Marquee",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.services = Services(engine, config, posters, make_templates(), bulks)
    for page in PAGES:
        app.include_router(page, dependencies=[Depends(genuine)], include_in_schema=False)
    app.mount("/static", StaticAssets(directory=STATIC), "static")
    add_api(app, engine)
    answers.install(app)
    app.add_middleware(answers.Faults)
    app.add_middleware(Bounds, public_host=config.public_host, max_body=max_body)
    app.add_middleware(SecurityHeaders, https_only=config.secure_cookies)
    return app
