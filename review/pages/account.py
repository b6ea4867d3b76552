"""An editor's own page: the password, and what he did last."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from catalog.engine import transaction
from catalog.people.editors import find_editor, set_password
from catalog.people.keys import fingerprint
from catalog.review.actions import history
from review.errors import InvalidFormError
from review.security.passwords import hash_password, verify_password
from review.services import Services, ServicesDep
from review.views import render
from review.visit import Visit, VisitDep

router = APIRouter()


@router.get("/account")
def page(request: Request, services: ServicesDep, visit: VisitDep, changed: bool = False) -> Response:
    """The form and the last actions."""
    return _page(request, services, visit, changed=changed)


@router.post("/account/password")
def change(
    request: Request,
    services: ServicesDep,
    visit: VisitDep,
    password: Annotated[str, Form(max_length=1000)],
    current: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Set the password, and sign every other browser out."""
    with transaction(services.engine) as connection:
        _, kept = find_editor(connection, visit.editor.name) or (None, None)
    try:
        if kept is not None and not verify_password(kept, current):
            raise InvalidFormError("That is not your password of today.", mend="Try again.")
        hashed = hash_password(password)
    except InvalidFormError as error:
        return _page(request, services, visit, error=error)
    with transaction(services.engine) as connection:
        set_password(connection, visit.editor.name, hashed, keeping=fingerprint(visit.secret))
    return RedirectResponse("/account?changed=true", 303)


def _page(
    request: Request,
    services: Services,
    visit: Visit,
    *,
    changed: bool = False,
    error: InvalidFormError | None = None,
) -> Response:
    with transaction(services.engine) as connection:
        _, kept = find_editor(connection, visit.editor.name) or (None, None)
        done = history(connection, visit.editor.id, 100)
    return render(
        request,
        "account.html",
        422 if error else 200,
        has_password=kept is not None,
        done=done,
        changed=changed,
        error=error,
    )
