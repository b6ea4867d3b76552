"""What an editor does with a movie: each action is written as it is made. For the page's script, and for plain forms."""

from typing import Annotated, Any

from fastapi import APIRouter, Form
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from catalog.decisions import Verdict
from catalog.engine import transaction
from catalog.review import actions
from catalog.review.actions import Outcome, Undone
from review.answers import wants_json
from review.inputs import BIGINT, Genre, Genres, MovieId, Query, Seconds, Seen
from review.links import Slice
from review.services import ServicesDep
from review.showing import as_json, open_movie
from review.views import render
from review.visit import VisitDep

router = APIRouter()
Newest = Annotated[int | None, Form(ge=0, lt=BIGINT)]


@router.post("/review/{movie_id}/toggle")
def toggle(
    request: Request,
    services: ServicesDep,
    visit: VisitDep,
    movie_id: MovieId,
    genre: Genre,
    verdict: Annotated[Verdict, Form()],
    seen: Seen,
    seconds: Seconds = None,
    queue: Query = "",
) -> Response:
    """Say of one genre whether the movie has it, or leave it to the model again."""
    with transaction(services.engine) as connection:
        outcome = actions.toggle(
            connection, visit.editor, movie_id, genre, verdict, seen=seen, seconds=seconds
        )
    if wants_json(request):
        return JSONResponse(_saved(outcome))
    return RedirectResponse(Slice.parse(queue).on(f"/review/{movie_id}"), 303)


@router.post("/review/{movie_id}/finish")
def finish(
    request: Request,
    services: ServicesDep,
    visit: VisitDep,
    movie_id: MovieId,
    seen: Seen,
    accept: Genres = [],
    reject: Genres = [],
    seconds: Seconds = None,
    queue: Query = "",
) -> Response:
    """Decide what still asks, as it stands on the screen, and let the movie go."""
    verdicts = dict.fromkeys(reject, False) | dict.fromkeys(accept, True)
    with transaction(services.engine) as connection:
        outcome = actions.finish(
            connection, visit.editor, movie_id, verdicts, seen=seen, seconds=seconds
        )
    if wants_json(request):
        return JSONResponse(_saved(outcome))
    return RedirectResponse(Slice.parse(queue).on("/"), 303)


@router.post("/review/{movie_id}/skip")
def skip(
    request: Request,
    services: ServicesDep,
    visit: VisitDep,
    movie_id: MovieId,
    seconds: Seconds = None,
    queue: Query = "",
    after: Newest = None,
) -> Response:
    """Let the movie go undecided; it comes back another day."""
    with transaction(services.engine) as connection:
        done = _newer(connection, visit.editor.id, after)
        action_id = done or actions.skip(connection, visit.editor, movie_id, seconds=seconds)
    if wants_json(request):
        return JSONResponse({"movie_id": movie_id, "action_id": action_id, "seen": None})
    return RedirectResponse(Slice.parse(queue).on("/"), 303)


@router.post("/undo")
def undo(
    request: Request, services: ServicesDep, visit: VisitDep, queue: Query = "", after: Newest = None
) -> Response:
    """Take back the editor's newest action that stands, and bring its movie back on the screen."""
    part = Slice.parse(queue)
    with transaction(services.engine) as connection:
        if (done := _newer(connection, visit.editor.id, after)) is not None:
            return JSONResponse({"undone": None, "repeated": True, "action_id": done, "movie": None})
        undone = actions.undo(connection, visit.editor)
        shown = None
        if undone is not None and undone.movie_id is not None:
            shown = open_movie(connection, services, visit, undone.movie_id)
    if undone is not None and undone.kind == "bulk":
        services.bulks.wake()
    if wants_json(request):
        return JSONResponse(
            {
                "undone": _told(undone),
                "repeated": False,
                "action_id": undone.action_id if undone else None,
                "movie": as_json(request, shown, part) if shown else None,
            }
        )
    if shown is not None:
        return RedirectResponse(part.on(f"/review/{shown.card.movie_id}"), 303)
    return render(request, "undone.html", undone=undone)


def _newer(connection: Connection, editor_id: int, after: int | None) -> int | None:
    """The editor's newest action, if it is newer than the one that the page knew when it first asked.

    A page that asks again, because no answer came, gives the latter: an undo or a skip whose answer alone was
    lost is not made twice.
    """
    if after is None:
        return None
    newest = next((d.action_id for d in actions.history(connection, editor_id, 1)), 0)
    return newest if newest > after else None


def _saved(outcome: Outcome) -> dict[str, Any]:
    card = outcome.card
    return {"movie_id": card.movie_id, "action_id": outcome.action_id, "seen": card.seen}


def _told(undone: Undone | None) -> dict[str, Any] | None:
    if undone is None:
        return None
    return {
        "kind": undone.kind,
        "movie_id": undone.movie_id,
        "restored": undone.restored,
        "kept": undone.kept,
    }
