"""Changing a movie's plot or poster; the change is its next revision, which is tagged anew."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from catalog.edits import edit
from catalog.engine import transaction
from catalog.errors import InvalidMovieError, MovieChangedError
from catalog.records import MAX_PLOT
from catalog.review.card import read_card
from review.answers import status_of
from review.errors import PosterUnusableError
from review.inputs import Line, MovieId
from review.pages.movie import movie_page
from review.security.bounds import MAX_POSTER
from review.services import Services, ServicesDep
from review.visit import Visit, VisitDep

router = APIRouter()
Revision = Annotated[int, Form(ge=0, lt=2**31)]


@router.post("/movies/{movie_id}/edit")
def change(
    request: Request,
    services: ServicesDep,
    visit: VisitDep,
    movie_id: MovieId,
    revision: Revision,
    plot: Annotated[str, Form(max_length=2 * MAX_PLOT)] = "",
    poster_url: Line = "",
) -> Response:
    """Take the plot and the poster's URL as they stand in the form, if they differ from the movie's."""
    with transaction(services.engine) as connection:
        card = read_card(connection, movie_id)
    changes: dict[str, Any] = {}
    plot = plot.replace("\r\n", "\n").strip()
    if plot != (card.plot or "").replace("\r\n", "\n").strip():
        changes["plot"] = plot or None
    if poster_url.strip() != (card.poster_url or ""):
        changes |= {"poster_url": poster_url.strip() or None, "poster_hash": None}
    return _write(request, services, visit, movie_id, revision, changes)


@router.post("/movies/{movie_id}/poster")
def upload(
    request: Request,
    services: ServicesDep,
    visit: VisitDep,
    movie_id: MovieId,
    revision: Revision,
    poster: Annotated[UploadFile, File()],
) -> Response:
    """Take an uploaded image as the movie's poster."""
    try:
        data = poster.file.read(MAX_POSTER + 1)
        if not data:
            raise PosterUnusableError("no file was chosen.")
        if len(data) > MAX_POSTER:
            raise PosterUnusableError("it has more than 10 MB.")
        try:
            digest = services.posters.put(data)
        except ValueError as error:
            raise PosterUnusableError(str(error)) from None
    except PosterUnusableError as error:
        return movie_page(request, services, movie_id, status=error.status, error=error)
    return _write(request, services, visit, movie_id, revision, {"poster_hash": digest})


def _write(
    request: Request, services: Services, visit: Visit, movie_id: int, revision: int, changes: dict[str, Any]
) -> Response:
    if not changes:
        return RedirectResponse(f"/movies/{movie_id}?said=same", 303)
    try:
        with transaction(services.engine) as connection:
            edit(connection, movie_id, changes, by=visit.editor.name, revision=revision)
    except (InvalidMovieError, MovieChangedError) as error:
        return movie_page(request, services, movie_id, status=status_of(error), error=error)
    return RedirectResponse(f"/movies/{movie_id}?said=edited", 303)
