"""Recovery: rows whose worker died or whose message was lost are given to others.

A worker is alive while its session holds the advisory lock of its id, so a killed one is noticed at the
next look; the lease is the second net, for a host that vanished or a process that hangs. A death counts
against the movies that were in the worker's hands; a restart of Postgres, which drops every advisory lock,
counts against nobody and gives the workers some seconds to take their locks again (a worker's claims may
be back before its lock is, so that a row claimed since then is no proof of a death either).
"""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from catalog.ledger.notes import Note, append
from catalog.ledger.words import Limits, State

WORKER_LOCKS = 0x4D51

RECOVER = text("""
WITH alive AS (
    SELECT objid::bigint AS id FROM pg_locks
    WHERE locktype = 'advisory' AND classid = :locks AND objsubid = 2 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
), lost AS (
    SELECT movie_id, state AS held_as, owner,
           claimed_at >= pg_postmaster_start_time() AS died,
           lease_until < clock_timestamp() AS expired
    FROM marquee.tagging
    WHERE lease_until IS NOT NULL
      AND (lease_until < clock_timestamp()
           OR (owner IS NOT NULL AND owner NOT IN (SELECT id FROM alive)
               AND clock_timestamp() > pg_postmaster_start_time() + make_interval(secs => :grace)))
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE marquee.tagging t SET
    owner = NULL, lease_until = NULL, due_at = clock_timestamp(),
    deaths = t.deaths + (lost.owner IS NOT NULL AND lost.died)::integer,
    error = CASE WHEN lost.owner IS NULL OR NOT lost.died THEN t.error
                 ELSE 'A worker ' || CASE WHEN lost.expired THEN 'hung' ELSE 'died' END || ' while '
                      || lost.held_as || ' this movie; that was number ' || t.deaths + 1 || '.' END,
    state = CASE WHEN lost.owner IS NOT NULL AND lost.died AND t.deaths + 1 >= :max_deaths THEN 'quarantined'
                 WHEN lost.held_as = 'tagging' THEN 'ready' ELSE 'pending' END
FROM lost WHERE t.movie_id = lost.movie_id
RETURNING t.movie_id, t.revision, t.state, t.deaths, t.error, lost.held_as, lost.owner
""")


@dataclass(frozen=True, slots=True)
class Recovered:
    """A row that recovery moved, from the state it was held in to the state it stands in now."""

    movie_id: int
    held_as: State
    state: State


def recover(connection: Connection, limits: Limits) -> list[Recovered]:
    """Give back every row whose lease expired or whose owner is dead; quarantine at the last death."""
    rows = connection.execute(
        RECOVER, {"locks": WORKER_LOCKS, "grace": limits.grace_seconds, "max_deaths": limits.max_deaths}
    ).all()
    append(
        connection,
        [
            Note(
                r.movie_id,
                r.revision,
                "quarantined" if r.state == State.QUARANTINED else "recovered",
                {"from": r.held_as, "deaths": r.deaths, "reason": r.error, "worker": r.owner},
            )
            for r in rows
            if r.held_as != State.QUEUED
        ],
    )
    return [Recovered(r.movie_id, State(r.held_as), State(r.state)) for r in rows]
