"""Decisions over HTTP: a pipeline says what an editor would say."""

from fastapi import APIRouter

from catalog.decisions import Verdicted, decide
from catalog.engine import transaction
from catalog.movie_locks import lock_decisions
from catalog.people.editors import EditorRecord
from catalog.registry import genre_ids
from catalog.review.card import read_card
from catalog.review.conflict import check_seen
from review.api.guard import Catalog, GuardedRoute, Token, needs
from review.api.movies import read_movie
from review.api.problems import documented
from review.api.shapes import Decide, Movie, MovieId
from review.api.trust import author_of

router = APIRouter(route_class=GuardedRoute, tags=["movies"])


@router.post("/movies/{movie_id}/decisions", summary="Decide genres", responses=documented(400, 404, 409))
@needs("decide")
def decide_genres(movie_id: MovieId, asked: Decide, engine: Catalog, token: Token) -> Movie:
    """Say of genres whether the movie has them. What is said is a label, which no model overwrites.

    The log of decisions names the author `token:NAME`. An editor who has the movie open is shown the difference.
    """
    author = author_of(token)
    with transaction(engine) as connection:
        numbers = genre_ids(connection, tuple(d.genre for d in asked.decisions))
        lock_decisions(connection, [movie_id])
        read_card(connection, movie_id)
        revision = None
        if asked.seen is not None:
            nobody = EditorRecord(0, author, "editor")  # a token's earlier decisions are a difference, too
            revision = check_seen(connection, nobody, movie_id, asked.seen).revision
        verdicts = [
            Verdicted(movie_id, number, d.verdict) for number, d in zip(numbers, asked.decisions, strict=True)
        ]
        decide(connection, verdicts, author=author, source="editor", revision=revision)
        return read_movie(connection, movie_id)
