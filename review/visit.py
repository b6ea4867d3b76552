"""Who asks: the editor of a session, as a dependency of every page that is not for everyone."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from catalog.engine import transaction
from catalog.people.editors import EditorRecord
from catalog.people.keys import fingerprint
from catalog.people.sessions import read_session
from review.errors import ForbiddenError, NotSignedInError
from review.security import cookies, csrf
from review.services import ServicesDep, services_of


@dataclass(frozen=True, slots=True)
class Visit:
    """An editor's session: `secret` is what its cookie holds, `csrf` what its pages send."""

    editor: EditorRecord
    secret: str
    csrf: str


async def genuine(request: Request) -> None:
    """Refuse what another site has a browser send."""
    await csrf.check(services_of(request).config, request)


def signed_in(request: Request, services: ServicesDep) -> Visit:
    """The session of the request.

    Raises:
        NotSignedInError: there is none, it has ended, or its editor was disabled.
    """
    secret = cookies.read(services.config, request, cookies.SESSION)
    if secret is None:
        raise NotSignedInError
    with transaction(services.engine) as connection:
        editor = read_session(connection, fingerprint(secret))
    if editor is None:
        raise NotSignedInError
    visit = Visit(editor, secret, cookies.csrf_token(services.config, secret))
    request.state.visit = visit
    return visit


VisitDep = Annotated[Visit, Depends(signed_in)]


def admin(visit: VisitDep) -> Visit:
    """The session of the request, if it is an admin's.

    Raises:
        ForbiddenError: it is not.
    """
    if visit.editor.role != "admin":
        raise ForbiddenError
    return visit


AdminDep = Annotated[Visit, Depends(admin)]
