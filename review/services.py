"""What every endpoint has at hand."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from jinja2 import Environment
from sqlalchemy import Engine
from starlette.requests import Request

from review.bulk_runner import BulkRunner
from review.config import Posters, ReviewConfig


@dataclass(frozen=True, slots=True)
class Services:
    """The catalog, the posters, the settings and the templates of one application."""

    engine: Engine
    config: ReviewConfig
    posters: Posters
    templates: Environment
    bulks: BulkRunner


def services_of(request: Request) -> Services:
    """The services of the application that the request is for."""
    found = request.app.state.services
    assert isinstance(found, Services)
    return found


ServicesDep = Annotated[Services, Depends(services_of)]
