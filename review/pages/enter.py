"""Signing in by a link that works once. Opening it uses nothing up: previews of links open them too."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from catalog.engine import transaction
from catalog.people.invitations import redeem
from catalog.people.keys import fingerprint
from review.errors import LinkUsedError
from review.pages.sign_in import begin, visitors_page
from review.services import ServicesDep

router = APIRouter()


@router.get("/enter")
def page(request: Request, services: ServicesDep, token: str = "") -> Response:
    """The button that uses the link."""
    return visitors_page(request, services, "enter.html", token=token[:200])


@router.post("/enter")
def enter(services: ServicesDep, token: Annotated[str, Form(max_length=200)]) -> Response:
    """Use the link and open a session.

    Raises:
        LinkUsedError: it was used, is too old, or never was one.
    """
    with transaction(services.engine) as connection:
        editor = redeem(connection, fingerprint(token))
    if editor is None:
        raise LinkUsedError
    return begin(services, editor, "/")
