"""Movies over HTTP: write one, read one, page through them, have them tagged again."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from catalog.engine import transaction
from catalog.errors import InvalidMovieError
from catalog.ledger.enqueue import enqueue
from catalog.ledger.words import Priority as LedgerPriority
from catalog.loading import load
from catalog.lookup import Key, movie_by_key
from catalog.records import MAX_INDEXED, MovieRecord, known_record
from catalog.registry import genre_ids
from catalog.review.card import read_card
from catalog.review.filters import FIRST_YEAR, LAST_YEAR, MAX_TEXT, Filter
from catalog.review.queue import MAX_PAGE, read_page
from catalog.story import read_story
from review.api.bulk import Labels, Priority
from review.api.guard import Catalog, GuardedRoute, Token, needs
from review.api.problems import ProblemError, documented
from review.api.shapes import (
    Enqueue,
    Enqueued,
    Movie,
    MovieId,
    Page,
    Upserted,
    Words,
    movie_of,
    queued_movie_of,
)
from review.api.trust import author_of

router = APIRouter(route_class=GuardedRoute, tags=["movies"])

Year = Annotated[int | None, Query(ge=FIRST_YEAR, le=LAST_YEAR)]
Short = Annotated[Words | None, Query(max_length=MAX_TEXT)]


@router.post("/movies", summary="Upsert a movie", responses=documented(400, 409))
@needs("movies:write")
def upsert_one(
    record: MovieRecord,
    engine: Catalog,
    token: Token,
    priority: Priority = "interactive",
    labels: Labels = False,
) -> Upserted:
    """Insert or update a movie; it is tagged by itself if its content changed.

    It is found by the first of `id`, `external_id`, `tmdb_id` and `imdb_id` that is given; without any it is new.
    Members that are not given keep their value, and null clears them.
    """
    try:
        known_record(record)
    except InvalidMovieError as error:
        raise ProblemError(422, error.message.capitalize(), mend="Give one of them.") from None
    if record.genres is not None and not labels:
        raise ProblemError(
            422,
            "genres: are labels, which are taken with ?labels=true only.",
            mend="Add it, or leave them out.",
        )
    author = author_of(token) if labels else None
    if record.genres:
        with transaction(engine) as connection:
            genre_ids(connection, tuple(record.genres))
    loaded = load(engine, [(1, record)], priority=priority, trusted_by=author)
    if loaded.refused:
        raise ProblemError(
            409,
            loaded.refused[0].error,
            mend="Another movie has this key: correct one of the two.",
        )
    return Upserted(id=loaded.ids[1], labels=loaded.labels)


@router.post("/movies/enqueue", summary="Have movies tagged again", responses=documented(400))
@needs("movies:write")
def enqueue_movies(asked: Enqueue, engine: Catalog) -> Enqueued:
    """Have movies tagged again; those under way go on, and unchanged ones need no inference."""
    ids = sorted(set(asked.ids))
    done = enqueue(engine, ids, LedgerPriority[asked.priority.upper()], refetch=asked.refetch)
    return Enqueued(enqueued=sorted(done), unknown=sorted(set(ids) - done))


@router.get("/movies", summary="Page through tagged movies", responses=documented())
@needs("movies:read")
def page_movies(
    engine: Catalog,
    state: Annotated[
        Literal["open", "done", "auto", "any"],
        Query(
            description="open: waits for an editor; done: an editor has decided; auto: the model alone has."
        ),
    ] = "any",
    genre: Annotated[
        Words | None, Query(max_length=MAX_TEXT, description="Without a band: the movie has the genre now.")
    ] = None,
    band: Annotated[
        Literal["accepted", "review", "rejected"] | None,
        Query(description="What the model decided of the genre, which must be given."),
    ] = None,
    year: Year = None,
    decade: Annotated[
        int | None, Query(ge=FIRST_YEAR, le=LAST_YEAR, multiple_of=10, description="Its first year.")
    ] = None,
    language: Annotated[
        Words | None, Query(max_length=MAX_TEXT, description="A language code, or `none`.")
    ] = None,
    missing: Literal["poster", "plot"] | None = None,
    model: Annotated[
        Words | None, Query(max_length=MAX_TEXT, description="The version of the model that tagged it.")
    ] = None,
    source: Annotated[Literal["movie", "tmdb"] | None, Query(description="Where the plot came from.")] = None,
    disputed: Annotated[bool, Query(description="Only where the model contradicts an editor.")] = False,
    order: Annotated[
        Literal["newest", "uncertain", "rare", "disagreed"],
        Query(description="Newest tagging, least certain, rarest genre or newest disagreement first."),
    ] = "newest",
    cursor: Annotated[Words | None, Query(max_length=MAX_TEXT, description="A page's `next`.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
) -> Page:
    """Movies that were tagged, by filter and in an order. What changes meanwhile moves no page."""
    given = {
        "state": state, "genre": genre, "band": band, "year": year, "decade": decade, "language": language,
        "missing": missing, "model": model, "source": source, "disputed": "1" if disputed else None,
    }  # fmt: skip
    sought = Filter.from_query({k: str(v) for k, v in given.items() if v is not None})
    with transaction(engine) as connection:
        found = read_page(connection, sought, order, after=cursor or None, limit=limit)
    return Page(movies=[queued_movie_of(row) for row in found.rows], next=found.following)


@router.get("/movies/lookup", summary="Find a movie by your key", responses=documented(404))
@needs("movies:read")
def look_up_movie(
    engine: Catalog,
    external_id: Annotated[Words | None, Query(max_length=MAX_INDEXED)] = None,
    tmdb_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    imdb_id: Annotated[Words | None, Query(max_length=20)] = None,
) -> Movie:
    """Read a movie that is known by its external id, its TMDB id or its IMDb id: give exactly one of them."""
    keys: dict[Key, str | int | None] = {"external_id": external_id, "tmdb_id": tmdb_id, "imdb_id": imdb_id}
    given = [(key, value) for key, value in keys.items() if value is not None]
    if len(given) != 1:
        raise ProblemError(
            422, f"{len(given)} keys were given.", mend="Give one of external_id, tmdb_id and imdb_id."
        )
    key, value = given[0]
    with transaction(engine) as connection:
        return read_movie(connection, movie_by_key(connection, key, value))


@router.get("/movies/{movie_id}", summary="Read a movie", responses=documented(404))
@needs("movies:read")
def get_movie(movie_id: MovieId, engine: Catalog) -> Movie:
    """Read a movie with its predictions, its labels and its timeline."""
    with transaction(engine) as connection:
        return read_movie(connection, movie_id)


def read_movie(connection: Connection, movie_id: int) -> Movie:
    """The movie as the API gives it.

    Raises:
        MovieNotFoundError: there is none of this id.
    """
    return movie_of(read_card(connection, movie_id), read_story(connection, movie_id).events)
