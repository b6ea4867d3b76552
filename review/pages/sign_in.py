"""Signing in with a password, and out."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from catalog.engine import transaction
from catalog.people.attempts import admit, forget
from catalog.people.editors import EditorRecord, find_editor, set_password
from catalog.people.keys import fingerprint, new_key
from catalog.people.sessions import close_session, open_session
from review.errors import TooManyAttemptsError, WrongPasswordError
from review.security import cookies, csrf
from review.security.passwords import hash_password, is_outdated, verify_password
from review.security.paths import local_path
from review.services import Services, ServicesDep
from review.views import render
from review.visit import VisitDep

router = APIRouter()


@router.get("/sign-in")
def page(request: Request, services: ServicesDep, next: str = "") -> Response:  # noqa: A002
    """The form."""
    return visitors_page(request, services, "sign_in.html", next=local_path(next), name="", error=None)


@router.post("/sign-in")
def sign_in(
    request: Request,
    services: ServicesDep,
    name: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=1000)],
    next: Annotated[str, Form(max_length=2000)] = "",  # noqa: A002
) -> Response:
    """Check the password and open a session."""
    target = local_path(next)
    try:
        editor = _checked(services, name, password, request.client.host if request.client else "")
    except (WrongPasswordError, TooManyAttemptsError) as error:
        return visitors_page(
            request, services, "sign_in.html", status=error.status, next=target, name=name, error=error
        )
    return begin(services, editor, target)


@router.post("/sign-out")
def sign_out(services: ServicesDep, visit: VisitDep) -> Response:
    """End the session."""
    with transaction(services.engine) as connection:
        close_session(connection, fingerprint(visit.secret))
    response = RedirectResponse("/sign-in", 303)
    cookies.forget(services.config, response, cookies.SESSION)
    return response


def visitors_page(
    request: Request, services: Services, template: str, *, status: int = 200, **values: object
) -> Response:
    """A page with a form for somebody who is not signed in: a cookie of its own guards the form."""
    secret = csrf.secret_of(services.config, request)
    known = secret is not None
    secret = secret or new_key()
    headers = {}
    error = values.get("error")
    if isinstance(error, TooManyAttemptsError):
        headers["Retry-After"] = str(error.seconds)
    token = cookies.csrf_token(services.config, secret)
    response = render(request, template, status, headers, csrf=token, **values)
    if not known:
        cookies.write(services.config, response, cookies.VISITOR, secret)
    return response


def begin(services: Services, editor: EditorRecord, target: str) -> Response:
    """Open a session, under a secret that no earlier cookie had, and go on."""
    secret = new_key()
    with transaction(services.engine) as connection:
        open_session(connection, editor.id, fingerprint(secret), services.config.session_hours)
    response = RedirectResponse(target, 303)
    cookies.write(services.config, response, cookies.SESSION, secret)
    cookies.forget(services.config, response, cookies.VISITOR)
    return response


def _checked(services: Services, name: str, password: str, address: str) -> EditorRecord:
    """The editor whose name and password these are; an attempt counts before its password is looked at.

    Raises:
        TooManyAttemptsError: no attempt is allowed now.
        WrongPasswordError: they are nobody's.
    """
    with transaction(services.engine) as connection:
        seconds = admit(connection, name, address)
        found = None if seconds else find_editor(connection, name)
    if seconds:
        raise TooManyAttemptsError(seconds)
    editor, kept = found or (None, None)
    if not verify_password(kept, password) or editor is None or kept is None:
        raise WrongPasswordError
    renewed = hash_password(password) if is_outdated(kept) else None
    with transaction(services.engine) as connection:
        forget(connection, name)
        if renewed is not None:
            set_password(connection, editor.name, renewed)
    return editor
