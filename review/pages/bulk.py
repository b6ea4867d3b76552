"""One genre on everything that a filter finds: a preview, a confirmation, a progress bar, and one undo."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from catalog.engine import transaction
from catalog.names import genre_names
from catalog.review import actions, bulk
from catalog.review.counts import size
from catalog.review.newest import is_next_undo
from review.answers import wants_json
from review.errors import NotNewestError
from review.inputs import SMALLINT, BulkId, Genre
from review.inputs import Query as QueryField
from review.links import Slice
from review.services import ServicesDep
from review.views import render
from review.visit import VisitDep

router = APIRouter()
BulkVerdict = Literal["accepted", "rejected"]


@router.get("/bulk")
def page(
    request: Request,
    services: ServicesDep,
    visit: VisitDep,  # noqa: ARG001
    tag: Annotated[int | None, Query(ge=0, lt=SMALLINT)] = None,
    verdict: BulkVerdict = "accepted",
) -> Response:
    """Choose a genre, then see what would change."""
    part = Slice.read(request.query_params)
    with transaction(services.engine) as connection:
        genres = genre_names(connection)
        total, exact = size(connection, part.filter)
        preview = None if tag is None else bulk.preview(connection, part.filter, tag, verdict)
    return render(
        request,
        "bulk.html",
        part=part,
        genres=genres,
        total=total,
        exact=exact,
        preview=preview,
        tag=tag,
        verdict=verdict,
    )


@router.post("/bulk")
def start(
    services: ServicesDep,
    visit: VisitDep,
    tag: Genre,
    verdict: Annotated[BulkVerdict, Form()],
    queue: QueryField = "",
) -> Response:
    """Begin; the movies are fixed here, and decided in the background."""
    part = Slice.parse(queue)
    with transaction(services.engine) as connection:
        bulk_id = bulk.start(connection, visit.editor, part.filter, tag, verdict)
    services.bulks.wake()
    return RedirectResponse(f"/bulk/{bulk_id}" + (f"?{part.query}" if part.query else ""), 303)


@router.get("/bulk/{bulk_id}")
def progress(request: Request, services: ServicesDep, visit: VisitDep, bulk_id: BulkId) -> Response:
    """How far it is, as a page or for the page's script."""
    with transaction(services.engine) as connection:
        state = bulk.read_progress(connection, bulk_id)
        can_undo = is_next_undo(connection, visit.editor.id, bulk_id)
    if wants_json(request):
        return JSONResponse(
            {
                "total": state.total,
                "done": state.done,
                "changed": state.changed,
                "finished": state.finished,
                "error": state.error,
            }
        )
    part = Slice.read(request.query_params)
    return render(request, "bulk_progress.html", bulk=state, can_undo=can_undo, part=part)


@router.post("/bulk/{bulk_id}/undo")
def undo(services: ServicesDep, visit: VisitDep, bulk_id: BulkId) -> Response:
    """Take the whole bulk decision back, if it is the editor's newest action that stands.

    Raises:
        NotNewestError: the editor did something else since.
    """
    with transaction(services.engine) as connection:
        undone = (
            actions.undo(connection, visit.editor)
            if is_next_undo(connection, visit.editor.id, bulk_id)
            else None
        )
    if undone is None:
        raise NotNewestError
    services.bulks.wake()
    return RedirectResponse(f"/bulk/{undone.bulk_id}", 303)
