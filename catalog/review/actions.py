"""What an editor does, one key press each: decide a genre, finish a movie, skip it, undo.

Each is one action in the log, and the decisions name it. Nothing is written where the movie is no more what the
editor saw, or is open with another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from catalog.decisions import Verdict, Verdicted, decide
from catalog.errors import LeaseHeldError, MovieNotFoundError, UnknownGenreError
from catalog.movie_locks import keep_movie, lock_decisions
from catalog.people.editors import EditorRecord
from catalog.review import leases
from catalog.review.action_log import Done, history, lock_editor, newest_action, write_action
from catalog.review.card import Card, read_card
from catalog.review.conflict import check_seen
from catalog.review.project import project
from catalog.review.seen import Seen
from catalog.review.undo import Undone, undo

__all__ = ["Done", "Outcome", "Undone", "finish", "history", "newest_action", "skip", "toggle", "undo"]

KNOWN_GENRES = text("SELECT id FROM marquee.genre WHERE id = ANY(CAST(:genres AS integer[]))")
SKIPPED = text("SELECT until FROM marquee.review_skip WHERE editor_id = :editor_id AND movie_id = :movie_id")
SKIP = text("""
INSERT INTO marquee.review_skip (editor_id, movie_id, until)
SELECT :editor_id, movie_id, clock_timestamp() + make_interval(secs => :seconds)
FROM marquee.review WHERE movie_id = :movie_id
ON CONFLICT (editor_id, movie_id) DO UPDATE SET until = EXCLUDED.until
RETURNING until
""")
FINISHED = text("SELECT finished_at FROM marquee.review WHERE movie_id = :movie_id")
FINISH = text("""
UPDATE marquee.review SET finished_at = clock_timestamp() WHERE movie_id = :movie_id RETURNING finished_at
""")
SKIP_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action led to: its id (None where there was nothing to write), and the movie as it stands."""

    action_id: int | None
    card: Card


def toggle(
    connection: Connection,
    editor: EditorRecord,
    movie_id: int,
    genre_id: int,
    verdict: Verdict,
    *,
    seen: str,
    seconds: float | None = None,
) -> Outcome:
    """Decide one genre of a movie. `seen` is the card's; `seconds` is how long the editor looked.

    Raises:
        MovieNotFoundError: there is no such movie.
        UnknownGenreError: there is no such genre.
        LeaseHeldError: another editor has the movie open.
        DecisionConflictError: the movie is no more what the editor saw.
    """
    _check_genres(connection, [genre_id])
    card, saw = _open(connection, editor, movie_id, seen)
    if verdict == "withdrawn" and all(g.label is None for g in card.genres if g.id == genre_id):
        return Outcome(None, card)
    detail = {"predicted": _predicted(card, [genre_id])}
    action_id = write_action(connection, editor, "toggle", movie_id, seconds=seconds, detail=detail)
    _decide(connection, editor, movie_id, {genre_id: verdict}, action_id, saw)
    return Outcome(action_id, read_card(connection, movie_id))


def finish(
    connection: Connection,
    editor: EditorRecord,
    movie_id: int,
    verdicts: Mapping[int, bool],
    *,
    seen: str,
    seconds: float | None = None,
) -> Outcome:
    """Decide what still asks, let the rest stand, and be done with the movie; its lease ends.

    A genre that asks and has no verdict is decided as it stands. A verdict on a genre that does not ask is
    written only if it changes what stands.

    Raises:
        MovieNotFoundError: there is no such movie.
        UnknownGenreError: there is no such genre.
        LeaseHeldError: another editor has the movie open.
        DecisionConflictError: the movie is no more what the editor saw.
    """
    _check_genres(connection, list(verdicts))
    card, saw = _open(connection, editor, movie_id, seen)
    said: dict[int, Verdict] = {}
    for genre in card.genres:
        holds = verdicts.get(genre.id, genre.holds)
        if genre.asks or holds != genre.holds:
            said[genre.id] = "accepted" if holds else "rejected"
    asked = {"movie_id": movie_id}
    before = connection.execute(FINISHED, asked).scalar_one_or_none()
    detail = {
        "predicted": _predicted(card, list(said)),
        "finished_before": before,
        "finished_at": connection.execute(FINISH, asked).scalar_one_or_none(),
    }
    action_id = write_action(connection, editor, "finish", movie_id, seconds=seconds, detail=detail)
    _decide(connection, editor, movie_id, said, action_id, saw)
    if not said:
        project(connection, [movie_id])
    leases.release(connection, editor.id, [movie_id])
    return Outcome(action_id, read_card(connection, movie_id))


def skip(
    connection: Connection,
    editor: EditorRecord,
    movie_id: int,
    *,
    seconds: float | None = None,
    for_seconds: float = SKIP_SECONDS,
) -> int:
    """Leave the movie to others; it does not come back to this editor for a while. Returns the action's id.

    Raises:
        MovieNotFoundError: no such movie is in the queue.
    """
    lock_editor(connection, editor.id)
    keep_movie(connection, movie_id)
    asked = {"editor_id": editor.id, "movie_id": movie_id, "seconds": float(for_seconds)}
    before = connection.execute(SKIPPED, asked).scalar_one_or_none()
    until = connection.execute(SKIP, asked).scalar_one_or_none()
    if until is None:
        raise MovieNotFoundError(
            f"Movie {movie_id} is not in the queue.", mend="It was deleted, or no model has tagged it yet."
        )
    leases.release(connection, editor.id, [movie_id])
    detail = {"skipped_before": before, "until": until}
    return write_action(connection, editor, "skip", movie_id, seconds=seconds, detail=detail)


def _open(connection: Connection, editor: EditorRecord, movie_id: int, seen: str) -> tuple[Card, Seen]:
    """The movie as it stands, locked, free or open with this editor, and as he saw it."""
    lock_editor(connection, editor.id)
    lock_decisions(connection, [movie_id])
    keep_movie(connection, movie_id)
    holder = leases.holder(connection, movie_id, editor.id)
    if holder is not None:
        raise LeaseHeldError(movie_id, holder)
    saw = check_seen(connection, editor, movie_id, seen)
    return read_card(connection, movie_id), saw


def _predicted(card: Card, genre_ids: Sequence[int]) -> list[int]:
    """Those of the genres that the model had predicted, for the measure of agreement."""
    return [g.id for g in card.genres if g.predicted and g.id in genre_ids]


def _decide(
    connection: Connection,
    editor: EditorRecord,
    movie_id: int,
    verdicts: Mapping[int, Verdict],
    action_id: int,
    saw: Seen,
) -> None:
    said = [Verdicted(movie_id, genre_id, verdict) for genre_id, verdict in sorted(verdicts.items())]
    decide(connection, said, author=editor.name, source="editor", action_id=action_id, revision=saw.revision)


def _check_genres(connection: Connection, genre_ids: Sequence[int]) -> None:
    asked = [g for g in set(genre_ids) if 0 < g < 2**15]
    known = set(connection.execute(KNOWN_GENRES, {"genres": asked}).scalars()) if asked else set()
    unknown = sorted(set(genre_ids) - known)
    if unknown:
        raise UnknownGenreError(
            f"The catalog has no genre with the id {unknown[0]}.", mend="Load the page again."
        )
