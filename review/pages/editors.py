"""The editors, for an admin: add one, make a new link, disable, let in again."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from catalog.engine import transaction
from catalog.errors import EditorNotFoundError
from catalog.people.editors import add_editor, disable_editor, enable_editor, find_editor, list_editors
from catalog.people.invitations import invite
from catalog.people.keys import fingerprint, new_key
from catalog.people.tokens import list_tokens
from review.services import Services, ServicesDep
from review.views import render
from review.visit import AdminDep

router = APIRouter()
Name = Annotated[str, Form(max_length=200)]
LINK_MINUTES = 60 * 24


@router.get("/editors")
def page(request: Request, services: ServicesDep, visit: AdminDep) -> Response:  # noqa: ARG001
    """All editors and the tokens of pipelines."""
    return _page(request, services)


@router.post("/editors")
def add(
    request: Request,
    services: ServicesDep,
    visit: AdminDep,  # noqa: ARG001
    name: Name,
    role: Annotated[Literal["editor", "admin"], Form()] = "editor",
) -> Response:
    """Make somebody an editor; the answer shows the link, once."""
    key = new_key()
    with transaction(services.engine) as connection:
        editor = add_editor(connection, name, None, role)
        invite(connection, editor.id, fingerprint(key), LINK_MINUTES)
    return _page(request, services, key=key, named=editor.name)


@router.post("/editors/link")
def link(request: Request, services: ServicesDep, visit: AdminDep, name: Name) -> Response:  # noqa: ARG001
    """A new link for an editor; the answer shows it, once."""
    key = new_key()
    with transaction(services.engine) as connection:
        found = find_editor(connection, name)
        if found is None:
            raise EditorNotFoundError(f"There is no editor named {name!r} who may enter.")
        invite(connection, found[0].id, fingerprint(key), LINK_MINUTES)
    return _page(request, services, key=key, named=found[0].name)


@router.post("/editors/disable")
def disable(services: ServicesDep, visit: AdminDep, name: Name) -> Response:  # noqa: ARG001
    """Shut an editor out at once."""
    with transaction(services.engine) as connection:
        disable_editor(connection, name)
    return RedirectResponse("/editors", 303)


@router.post("/editors/enable")
def enable(services: ServicesDep, visit: AdminDep, name: Name) -> Response:  # noqa: ARG001
    """Let an editor in again."""
    with transaction(services.engine) as connection:
        enable_editor(connection, name)
    return RedirectResponse("/editors", 303)


def _page(
    request: Request, services: Services, *, key: str | None = None, named: str | None = None
) -> Response:
    with transaction(services.engine) as connection:
        editors, tokens = list_editors(connection), list_tokens(connection)
    place = services.config.public_url or str(request.base_url)
    link = f"{place.rstrip('/')}/enter?token={key}" if key else None
    return render(
        request,
        "editors.html",
        editors=editors,
        tokens=tokens,
        link=link,
        named=named,
        hours=LINK_MINUTES // 60,
    )
