"""Bounds on what a request may be: its host, and the size of its body."""

from collections.abc import Callable
from contextlib import suppress

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_FORM = 2 * 1024 * 1024  # a plot of 100,000 characters, percent-encoded
MAX_POSTER = 10 * 1024 * 1024
AROUND_FILE = 64 * 1024  # the form around an uploaded file
# A page of another site that a name server has led here gets nothing from these: they know no cookie. Pipelines
# and probes reach them by whatever name the inside has.
ANY_HOST = ("/api/", "/healthz", "/readyz")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


class BodyTooLargeError(Exception):
    """A body went on beyond its bound."""


class Bounds:
    """Refuse other hosts than the public one and this machine, and bodies that are too large.

    Args:
        app: what the requests are for.
        public_host: the host, with its port if it has one, of the application's public URL; None lets any pass.
        max_body: the most bytes of a body for a path; None where that path sees to it by itself.
    """

    def __init__(
        self, app: ASGIApp, *, public_host: str | None, max_body: Callable[[str], int | None]
    ) -> None:
        self.app = app
        self.public_host = public_host
        self.max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on with its body counted."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        known = scope["path"].startswith(ANY_HOST) or self._known(headers.get(b"host", "").lower())
        if not known:
            await PlainTextResponse("This host is not known here.\n", 421)(scope, receive, send)
            return
        bound = self.max_body(scope["path"])
        length = headers.get(b"content-length", "0")
        if bound is None or not length.isdigit():
            await self.app(scope, receive, send)
            return
        if int(length) > bound:
            await _too_large(bound)(scope, receive, send)
            return
        await self._bounded(scope, receive, send, bound)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send, bound: int) -> None:
        """A body is counted as it comes; of one that is too large the application's answer is not heard."""
        taken, answering = 0, False

        async def counting() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > bound:
                raise BodyTooLargeError
            return message

        async def sending(message: Message) -> None:
            nonlocal answering
            if taken <= bound or answering:
                answering = True
                await send(message)

        with suppress(BodyTooLargeError):
            await self.app(scope, counting, sending)
        if taken > bound and not answering:
            await _too_large(bound)(scope, receive, send)

    def _known(self, host: str) -> bool:
        if self.public_host is None or host == self.public_host:
            return True
        return host.rpartition(":")[0] in LOOPBACK or host in LOOPBACK


def max_body(path: str) -> int | None:
    """The most bytes that the body of a request to a path may have; the HTTP API has bounds of its own."""
    if path.startswith("/api/"):
        return None
    return MAX_POSTER + AROUND_FILE if path.endswith("/poster") else MAX_FORM


def _too_large(bound: int) -> PlainTextResponse:
    return PlainTextResponse(f"The request has more than {bound:,} bytes.\n", 413)
