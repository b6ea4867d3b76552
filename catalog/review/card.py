"""A card: all that the review page shows of one movie."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, text

from catalog.errors import MovieNotFoundError
from catalog.review.seen import read_seen

# What the model saw where it has looked, else what the catalog's owner wrote.
MOVIE = text("""
SELECT m.id, COALESCE(c.title, m.title) AS title, COALESCE(c.year, m.year) AS year,
       COALESCE(c.language, m.language) AS language, COALESCE(c.plot, m.plot) AS plot,
       CASE WHEN c.plot IS NOT NULL THEN c.plot_source WHEN m.plot IS NOT NULL THEN 'movie' END AS plot_source,
       COALESCE(c.poster_hash, m.poster_hash) AS poster_hash,
       CASE WHEN c.poster_hash IS NOT NULL THEN c.poster_source
            WHEN m.poster_hash IS NOT NULL THEN 'movie' END AS poster_source,
       c.fetched_at, c.note, COALESCE(m.tmdb_id, c.tmdb_id) AS tmdb_id, m.imdb_id, m.external_id, m.poster_url,
       r.state, t.state AS ledger_state, t.revision, model.version,
       COALESCE(r.facets @> '{disputed}', false) AS disputed
FROM marquee.movie m JOIN marquee.tagging t ON t.movie_id = m.id
LEFT JOIN marquee.content c ON c.movie_id = m.id
LEFT JOIN marquee.review r ON r.movie_id = m.id
LEFT JOIN marquee.model model ON model.id = t.tagged_model_id
WHERE m.id = :id
""")

# An open audit looks like any other genre that asks, its band included.
GENRES = text("""
SELECT g.id, g.name, p.confidence, COALESCE(p.predicted, false) AS predicted,
       CASE WHEN a.id IS NOT NULL THEN 'review' ELSE COALESCE(p.decision, 'rejected') END
           AS decision,
       l.holds AS label, d.author AS labelled_by,
       COALESCE(g.id = ANY(r.asks), false) AS asks, COALESCE(l.holds, p.predicted, false) AS holds
FROM marquee.genre g
LEFT JOIN marquee.prediction p ON p.movie_id = :id AND p.genre_id = g.id
LEFT JOIN marquee.label l ON l.movie_id = :id AND l.genre_id = g.id
LEFT JOIN marquee.decision d ON d.id = l.decision_id
LEFT JOIN marquee.review r ON r.movie_id = :id
LEFT JOIN marquee.audit a ON a.movie_id = :id AND a.genre_id = g.id AND a.decision_id IS NULL
ORDER BY asks DESC, p.confidence DESC NULLS LAST, g.name
""")


@dataclass(frozen=True, slots=True)
class GenreCard:
    """A genre of a movie.

    Attributes:
        confidence: None where no model said anything of it.
        decision: the model's band.
        label: what an editor or an import said, and `labelled_by` who.
        asks: whether it waits for a decision.
        mark: what the page shows: "you" where it asks.
        holds: whether the movie has the genre, if nothing is changed.
    """

    id: int
    name: str
    confidence: float | None
    predicted: bool
    decision: Literal["accepted", "rejected", "review"]
    label: bool | None
    labelled_by: str | None
    asks: bool
    mark: Literal["accepted", "rejected", "you"]
    holds: bool


@dataclass(frozen=True, slots=True)
class Card:
    """A movie as the review page shows it.

    Attributes:
        note: why something of the content is missing.
        state: "open", "done" or "auto" in the queue; None before the first tagging.
        ledger_state: where it stands on its way to its tags.
        model: the version of the model that tagged it.
        disputed: whether the model now contradicts an editor.
        genres: those that ask first, then the surest first.
        seen: give it back with a decision, so that what changed meanwhile is noticed.
        changed: what changed since it was seen, in words; only where a decision was refused for it.
    """

    movie_id: int
    title: str | None
    year: int | None
    language: str | None
    plot: str | None
    plot_source: str | None
    poster_hash: str | None
    poster_source: str | None
    fetched_at: datetime | None
    note: str | None
    tmdb_id: int | None
    imdb_id: str | None
    external_id: str | None
    poster_url: str | None
    state: str | None
    ledger_state: str
    revision: int
    model: str | None
    disputed: bool
    genres: list[GenreCard]
    seen: str
    changed: list[str] = field(default_factory=list)


def read_card(connection: Connection, movie_id: int) -> Card:
    """The card of the movie.

    Raises:
        MovieNotFoundError: no movie has this id.
    """
    seen = read_seen(connection, movie_id)  # before the rest: what changes in between is a difference
    movie = connection.execute(MOVIE, {"id": movie_id}).one_or_none()
    if movie is None or seen is None:
        raise MovieNotFoundError(
            f"No movie has the id {movie_id}.", mend="It may have been deleted meanwhile."
        )
    return Card(
        movie_id=movie.id,
        title=movie.title,
        year=movie.year,
        language=movie.language,
        plot=movie.plot,
        plot_source=movie.plot_source,
        poster_hash=movie.poster_hash,
        poster_source=movie.poster_source,
        fetched_at=movie.fetched_at,
        note=movie.note,
        tmdb_id=movie.tmdb_id,
        imdb_id=movie.imdb_id,
        external_id=movie.external_id,
        poster_url=movie.poster_url,
        state=movie.state,
        ledger_state=movie.ledger_state,
        revision=movie.revision,
        model=movie.version,
        disputed=movie.disputed,
        genres=[_genre(r) for r in connection.execute(GENRES, {"id": movie_id})],
        seen=seen.token,
    )


def _genre(row: Any) -> GenreCard:
    return GenreCard(
        id=row.id,
        name=row.name,
        confidence=row.confidence,
        predicted=row.predicted,
        decision=row.decision,
        label=row.label,
        labelled_by=row.labelled_by,
        asks=row.asks,
        mark="you" if row.asks else "accepted" if row.holds else "rejected",
        holds=row.holds,
    )
