"""The queue: filters with counts, orders, and the movies that a filter finds, page by page."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from catalog.engine import transaction
from catalog.names import genre_names, model_versions
from catalog.review.counts import read_counts, size
from catalog.review.queue import read_page
from review.facets import groups, state_choices
from review.links import ORDERS, Slice
from review.services import ServicesDep
from review.views import render
from review.visit import VisitDep

router = APIRouter()
PAGE = 50


@router.get("/queue")
def page(request: Request, services: ServicesDep, visit: VisitDep, after: str = "") -> Response:  # noqa: ARG001
    """A page of the queue."""
    part = Slice.read(request.query_params)
    with transaction(services.engine) as connection:
        found = read_page(connection, part.filter, part.order, after=after[:500] or None, limit=PAGE)
        by_state = {s: read_counts(connection, s) for s in ("open", "done", "auto", None)}
        total, exact = size(connection, part.filter)
        genres, models = genre_names(connection), model_versions(connection)
    return render(
        request,
        "queue.html",
        part=part,
        page=found,
        first=not after,
        total=total,
        exact=exact,
        states=state_choices(part, {s: c.get("all", 0) for s, c in by_state.items()}),
        groups=groups(part, by_state[part.filter.state], genres, models),
        orders=ORDERS,
    )
