"""Finding a movie by the words of its title or by an id."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from catalog.engine import transaction
from catalog.review.search import search
from review.answers import wants_json
from review.services import ServicesDep
from review.views import render
from review.visit import VisitDep

router = APIRouter()


@router.get("/find")
def find(
    request: Request,
    services: ServicesDep,
    visit: VisitDep,  # noqa: ARG001
    q: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """What is found, as a page or for the page's script."""
    with transaction(services.engine) as connection:
        found = search(connection, q) if q.strip() else []
    if wants_json(request):
        rows = [{"movie_id": f.movie_id, "title": f.title, "year": f.year, "state": f.state} for f in found]
        return JSONResponse({"found": rows})
    return render(request, "find.html", q=q, found=found)
