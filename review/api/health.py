"""`/healthz`: the web process is alive. `/readyz`: which part of Marquee is missing, if any. No token."""

from collections.abc import Callable

import structlog
from fastapi import APIRouter
from sqlalchemy import Connection, Engine
from starlette.requests import Request
from starlette.responses import JSONResponse

from catalog.engine import transaction
from catalog.liveness import somebody_lives
from catalog.registry import champion_id
from catalog.schema import check_schema
from marquee.errors import MarqueeError

log = structlog.get_logger(__name__)

router = APIRouter(include_in_schema=False)
OK = "ok"


def _worker(part: str) -> Callable[[Connection], str]:
    def look(connection: Connection) -> str:
        return OK if somebody_lives(connection, part) else f"no {part} worker is alive"

    return look


def _champion(connection: Connection) -> str:
    return OK if champion_id(connection) is not None else "no model was promoted"


LOOKS: dict[str, Callable[[Connection], str]] = {
    "relay": _worker("relay"),
    "fetch": _worker("fetch"),
    "tag": _worker("tag"),
    "beat": _worker("beat"),
    "champion": _champion,
}


@router.get("/healthz")
async def healthz() -> JSONResponse:
    """The process answers."""
    return JSONResponse({"alive": True})


@router.get("/readyz")
def readyz(request: Request) -> JSONResponse:
    """Every part, and what is wrong with it; 503 where one is missing."""
    parts = look(request.app.state.engine)
    ready = all(found == OK for found in parts.values())
    return JSONResponse({"ready": ready, "parts": parts}, 200 if ready else 503)


def look(engine: Engine) -> dict[str, str]:
    """Each part and `ok`, or what is missing; what cannot be looked at is unknown."""
    parts = dict.fromkeys(("postgres", "schema", *LOOKS), "unknown")
    try:
        with transaction(engine):
            parts["postgres"] = OK
        check_schema(engine)
        parts["schema"] = OK
        with transaction(engine) as connection:
            parts |= {name: found(connection) for name, found in LOOKS.items()}
    except MarqueeError as error:
        missing = "postgres" if parts["postgres"] != OK else "schema"
        parts[missing] = "cannot be reached" if missing == "postgres" else error.message
        log.warning("not ready", part=missing, error=error.message)
    return parts
