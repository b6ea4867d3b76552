"""The fetcher and gatherer with TMDB's real client, against the offline TMDB and hosts that misbehave."""

import re
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.errors import DatabaseUnavailableError
from catalog.gates import open_gate
from catalog.ledger.recovery import recover
from catalog.ledger.words import Limits
from catalog.liveness import Presence
from tests.support import ledger
from tests.support.stub_model import StubPredictor
from tests.support.waiting import until
from tests.support.workbench import LIMITS, Bench, Host, MakeBench, insert, pile
from worker.champion import Champion
from worker.drain import Drain
from worker.errors import PosterStoreError
from worker.gather import UNASKED
from worker.offline_tmdb import OfflineTmdb
from worker.posters import PosterStore


class TestLookup:
    @pytest.mark.parametrize(
        ("movie", "calls"),
        [
            ({"tmdb_id": 11}, {"movie": 1}),
            ({"imdb_id": "tt0000011"}, {"find": 1}),
            ({"title": "The Whole", "year": 1999}, {"search": 1}),
        ],
    )
    def test_one_call_a_movie(
        self, engine: Engine, bench: Bench, movie: dict[str, Any], calls: dict[str, int]
    ) -> None:
        movie_id = insert(engine, **movie)
        bench.fetch()
        found = ledger.content(engine, movie_id)
        assert (found.title, found.year, found.tmdb_id) == ("The Whole", 1999, 11)
        assert (found.plot, found.plot_source) == ("Nothing is missing.", "tmdb")
        assert found.poster_hash
        assert found.poster_source == "tmdb"
        assert found.note is None
        assert bench.calls() == calls
        assert ledger.row(engine, movie_id).state == "ready"
        assert bench.woken == 1

    def test_tmdbs_genres_never_reach_the_content(self, engine: Engine, bench: Bench) -> None:
        movie_id = insert(engine, tmdb_id=11)
        bench.fetch()
        everything = ledger.scalar(
            engine, "SELECT to_jsonb(c)::text FROM marquee.content c WHERE movie_id = :i", i=movie_id
        )
        everything += str(ledger.events(engine, movie_id))
        assert "Horror" not in everything
        assert "Western" not in everything

    def test_own_plot_and_poster_need_no_call(
        self, engine: Engine, bench: Bench, host: Host, jpeg: bytes, tmdb: OfflineTmdb
    ) -> None:
        host.answer = (200, {}, jpeg)
        movie_id = insert(engine, tmdb_id=11, title="Mine", plot="My own plot.", poster_url=host.url)
        bench.fetch()
        found = ledger.content(engine, movie_id)
        assert (found.plot_source, found.poster_source) == ("movie", "movie")
        assert tmdb.counts() == {}

    def test_own_plot_stays_and_the_poster_comes_from_tmdb(self, engine: Engine, bench: Bench) -> None:
        movie_id = insert(engine, tmdb_id=11, plot="My own plot.")
        bench.fetch()
        found = ledger.content(engine, movie_id)
        assert (found.plot, found.plot_source, found.poster_source) == ("My own plot.", "movie", "tmdb")

    def test_own_poster_by_hash(self, engine: Engine, bench: Bench, store: PosterStore) -> None:
        digest = store.put(b"normalised")
        movie_id = insert(engine, tmdb_id=11, plot="Mine.", poster_hash=digest)
        bench.fetch()
        assert ledger.content(engine, movie_id).poster_hash == digest
        assert bench.calls() == {}

    @pytest.mark.parametrize(
        ("movie", "note"),
        [
            ({"tmdb_id": 12}, "TMDB has no plot of it"),
            ({"tmdb_id": 13}, "TMDB has no poster of it"),
            ({"tmdb_id": 19}, "TMDB has no plot of it"),
            ({"tmdb_id": 999}, "999"),
            ({"title": "No such movie", "year": 1950}, "no movie"),
            ({"title": "Twins", "year": 1988}, "several|2 movies|equally"),
            ({"imdb_id": "tt7654321"}, "tt7654321"),
        ],
    )
    def test_what_is_missing_is_noted_and_the_movie_goes_on(
        self, engine: Engine, bench: Bench, movie: dict[str, Any], note: str
    ) -> None:
        movie_id = insert(engine, **movie)
        bench.fetch()
        row = ledger.row(engine, movie_id)
        assert (row.state, row.failures) == ("ready", 0)
        assert re.search(note, ledger.content(engine, movie_id).note)
        [(_, detail)] = [e for e in ledger.events(engine, movie_id) if e[0] == "fetched"]
        assert detail["note"] == ledger.content(engine, movie_id).note

    def test_a_merged_id_is_a_tombstone(self, engine: Engine, bench: Bench, tmdb: OfflineTmdb) -> None:
        tmdb.change(merged={"11": 13})
        movie_id = insert(engine, tmdb_id=11)
        bench.fetch()
        found = ledger.content(engine, movie_id)
        assert "13" in found.note
        assert found.plot is None

    def test_without_a_token_movies_have_what_they_bring(self, engine: Engine, make_bench: MakeBench) -> None:
        movie_id = insert(engine, tmdb_id=11, title="Mine")
        make_bench(with_tmdb=False).fetch()
        assert UNASKED in ledger.content(engine, movie_id).note
        assert ledger.row(engine, movie_id).state == "ready"

    def test_tmdbs_text_is_cleaned(self, engine: Engine, bench: Bench) -> None:
        movie_id = insert(engine, tmdb_id=17)
        bench.fetch()
        found = ledger.content(engine, movie_id)
        assert all(c.isprintable() for c in found.plot + found.title)
        assert found.plot.startswith("A")

    def test_own_text_is_cleaned(self, engine: Engine, bench: Bench) -> None:
        movie_id = insert(engine, title="a\x01b", plot="one\x1b[31m two\r\n\tthree\x7f")
        bench.fetch()
        found = ledger.content(engine, movie_id)
        assert all(c.isprintable() for c in found.plot + found.title)
        assert found.plot.endswith("two three")

    def test_an_overlong_plot_is_capped(self, engine: Engine, bench: Bench) -> None:
        movie_id, own = insert(engine, tmdb_id=18), insert(engine, title="Own", plot="word " * 400_000)
        bench.fetch()
        for i in (movie_id, own):
            assert 1000 < len(ledger.content(engine, i).plot) < 100_000


class TestAgain:
    def test_content_at_hand_is_not_fetched_again(
        self, engine: Engine, bench: Bench, tmdb: OfflineTmdb
    ) -> None:
        movie_id = insert(engine, tmdb_id=11)
        bench.fetch()
        tmdb.reset()
        ledger.execute(engine, "UPDATE marquee.tagging SET state = 'pending' WHERE movie_id = :i", i=movie_id)
        bench.fetch()
        assert tmdb.counts() == {}
        assert ledger.row(engine, movie_id).state == "ready"

    def test_old_content_is_fetched_again(self, engine: Engine, bench: Bench, tmdb: OfflineTmdb) -> None:
        movie_id = insert(engine, tmdb_id=11)
        bench.fetch()
        tmdb.reset()
        ledger.execute(engine, "UPDATE marquee.content SET fetched_at = now() - interval '181 days'")
        ledger.execute(engine, "UPDATE marquee.tagging SET state = 'pending'")
        bench.fetch()
        assert bench.calls() == {"movie": 1}
        assert ledger.scalar(engine, "SELECT fetched_at > now() - interval '1 minute' FROM marquee.content")
        assert ledger.row(engine, movie_id).state == "ready"

    def test_unchanged_content_and_model_need_no_inference(
        self, engine: Engine, bench: Bench, stub: StubPredictor, store: PosterStore
    ) -> None:
        movie_id = insert(engine, tmdb_id=11)
        bench.fetch()
        drain = Drain(engine, 8, Champion("cpu"), store, LIMITS, batch_size=4)
        assert drain.run() == 1
        ledger.execute(engine, "UPDATE marquee.movie SET title = 'The Whole' WHERE id = :i", i=movie_id)
        bench.fetch()
        row = ledger.row(engine, movie_id)
        assert (row.state, row.revision, row.tagged_revision) == ("tagged", 2, 2)
        assert ledger.events(engine, movie_id)[-1][0] == "unchanged"
        assert drain.run() == 0
        assert len(stub.batches) == 1
        drain.close()

    def test_a_second_copy_of_a_message_does_nothing(self, engine: Engine, bench: Bench) -> None:
        movie_id = insert(engine, tmdb_id=11)
        bench.fetch()
        bench.fetcher.fetch([movie_id])
        assert bench.calls() == {"movie": 1}
        assert len([e for e in ledger.events(engine, movie_id) if e[0] == "fetched"]) == 1

    def test_a_change_while_being_fetched_wins(
        self, engine: Engine, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        movie_id = insert(engine, title="before", plot="Old.")
        gather = bench.gatherer.gather

        def meanwhile(job: Any) -> Any:
            record = gather(job)
            ledger.execute(engine, "UPDATE marquee.movie SET plot = 'New.' WHERE id = :i", i=movie_id)
            monkeypatch.setattr(bench.gatherer, "gather", gather)
            return record

        monkeypatch.setattr(bench.gatherer, "gather", meanwhile)
        bench.fetch()
        assert ledger.row(engine, movie_id).state == "pending"
        assert ledger.execute(engine, "SELECT FROM marquee.content") == []
        bench.fetch()
        assert ledger.content(engine, movie_id).plot == "New."

    def test_a_movie_deleted_while_being_fetched_is_dropped(
        self, engine: Engine, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        movie_id, other = insert(engine, title="gone", plot="x"), insert(engine, title="stays", plot="y")
        gather = bench.gatherer.gather

        def meanwhile(job: Any) -> Any:
            ledger.execute(engine, "DELETE FROM marquee.movie WHERE id = :i", i=movie_id)
            return gather(job)

        monkeypatch.setattr(bench.gatherer, "gather", meanwhile)
        bench.fetch()
        assert ledger.states(engine) == {other: "ready"}


def untouched(engine: Engine, ids: Sequence[int]) -> bool:
    """Whether the movies wait, without a failure, for a moment that is not yet."""
    rows = [ledger.row(engine, i) for i in ids]
    return [(r.state, r.failures, r.deaths, r.error) for r in rows] == [("pending", 0, 0, None)] * len(ids)


class TestTmdbIsAway:
    def test_a_refused_token_is_tried_once_and_the_movies_wait(
        self, engine: Engine, bench: Bench, tmdb: OfflineTmdb
    ) -> None:
        ids = pile(engine, 8)
        tmdb.fail("401", on="any", times=100)
        bench.fetch()
        assert bench.calls() == {"movie": 1}
        assert bench.gates() == {"tmdb"}
        assert untouched(engine, ids)
        assert ledger.scalar(engine, "SELECT min(due_at) > now() + interval '30 s' FROM marquee.tagging")
        for _ in range(3):
            bench.fetch()
        assert bench.calls() == {"movie": 1}, "a closed gate lets nobody through"
        assert untouched(engine, ids)

    def test_a_gate_that_cannot_be_written_down_is_no_movies_failure(
        self, engine: Engine, bench: Bench, tmdb: OfflineTmdb, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: object) -> None:
            raise DatabaseUnavailableError("Postgres cannot be reached.")

        monkeypatch.setattr("worker.fetcher.close_gate", away)
        tmdb.fail("401", on="any", times=100)
        ids = pile(engine, 3)
        bench.fetch()
        assert bench.calls() == {"movie": 1}
        assert untouched(engine, ids)

    def test_a_refused_token_makes_no_storm_of_threads(
        self, engine: Engine, bench: Bench, tmdb: OfflineTmdb
    ) -> None:
        ids = pile(engine, 32)
        tmdb.fail("401", on="any", times=100)
        bench.relay()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(bench.fetcher.fetch, [ids[n : n + 4] for n in range(0, 32, 4)]))
        assert bench.calls()["movie"] <= 4, "one call a thread that was under way, at most"
        assert untouched(engine, ids)

    def test_a_closed_gate_holds_back_only_who_needs_tmdb(
        self, engine: Engine, bench: Bench, tmdb: OfflineTmdb, host: Host, jpeg: bytes
    ) -> None:
        host.answer = (200, {}, jpeg)
        asks = insert(engine, tmdb_id=100)
        tmdb.fail("401", on="any", times=100)
        bench.fetch()
        whole = insert(engine, title="Whole", plot="Has all.", poster_url=host.url)
        bench.fetch()
        assert ledger.row(engine, asks).state == "pending"
        assert ledger.row(engine, whole).state == "ready"

    def test_a_new_worker_opens_the_gate(self, engine: Engine, bench: Bench, tmdb: OfflineTmdb) -> None:
        """Its start does that (`worker.parts`); here by hand."""
        ids = pile(engine, 2)
        tmdb.fail("401", on="any", times=1)
        bench.fetch()
        with transaction(engine) as connection:
            open_gate(connection, "tmdb")
        bench.fetch()
        assert {ledger.row(engine, i).state for i in ids} == {"ready"}

    def test_429_closes_the_gate_for_as_long_as_asked(
        self, engine: Engine, bench: Bench, tmdb: OfflineTmdb
    ) -> None:
        ids = pile(engine, 5)
        tmdb.fail("429", on="movie", times=1, retry_after="120")
        bench.fetch()
        assert bench.calls() == {"movie": 1}
        assert untouched(engine, ids)
        seconds = ledger.scalar(engine, "SELECT extract(epoch FROM min(due_at) - now()) FROM marquee.tagging")
        assert 100 < seconds <= 121

    def test_5xx_is_a_failure_with_back_off(self, engine: Engine, bench: Bench, tmdb: OfflineTmdb) -> None:
        [movie] = pile(engine, 1)
        tmdb.fail("503", on="movie", times=4)
        bench.fetch()
        row = ledger.row(engine, movie)
        assert (row.state, row.failures) == ("pending", 1)
        assert "503" in row.error
        assert ledger.scalar(engine, "SELECT due_at > now() FROM marquee.tagging")
        bench.fetch()
        assert ledger.row(engine, movie).state == "ready"

    def test_failures_in_a_row_close_the_gate(self, engine: Engine, bench: Bench, tmdb: OfflineTmdb) -> None:
        ids = pile(engine, 8)
        tmdb.fail("503", on="movie", times=1000)
        bench.fetch()
        assert bench.gates() == {"tmdb"}
        failures = sorted(ledger.row(engine, i).failures for i in ids)
        assert failures == [0, 0, 0, 0, 0, 1, 1, 1]
        for _ in range(20):
            with transaction(engine) as connection:
                open_gate(connection, "tmdb")
            bench.fetch()
        assert "quarantined" not in ledger.states(engine).values(), "TMDB's outage was blamed on movies"

    def test_answers_of_a_wrong_shape_quarantine_the_movie_in_the_end(
        self, engine: Engine, bench: Bench, tmdb: OfflineTmdb
    ) -> None:
        [movie] = pile(engine, 1)
        tmdb.fail("malformed", on="movie", times=1000)
        for _ in range(LIMITS.max_failures):
            bench.fetch()
        row = ledger.row(engine, movie)
        assert row.state == "quarantined"
        assert row.error

    def test_a_slow_tmdb_does_not_cost_the_message_its_lease(
        self, engine: Engine, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However long one movie takes: the leases of all are renewed, also that of the one in hand."""
        ids = pile(engine, 2)
        bench.fetcher.limits = Limits(lease_seconds=1.5)
        gather = bench.gatherer.gather

        def slowly(job: Any) -> Any:
            first = ledger.row(engine, job.movie_id).lease_until
            until(lambda: ledger.scalar(engine, "SELECT clock_timestamp() > :first", first=first))
            with transaction(engine) as connection:
                assert recover(connection, bench.fetcher.limits) == []
            return gather(job)

        monkeypatch.setattr(bench.gatherer, "gather", slowly)
        with Presence(engine, "fetch") as presence:
            bench.fetcher.owner = presence.id
            bench.fetch()
        assert ledger.states(engine) == dict.fromkeys(ids, "ready")


class TestPostersAreAway:
    def test_a_store_that_is_away_closes_its_gate(
        self, engine: Engine, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = pile(engine, 4)

        def away(data: bytes) -> str:
            raise PosterStoreError("The poster store cannot be used.")

        monkeypatch.setattr(bench.gatherer.store, "put", away)
        bench.fetch()
        assert bench.gates() == {"posters"}
        assert untouched(engine, ids)
        monkeypatch.undo()
        with transaction(engine) as connection:
            open_gate(connection, "posters")
        bench.fetch()
        assert set(ledger.states(engine).values()) == {"ready"}

    @pytest.mark.parametrize("status", [503, 429])
    def test_a_movies_own_host_that_is_away_concerns_that_movie_alone(
        self, engine: Engine, bench: Bench, host: Host, status: int
    ) -> None:
        host.answer = (status, {"Retry-After": "600"}, b"")
        movie = insert(engine, tmdb_id=13, title="Mine", poster_url=host.url)
        for attempt in range(1, LIMITS.max_failures):
            bench.fetch()
            row = ledger.row(engine, movie)
            assert (row.state, row.failures) == ("pending", attempt)
            assert bench.gates() == set()
        bench.fetch()
        assert ledger.row(engine, movie).state == "ready", "given up at the last attempt"
        found = ledger.content(engine, movie)
        assert "poster given up" in found.note
        assert found.plot == "A plot alone."
        assert host.requests == LIMITS.max_failures

    def test_hosts_that_are_away_do_not_close_tmdbs_gate(
        self, engine: Engine, bench: Bench, host: Host
    ) -> None:
        host.answer = (503, {}, b"")
        for n in range(8):
            insert(engine, tmdb_id=100 + n, title="Mine", poster_url=host.url)
        bench.fetch()
        assert bench.gates() == set()

    def test_tmdbs_images_asking_for_a_pause_close_tmdbs_gate(
        self, engine: Engine, bench: Bench, tmdb: OfflineTmdb
    ) -> None:
        ids = pile(engine, 3)
        tmdb.fail("429", on="image", times=1, retry_after="60")
        bench.fetch()
        assert bench.gates() == {"tmdb"}
        assert untouched(engine, ids)


class TestStopping:
    def test_what_is_not_yet_begun_goes_back(
        self, engine: Engine, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = pile(engine, 4)
        gather = bench.gatherer.gather
        stop = threading.Event()
        bench.fetcher.stopping = stop.is_set

        def last(job: Any) -> Any:
            stop.set()
            return gather(job)

        monkeypatch.setattr(bench.gatherer, "gather", last)
        bench.fetch()
        assert sorted(ledger.states(engine).values()) == ["pending"] * 3 + ["ready"]
        assert sum(ledger.row(engine, i).failures + ledger.row(engine, i).deaths for i in ids) == 0
