"""Conflicts: a movie that is no more what the editor saw, and what the difference is, in words."""

from sqlalchemy import Connection, text

from catalog.errors import DecisionConflictError, MovieNotFoundError
from catalog.people.editors import EditorRecord
from catalog.review.card import read_card
from catalog.review.seen import Seen, read_seen

# What the editor himself decided since is no surprise to him: keys come faster than answers.
OTHERS = text("""
SELECT d.verdict, g.name AS genre, d.at, d.source, COALESCE(e.name, d.author) AS who, a.kind
FROM marquee.decision d
JOIN marquee.genre g ON g.id = d.genre_id
LEFT JOIN marquee.action a ON a.id = d.action_id
LEFT JOIN marquee.editor e ON e.id = a.editor_id
WHERE d.movie_id = :movie_id AND d.id > :decision_id AND a.editor_id IS DISTINCT FROM :editor_id
ORDER BY d.id
""")
VERSIONS = text("SELECT id, version FROM marquee.model WHERE id = :seen OR id = :now")
SAID = {"accepted": "accepted {}", "rejected": "rejected {}", "withdrawn": "took back what was said of {}"}
MANY = 12


def check_seen(connection: Connection, editor: EditorRecord, movie_id: int, token: str) -> Seen:
    """Compare what the editor saw with what stands; the caller holds the movie's lock. Returns what he saw.

    Raises:
        MovieNotFoundError: there is no such movie.
        DecisionConflictError: the movie has changed.
    """
    now = read_seen(connection, movie_id)
    if now is None:
        raise MovieNotFoundError(
            f"Movie {movie_id} is not there.", mend="It may have been deleted meanwhile."
        )
    saw = Seen.parse(token)
    difference = (
        ["What the page shows cannot be told from what it sent."]
        if saw is None
        else _difference(connection, editor, movie_id, saw, now)
    )
    if saw is None or difference:
        raise DecisionConflictError(movie_id, read_card(connection, movie_id), difference)
    return saw


def _difference(
    connection: Connection, editor: EditorRecord, movie_id: int, saw: Seen, now: Seen
) -> list[str]:
    """What has changed, a line each; nothing where the editor alone has decided since."""
    lines = []
    if not saw.same_content(now):
        which = (
            f": you saw revision {saw.revision}, now it is {now.revision}."
            if saw.revision != now.revision
            else ", it was fetched again."
        )
        lines.append(f"The movie's text or poster changed{which}")
    if saw.model_id != now.model_id:
        versions = {
            r.id: r.version for r in connection.execute(VERSIONS, {"seen": saw.model_id, "now": now.model_id})
        }
        lines.append(
            f"It was tagged again: you saw what {versions.get(saw.model_id, 'no model')} says, "
            f"now {versions.get(now.model_id, 'no model')} has spoken."
        )
    asked = {"movie_id": movie_id, "decision_id": min(saw.decision_id, 2**62), "editor_id": editor.id}
    others = connection.execute(OTHERS, asked).all()
    for r in others[-MANY:]:
        how = " by an undo" if r.kind == "undo" else " in bulk" if r.kind == "bulk" else ""
        who = f"The import {r.who}" if r.source == "import" and r.kind is None else r.who
        lines.append(f"{who} {SAID[r.verdict].format(r.genre)}{how} at {r.at:%H:%M} UTC.")
    if len(others) > MANY:
        lines.append(f"And {len(others) - MANY} decisions before these.")
    return lines
