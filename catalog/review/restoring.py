"""Restoring: put labels back to what they stood on before the decisions of an action that is undone."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from catalog.decisions import Verdicted, decide
from catalog.movie_locks import lock_decisions
from catalog.people.editors import EditorRecord
from catalog.review.audit import take_back
from catalog.review.project import project

# A label stems from a decision if it stands on it; that nobody has a say, from a withdrawal, if all that was said
# since was undone. A label never goes back to a decision whose author has undone it meanwhile, but to the one
# before that.
STANDING = text("""
WITH RECURSIVE given AS MATERIALIZED (
    SELECT d.id, d.movie_id, d.genre_id, d.replaces,
           CASE WHEN t.movie_id IS NULL THEN false
                WHEN d.verdict <> 'withdrawn' THEN l.decision_id IS NOT DISTINCT FROM d.id
                ELSE l.decision_id IS NULL AND NOT EXISTS (
                    SELECT FROM marquee.decision later LEFT JOIN marquee.action did ON did.id = later.action_id
                    WHERE later.movie_id = d.movie_id AND later.genre_id = d.genre_id AND later.id > d.id
                      AND (did.id IS NULL OR did.kind <> 'undo'
                           AND NOT EXISTS (SELECT FROM marquee.action u WHERE u.undoes = did.id)))
           END AS stands
    FROM marquee.decision d
    LEFT JOIN marquee.tagging t ON t.movie_id = d.movie_id
    LEFT JOIN marquee.label l ON l.movie_id = d.movie_id AND l.genre_id = d.genre_id
    WHERE d.action_id = :action_id AND d.movie_id = ANY(CAST(:movies AS bigint[]))
), back AS (
    SELECT id AS given_id, replaces AS id FROM given WHERE stands
    UNION ALL
    SELECT back.given_id, d.replaces
    FROM back JOIN marquee.decision d ON d.id = back.id JOIN marquee.action u ON u.undoes = d.action_id
)
SELECT given.id, given.movie_id, given.genre_id, given.stands, p.id AS stands_on, p.verdict
FROM given
LEFT JOIN LATERAL (
    SELECT d.id, d.verdict FROM back JOIN marquee.decision d ON d.id = back.id
    WHERE back.given_id = given.id
      AND NOT EXISTS (SELECT FROM marquee.action u WHERE u.undoes = d.action_id)) p ON true
ORDER BY given.id
""")


def restore(
    connection: Connection, editor: EditorRecord, action_id: int, undone_id: int, movie_ids: Sequence[int]
) -> tuple[int, int]:
    """Undo, as the action `action_id`, what the action `undone_id` decided on the movies.

    Returns how many decisions were taken back, and how many were kept because somebody has changed them since or
    the movie is gone.
    """
    lock_decisions(connection, movie_ids)
    asked = {"action_id": undone_id, "movies": list(movie_ids)}
    given = connection.execute(STANDING, asked).all()
    standing = [r for r in given if r.stands]
    said = [
        Verdicted(r.movie_id, r.genre_id, r.verdict or "withdrawn", stands_on=r.stands_on) for r in standing
    ]
    decide(connection, said, author=editor.name, source="editor", action_id=action_id, looked=False)
    if standing and take_back(connection, [r.id for r in standing]):
        project(connection, movie_ids)  # an audit that is open again asks again
    return len(standing), len(given) - len(standing)
