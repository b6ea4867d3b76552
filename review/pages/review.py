"""The review page: one movie fills the screen. Its script asks here for the next movie and keeps its leases."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from catalog.engine import transaction
from catalog.review.leases import keep, release
from catalog.review.newest import Newest, newest_action
from review.inputs import MovieId, MovieIds, Query
from review.links import Slice
from review.services import Services, ServicesDep
from review.showing import Shown, as_json, open_movie, open_next
from review.views import render
from review.visit import VisitDep

router = APIRouter()


@router.get("/")
def start(request: Request, services: ServicesDep, visit: VisitDep) -> Response:
    """Go to the next movie, or say that there is none."""
    part = Slice.read(request.query_params)
    with transaction(services.engine) as connection:
        shown = open_next(connection, services, visit, part)
        newest = newest_action(connection, visit.editor.id)
    if shown is None:
        return _page(request, services, None, part, newest)
    return RedirectResponse(part.on(f"/review/{shown.card.movie_id}"), 303)


@router.get("/review/{movie_id}")
def movie(request: Request, services: ServicesDep, visit: VisitDep, movie_id: MovieId) -> Response:
    """One movie on the screen."""
    part = Slice.read(request.query_params)
    with transaction(services.engine) as connection:
        shown = open_movie(connection, services, visit, movie_id)
        newest = newest_action(connection, visit.editor.id)
    return _page(request, services, shown, part, newest)


@router.get("/review/{movie_id}/card")
def card(request: Request, services: ServicesDep, visit: VisitDep, movie_id: MovieId) -> Response:
    """One movie for the page's script."""
    part = Slice.read(request.query_params)
    with transaction(services.engine) as connection:
        shown = open_movie(connection, services, visit, movie_id)
    return JSONResponse(as_json(request, shown, part))


@router.post("/review/next")
def following(
    request: Request, services: ServicesDep, visit: VisitDep, queue: Query = "", holding: MovieIds = ()
) -> Response:
    """The movie after those that the page is holding, fetched ahead."""
    part = Slice.parse(queue)
    with transaction(services.engine) as connection:
        shown = open_next(connection, services, visit, part, holding)
    return JSONResponse(as_json(request, shown, part))


@router.post("/review/keep")
def heartbeat(services: ServicesDep, visit: VisitDep, movie: MovieIds = ()) -> Response:
    """The page is still open: keep its movies. The answer names those that are still held."""
    with transaction(services.engine) as connection:
        held = keep(connection, visit.editor.id, movie, services.config.lease_seconds)
    return JSONResponse({"held": held})


@router.post("/review/release")
def leave(services: ServicesDep, visit: VisitDep, movie: MovieIds = ()) -> Response:
    """The page is being left: its movies are free for others."""
    with transaction(services.engine) as connection:
        release(connection, visit.editor.id, movie)
    return Response(status_code=204)


def _page(request: Request, services: Services, shown: Shown | None, part: Slice, newest: Newest) -> Response:
    return render(
        request,
        "review.html",
        card=shown.card if shown else None,
        holder=shown.holder if shown else None,
        part=part,
        newest=newest.id,
        beat=max(1, round(services.config.lease_seconds / 3)),
    )
