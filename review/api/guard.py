"""Tokens: who may do what. A token is looked at before anything else of the request is read."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from catalog.engine import transaction
from catalog.people.tokens import TokenRecord, read_token
from review.api.problems import ProblemError

SCHEME = "token"
REALM = 'Bearer realm="marquee"'
MAX_TOKEN = 200
MAKE_ONE = "`marquee tokens add NAME --scope SCOPE` makes one; send it as `Authorization: Bearer TOKEN`."
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def needs(scope: str) -> Callable[[Endpoint], Endpoint]:
    """Say which scope an endpoint's token must have."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.scope = scope  # type: ignore[attr-defined]
        return endpoint

    return mark


class GuardedRoute(APIRoute):
    """A route that no request enters without a token that has its scope: not even its body is read."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self.scope: str = endpoint.scope  # type: ignore[attr-defined]
        extra = dict(options.pop("openapi_extra", None) or {})
        super().__init__(
            path, endpoint, openapi_extra=extra | {"security": [{SCHEME: [self.scope]}]}, **options
        )

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler behind the guard."""
        handler = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            request.state.token = await run_in_threadpool(authorise, request, self.scope)
            return await handler(request)

        return guarded


def authorise(request: Request, scope: str) -> TokenRecord:
    """The request's token.

    Raises:
        ProblemError: there is none, it is not valid, or it has not the scope.
    """
    kind, _, plain = request.headers.get("authorization", "").strip().partition(" ")
    if kind.lower() != "bearer" or not plain.strip():
        raise ProblemError(
            401, "The request has no token.", mend=MAKE_ONE, headers={"WWW-Authenticate": REALM}
        )
    plain = plain.strip()
    token = None
    if len(plain) <= MAX_TOKEN and plain.isascii():
        with transaction(engine_of(request)) as connection:
            token = read_token(connection, plain)
    if token is None:
        raise ProblemError(
            401,
            "The token is wrong, has expired or was revoked.",
            mend=MAKE_ONE,
            headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"'},
        )
    if not token.allows(scope):
        raise ProblemError(
            403,
            f"The token {token.name!r} has not the scope {scope!r}.",
            mend=f"Use a token that was made with `--scope {scope}`.",
            headers={"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{scope}"'},
        )
    return token


def engine_of(request: Request) -> Engine:
    """The catalog of the application that the request is for."""
    app: FastAPI = request.app
    engine = app.state.engine
    assert isinstance(engine, Engine)
    return engine


def token_of(request: Request) -> TokenRecord:
    """The token that the guard has let in."""
    token = request.state.token
    assert isinstance(token, TokenRecord)
    return token


Catalog = Annotated[Engine, Depends(engine_of)]
Token = Annotated[TokenRecord, Depends(token_of)]
