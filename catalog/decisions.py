"""Decisions: what editors and trusted imports say of a movie's genres, and the labels that follow.

The log is append-only; `label` is its newest state. No model writes here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, text

# Two people may decide on one movie at the same moment: the label must follow the later row of the log. One
# lock a movie would be too many for a large import, so movies share some, taken in one order.
LOCK = text("""
SELECT pg_advisory_xact_lock(:locks, shared) FROM (
    SELECT DISTINCT mod(movie_id, 256)::integer AS shared
    FROM unnest(CAST(:movies AS bigint[])) AS d(movie_id) ORDER BY shared) wanted
""")
DECISION_LOCKS = 0x4D52

LOG = text("""
INSERT INTO marquee.decision (movie_id, genre_id, verdict, source, author, revision, model_id, confidence)
SELECT d.movie_id, d.genre_id, d.verdict, :source, :author, t.revision, p.model_id, p.confidence
FROM unnest(CAST(:movies AS bigint[]), CAST(:genres AS smallint[]), CAST(:verdicts AS text[]))
    WITH ORDINALITY AS d(movie_id, genre_id, verdict, place)
JOIN marquee.tagging t ON t.movie_id = d.movie_id
LEFT JOIN marquee.prediction p ON p.movie_id = d.movie_id AND p.genre_id = d.genre_id
ORDER BY d.place
RETURNING id, movie_id, genre_id, verdict
""")

SET_LABEL = text("""
INSERT INTO marquee.label (movie_id, genre_id, holds, decision_id)
SELECT * FROM unnest(CAST(:movies AS bigint[]), CAST(:genres AS smallint[]), CAST(:holds AS boolean[]),
                     CAST(:decisions AS bigint[]))
ON CONFLICT (movie_id, genre_id) DO UPDATE SET holds = EXCLUDED.holds, decision_id = EXCLUDED.decision_id
""")

DROP_LABEL = text("DELETE FROM marquee.label WHERE movie_id = :movie_id AND genre_id = :genre_id")

Verdict = Literal["accepted", "rejected", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Verdicted:
    """A verdict on one genre of one movie."""

    movie_id: int
    genre_id: int
    verdict: Verdict


def decide(
    connection: Connection, verdicts: Sequence[Verdicted], *, author: str, source: Literal["editor", "import"]
) -> int:
    """Log the verdicts and bring the labels up to date; returns how many were logged.

    Each row remembers the revision, the model and the confidence that stood when it was said.
    Of two verdicts on the same genre the later one holds. One on a movie that does not exist is passed over.
    """
    if not verdicts:
        return 0
    movies = [v.movie_id for v in verdicts]
    connection.execute(LOCK, {"locks": DECISION_LOCKS, "movies": movies})
    rows = connection.execute(
        LOG,
        {
            "movies": movies,
            "genres": [v.genre_id for v in verdicts],
            "verdicts": [v.verdict for v in verdicts],
            "author": author,
            "source": source,
        },
    ).all()
    newest = {(r.movie_id, r.genre_id): r for r in sorted(rows, key=lambda r: r.id)}
    kept = [r for r in newest.values() if r.verdict != "withdrawn"]
    if kept:
        connection.execute(
            SET_LABEL,
            {
                "movies": [r.movie_id for r in kept],
                "genres": [r.genre_id for r in kept],
                "holds": [r.verdict == "accepted" for r in kept],
                "decisions": [r.id for r in kept],
            },
        )
    for row in newest.values():
        if row.verdict == "withdrawn":
            connection.execute(DROP_LABEL, {"movie_id": row.movie_id, "genre_id": row.genre_id})
    return len(rows)
