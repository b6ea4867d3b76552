"""What an editor does with a movie: each action is written as it is made, from the script or from a plain form."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Form
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from catalog.decisions import Verdict
from catalog.engine import transaction
from catalog.review import actions
from catalog.review.actions import Outcome, Undone
from catalog.review.newest import done_since
from catalog.review.seen import read_seen
from review.answers import wants_json
from review.inputs import BIGINT, Genre, Genres, MovieId, Query, Seconds, Seen
from review.links import Slice
from review.services import ServicesDep
from review.showing import as_json, open_movie
from review.views import render
from review.visit import Visit, VisitDep

router = APIRouter()
# A page that asks again, because no answer came, says which of the editor's actions it knew of as the newest: what
# was carried out, and only its answer lost, is not done twice.
After = Annotated[int | None, Form(ge=0, lt=BIGINT)]


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
    after: After = None,
) -> Response:
    """Say of one genre whether the movie has it, or leave it to the model again."""
    with transaction(services.engine) as connection:
        saved = _repeated(connection, visit, after, "toggle", movie_id)
        if saved is None:
            saved = _saved(
                actions.toggle(connection, visit.editor, movie_id, genre, verdict, seen=seen, seconds=seconds)
            )
    if wants_json(request):
        return JSONResponse(saved)
    return RedirectResponse(Slice.parse(queue).on(f"/review/{movie_id}"), 303)


@router.post("/review/{movie_id}/finish")
def finish(
    request: Request,
    services: ServicesDep,
    visit: VisitDep,
    movie_id: MovieId,
    seen: Seen,
    accept: Genres = (),
    reject: Genres = (),
    seconds: Seconds = None,
    queue: Query = "",
    after: After = None,
) -> Response:
    """Decide what still asks, as it stands on the screen, and let the movie go."""
    verdicts = dict.fromkeys(reject, False) | dict.fromkeys(accept, True)
    with transaction(services.engine) as connection:
        saved = _repeated(connection, visit, after, "finish", movie_id)
        if saved is None:
            saved = _saved(
                actions.finish(connection, visit.editor, movie_id, verdicts, seen=seen, seconds=seconds)
            )
    if wants_json(request):
        return JSONResponse(saved)
    return RedirectResponse(Slice.parse(queue).on("/"), 303)


@router.post("/review/{movie_id}/skip")
def skip(
    request: Request,
    services: ServicesDep,
    visit: VisitDep,
    movie_id: MovieId,
    seconds: Seconds = None,
    queue: Query = "",
    after: After = None,
) -> Response:
    """Let the movie go undecided; it comes back another day."""
    with transaction(services.engine) as connection:
        saved = _repeated(connection, visit, after, "skip", movie_id)
        if saved is None:
            action_id = actions.skip(connection, visit.editor, movie_id, seconds=seconds)
            saved = {"movie_id": movie_id, "action_id": action_id, "repeated": False}
    if wants_json(request):
        return JSONResponse(saved)
    return RedirectResponse(Slice.parse(queue).on("/"), 303)


@router.post("/undo")
def undo(
    request: Request, services: ServicesDep, visit: VisitDep, queue: Query = "", after: After = None
) -> Response:
    """Take back the editor's newest action that stands, and bring its movie back on the screen."""
    part = Slice.parse(queue)
    with transaction(services.engine) as connection:
        repeated = _repeated(connection, visit, after, "undo", None)
        if repeated is not None:
            return JSONResponse(repeated | {"undone": None, "movie": None})
        undone = actions.undo(connection, visit.editor, lease_seconds=services.config.lease_seconds)
        shown = None
        if (
            undone is not None
            and undone.movie_id is not None
            and read_seen(connection, undone.movie_id) is not None
        ):
            shown = open_movie(connection, services, visit, undone.movie_id)
    if undone is not None and undone.bulk_id is not None:
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
    if undone is not None and undone.bulk_id is not None:
        return RedirectResponse(f"/bulk/{undone.bulk_id}", 303)
    return render(request, "undone.html", undone=undone)


def _repeated(
    connection: Connection, visit: Visit, after: int | None, kind: str, movie_id: int | None
) -> dict[str, Any] | None:
    """The answer to a request that was carried out already; None where it was not, or is the first."""
    if after is None:
        return None
    action_id = done_since(connection, visit.editor.id, after, kind, movie_id)
    return None if action_id is None else {"movie_id": movie_id, "action_id": action_id, "repeated": True}


def _saved(outcome: Outcome) -> dict[str, Any]:
    return {"movie_id": outcome.card.movie_id, "action_id": outcome.action_id, "repeated": False}


def _told(undone: Undone | None) -> dict[str, Any] | None:
    return asdict(undone) if undone else None
