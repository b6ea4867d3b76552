"""Many editors, a bulk run and the tag worker at the same movies at once: no deadlock, and nothing is lost."""

import random
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine

from catalog.decisions import Verdict
from catalog.engine import transaction
from catalog.errors import DecisionConflictError, LeaseHeldError
from catalog.people.editors import EditorRecord
from catalog.review.actions import skip
from catalog.review.bulk import start, step, unfinished
from catalog.review.filters import Filter
from catalog.review.project import project
from catalog.review.queue import next_movie
from tests.support.ledger import execute, scalar
from tests.support.models import champion_model
from tests.support.review import editor, enter, genre_id, labels, press, retag, tagged, undone

ROUNDS = 25
REVIEW = """
SELECT movie_id, state, (SELECT array_agg(a ORDER BY a) FROM unnest(asks) a) AS asks, disagreed_at,
       (SELECT array_agg(f ORDER BY f) FROM unnest(facets) f) AS facets
FROM marquee.review ORDER BY movie_id
"""
VERDICTS: tuple[Verdict, ...] = ("accepted", "rejected", "withdrawn")


def work(engine: Engine, who: EditorRecord, movies: list[int], seed: int) -> dict[str, int]:
    """What an editor does in a hurry; how often he was refused."""
    chance = random.Random(seed)
    met = {"conflict": 0, "held": 0, "actions": 0}
    for _ in range(ROUNDS):
        with transaction(engine) as connection:
            movie = next_movie(connection, who.id, Filter(state=None))
        movie = movie if movie is not None and chance.random() < 0.5 else chance.choice(movies)
        try:
            match chance.randrange(5):
                case 0:
                    enter(engine, who, movie, {"Drama": chance.random() < 0.5})
                case 1:
                    undone(engine, who)
                case 2:
                    with transaction(engine) as connection:
                        skip(connection, who, movie, for_seconds=0)
                case _:
                    genre = chance.choice(("Action", "Comedy", "Drama"))
                    press(engine, who, movie, genre, chance.choice(VERDICTS))
            met["actions"] += 1
        except DecisionConflictError:
            met["conflict"] += 1
        except LeaseHeldError:
            met["held"] += 1
        execute(engine, "UPDATE marquee.review_lease SET lease_until = now() WHERE random() < 0.3")
    return met


def run_bulk(engine: Engine, who: EditorRecord) -> None:
    number = genre_id(engine, "Comedy")
    for verdict in ("accepted", "rejected", "accepted"):
        with transaction(engine) as connection:
            bulk_id = start(connection, who, Filter(state=None), number, verdict)  # type: ignore[arg-type]
        while not step(engine, bulk_id, 3).finished:
            pass
        undone(engine, who)
        with transaction(engine) as connection:
            waiting = unfinished(connection)
        for undo_id in waiting:
            while not step(engine, undo_id, 3).finished:
                pass


def test_many_at_once_lose_nothing(engine: Engine) -> None:
    model = champion_model(engine)
    movies = tagged(engine, model, 12, audit_share=0.3)
    editors = [editor(engine, f"editor {n}") for n in range(4)]
    keeper = editor(engine, "keeper")
    with ThreadPoolExecutor(6) as pool:
        works = [pool.submit(work, engine, who, movies, seed) for seed, who in enumerate(editors)]
        bulk = pool.submit(run_bulk, engine, keeper)
        tags = pool.submit(lambda: [retag(engine, model) for _ in range(8)])
        met = [w.result(timeout=110) for w in works]
        bulk.result(timeout=110)
        tags.result(timeout=110)
    assert sum(m["actions"] for m in met) > 30
    newest = execute(
        engine,
        "SELECT DISTINCT ON (movie_id, genre_id) movie_id, g.name, verdict FROM marquee.decision d "
        "JOIN marquee.genre g ON g.id = genre_id ORDER BY movie_id, genre_id, d.id DESC",
    )
    said = {(r.movie_id, r.name): r.verdict == "accepted" for r in newest if r.verdict != "withdrawn"}
    assert {k: holds for k, (holds, _) in labels(engine).items()} == said
    assert scalar(engine, "SELECT count(*) FROM marquee.bulk_movie") == 0
    before = [tuple(r) for r in execute(engine, REVIEW)]
    with transaction(engine) as connection:
        project(connection, movies)
    assert [tuple(r) for r in execute(engine, REVIEW)] == before
