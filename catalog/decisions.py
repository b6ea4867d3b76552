"""Decisions: what editors and trusted imports say of a movie's genres, and the labels that follow.

The log is append-only; `label` is its newest state. No model writes here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, text

from catalog.movie_locks import keep_movie, lock_decisions
from catalog.review.audit import answer
from catalog.review.project import project
from catalog.webhooks.news import announce

# An editor has looked at the content, which may be a revision behind the ledger; an import speaks of the movie.
LOG = text("""
INSERT INTO marquee.decision (movie_id, genre_id, verdict, source, author, revision, model_id, confidence,
                              action_id, replaces)
SELECT d.movie_id, d.genre_id, d.verdict, :source, :author,
       COALESCE(CAST(:revision AS integer), c.revision, t.revision),
       p.model_id, p.confidence, CAST(:action_id AS bigint), l.decision_id
FROM unnest(CAST(:movies AS bigint[]), CAST(:genres AS smallint[]), CAST(:verdicts AS text[]))
    WITH ORDINALITY AS d(movie_id, genre_id, verdict, place)
JOIN marquee.tagging t ON t.movie_id = d.movie_id
LEFT JOIN marquee.content c ON c.movie_id = d.movie_id AND :source = 'editor'
LEFT JOIN marquee.prediction p ON p.movie_id = d.movie_id AND p.genre_id = d.genre_id
LEFT JOIN marquee.label l ON l.movie_id = d.movie_id AND l.genre_id = d.genre_id
ORDER BY d.place
RETURNING id, movie_id, genre_id, verdict
""")

SET_LABEL = text("""
INSERT INTO marquee.label (movie_id, genre_id, holds, decision_id)
SELECT * FROM unnest(CAST(:movies AS bigint[]), CAST(:genres AS smallint[]), CAST(:holds AS boolean[]),
                     CAST(:decisions AS bigint[]))
ON CONFLICT (movie_id, genre_id) DO UPDATE SET holds = EXCLUDED.holds, decision_id = EXCLUDED.decision_id
""")

DROP_LABEL = text("""
DELETE FROM marquee.label l USING unnest(CAST(:movies AS bigint[]), CAST(:genres AS smallint[]))
    AS d(movie_id, genre_id)
WHERE l.movie_id = d.movie_id AND l.genre_id = d.genre_id
""")

Verdict = Literal["accepted", "rejected", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Verdicted:
    """A verdict on one genre of one movie.

    `stands_on` is the earlier decision that an undo puts the label back on; without it, it is the new one.
    """

    movie_id: int
    genre_id: int
    verdict: Verdict
    stands_on: int | None = None


def decide(
    connection: Connection,
    verdicts: Sequence[Verdicted],
    *,
    author: str,
    source: Literal["editor", "import"],
    action_id: int | None = None,
    revision: int | None = None,
    looked: bool = True,
) -> int:
    """Log the verdicts, bring labels, audits and queue up to date; returns how many were logged.

    Each row remembers the revision, the model and the confidence that stood when it was said, the action that it
    belongs to, and the decision that the label stood on before.
    Of two verdicts on the same genre the later one holds. One on a movie that does not exist is passed over.

    Args:
        connection: of an open transaction, which holds the movies' locks until it ends.
        verdicts: what is said.
        author: who says it.
        source: an editor, whom no model contradicts, or a trusted import.
        action_id: what the editor did.
        revision: of the content that the author saw, where that is known.
        looked: whether an editor looked at each movie by itself; only then an audit has its answer.
    """
    if not verdicts:
        return 0
    movies = [v.movie_id for v in verdicts]
    lock_decisions(connection, movies)
    if len(set(movies)) == 1:
        # Whoever is deleting the movie is waited for; of several, this could deadlock with him.
        keep_movie(connection, movies[0])
    rows = connection.execute(
        LOG,
        {
            "movies": movies,
            "genres": [v.genre_id for v in verdicts],
            "verdicts": [v.verdict for v in verdicts],
            "author": author,
            "source": source,
            "action_id": action_id,
            "revision": revision,
        },
    ).all()
    newest = {(r.movie_id, r.genre_id): r for r in sorted(rows, key=lambda r: r.id)}
    stands_on = {(v.movie_id, v.genre_id): v.stands_on for v in verdicts}
    kept = {k: r for k, r in newest.items() if r.verdict != "withdrawn"}
    if kept:
        connection.execute(
            SET_LABEL,
            {
                "movies": [movie for movie, _ in kept],
                "genres": [genre for _, genre in kept],
                "holds": [r.verdict == "accepted" for r in kept.values()],
                "decisions": [stands_on[k] or r.id for k, r in kept.items()],
            },
        )
    dropped = [k for k in newest if k not in kept]
    if dropped:
        asked = {"movies": [movie for movie, _ in dropped], "genres": [genre for _, genre in dropped]}
        connection.execute(DROP_LABEL, asked)
    if source == "editor" and looked:
        answer(connection, [r.id for r in newest.values()])
    touched = sorted({r.movie_id for r in rows})
    project(connection, touched)
    announce(connection, "decided", touched)
    return len(rows)
