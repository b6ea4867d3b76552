"""Gates: what must not be tried now, for the whole fleet (TMDB after a 401 or a 429)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

CLOSE = text("""
INSERT INTO marquee.gate (name, closed_until, reason)
VALUES (:name, clock_timestamp() + make_interval(secs => :seconds), :reason)
ON CONFLICT (name) DO UPDATE SET
    closed_until = greatest(marquee.gate.closed_until, EXCLUDED.closed_until), reason = EXCLUDED.reason
RETURNING closed_until
""")
CLOSED = text("SELECT name, closed_until, reason FROM marquee.gate WHERE closed_until > clock_timestamp()")
OPEN = text("DELETE FROM marquee.gate WHERE name = :name")


@dataclass(frozen=True, slots=True)
class ClosedGate:
    """A gate that is closed, until when and why."""

    name: str
    until: datetime
    reason: str


def close_gate(connection: Connection, name: str, seconds: float, reason: str) -> ClosedGate:
    """Close the gate for at least so many seconds from now."""
    asked = {"name": name, "seconds": seconds, "reason": reason}
    return ClosedGate(name, connection.execute(CLOSE, asked).scalar_one(), reason)


def closed_gates(connection: Connection) -> dict[str, ClosedGate]:
    """The gates that are closed now, by name."""
    return {r.name: ClosedGate(*r) for r in connection.execute(CLOSED)}


def open_gate(connection: Connection, name: str) -> None:
    """Open the gate."""
    connection.execute(OPEN, {"name": name})
