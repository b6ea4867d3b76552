"""The catalog at a glance: counts, rates, workers and gates."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, text

from catalog.gates import closed_gates
from catalog.ledger.recovery import WORKER_LOCKS
from catalog.ledger.words import State
from catalog.registry import champion

COUNTS = text("SELECT state, count(*) AS movies FROM marquee.tagging GROUP BY state")
OLDEST = text("""
SELECT movie_id, state, extract(epoch FROM clock_timestamp() - changed_at)::float AS seconds
FROM marquee.tagging WHERE state NOT IN ('tagged', 'quarantined') ORDER BY changed_at LIMIT 1
""")
RATES = text("""
SELECT count(*) FILTER (WHERE at > clock_timestamp() - interval '1 minute') / 60.0 AS minute,
       count(*) / 3600.0 AS hour
FROM marquee.prediction_log WHERE id > COALESCE((SELECT max(id) FROM marquee.prediction_log), 0) - 1000000
  AND at > clock_timestamp() - interval '1 hour'
""")
WORKERS = text("""
SELECT w.id, w.part, w.host, w.pid, w.device, m.version AS model, w.refusal,
       extract(epoch FROM clock_timestamp() - w.started_at)::float AS seconds
FROM marquee.worker w LEFT JOIN marquee.model m ON m.id = w.model_id
WHERE w.stopped_at IS NULL AND EXISTS (
    SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid = :locks AND l.objid = w.id
      AND l.objsubid = 2 AND l.granted
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
ORDER BY w.part, w.id
""")


@dataclass(frozen=True, slots=True)
class Status:
    """The system now. Rates are movies a second; `oldest_waiting` is seconds since that movie's change."""

    states: dict[str, int]
    tagged_per_second_minute: float
    tagged_per_second_hour: float
    oldest_waiting: float | None
    oldest_movie: int | None
    workers: list[dict[str, Any]]
    champion: str | None
    closed_gates: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def read_status(connection: Connection) -> Status:
    """Read the counts, rates, workers and gates."""
    counts = {state.value: 0 for state in State} | {r.state: r.movies for r in connection.execute(COUNTS)}
    oldest = connection.execute(OLDEST).one_or_none()
    rates = connection.execute(RATES).one()
    model = champion(connection)
    return Status(
        states=counts,
        tagged_per_second_minute=round(float(rates.minute), 2),
        tagged_per_second_hour=round(float(rates.hour), 3),
        oldest_waiting=oldest.seconds if oldest else None,
        oldest_movie=oldest.movie_id if oldest else None,
        workers=[dict(r._mapping) for r in connection.execute(WORKERS, {"locks": WORKER_LOCKS})],
        champion=model.version if model else None,
        closed_gates={g.name: g.reason for g in closed_gates(connection).values()},
    )
