"""Why a genre: asked of a tag worker, which alone has the model; the ledger keeps what it answers."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from catalog.engine import transaction
from catalog.explanations import ExplanationRecord, ask, read_explanations
from review.inputs import SMALLINT, Genre, MovieId
from review.services import ServicesDep
from review.visit import VisitDep

router = APIRouter()
GenreQuery = Annotated[int, Query(ge=0, lt=SMALLINT)]
ASKED = ExplanationRecord("asked")


@router.post("/review/{movie_id}/why")
def ask_why(services: ServicesDep, visit: VisitDep, movie_id: MovieId, genre: Genre) -> Response:  # noqa: ARG001
    """Ask for one genre's explanation and for the nearest movies, and tell what there is already."""
    with transaction(services.engine) as connection:
        ask(connection, movie_id, [genre])
        return JSONResponse(_told(connection, movie_id, genre))


@router.get("/review/{movie_id}/why")
def read_why(services: ServicesDep, visit: VisitDep, movie_id: MovieId, genre: GenreQuery) -> Response:  # noqa: ARG001
    """What there is by now."""
    with transaction(services.engine) as connection:
        return JSONResponse(_told(connection, movie_id, genre))


def _told(connection: Connection, movie_id: int, genre: int) -> dict[str, Any]:
    there = read_explanations(connection, movie_id)
    return {"genre": _plain(there.get(genre, ASKED)), "nearest": _plain(there.get(None, ASKED))}


def _plain(record: ExplanationRecord) -> dict[str, Any]:
    return {"state": record.state, "detail": record.detail, "error": record.error}
