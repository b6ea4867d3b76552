"""Errors as answers: the right status, in the page's clothes or as JSON, whichever was asked for."""

from contextlib import suppress
from urllib.parse import urlencode

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catalog.errors import (
    BulkNotFoundError,
    CatalogError,
    DatabaseUnavailableError,
    DecisionConflictError,
    EditorNotFoundError,
    LeaseHeldError,
    MovieChangedError,
    MovieNotFoundError,
    SchemaError,
    TokenNotFoundError,
)
from marquee.errors import MarqueeError
from review.errors import ForgedRequestError, NotSignedInError, ReviewError, TooManyAttemptsError
from review.services import services_of
from review.views import render
from review.visit import signed_in

log = structlog.get_logger(__name__)

STATUSES: tuple[tuple[type[CatalogError], int], ...] = (
    (MovieNotFoundError, 404),
    (EditorNotFoundError, 404),
    (TokenNotFoundError, 404),
    (BulkNotFoundError, 404),
    (DecisionConflictError, 409),
    (MovieChangedError, 409),
    (LeaseHeldError, 409),
    (DatabaseUnavailableError, 503),
    (SchemaError, 503),
    (CatalogError, 422),
)
KINDS: tuple[tuple[type[MarqueeError], str], ...] = (
    (DecisionConflictError, "conflict"),
    (LeaseHeldError, "held"),
    (NotSignedInError, "signed-out"),
    (ForgedRequestError, "forged"),
)
TITLES = {
    401: "Signed out",
    403: "Not allowed",
    404: "Not found",
    405: "Not like this",
    409: "Changed meanwhile",
    413: "Too large",
    422: "That does not work",
    429: "Too many attempts",
    500: "A fault of ours",
    503: "Not now",
}
MENDS = {
    404: "It may have been deleted. Find it by title or id with the / key.",
    500: "It is in the log. What you decided before is saved.",
}


def status_of(error: MarqueeError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, ReviewError):
        return error.status
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 503)


def wants_json(request: Request) -> bool:
    """Whether the page's script asks, rather than the browser itself."""
    return "application/json" in request.headers.get("accept", "")


def install(app: FastAPI) -> None:
    """Answer errors of the pages; the HTTP API answers its own."""
    app.add_exception_handler(MarqueeError, _known)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


class Faults:
    """Answers what nobody has foreseen, inside the other middleware, so that the answer has their headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and answer for whoever fails at it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answering = False

        async def sending(message: Message) -> None:
            nonlocal answering
            answering = True
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception:
            if answering:
                raise
            log.exception("a request failed", path=scope["path"])
            request = Request(scope)
            await _answer(request, 500, "Something went wrong.", MENDS[500])(scope, receive, send)


def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, MarqueeError)
    if isinstance(error, NotSignedInError) and request.method == "GET" and not wants_json(request):
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        query = "" if target == "/" else "?" + urlencode({"next": target})
        return RedirectResponse(f"/sign-in{query}", 303)
    status = status_of(error)
    message, mend, headers = error.message, error.mend, {}
    if isinstance(error, TooManyAttemptsError):
        headers["Retry-After"] = str(error.seconds)
    elif status == 503:  # what it says of our servers is for the log alone
        log.warning("a request has to wait", path=request.url.path, error=str(error))
        message, mend = "Marquee cannot do this now.", "Try again in a moment; what you decided is not lost."
        headers["Retry-After"] = "2"
    more: dict[str, object] = {}
    if isinstance(error, DecisionConflictError):
        more = {"movie_id": error.movie_id, "difference": error.difference, "seen": error.card.seen}
    elif isinstance(error, LeaseHeldError):
        more = {"movie_id": error.movie_id, "holder": error.holder}
    kind = next((name for kind, name in KINDS if isinstance(error, kind)), "refused")
    return _answer(request, status, message, mend, headers, kind, **more)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    _recognise(request)
    message = "There is no such page." if error.status_code == 404 else str(error.detail)
    headers = dict(error.headers or {})
    return _answer(request, error.status_code, message, MENDS.get(error.status_code, ""), headers)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if any(e["loc"][0] == "path" for e in error.errors()):
        return _answer(request, 404, "There is no such page.", MENDS[404])
    reasons = "; ".join(f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors())
    return _answer(
        request, 422, f"The request cannot be used: {reasons}.", "Load the page anew and try again."
    )


def _recognise(request: Request) -> None:
    """Find out who asked for what does not exist, so that the page can have its bar."""
    with suppress(MarqueeError):
        signed_in(request, services_of(request))


def _answer(
    request: Request,
    status: int,
    message: str,
    mend: str,
    headers: dict[str, str] | None = None,
    kind: str = "refused",
    /,
    **more: object,
) -> Response:
    if wants_json(request):
        return JSONResponse({"error": kind, "message": message, "mend": mend, **more}, status, headers)
    title = TITLES.get(status, "That does not work")
    return render(
        request,
        "error.html",
        status,
        headers,
        code=status,
        title=title,
        message=message,
        mend=mend,
        more=more,
    )
