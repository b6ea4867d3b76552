"""How large a request may be: every body is counted as it comes."""

from collections.abc import Collection

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from review.api.problems import MENDS, problem

MAX_BODY = 1024 * 1024
TOO_LARGE = f"The body has more than {MAX_BODY:,} bytes."


class BoundedBodies:
    """Refuse bodies over `MAX_BODY`, but for paths that end with one of `except_at`, which count for themselves."""

    def __init__(self, app: ASGIApp, *, except_at: Collection[str] = ()) -> None:
        self.app = app
        self.except_at = tuple(except_at)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with a body that ends in an error where it becomes too large."""
        if scope["type"] != "http" or scope["path"].endswith(self.except_at):
            await self.app(scope, receive, send)
            return
        lengths = [v for k, v in scope["headers"] if k == b"content-length"]
        if lengths and lengths[0].isdigit() and int(lengths[0][:20]) > MAX_BODY:
            await problem(413, TOO_LARGE, MENDS[413])(scope, receive, send)
            return
        taken = 0

        async def counting() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_BODY:
                raise HTTPException(413, TOO_LARGE)
            return message

        await self.app(scope, counting, send)
