"""The offline TMDB's application: TMDB's routes, and a few below `/control` that steer it.

GET  /control/counts    requests so far, by endpoint
POST /control/faults    a `faults.Fault`: fail the next requests
POST /control/movies    {"gone": [id, …], "merged": {"id": id}, "changed": {"YYYY-MM-DD": [id, …]}}
POST /control/reset     no faults, none gone, merged or changed, counts at zero
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import date
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from worker.offline_tmdb.answers import CHANGES_PAGE, Answers, configuration, dumps, paged, problem
from worker.offline_tmdb.faults import Fault, struck
from worker.offline_tmdb.library import Library

JSON = "application/json"
LONGEST_RANGE_DAYS = 14


class Changes(BaseModel):
    """What a control request may change about the movies."""

    model_config = ConfigDict(extra="forbid")

    gone: set[int] = set()
    merged: dict[int, int] = {}
    changed: dict[date, list[int]] = {}


class OfflineApi:
    """The endpoints over one library; `token`, where given, is the only one that is accepted."""

    def __init__(self, library: Library, image_url: str, token: str | None = None) -> None:
        self._library = library
        self._answers = Answers(library)
        self._configuration = configuration(image_url)
        self._token = token
        self._posters = lru_cache(maxsize=512)(lambda name: library.posters[name].read())
        self.reset()

    def reset(self) -> None:
        """Forget all faults, changes and counts."""
        self._faults: list[Fault] = []
        self._changes = Changes()
        self._counts: Counter[str] = Counter()

    def app(self) -> Starlette:
        """The application."""
        return Starlette(
            routes=[
                Route("/3/movie/{id:int}", self._endpoint("movie", self._movie)),
                Route("/t/p/{size}/{name}", self._endpoint("image", self._image)),
                Route("/3/find/{imdb_id}", self._endpoint("find", self._find)),
                Route("/3/search/movie", self._endpoint("search", self._search)),
                Route("/3/movie/changes", self._endpoint("changes", self._changed)),
                Route("/3/configuration", self._endpoint("configuration", self._configure)),
                Route("/control/counts", self._show_counts),
                Route("/control/faults", self._add_fault, methods=["POST"]),
                Route("/control/movies", self._change_movies, methods=["POST"]),
                Route("/control/reset", self._reset, methods=["POST"]),
                Route("/{anything:path}", self._nowhere),
            ]
        )

    def _endpoint(
        self, name: str, answer: Callable[[Request], Response]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def counted(request: Request) -> Response:
            self._counts[name] += 1
            if name != "image" and not self._allowed(request):
                return _problem(401)
            for fault in self._faults:
                if fault.strikes(name):
                    return await struck(fault, request, answer(request))
            return answer(request)

        return counted

    def _allowed(self, request: Request) -> bool:
        sent = request.query_params.get("api_key") or request.headers.get("Authorization", "")[7:]
        return bool(sent) if self._token is None else sent == self._token

    def _movie(self, request: Request) -> Response:
        tmdb_id = request.path_params["id"]
        asked = request.query_params
        tmdb_id = self._changes.merged.get(tmdb_id, tmdb_id)
        body = self._answers.details(
            tmdb_id, asked.get("language", "en-US"), asked.get("append_to_response", "")
        )
        if body is None or tmdb_id in self._changes.gone:
            return _problem(404)
        return Response(body, media_type=JSON)

    def _find(self, request: Request) -> Response:
        language = request.query_params.get("language", "en-US")
        return Response(self._answers.found(request.path_params["imdb_id"], language), media_type=JSON)

    def _search(self, request: Request) -> Response:
        asked = request.query_params
        year, page = asked.get("year", ""), asked.get("page", "1")
        found = self._library.search(asked.get("query", ""), int(year) if year.isdecimal() else None)
        body = self._answers.page(found, int(page) if page.isdecimal() else 1, asked.get("language", "en-US"))
        return Response(body, media_type=JSON)

    def _changed(self, request: Request) -> Response:
        asked = request.query_params
        try:
            start, end = (date.fromisoformat(asked[name]) for name in ("start_date", "end_date"))
            page = int(asked.get("page", "1"))
        except (KeyError, ValueError):
            return _problem(422)
        if not 0 <= (end - start).days <= LONGEST_RANGE_DAYS:
            return _problem(422)
        days = sorted(day for day in self._changes.changed if start <= day <= end)
        ids = list(dict.fromkeys(i for day in days for i in self._changes.changed[day]))
        shown = [{"id": i, "adult": False} for i in ids[(page - 1) * CHANGES_PAGE : page * CHANGES_PAGE]]
        return Response(paged(shown, len(ids), page, CHANGES_PAGE), media_type=JSON)

    def _configure(self, request: Request) -> Response:  # noqa: ARG002
        return Response(self._configuration, media_type=JSON)

    def _image(self, request: Request) -> Response:
        """A poster, as it is in the folder: whatever size is asked for."""
        poster = self._library.posters.get(request.path_params["name"])
        if poster is None:
            return _problem(404)
        return Response(self._posters(request.path_params["name"]), media_type=poster.media_type)

    async def _show_counts(self, request: Request) -> Response:  # noqa: ARG002
        return JSONResponse(self._counts)

    async def _add_fault(self, request: Request) -> Response:
        try:
            self._faults.append(Fault.model_validate_json(await request.body()))
        except ValidationError as error:
            return Response(dumps({"error": str(error)}), 422, media_type=JSON)
        return Response(status_code=204)

    async def _change_movies(self, request: Request) -> Response:
        try:
            self._changes = Changes.model_validate_json(await request.body())
        except ValidationError as error:
            return Response(dumps({"error": str(error)}), 422, media_type=JSON)
        return Response(status_code=204)

    async def _reset(self, request: Request) -> Response:  # noqa: ARG002
        self.reset()
        return Response(status_code=204)

    async def _nowhere(self, request: Request) -> Response:  # noqa: ARG002
        return _problem(404)


def _problem(status: int) -> Response:
    return Response(problem(status), status, media_type=JSON)
