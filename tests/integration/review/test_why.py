"""Why: asked of a tag worker, read when there is an answer."""

from sqlalchemy import Engine

from catalog.registry import ModelRecord
from tests.support.browsing import Browser
from tests.support.ledger import execute
from tests.support.review import genre_id, tagged


def answer(engine: Engine, which: str, detail: str | None, error: str | None) -> None:
    """What a tag worker does."""
    execute(
        engine,
        "UPDATE marquee.explanation SET done_at = now(), detail = CAST(:detail AS jsonb), "
        f"error = CAST(:error AS text) WHERE {which}",
        detail=detail,
        error=error,
    )


ASKED = {"state": "asked", "detail": None, "error": None}


def test_it_is_asked_for_once_and_told_when_it_is_done(
    ann: Browser, engine: Engine, model: ModelRecord
) -> None:
    [movie] = tagged(engine, model)
    comedy = genre_id(engine, "Comedy")
    path = f"/review/{movie}/why"
    assert ann.ask(f"{path}?genre={comedy}") == {"genre": ASKED, "nearest": ASKED}
    for _ in range(2):
        assert ann.saved(path, genre=comedy) == {"genre": ASKED, "nearest": ASKED}
    asked = execute(engine, "SELECT genre_id, priority FROM marquee.explanation ORDER BY genre_id")
    assert [tuple(r) for r in asked] == [(comedy, 0), (None, 0)]
    answer(engine, "genre_id IS NOT NULL", detail='{"shares": {"plot": 1.0}}', error=None)
    answer(engine, "genre_id IS NULL", detail=None, error="no neighbours")
    told = ann.ask(f"{path}?genre={comedy}")
    assert told["genre"]["state"] == "done"
    assert told["genre"]["detail"] == {"shares": {"plot": 1.0}}
    assert told["nearest"] == {"state": "failed", "detail": None, "error": "no neighbours"}


def test_of_what_is_not_there_nothing_is_told(ann: Browser, engine: Engine, model: ModelRecord) -> None:
    assert ann.saved("/review/999/why", genre=1)["genre"] == ASKED
    [movie] = tagged(engine, model)
    assert ann.send(f"/review/{movie}/why", genre=40_000).status_code == 422
    assert ann.client.get(f"/review/{movie}/why?genre=99999999999999999999").status_code == 422
    assert ann.client.get(f"/review/{movie}/why").status_code == 422
