"""Short ways to put movies into the ledger and to look at it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, text

from catalog.content import ContentRecord
from catalog.engine import transaction
from catalog.ledger.dispatch import claim_pending
from catalog.ledger.fetching import claim_queued, finish_fetch
from catalog.ledger.tagging import claim_ready
from catalog.ledger.trouble import Failure, fail
from catalog.ledger.words import Limits, State

FETCHER = 900_001


def execute(engine: Engine, statement: str, **values: Any) -> list[Any]:
    """Run one statement in a transaction of its own; its rows, if it has any."""
    with transaction(engine) as connection:
        result = connection.execute(text(statement), values)
        return list(result.all()) if result.returns_rows else []


def scalar(engine: Engine, statement: str, **values: Any) -> Any:
    """The first value of the first row."""
    return execute(engine, statement, **values)[0][0]


def insert(engine: Engine, count: int = 1, *, priority: str = "interactive", **columns: Any) -> list[int]:
    """Insert so many movies, titled `movie 1`, `movie 2`, … unless a title is given; returns their ids."""
    columns = {"title": None} | columns
    names = ", ".join(columns)
    values = ", ".join("COALESCE(:title, 'movie ' || n)" if n == "title" else f":{n}" for n in columns)
    with transaction(engine) as connection:
        connection.execute(
            text("SELECT set_config('marquee.priority', :priority, true)"), {"priority": priority}
        )
        rows = connection.execute(
            text(
                f"INSERT INTO marquee.movie ({names}) SELECT {values} "
                "FROM generate_series(1, :count) n RETURNING id"
            ),
            columns | {"count": count},
        )
        return sorted(r.id for r in rows)


def make_ready(engine: Engine, ids: Sequence[int], **content: Any) -> None:
    """Bring pending movies to `ready`, with their own titles and what else is given as content."""
    with transaction(engine) as connection:
        claim_pending(connection, 100_000, 60)
    with transaction(engine) as connection:
        jobs = claim_queued(connection, FETCHER, list(ids), 60)
        records = {
            j.movie_id: ContentRecord(
                j.movie_id, j.revision, **({"title": j.title, "plot": f"plot of {j.title}"} | content)
            )
            for j in jobs
        }
        finish_fetch(connection, FETCHER, records, dict.fromkeys(records, 0.0))


def quarantine(engine: Engine, movie_id: int, reason: str) -> None:
    """Give up a pending movie for this reason, as a tag worker does."""
    make_ready(engine, [movie_id])
    with transaction(engine) as connection:
        [job] = claim_ready(connection, FETCHER, 1, 60)
        assert job.movie_id == movie_id
        fail(
            connection,
            FETCHER,
            State.TAGGING,
            [Failure(movie_id, job.revision, reason, final=True)],
            Limits(),
        )


def row(engine: Engine, movie_id: int) -> Any:
    """The ledger's row of a movie."""
    return execute(engine, "SELECT * FROM marquee.tagging WHERE movie_id = :id", id=movie_id)[0]


def states(engine: Engine) -> dict[int, str]:
    """The state of every movie."""
    return {r.movie_id: r.state for r in execute(engine, "SELECT movie_id, state FROM marquee.tagging")}


def counts(engine: Engine) -> dict[str, int]:
    """How many movies stand in each state that any stands in."""
    found = execute(engine, "SELECT state, count(*) AS n FROM marquee.tagging GROUP BY state")
    return {r.state: r.n for r in found}


def content(engine: Engine, movie_id: int) -> Any:
    """The content of a movie."""
    return execute(engine, "SELECT * FROM marquee.content WHERE movie_id = :id", id=movie_id)[0]


def events(engine: Engine, movie_id: int) -> list[tuple[str, dict[str, Any]]]:
    """The events of a movie and their details."""
    found = execute(
        engine, "SELECT event, detail FROM marquee.timeline WHERE movie_id = :id ORDER BY id", id=movie_id
    )
    return [(r.event, r.detail) for r in found]


def effects(engine: Engine) -> dict[int, int]:
    """How often each movie's prediction was written."""
    found = execute(engine, "SELECT movie_id, count(*) AS n FROM marquee.prediction_log GROUP BY movie_id")
    return {r.movie_id: r.n for r in found}


def make_due(engine: Engine) -> None:
    """End every back-off now."""
    execute(engine, "UPDATE marquee.tagging SET due_at = now() WHERE due_at > now()")
