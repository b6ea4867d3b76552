"""Thousands of movies in one request, one a line (NDJSON): a bad line is named and stops no other.

The body is never in memory as a whole: lines are checked and written chunk by chunk, each chunk in a transaction
of its own, while the next one comes in. What breaks off half-way says what was written before.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from catalog.errors import DatabaseUnavailableError, InvalidMovieError
from catalog.loading import RefusedRow, load
from catalog.records import MovieRecord, read_record
from review.api.guard import Catalog, GuardedRoute, Token, needs
from review.api.lines import MAX_LINE, DamagedBodyError, Inflate, Lines, Plain
from review.api.problems import UNAVAILABLE, ProblemError, documented, reason
from review.api.shapes import BulkReport
from review.api.trust import author_of

router = APIRouter(route_class=GuardedRoute, tags=["movies"])

PATH = "/movies/bulk"
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
CHUNK_LINES, CHUNK_BYTES = 1_000, 4 * 1024 * 1024
MAX_LINES, MAX_BYTES = 100_000, 256 * 1024 * 1024
AGAIN = "Try again in a moment: to send the same lines again does no harm."
EXAMPLE = '{"external_id": "movie-42", "title": "The Lighthouse Keeper", "year": 1999}\n{"tmdb_id": 603}\n'
BODY = {
    "requestBody": {
        "required": True,
        "description": f"One movie a line, each with the members that POST /movies takes. At most {MAX_LINES:,} "
        f"lines of {MAX_LINE:,} bytes, {MAX_BYTES:,} bytes in all; `Content-Encoding: gzip` is understood.",
        "content": {NDJSON[0]: {"schema": {"type": "string"}, "example": EXAMPLE}},
    }
}
Priority = Annotated[
    Literal["interactive", "bulk", "retag"], Query(description="Who waits for the movies to be tagged.")
]
Labels = Annotated[
    bool,
    Query(
        description="Take the movies' `genres` as true labels: those named hold, the catalog's others do not. "
        "It needs the scope `decide`, too."
    ),
]
Chunk = list[tuple[int, bytes | None]]


class Bulk:
    """One upsert of many movies, and its report so far."""

    def __init__(self, engine: Engine, *, priority: str, trusted_by: str | None) -> None:
        self.engine = engine
        self.priority = priority
        self.trusted_by = trusted_by
        self.lines = 0
        self.labels = 0
        self.ids: dict[int, int] = {}
        self.errors: list[RefusedRow] = []

    def write(self, chunk: Chunk) -> None:
        """Check the lines of a chunk and store what is good."""
        records: list[tuple[int, MovieRecord]] = []
        for number, line in chunk:
            try:
                records.append((number, read_line(line, labels=self.trusted_by is not None)))
            except InvalidMovieError as error:
                self.errors.append(RefusedRow(number, reason("", error.message).removeprefix(": ")))
        self.lines += len(chunk)
        loaded = load(self.engine, records, priority=self.priority, trusted_by=self.trusted_by)
        self.ids |= loaded.ids
        self.labels += loaded.labels
        self.errors += loaded.refused

    def report(self) -> dict[str, Any]:
        """A `BulkReport`."""
        errors = sorted(self.errors, key=lambda e: e.line)
        return {
            "lines": self.lines,
            "accepted": len(self.ids),
            "refused": len(errors),
            "labels": self.labels,
            "movies": [{"line": line, "id": movie_id} for line, movie_id in self.ids.items()],
            "errors": [{"line": e.line, "error": e.error} for e in errors],
        }

    def body(self) -> bytes:
        """The report as JSON: faster than through the model, which is for the document."""
        return json.dumps(self.report()).encode()


def read_line(line: bytes | None, *, labels: bool) -> MovieRecord:
    """The movie of a line.

    Raises:
        InvalidMovieError: there is none, or it cannot be stored.
    """
    if line is None:
        raise InvalidMovieError(f"longer than {MAX_LINE:,} bytes.")
    try:
        fields = json.loads(line.decode())
    except UnicodeDecodeError:
        raise InvalidMovieError("not UTF-8.") from None
    except (ValueError, RecursionError) as error:
        raise InvalidMovieError(f"not JSON: {error}.") from None
    if not isinstance(fields, dict):
        raise InvalidMovieError("not a JSON object.")
    record = read_record(fields)
    if record.genres is not None and not labels:
        raise InvalidMovieError("genres: are labels, which are taken with ?labels=true only.")
    return record


@router.post(
    PATH,
    summary="Upsert many movies",
    response_model=BulkReport,
    responses=documented(400, 415),
    openapi_extra=BODY,
)
@needs("movies:write")
async def upsert_many(
    request: Request, engine: Catalog, token: Token, priority: Priority = "bulk", labels: Labels = False
) -> Response:
    """Insert or update movies, one a line. A movie is found by the first of `id`, `external_id`, `tmdb_id` and
    `imdb_id` that its line has; members that a line does not have keep their value, and null clears them.

    A bad line is reported and stops no other. Lines are written in chunks of 1,000: should Postgres go away
    half-way, the problem's `report` says what was written. To send the same lines again does no harm.
    """  # noqa: D205 - the first paragraph is one
    bulk = Bulk(engine, priority=priority, trusted_by=author_of(token) if labels else None)
    writing: asyncio.Task[None] | None = None
    try:
        async for chunk in chunks(request):
            if writing is not None:
                await writing
            writing = asyncio.create_task(run_in_threadpool(bulk.write, chunk))
        if writing is not None:
            await writing
    except (ProblemError, DatabaseUnavailableError) as error:
        if writing is not None:
            await asyncio.wait([writing])
        why = error if isinstance(error, ProblemError) else ProblemError(503, UNAVAILABLE, mend=AGAIN)
        raise ProblemError(
            why.status,
            f"{why.message} {len(bulk.ids):,} movies were written before.",
            mend=why.mend,
            report=bulk.report(),
        ) from error
    finally:
        if writing is not None:  # whoever sends may have gone away
            await asyncio.wait([writing])
            writing.exception()
    return Response(await run_in_threadpool(bulk.body), media_type="application/json")


async def chunks(request: Request) -> AsyncIterator[Chunk]:
    """The body's lines with their numbers, some at a time; empty ones are left out.

    Raises:
        ProblemError: the body is of another kind, damaged, or too large.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in NDJSON:
        raise ProblemError(
            415,
            "The body is not NDJSON.",
            mend=f"Send one movie a line, with Content-Type: {NDJSON[0]}.",
        )
    decoder, lines = _decoder(request), Lines()
    size = taken = number = 0
    chunk: Chunk = []
    try:
        async for data in request.stream():
            for plain in decoder.feed(data) if data else ():
                size += len(plain)
                for line in lines.feed(plain):
                    number += 1
                    if line is None or (line := line.strip()):
                        chunk.append((number, line))
                        taken += len(line or b"")
                    if number > MAX_LINES or size > MAX_BYTES:
                        raise _too_large()
                    if len(chunk) >= CHUNK_LINES or taken >= CHUNK_BYTES:
                        yield chunk
                        chunk, taken = [], 0
                if size > MAX_BYTES:
                    raise _too_large()
        decoder.end()
    except DamagedBodyError:
        if chunk:
            yield chunk
        raise ProblemError(400, "The body is not whole gzip.", mend="Compress it anew.") from None
    chunk += [(number + 1, line) for line in lines.end() if line is None or line.strip()]
    if chunk:
        yield chunk


def _decoder(request: Request) -> Inflate | Plain:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise ProblemError(415, "The body's encoding is not known.", mend="Send it plain or gzipped.")
    return Inflate() if encoding == "gzip" else Plain()


def _too_large() -> ProblemError:
    return ProblemError(
        413,
        f"The body has more than {MAX_LINES:,} lines or {MAX_BYTES:,} bytes.",
        mend="Send it in parts.",
    )
