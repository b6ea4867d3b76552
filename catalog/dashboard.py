"""The dashboard: how the catalog, the models and the editors do.

One statement looks at every row of the ledger, to count the states; at no prediction does any. What else would
count movies comes from the queue's counts; what measures looks at the newest so many.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from catalog.gates import closed_gates
from catalog.ledger.recovery import WORKER_LOCKS
from catalog.ledger.words import State
from catalog.overview import COUNTS, WORKERS
from catalog.registry import champion_id
from catalog.review.audit import Precision, precision
from catalog.review.bulk_runs import Progress, newest_runs

LATENCIES = 1000
ACTIONS = 20_000
MINUTES = 60
QUARANTINED = 50

THROUGHPUT = text("""
SELECT minute.at, COALESCE(tagged.n, 0) AS n
FROM generate_series(date_trunc('minute', now()) - make_interval(mins => :minutes - 1), now(),
                     interval '1 minute') AS minute(at)
LEFT JOIN (
    SELECT date_trunc('minute', tagged_at) AS at, count(*) AS n FROM marquee.review
    WHERE state IN ('open', 'done', 'auto')
      AND tagged_at >= date_trunc('minute', now()) - make_interval(mins => :minutes - 1)
    GROUP BY 1) tagged ON tagged.at = minute.at
ORDER BY minute.at
""")
# From the commit of a change to its tags. Where the same revision was tagged before, nobody waited for a change.
LATENCY = text("""
WITH newest AS (
    SELECT found.movie_id, found.tagged_at FROM unnest(ARRAY['open', 'done', 'auto']) AS s(state)
    CROSS JOIN LATERAL (SELECT movie_id, tagged_at FROM marquee.review WHERE state = s.state
                        ORDER BY tagged_at DESC LIMIT :newest) found
    ORDER BY found.tagged_at DESC LIMIT :newest
), waited AS (
    SELECT extract(epoch FROM t.tagged_at - t.changed_at)::float AS seconds
    FROM newest JOIN marquee.tagging t ON t.movie_id = newest.movie_id
    WHERE t.state = 'tagged' AND t.tagged_revision = t.revision AND t.tagged_at >= t.changed_at
      AND (SELECT count(*) FROM marquee.prediction_log l
           WHERE l.movie_id = t.movie_id AND l.revision = t.revision) = 1
)
SELECT count(*) AS n, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95 FROM waited
""")
QUEUE = text("SELECT state, sum(n)::bigint AS n FROM marquee.review_count WHERE facet = 'all' GROUP BY state")
QUARANTINE = text("""
SELECT t.movie_id, COALESCE(m.title, c.title) AS title, t.error AS reason, t.failures, t.deaths,
       t.changed_at
FROM marquee.tagging t
LEFT JOIN marquee.movie m ON m.id = t.movie_id LEFT JOIN marquee.content c ON c.movie_id = t.movie_id
WHERE t.state = 'quarantined' ORDER BY t.movie_id DESC LIMIT :limit
""")
# What an editor said last of a genre, by hand, against what the model had predicted when he said it.
AGREEMENT = text("""
SELECT g.name AS genre, count(*) AS n,
       count(*) FILTER (WHERE (d.verdict = 'accepted') = (a.detail -> 'predicted' @> to_jsonb(d.genre_id))) AS agreed
FROM (SELECT id, detail FROM marquee.action WHERE kind IN ('toggle', 'finish') ORDER BY id DESC LIMIT :actions) a
JOIN marquee.decision d ON d.action_id = a.id AND d.model_id IS NOT NULL AND d.verdict <> 'withdrawn'
JOIN marquee.label l ON l.movie_id = d.movie_id AND l.genre_id = d.genre_id AND l.decision_id = d.id
JOIN marquee.genre g ON g.id = d.genre_id
GROUP BY g.name ORDER BY g.name
""")
# A model decides all of its genres on each movie that it has tagged, but those in the band for an editor.
COVERAGE = text("""
SELECT (SELECT sum(c.n * jsonb_array_length(m.manifest -> 'genres'))
        FROM marquee.review_count c JOIN marquee.model m ON c.facet = 'model:' || m.id)::bigint AS pairs,
       (SELECT sum(n) FROM marquee.review_count WHERE facet LIKE 'review:%')::bigint AS doubtful
""")
MODELS = text("""
SELECT m.version, m.registered_at, promoted.at AS promoted_at, promoted.reason,
       COALESCE((SELECT sum(n) FROM marquee.review_count WHERE facet = 'model:' || m.id), 0)::bigint AS movies,
       m.id IS NOT DISTINCT FROM :champion AS champion
FROM marquee.model m
LEFT JOIN LATERAL (SELECT at, reason FROM marquee.promotion p WHERE p.model_id = m.id
                   ORDER BY id DESC LIMIT 1) promoted ON true
ORDER BY m.id DESC LIMIT 20
""")


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A movie that was given up, and why."""

    movie_id: int
    title: str | None
    reason: str | None
    failures: int
    deaths: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often editors said of a genre what the model had predicted."""

    genre: str
    n: int
    agreed: int


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model, the movies whose newest tags are its, and when and why it last became champion."""

    version: str
    registered_at: datetime
    promoted_at: datetime | None
    reason: str | None
    movies: int
    champion: bool


@dataclass(frozen=True, slots=True)
class Dashboard:
    """How things stand.

    Attributes:
        states: movies by state of the ledger.
        queue: movies by state of the queue: open, done, auto.
        throughput: movies tagged in each of the last 60 minutes, the oldest first; the last is under way.
        latency_n: of how many of the newest movies the latency is measured.
        latency_p50: seconds from the commit of a change to its tags; `latency_p95` alike.
        quarantine: the newest movies of it, at most 50; `states` counts all.
        precision: of automatic tags, as audited: all genres first, then each.
        agreement: by genre, from the newest 20,000 decisions by hand.
        coverage: the share of tags (a movie and a genre) decided without a person; None before the first.
        models: the newest 20.
        workers: those that live.
        gates: what is closed, and why.
        runs: the newest bulk decisions.
    """

    states: dict[str, int]
    queue: dict[str, int]
    throughput: list[tuple[datetime, int]]
    latency_n: int
    latency_p50: float | None
    latency_p95: float | None
    quarantine: list[Quarantined]
    precision: list[Precision]
    agreement: list[Agreement]
    coverage: float | None
    models: list[ModelRow]
    workers: list[dict[str, Any]]
    gates: dict[str, str]
    runs: list[Progress]


def read_dashboard(connection: Connection) -> Dashboard:
    """Read all of it."""
    latency = connection.execute(LATENCY, {"newest": LATENCIES}).one()
    covered = connection.execute(COVERAGE).one()
    return Dashboard(
        states={s.value: 0 for s in State} | {r.state: r.movies for r in connection.execute(COUNTS)},
        queue={"open": 0, "done": 0, "auto": 0} | {r.state: r.n for r in connection.execute(QUEUE)},
        throughput=[(r.at, r.n) for r in connection.execute(THROUGHPUT, {"minutes": MINUTES})],
        latency_n=latency.n,
        latency_p50=latency.p50,
        latency_p95=latency.p95,
        quarantine=[Quarantined(*r) for r in connection.execute(QUARANTINE, {"limit": QUARANTINED})],
        precision=precision(connection),
        agreement=[Agreement(*r) for r in connection.execute(AGREEMENT, {"actions": ACTIONS})],
        coverage=1 - (covered.doubtful or 0) / covered.pairs if covered.pairs else None,
        models=[ModelRow(*r) for r in connection.execute(MODELS, {"champion": champion_id(connection)})],
        workers=[dict(r._mapping) for r in connection.execute(WORKERS, {"locks": WORKER_LOCKS})],
        gates={g.name: g.reason for g in closed_gates(connection).values()},
        runs=newest_runs(connection),
    )
