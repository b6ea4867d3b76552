"""Whatever two editors do and undo: after everything is undone, all is as it was in the beginning."""

from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine

from catalog.decisions import Verdict, Verdicted, decide
from catalog.engine import transaction
from catalog.people.editors import EditorRecord
from catalog.review.actions import skip
from catalog.review.bulk import start, step
from catalog.review.filters import Filter
from tests.support.databases import Databases, engine_on
from tests.support.ledger import execute
from tests.support.models import champion_model
from tests.support.review import editor, enter, genre_id, labels, press, tagged, undone

GENRES = ("Action", "Comedy", "Drama")
MOVIES = (1, 2, 3)
Labels = dict[tuple[int, str], tuple[bool, str]]
Queue = list[tuple[object, ...]]


class Desk(RuleBasedStateMachine):
    """Two editors at one queue. What they do never conflicts here: each looks before each key."""

    databases: Databases
    template: str

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        url = self.stack.enter_context(self.databases.copy(self.template))
        self.engine: Engine = self.stack.enter_context(engine_on(url))
        self.logged = 0

    @initialize()
    def begin(self) -> None:
        model = champion_model(self.engine)
        tagged(self.engine, model, len(MOVIES), audit_share=0.5)
        said = [Verdicted(1, genre_id(self.engine, "Drama"), "accepted")]
        with transaction(self.engine) as connection:
            decide(connection, said, author="a file", source="import")
        self.editors = [editor(self.engine, name) for name in ("ann", "bob")]
        self.labels, self.queue, self.audits = self.now()

    def now(self) -> tuple[Labels, Queue, Queue]:
        """Labels, queue and audits as they stand."""
        queue = execute(
            self.engine,
            "SELECT movie_id, state, finished_at, (SELECT array_agg(a ORDER BY a) FROM unnest(asks) a) AS asks, "
            "(SELECT array_agg(f ORDER BY f) FROM unnest(facets) f) AS facets FROM marquee.review ORDER BY movie_id",
        )
        audits = execute(
            self.engine, "SELECT movie_id, genre_id, decision_id, holds FROM marquee.audit ORDER BY id"
        )
        return labels(self.engine), [tuple(r) for r in queue], [tuple(r) for r in audits]

    @rule(
        who=st.integers(0, 1),
        movie=st.sampled_from(MOVIES),
        genre=st.sampled_from(GENRES),
        verdict=st.sampled_from(["accepted", "rejected", "withdrawn"]),
    )
    def toggle(self, who: int, movie: int, genre: str, verdict: Verdict) -> None:
        press(self.engine, self.editors[who], movie, genre, verdict)

    @rule(
        who=st.integers(0, 1),
        movie=st.sampled_from(MOVIES),
        verdicts=st.dictionaries(st.sampled_from(GENRES), st.booleans()),
    )
    def finish(self, who: int, movie: int, verdicts: dict[str, bool]) -> None:
        enter(self.engine, self.editors[who], movie, verdicts)
        execute(self.engine, "DELETE FROM marquee.review_lease")

    @rule(who=st.integers(0, 1), movie=st.sampled_from(MOVIES))
    def skip(self, who: int, movie: int) -> None:
        with transaction(self.engine) as connection:
            skip(connection, self.editors[who], movie)

    @rule(who=st.integers(0, 1), genre=st.sampled_from(GENRES), accept=st.booleans(), steps=st.integers(0, 3))
    def bulk(self, who: int, genre: str, accept: bool, steps: int) -> None:
        number = genre_id(self.engine, genre)
        with transaction(self.engine) as connection:
            run = start(
                connection,
                self.editors[who],
                Filter(state=None),
                number,
                "accepted" if accept else "rejected",
            )
        for _ in range(steps):
            step(self.engine, run, chunk=1)

    @rule(who=st.integers(0, 1))
    def undo(self, who: int) -> None:
        self.take_back(self.editors[who])

    def take_back(self, who: EditorRecord) -> bool:
        done = undone(self.engine, who)
        while (
            done is not None and done.bulk_id is not None and not step(self.engine, done.bulk_id, 2).finished
        ):
            pass
        execute(self.engine, "DELETE FROM marquee.review_lease")
        return done is not None

    @invariant()
    def the_log_only_grows_and_the_newest_word_holds(self) -> None:
        logged = execute(self.engine, "SELECT count(*) AS n FROM marquee.decision")[0].n
        assert logged >= self.logged
        self.logged = logged
        newest = execute(
            self.engine,
            "SELECT DISTINCT ON (movie_id, genre_id) movie_id, g.name, verdict FROM marquee.decision d "
            "JOIN marquee.genre g ON g.id = genre_id ORDER BY movie_id, genre_id, d.id DESC",
        )
        said = {(r.movie_id, r.name): r.verdict == "accepted" for r in newest if r.verdict != "withdrawn"}
        assert {k: holds for k, (holds, _) in labels(self.engine).items()} == said

    def teardown(self) -> None:
        try:
            if hasattr(self, "editors"):
                for who in self.editors:
                    while self.take_back(who):
                        pass
                found, queue, audits = self.now()
                assert found == self.labels
                assert queue == self.queue
                assert audits == self.audits
                assert execute(self.engine, "SELECT FROM marquee.review_skip") == []
        finally:
            self.stack.close()


@pytest.fixture
def desk(databases: Databases, template: str) -> type[Desk]:
    Desk.databases, Desk.template = databases, template
    return Desk


def test_after_everything_is_undone_all_is_as_it_was(desk: type[Desk]) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        desk,
        settings=settings(
            max_examples=15,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
