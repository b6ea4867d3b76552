"""Audits: what editors said, unawares, of tags that the model had accepted by itself.

They measure the precision of automatic tags. Only an editor who looked at the movie gives an answer: a bulk
decision, an import or an undo gives none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import betaincinv
from sqlalchemy import Connection, text

# A withdrawn decision takes the answer back. What was decided on a later revision than the one that was drawn
# is no answer: the projection drops that audit at the next tagging.
ANSWER = text("""
UPDATE marquee.audit a SET
    decision_id = CASE WHEN d.verdict <> 'withdrawn' THEN d.id END,
    holds = CASE WHEN d.verdict <> 'withdrawn' THEN d.verdict = 'accepted' END
FROM marquee.decision d
WHERE d.id = ANY(:decisions) AND a.movie_id = d.movie_id AND a.genre_id = d.genre_id
  AND a.model_id = d.model_id AND a.revision = (
      SELECT revision FROM marquee.prediction_log l WHERE l.movie_id = d.movie_id ORDER BY l.id DESC LIMIT 1)
""")
# After an undo the label stands on an older decision; that one is the answer if it was given to this audit. What was
# undone is the answer that stood, or the withdrawal of one.
TAKE_BACK = text("""
UPDATE marquee.audit a SET (decision_id, holds) = (
    SELECT p.id, p.verdict = 'accepted'
    FROM marquee.label l JOIN marquee.decision p ON p.id = l.decision_id
    LEFT JOIN marquee.action did ON did.id = p.action_id
    WHERE l.movie_id = a.movie_id AND l.genre_id = a.genre_id AND p.source = 'editor'
      AND p.model_id = a.model_id AND p.at >= a.sampled_at AND did.kind IS DISTINCT FROM 'bulk')
FROM marquee.decision u
WHERE u.id = ANY(:decisions) AND a.movie_id = u.movie_id AND a.genre_id = u.genre_id
  AND (a.decision_id = u.id OR a.decision_id IS NULL AND u.verdict = 'withdrawn')
""")
ANSWERED = text("""
SELECT g.id, g.name, count(*) AS n, count(*) FILTER (WHERE a.holds) AS held
FROM marquee.audit a JOIN marquee.genre g ON g.id = a.genre_id
WHERE a.decision_id IS NOT NULL AND (CAST(:model_id AS integer) IS NULL OR a.model_id = :model_id)
GROUP BY g.id, g.name ORDER BY g.name
""")
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Precision:
    """Of `n` automatic tags that an editor judged, `right` hold; `genre` is None for all genres together.

    `lower` and `upper` bound the precision with 95 % confidence.
    """

    genre: str | None
    n: int
    right: int
    precision: float | None
    lower: float
    upper: float


def answer(connection: Connection, decision_ids: Sequence[int]) -> None:
    """Let the decisions be the answers to the audits of their movies and genres."""
    connection.execute(ANSWER, {"decisions": list(decision_ids)})


def take_back(connection: Connection, decision_ids: Sequence[int]) -> int:
    """The decisions were undone: their audits are open again, or answered by what the labels stand on now.

    Returns how many audits that were.
    """
    return connection.execute(TAKE_BACK, {"decisions": list(decision_ids)}).rowcount


def precision(connection: Connection, model_id: int | None = None) -> list[Precision]:
    """The precision of automatic tags, of all genres together first, then by genre; of one model or of all."""
    rows = connection.execute(ANSWERED, {"model_id": model_id}).all()
    overall = measured(None, sum(r.held for r in rows), sum(r.n for r in rows))
    return [overall, *(measured(r.name, r.held, r.n) for r in rows)]


def measured(genre: str | None, right: int, n: int) -> Precision:
    """The precision with its interval of Clopper and Pearson ("The use of confidence or fiducial limits", 1934).

    It never promises too much, also for few audits; of none, nothing is known.
    """
    tail = (1 - CONFIDENCE) / 2
    lower = float(betaincinv(right, n - right + 1, tail)) if right else 0.0
    upper = float(betaincinv(right + 1, n - right, 1 - tail)) if right < n else 1.0
    return Precision(genre, n, right, right / n if n else None, lower, upper)
