"""Drawing pages: the templates' environment, its filters, and the answer that holds a page."""

import hashlib
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from review.keys import keys_for

ROOM = Path(__file__).parent
STATIC = ROOM / "static"
TMDB_NOTICE = (
    "This product uses TMDB and the TMDB APIs but is not endorsed, certified, or otherwise approved by TMDB."
)
LONG_TITLE = 60


def make_templates() -> Environment:
    """The templates: every value is escaped, and one that is not there is an error."""
    templates = Environment(
        loader=FileSystemLoader(ROOM / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "percent": percent,
        "ago": ago,
        "stamp": stamp,
        "number": number,
        "duration": duration,
        "compact": compact,
    }
    templates.globals |= {
        "asset": asset,
        "keys_for": keys_for,
        "tmdb_notice": TMDB_NOTICE,
        "long_title": LONG_TITLE,
    }
    return templates


def render(
    request: Request, name: str, /, status: int = 200, headers: dict[str, str] | None = None, **values: Any
) -> HTMLResponse:
    """The page as an answer."""
    return HTMLResponse(draw(request, name, **values), status, headers)


def draw(request: Request, name: str, /, **values: Any) -> str:
    """The page, or a part of one, as HTML. Templates know the visit, where there is one."""
    visit = getattr(request.state, "visit", None)
    known = {"visit": visit, "editor": visit.editor if visit else None, "csrf": visit.csrf if visit else ""}
    templates: Environment = request.app.state.services.templates
    return templates.get_template(name).render(path=request.url.path, **(known | values))


@cache
def asset(name: str) -> str:
    """The path of a static file; it changes with the file."""
    return f"/static/{name}?{hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def percent(share: float | None, digits: int = 0) -> str:
    """A share of 1 as a percentage; what is not all is never rounded up to all."""
    if share is None:
        return "–"
    shown = f"{share * 100:.{digits}f}"
    if share < 1 and float(shown) >= 100:
        shown = f"{100 - 10**-digits:.{digits}f}"
    return f"{shown}%"


def number(value: float | None, digits: int = 0) -> str:
    """A number with its thousands set apart."""
    return "–" if value is None else f"{value:,.{digits}f}"


def duration(seconds: float | None) -> str:
    """A length of time in the unit that suits it."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def ago(moment: datetime | None) -> str:
    """How long ago it was."""
    if moment is None:
        return "never"
    seconds = max(0.0, (datetime.now(UTC) - moment).total_seconds())
    if seconds < 60:
        return "just now" if seconds < 5 else f"{seconds:.0f} s ago"
    return f"{duration(seconds)} ago"


def stamp(moment: datetime) -> str:
    """A moment to the second, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def compact(value: Any) -> str:
    """A detail of an event in one line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
