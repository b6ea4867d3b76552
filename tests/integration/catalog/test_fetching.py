"""The end of a fetch: content is kept with its provenance, and what is unchanged needs no inference."""

from typing import Any

from sqlalchemy import Engine

from catalog.content import ContentRecord, read_content
from catalog.engine import transaction
from catalog.ledger.dispatch import claim_pending
from catalog.ledger.fetching import Fetched, claim_queued, finish_fetch
from catalog.ledger.tagging import claim_ready, finish_tagging
from tests.support.ledger import content, effects, events, execute, insert, row
from tests.support.listening import notifications
from tests.support.models import champion_model, same_for_all

OWNER = 5


def fetch(engine: Engine, **found: Any) -> Fetched:
    with transaction(engine) as connection:
        ids = [d.movie_id for d in claim_pending(connection, 100, 60)]
        jobs = claim_queued(connection, OWNER, ids, 60)
        records = {j.movie_id: ContentRecord(j.movie_id, j.revision, **found) for j in jobs}
        return finish_fetch(connection, OWNER, records, dict.fromkeys(records, 0.25))


def tag(engine: Engine, model: Any) -> None:
    with transaction(engine) as connection:
        jobs = claim_ready(connection, OWNER, 100, 60)
        finish_tagging(connection, OWNER, model, same_for_all(jobs, model), 0.1)


def test_content_is_kept_with_where_it_came_from(engine: Engine) -> None:
    insert(engine, 1)
    record = ContentRecord(
        movie_id=1,
        revision=1,
        title="Été",
        year=1999,
        language="fr",
        plot="Un plot.",
        plot_source="tmdb",
        poster_hash="a" * 64,
        poster_source="movie",
        tmdb_id=7,
        note="no poster\x00 there \ud83d",
        training_allowed=False,
    )
    with transaction(engine) as connection:
        claim_pending(connection, 1, 60)
        claim_queued(connection, OWNER, [1], 60)
        assert finish_fetch(connection, OWNER, {1: record}, {1: 0.5}).ready == {1}
    with transaction(engine) as connection:
        read = read_content(connection, [1])[1]
    assert read.fetched_at is not None
    assert read.note == "no poster there "
    assert (read.title, read.language, read.poster_source, read.training_allowed) == (
        "Été",
        "fr",
        "movie",
        False,
    )
    assert content(engine, 1).sha256 == read.sha256 == record.sha256
    assert events(engine, 1)[-1] == (
        "fetched",
        {"plot": "tmdb", "poster": "movie", "ms": 500.0, "note": "no poster there "},
    )


def test_a_later_fetch_replaces_the_content_and_sees_the_earlier_one(engine: Engine) -> None:
    insert(engine, 1)
    fetch(engine, plot="first")
    execute(engine, "UPDATE marquee.movie SET title = 'new'")
    with transaction(engine) as connection:
        claim_pending(connection, 1, 60)
        job = claim_queued(connection, OWNER, [1], 60)[0]
        assert job.before is not None
        assert (job.title, job.before.plot) == ("new", "first")
        finish_fetch(connection, OWNER, {1: ContentRecord(1, 2, plot="second")}, {})
    assert (content(engine, 1).plot, content(engine, 1).revision) == ("second", 2)


def test_without_a_champion_a_movie_is_ready(engine: Engine) -> None:
    insert(engine, 1)
    assert fetch(engine, plot="p").ready == {1}


def test_the_same_content_and_champion_need_no_inference(engine: Engine) -> None:
    model = champion_model(engine)
    insert(engine, 2)
    fetch(engine, plot="p")
    tag(engine, model)
    execute(engine, "UPDATE marquee.movie SET poster_url = 'https://example.org/the-same.jpg'")
    with notifications(engine, "marquee_tagged") as heard:
        assert fetch(engine, plot="p").tagged == {1, 2}
        assert heard() == 1
    now = row(engine, 1)
    assert (now.state, now.tagged_revision, now.revision, now.owner) == ("tagged", 2, 2, None)
    assert effects(engine) == {1: 1, 2: 1}
    assert events(engine, 1)[-1][0] == "unchanged"


def test_other_content_or_another_champion_needs_it(engine: Engine) -> None:
    model = champion_model(engine)
    insert(engine, 1)
    fetch(engine, plot="p")
    tag(engine, model)
    execute(engine, "UPDATE marquee.movie SET title = 'b'")
    assert fetch(engine, plot="q").ready == {1}
    tag(engine, model)
    champion_model(engine, "m-2")
    execute(engine, "UPDATE marquee.movie SET title = 'c'")
    assert fetch(engine, plot="q").ready == {1}


def test_a_ready_movie_is_hinted_at_once(engine: Engine) -> None:
    insert(engine, 30)
    with notifications(engine) as heard:
        fetch(engine, plot="p")
        assert heard() == 1


def test_the_hash_is_of_what_the_model_sees_and_of_nothing_else() -> None:
    record = ContentRecord(1, 1, title="t", year=1999, language="en", plot="p", poster_hash="h")
    same = ContentRecord(
        2, 7, title="t", year=1999, language="en", plot="p", poster_hash="h", note="n", tmdb_id=3
    )
    assert record.sha256 == same.sha256
    for change in ({"title": "u"}, {"year": 2000}, {"language": "fr"}, {"plot": None}, {"poster_hash": None}):
        seen = {"title": "t", "year": 1999, "language": "en", "plot": "p", "poster_hash": "h"} | change
        assert ContentRecord(1, 1, **seen).sha256 != record.sha256  # type: ignore[arg-type]
