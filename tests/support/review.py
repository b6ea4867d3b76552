"""Movies in the queue, editors who decide on them, and short ways to look at what they did."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Engine

from catalog.decisions import Verdict
from catalog.engine import transaction
from catalog.ledger.enqueue import enqueue
from catalog.ledger.tagging import claim_ready, finish_tagging
from catalog.ledger.words import Priority
from catalog.people.editors import EditorRecord, Role, add_editor
from catalog.predictions import MoviePrediction
from catalog.registry import ModelRecord
from catalog.review.actions import Outcome, Undone, finish, toggle, undo
from catalog.review.card import Card, read_card
from tests.support.ledger import execute, insert, make_ready

Said = tuple[float, str]
# What the model says of a movie unless a test says otherwise: a sure genre, a doubtful one, a sure no.
USUAL: Mapping[str, Said] = {
    "Action": (0.97, "accepted"),
    "Comedy": (0.55, "review"),
    "Drama": (0.02, "rejected"),
}


def editor(engine: Engine, name: str = "ann", role: Role = "editor") -> EditorRecord:
    """A new editor."""
    with transaction(engine) as connection:
        return add_editor(connection, name, None, role)


def says(model: ModelRecord, said: Mapping[str, Said] = USUAL) -> MoviePrediction:
    """A prediction of the model: confidence and band by genre; a genre is predicted from 0.5 on."""
    found = [said.get(name, (0.01, "rejected")) for name in model.genres]
    return MoviePrediction([c for c, _ in found], [c >= 0.5 for c, _ in found], [band for _, band in found])


def tag(
    engine: Engine, model: ModelRecord, said: Mapping[str, Said] = USUAL, *, audit_share: float = 0.0
) -> list[int]:
    """Let the model tag every movie that is ready; returns their ids."""
    with transaction(engine) as connection:
        jobs = claim_ready(connection, 5, 10_000, 60)
        results = [(job, says(model, said)) for job in jobs]
        finish_tagging(connection, 5, model, results, 0.1, audit_share=audit_share)
    return sorted(job.movie_id for job in jobs)


def tagged(
    engine: Engine,
    model: ModelRecord,
    count: int = 1,
    said: Mapping[str, Said] = USUAL,
    *,
    audit_share: float = 0.0,
) -> list[int]:
    """New movies that the model has tagged."""
    make_ready(engine, insert(engine, count))
    return tag(engine, model, said, audit_share=audit_share)


def retag(engine: Engine, model: ModelRecord, said: Mapping[str, Said] = USUAL) -> None:
    """Let the model tag every tagged movie again."""
    ids = [r.movie_id for r in execute(engine, "SELECT movie_id FROM marquee.tagging")]
    enqueue(engine, ids, Priority.RETAG)
    tag(engine, model, said)


def change(engine: Engine, movie_id: int, title: str = "changed") -> None:
    """Change the movie's title, and fetch it anew; it waits to be tagged."""
    execute(engine, "UPDATE marquee.movie SET title = :title WHERE id = :id", id=movie_id, title=title)
    make_ready(engine, [movie_id])


def card(engine: Engine, movie_id: int) -> Card:
    """The movie's card."""
    with transaction(engine) as connection:
        return read_card(connection, movie_id)


def genre_id(engine: Engine, name: str) -> int:
    """The id of a genre."""
    found: int = execute(engine, "SELECT id FROM marquee.genre WHERE name = :name", name=name)[0].id
    return found


def press(
    engine: Engine, who: EditorRecord, movie_id: int, genre: str, verdict: Verdict, *, seen: str | None = None
) -> Outcome:
    """The editor decides a genre of the movie as it stands, or as `seen`."""
    genre_number = genre_id(engine, genre)
    with transaction(engine) as connection:
        saw = seen or read_card(connection, movie_id).seen
        return toggle(connection, who, movie_id, genre_number, verdict, seen=saw, seconds=1.5)


def enter(
    engine: Engine,
    who: EditorRecord,
    movie_id: int,
    verdicts: Mapping[str, bool] | None = None,
    *,
    seen: str | None = None,
) -> Outcome:
    """The editor finishes the movie as it stands, or as `seen`."""
    said = {genre_id(engine, name): holds for name, holds in (verdicts or {}).items()}
    with transaction(engine) as connection:
        saw = seen or read_card(connection, movie_id).seen
        return finish(connection, who, movie_id, said, seen=saw, seconds=3.0)


def undone(engine: Engine, who: EditorRecord) -> Undone | None:
    """The editor undoes his newest action."""
    with transaction(engine) as connection:
        return undo(connection, who)


def labels(engine: Engine, ids: Sequence[int] | None = None) -> dict[tuple[int, str], tuple[bool, str]]:
    """What stands by label: whether it holds, and who said so."""
    found = execute(
        engine,
        "SELECT l.movie_id, g.name, l.holds, d.author FROM marquee.label l "
        "JOIN marquee.genre g ON g.id = l.genre_id JOIN marquee.decision d ON d.id = l.decision_id",
    )
    return {(r.movie_id, r.name): (r.holds, r.author) for r in found if ids is None or r.movie_id in ids}


def queue_row(engine: Engine, movie_id: int) -> tuple[str, list[str]]:
    """The movie's state in the queue, and the names of the genres that ask."""
    row = execute(
        engine,
        "SELECT state, (SELECT array_agg(name ORDER BY name) FROM marquee.genre WHERE id = ANY(asks)) AS asks "
        "FROM marquee.review WHERE movie_id = :id",
        id=movie_id,
    )[0]
    return row.state, row.asks or []
