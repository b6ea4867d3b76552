"""What there is: genres, models, and how the system stands."""

from fastapi import APIRouter
from sqlalchemy import text

from catalog.engine import transaction
from catalog.overview import read_status
from catalog.registry import list_models
from review.api.guard import Catalog, GuardedRoute, needs
from review.api.problems import documented
from review.api.shapes import Genre, Model, Status

router = APIRouter(route_class=GuardedRoute, tags=["system"])
GENRES = text("SELECT id, name FROM marquee.genre ORDER BY name")


@router.get("/genres", summary="List genres", responses=documented())
@needs("movies:read")
def get_genres(engine: Catalog) -> list[Genre]:
    """The catalog's genres, by name."""
    with transaction(engine) as connection:
        return [Genre(id=r.id, name=r.name) for r in connection.execute(GENRES)]


@router.get("/models", summary="List models", responses=documented())
@needs("movies:read")
def get_models(engine: Catalog) -> list[Model]:
    """The registered models, the newest first."""
    with transaction(engine) as connection:
        return [Model.model_validate(m) for m in list_models(connection)]


@router.get("/status", summary="See how the system stands", responses=documented())
@needs("movies:read")
def get_status(engine: Catalog) -> Status:
    """Movies by state, rates, workers, the champion, and what is not tried now."""
    with transaction(engine) as connection:
        return Status.model_validate(read_status(connection))
