"""Bulk decisions in the browser: a preview, a confirmation, progress, one undo."""

import re

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from structlog.testing import capture_logs

from catalog.registry import ModelRecord
from catalog.review.bulk import step
from review.bulk_runner import BulkRunner
from review.services import Services
from tests.support.browsing import Browser
from tests.support.ledger import execute
from tests.support.review import genre_id, labels, press, tagged
from tests.support.waiting import until


@pytest.fixture
def movies(engine: Engine, model: ModelRecord) -> list[int]:
    return tagged(engine, model, 5)


@pytest.fixture
def drama(engine: Engine) -> int:
    return genre_id(engine, "Drama")


def figure(page: str, name: str) -> int:
    found = re.search(rf'data-testid="preview-{name}">(\d+)<', page)
    assert found is not None
    return int(found[1])


def run(app: FastAPI) -> None:
    services: Services = app.state.services
    while services.bulks.run_once():
        pass


def test_a_preview_a_run_and_an_undo(
    ann: Browser, bob: Browser, app: FastAPI, engine: Engine, movies: list[int], drama: int
) -> None:
    press(engine, bob.editor, movies[0], "Drama", "rejected")  # type: ignore[arg-type]
    assert 'data-testid="bulk-genre"' in ann.get("/bulk").text
    page = ann.get(f"/bulk?state=open&tag={drama}&verdict=accepted").text
    assert [figure(page, name) for name in ("total", "changes", "same", "kept")] == [5, 4, 0, 1]
    answer = ann.submit("/bulk", queue="", tag=drama, verdict="accepted")
    path = answer.headers["location"]
    assert answer.status_code == 303
    assert ann.ask(path) == {"total": 4, "done": 0, "changed": 0, "finished": False, "error": None}
    assert "Under way" in ann.get(path).text
    run(app)
    assert ann.ask(path) == {"total": 4, "done": 4, "changed": 4, "finished": True, "error": None}
    accepted = {(m, "Drama"): (True, "ann") for m in movies[1:]}
    assert labels(engine) == accepted | {(movies[0], "Drama"): (False, "bob")}
    assert 'data-testid="bulk-undo"' in ann.get(path).text
    assert 'data-testid="bulk-undo"' not in bob.get(path).text
    assert bob.submit(f"{path}/undo").status_code == 409
    undo = ann.submit(f"{path}/undo").headers["location"]
    run(app)
    assert labels(engine) == {(movies[0], "Drama"): (False, "bob")}
    assert "Undo: Drama" in ann.get(undo).text
    assert "It was taken back" in ann.get(path).text


def test_the_key_undoes_it_too(
    ann: Browser, app: FastAPI, engine: Engine, movies: list[int], drama: int
) -> None:
    ann.submit("/bulk", tag=drama, verdict="accepted")
    run(app)
    told = ann.saved("/undo")
    assert (told["undone"]["kind"], told["movie"]) == ("bulk", None)
    run(app)
    assert labels(engine) == {}


def test_a_later_action_is_undone_first(
    ann: Browser, app: FastAPI, engine: Engine, movies: list[int], drama: int
) -> None:
    path = ann.submit("/bulk", tag=drama, verdict="accepted").headers["location"]
    ann.saved(f"/review/{movies[0]}/skip")
    answer = ann.submit(f"{path}/undo")
    assert answer.status_code == 409
    assert "You did something else since" in answer.text


def test_only_what_the_filter_finds(
    ann: Browser, app: FastAPI, engine: Engine, model: ModelRecord, movies: list[int], drama: int
) -> None:
    others = tagged(engine, model, 2, {"Drama": (0.6, "review")})
    answer = ann.submit("/bulk", queue="genre=Comedy&order=rare", tag=drama, verdict="accepted")
    assert answer.headers["location"].endswith("?genre=Comedy&order=rare")
    run(app)
    assert {movie for movie, _ in labels(engine)} == set(movies)
    assert not set(others) & {movie for movie, _ in labels(engine)}


def test_what_cannot_be_is_refused(ann: Browser, movies: list[int], drama: int) -> None:
    for fields in (
        {"tag": 30_000},
        {"tag": drama, "verdict": "withdrawn"},
        {"tag": drama, "queue": "band=x"},
    ):
        assert ann.submit("/bulk", **{"verdict": "accepted", **fields}).status_code == 422, fields
    assert ann.get("/bulk?tag=30000").status_code == 422
    assert ann.get("/bulk/999").status_code == 404
    assert ann.submit("/bulk/999/undo").status_code == 409


def test_the_runner_goes_on_with_what_an_earlier_process_left(
    ann: Browser, engine: Engine, movies: list[int], drama: int
) -> None:
    path = ann.submit("/bulk", tag=drama, verdict="accepted").headers["location"]
    runner = BulkRunner(engine)
    runner.start()
    try:
        until(lambda: ann.ask(path)["finished"], what="the run finishes")
    finally:
        runner.stop()
    assert len(execute(engine, "SELECT FROM marquee.label")) == len(movies)


def test_one_that_fails_does_not_hold_up_the_others(
    ann: Browser, engine: Engine, movies: list[int], drama: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [ann.submit("/bulk", tag=drama, verdict="accepted").headers["location"] for _ in range(2)]

    def fails_first(made: Engine, bulk_id: int) -> object:
        if paths[0].endswith(f"/{bulk_id}"):
            raise RuntimeError("a fault")
        return step(made, bulk_id)

    monkeypatch.setattr("review.bulk_runner.step", fails_first)
    with capture_logs() as logs:
        BulkRunner(engine).run_once()
    assert [entry["event"] for entry in logs] == ["a bulk decision could not go on"]
    assert [ann.ask(path)["done"] for path in paths] == [0, len(movies)]
