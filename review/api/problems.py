"""Errors as the API answers them: `application/problem+json` (RFC 9457), each with its cause and its mend."""

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from catalog.errors import (
    CatalogError,
    DatabaseUnavailableError,
    DecisionConflictError,
    LeaseHeldError,
    MovieNotFoundError,
    SchemaError,
    WebhookNotFoundError,
)
from marquee.errors import MarqueeError
from review.errors import ReviewError

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
UNAVAILABLE = "The catalog cannot be used now."
MAX_REASONS = 20
MAX_REASON = 300
STATUSES: tuple[tuple[type[CatalogError], int], ...] = (
    (MovieNotFoundError, 404),
    (WebhookNotFoundError, 404),
    (DecisionConflictError, 409),
    (LeaseHeldError, 409),
    (DatabaseUnavailableError, 503),
    (SchemaError, 503),
    (CatalogError, 422),
)
MENDS = {
    400: "Send one JSON document in UTF-8.",
    404: "See /docs for what there is.",
    405: "See /docs for what this path can do; the header Allow names it.",
    413: "Send less at once; many movies go to /movies/bulk, line by line.",
    415: "See /docs for the content type.",
}


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it; some problems have more members."""

    model_config = ConfigDict(extra="allow")

    type: str = Field("about:blank", description="Always `about:blank`: the status says the kind.")
    title: str = Field(description="The status in words.", examples=["Not Found"])
    status: int = Field(description="The status of the answer.", examples=[404])
    detail: str = Field(description="The cause.", examples=["No movie has the id 17."])
    mend: str = Field(description="What to do about it.", examples=["GET /movies lists them."])


class ProblemError(ReviewError):
    """A request to the API cannot be answered; `more` is what the problem says besides."""

    def __init__(
        self, status: int, message: str, *, mend: str, headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(message, mend=mend)
        self.status = status
        self.headers = headers
        self.more = more


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems of an endpoint, for the OpenAPI document; those that all have are among them."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    every = {401, 403, 413, 422, 503, *statuses}
    return {s: {"description": HTTPStatus(s).phrase, "content": content} for s in sorted(every)}


def install(api: FastAPI) -> None:
    """Have the API answer every error as a problem."""
    api.add_exception_handler(MarqueeError, _known)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(IntegrityError, _refused)
    api.add_exception_handler(DataError, _refused)
    api.add_exception_handler(OperationalError, _busy)  # a deadlock, a time-out of a statement
    api.add_exception_handler(PoolTimeoutError, _busy)
    api.add_exception_handler(ClientDisconnect, _left)
    api.add_exception_handler(Exception, _unforeseen)


def problem(
    status: int, detail: str, mend: str, headers: dict[str, str] | None = None, **more: Any
) -> JSONResponse:
    """A problem as an answer."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    headers = {"Retry-After": "2", **(headers or {})} if status == 503 else headers
    return JSONResponse(body | {"detail": detail, "mend": mend} | more, status, headers, MEDIA_TYPE)


def _known(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, MarqueeError)
    if isinstance(error, ProblemError):
        return problem(error.status, error.message, error.mend, error.headers, **error.more)
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 500)
    if status >= 500:  # whoever asks may not even have a token: where the server stands is for the log
        log.error("the API cannot answer", error=error.message)
        return problem(status, UNAVAILABLE, "Try again in a moment; GET /readyz says which part is missing.")
    more: dict[str, Any] = {}
    if isinstance(error, DecisionConflictError):
        more = {"difference": list(error.difference), "seen": error.card.seen}
    return problem(status, error.message, error.mend or "Correct the request.", **more)


def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = str(error.detail)
    if detail == HTTPStatus(error.status_code).phrase:
        detail = {404: "There is nothing at this path.", 405: "The path cannot do this."}.get(
            error.status_code, f"{detail}."
        )
    mend = MENDS.get(error.status_code, "Correct the request.")
    return problem(error.status_code, detail, mend, dict(error.headers or {}))


def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(e["type"] == "json_invalid" for e in found):
        return problem(400, f"The body is not JSON: {found[0].get('ctx', {}).get('error', '')}.", MENDS[400])
    reasons = [reason(".".join(map(str, e["loc"])), e["msg"]) for e in found[:MAX_REASONS]]
    detail = "The request cannot be used: " + "; ".join(reasons) + "."
    return problem(422, detail, "See /docs for what the request may hold.")


def reason(place: str, message: str) -> str:
    """A bad field in words; the names of fields come from outside, and may be long or unprintable."""
    text = f"{place}: {message}"[:MAX_REASON]
    return "".join(c if c.isprintable() else "�" for c in text)


def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, IntegrityError | DataError)
    cause = " ".join(str(error.orig).split())
    if isinstance(error, IntegrityError):
        return problem(
            409, f"The catalog refuses it: {cause}", "Another movie has this key; correct one of the two."
        )
    return problem(422, f"The catalog cannot store it: {cause}", "Correct the value.")


def _busy(_: Request, error: Exception) -> JSONResponse:
    log.warning("the API is busy", error=" ".join(str(error).split())[:MAX_REASON])
    return problem(503, "Too many requests are under way.", "Try again in a moment, with fewer at once.")


def _left(request: Request, _error: Exception) -> JSONResponse:
    log.info("whoever asked the API has gone away", path=request.url.path)
    return problem(400, "The body ends early.", "Send it again.")


def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    log.error("a request of the API failed", path=request.url.path, exc_info=error)
    return problem(
        500, "Something went wrong here.", "It is in the log. Nothing was half written: try again."
    )
