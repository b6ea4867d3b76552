"""The Celery tasks, thin: each hands its arguments to the part that does the work.

Another application may send `marquee.enqueue` by name:

    app.send_task("marquee.enqueue", kwargs={"movie_ids": [1, 2]}, queue="fetch")
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import structlog
from sqlalchemy import text

from catalog.engine import transaction
from catalog.errors import DatabaseUnavailableError
from catalog.ledger.enqueue import enqueue
from catalog.ledger.words import Priority
from worker.app import ENQUEUE, FETCH, REFRESH, TAG, app
from worker.errors import PartError
from worker.parts import parts

log = structlog.get_logger(__name__)

EXPIRED = text("""
SELECT movie_id FROM marquee.content
WHERE fetched_at < now() - make_interval(days => :days) AND 'tmdb' IN (plot_source, poster_source) LIMIT 100000
""")
BY_TMDB_ID = text("SELECT id FROM marquee.movie WHERE tmdb_id = ANY(:ids)")


@app.task(name=FETCH)  # type: ignore[untyped-decorator]
def fetch_movies(movie_ids: Sequence[int], alone: bool = False) -> None:
    """Fetch the content of the movies. Sent by the relay."""
    fetcher = parts().fetcher
    if fetcher is None:
        raise PartError("This worker does not fetch.", mend="Start it with -Q fetch.")
    try:
        fetcher.fetch(movie_ids, alone=alone)
    except DatabaseUnavailableError as error:
        log.warning("Postgres is away; the movies come again", error=error.message)


@app.task(name=TAG)  # type: ignore[untyped-decorator]
def tag_movies() -> None:
    """Tag what is ready. Sent by fetch tasks as a wake-up."""
    sweep = parts().sweep
    if sweep is None:
        raise PartError("This worker does not tag.", mend="Start it with -Q tag.")
    sweep.drain()


@app.task(name=ENQUEUE)  # type: ignore[untyped-decorator]
def enqueue_movies(
    movie_ids: Sequence[int] = (),
    tmdb_ids: Sequence[int] = (),
    priority: str = "interactive",
    refetch: bool = False,
) -> None:
    """Ask for movies to be tagged again, by their ids or TMDB ids. For other applications to send.

    Raises:
        ValueError: the priority is not interactive, bulk or retag, or an id is not a number.
    """
    engine = parts().engine
    ids = [int(i) for i in movie_ids]
    if tmdb_ids:
        with transaction(engine) as connection:
            ids += connection.execute(BY_TMDB_ID, {"ids": [int(i) for i in tmdb_ids]}).scalars().all()
    try:
        level = Priority[priority.upper()]
    except KeyError:
        raise ValueError(f"priority is interactive, bulk or retag, not {priority!r}") from None
    done = enqueue(engine, ids, level, refetch=refetch)
    unknown = sorted(set(ids) - done)
    if unknown:
        log.warning("some movies are not in the catalog", movies=unknown[:20], count=len(unknown))


@app.task(name=REFRESH)  # type: ignore[untyped-decorator]
def refresh_changed(days: int = 2) -> None:
    """Fetch anew what changed on TMDB in the last days, and what is kept too long. Sent by beat, once a day."""
    fetcher = parts().fetcher
    if fetcher is None or fetcher.gatherer.tmdb is None:
        return
    today: date = datetime.now(UTC).date()
    changed = list(fetcher.gatherer.tmdb.changes(today - timedelta(days=days), today))
    with transaction(fetcher.engine) as connection:
        ids = set(connection.execute(BY_TMDB_ID, {"ids": changed}).scalars())
        age = {"days": fetcher.gatherer.max_age.days}
        expired = set(connection.execute(EXPIRED, age).scalars())
    enqueue(fetcher.engine, sorted(ids | expired), Priority.RETAG, refetch=True)
    log.info("fetching anew", changed_on_tmdb=len(ids), kept_too_long=len(expired))
