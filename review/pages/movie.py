"""A movie's page: what it is now, and everything that happened to it."""

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from catalog.edits import note_request
from catalog.engine import transaction
from catalog.errors import MovieNotFoundError
from catalog.ledger.enqueue import enqueue
from catalog.ledger.words import Priority
from catalog.review.card import Card, read_card
from catalog.story import Story, read_story
from review.events import tell
from review.inputs import MovieId
from review.services import Services, ServicesDep
from review.views import render
from review.visit import Visit, VisitDep

router = APIRouter()


@router.get("/movies/{movie_id}")
def page(
    request: Request,
    services: ServicesDep,
    visit: VisitDep,  # noqa: ARG001
    movie_id: MovieId,
    said: str = "",
) -> Response:
    """The movie; of one that was deleted, its timeline."""
    return movie_page(request, services, movie_id, said=said)


@router.post("/movies/{movie_id}/retag")
def retag(services: ServicesDep, visit: VisitDep, movie_id: MovieId) -> Response:
    """Have it tagged anew, with the content that is there."""
    return _enqueue(services, visit, movie_id, refetch=False)


@router.post("/movies/{movie_id}/refetch")
def refetch(services: ServicesDep, visit: VisitDep, movie_id: MovieId) -> Response:
    """Have its plot and poster fetched anew."""
    return _enqueue(services, visit, movie_id, refetch=True)


SAID = {
    "retag": "It will be tagged again in a moment.",
    "refetch": "It will be fetched and tagged again in a moment.",
    "edited": "Saved. It will be tagged again in a moment.",
    "same": "Nothing was changed.",
}


def movie_page(
    request: Request,
    services: Services,
    movie_id: int,
    *,
    status: int = 200,
    said: str = "",
    error: Exception | None = None,
) -> Response:
    """The page of a movie, with what came of the last request.

    Raises:
        MovieNotFoundError: nothing is known of such a movie.
    """
    with transaction(services.engine) as connection:
        story, card = _read(connection, movie_id)
    return render(
        request,
        "movie.html",
        status,
        movie=story.movie,
        card=card,
        events=[tell(event) for event in reversed(story.events)],
        said=SAID.get(said),
        error=error,
    )


def _read(connection: Connection, movie_id: int) -> tuple[Story, Card | None]:
    story = read_story(connection, movie_id)
    if not story.events and story.movie["title"] is None and story.movie["state"] in (None, "deleted"):
        raise MovieNotFoundError(f"No movie has the id {movie_id}.", mend="Find it by title with the / key.")
    return story, None if story.movie["state"] == "deleted" else read_card(connection, movie_id)


def _enqueue(services: Services, visit: Visit, movie_id: int, *, refetch: bool) -> Response:
    if movie_id not in enqueue(services.engine, [movie_id], Priority.INTERACTIVE, refetch=refetch):
        raise MovieNotFoundError(f"No movie has the id {movie_id}.", mend="It may have been deleted.")
    with transaction(services.engine) as connection:
        note_request(connection, movie_id, by=visit.editor.name, refetch=refetch)
    return RedirectResponse(f"/movies/{movie_id}?said={'refetch' if refetch else 'retag'}", 303)
