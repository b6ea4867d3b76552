"""A movie as the review page shows it: leased to the editor if it is free, and drawn as a part of the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request

from catalog.review.card import Card, read_card
from catalog.review.leases import take
from catalog.review.queue import next_movie
from review.links import Slice
from review.services import Services
from review.views import draw
from review.visit import Visit


@dataclass(frozen=True, slots=True)
class Shown:
    """A movie on the screen; `holder` is another editor who has it open, and then nothing can be decided."""

    card: Card
    holder: str | None


def open_movie(connection: Connection, services: Services, visit: Visit, movie_id: int) -> Shown:
    """Take the movie, if nobody else has it, and read it.

    Raises:
        MovieNotFoundError: there is none of this id.
    """
    holder = take(connection, movie_id, visit.editor.id, services.config.lease_seconds)
    return Shown(read_card(connection, movie_id), holder)


def open_next(
    connection: Connection, services: Services, visit: Visit, part: Slice, holding: Sequence[int] = ()
) -> Shown | None:
    """Take the next movie of this part of the queue; None where there is none left."""
    movie_id = next_movie(
        connection,
        visit.editor.id,
        part.filter,
        part.order,
        holding=holding,
        lease_seconds=services.config.lease_seconds,
    )
    return None if movie_id is None else Shown(read_card(connection, movie_id), None)


def as_json(request: Request, shown: Shown | None, part: Slice) -> dict[str, Any]:
    """For the page's script: the part of the page that shows the movie, or that there is none."""
    if shown is None:
        return {"movie_id": None, "html": draw(request, "_empty.html", part=part)}
    card = shown.card
    return {
        "movie_id": card.movie_id,
        "html": draw(request, "_card.html", card=card, holder=shown.holder, part=part),
        "poster": f"/posters/{card.poster_hash}" if card.poster_hash else None,
        "title": card.title or f"Movie {card.movie_id}",
        "url": part.on(f"/review/{card.movie_id}"),
        "holder": shown.holder,
    }
