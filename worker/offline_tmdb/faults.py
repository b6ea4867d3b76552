"""Ways in which the offline TMDB can fail on demand.

A fault is posted to `/control/faults` as JSON, strikes the next `times` requests of an endpoint, and is gone.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from worker.offline_tmdb.answers import problem

Endpoint = Literal["movie", "find", "search", "changes", "configuration", "image", "any"]
Kind = Literal[
    "401",
    "404",
    "429",
    "500",
    "503",
    "hang",
    "slow",
    "cut",
    "truncated",
    "malformed",
    "html",
    "redirect",
    "huge",
    "bomb",
]
HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"
HUGE_BYTES = 200 * 1024 * 1024
BOMB_BYTES = 64 * 1024 * 1024


class Fault(BaseModel):
    """One fault.

    401, 404, 429, 500, 503: that status, with TMDB's error body. hang: no answer at all. slow: a byte now and
    then. cut: the connection breaks off within the body. truncated: half of the body, as if it were whole.
    malformed: JSON of a wrong shape. html: a page, under the type of what was asked for. redirect: to
    `location`. huge: 200 MB without an announced length. bomb: 64 MB in 64 kB of gzip.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    on: Endpoint = "any"
    times: int = 1
    retry_after: str = "1"
    location: str = "http://other-host.invalid/"

    def strikes(self, endpoint: str) -> bool:
        """Count the request; whether it is struck."""
        if self.times <= 0 or self.on not in ("any", endpoint):
            return False
        self.times -= 1
        return True


class BrokenOffError(Exception):
    """Makes the server close the connection within an answer."""


class CutResponse(Response):
    """Announces its whole length and breaks off after the half."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the half, then fail."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        raise BrokenOffError


async def struck(fault: Fault, request: Request, answer: Response) -> Response:
    """The answer that the fault makes of a good one."""
    kind = answer.media_type or "application/json"
    body = bytes(answer.body)
    if fault.kind.isdecimal():
        status = int(fault.kind)
        headers = {"Retry-After": fault.retry_after} if status == 429 else {}
        return Response(problem(status), status, headers, media_type="application/json")
    match fault.kind:
        case "hang":
            while (await request.receive())["type"] != "http.disconnect":
                pass
            return answer
        case "slow":
            return StreamingResponse(_dripping(body), media_type=kind)
        case "cut":
            return CutResponse(body, media_type=kind)
        case "truncated":
            return Response(body[: len(body) // 2], media_type=kind)
        case "malformed":
            return Response(b'{"id":"one","results":7,"images":[]}', media_type=kind)
        case "html":
            return Response(HTML, media_type=kind)
        case "redirect":
            return Response(status_code=302, headers={"Location": fault.location})
        case "huge":
            return StreamingResponse(_zeros(), media_type=kind)
    return Response(_bomb(), headers={"Content-Encoding": "gzip"}, media_type=kind)


@cache
def _bomb() -> bytes:
    deflate = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    return b"".join(deflate.compress(bytes(1 << 20)) for _ in range(BOMB_BYTES >> 20)) + deflate.flush()


async def _dripping(body: bytes) -> AsyncIterator[bytes]:
    for index in range(len(body)):
        yield body[index : index + 1]
        await asyncio.sleep(0.05)


async def _zeros() -> AsyncIterator[bytes]:
    for _ in range(HUGE_BYTES >> 20):
        yield bytes(1 << 20)
