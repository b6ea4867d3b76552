"""The catalog's branch of the exception tree.

CatalogError
├── DatabaseUnavailableError    Postgres cannot be reached
├── SchemaError                 the schema is missing or of another version
├── MovieNotFoundError          no movie has this id
├── MovieChangedError           a movie has another revision than its editor saw
├── UnknownGenreError           a genre that the catalog does not have
├── UnknownModelError           a model that the catalog does not have
├── PromotionRefusedError       a model cannot become champion now
├── InvalidMovieError           a movie's fields cannot be stored
├── InvalidFilterError          a filter or an order of the queue cannot be read
├── InvalidCursorError          a place in the queue cannot be read
├── InvalidEditorError          an editor cannot be made so
├── EditorNotFoundError         no editor has this name
├── InvalidTokenError           a token cannot be made so
├── TokenNotFoundError          no token has this name
├── DecisionConflictError       a movie is no more what the editor saw
├── LeaseHeldError              another editor has the movie open
├── BulkNotFoundError           no bulk decision has this id
├── InvalidWebhookError         a webhook cannot be made so
└── WebhookNotFoundError        no webhook has this id
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from marquee.errors import MarqueeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.review.card import Card


class CatalogError(MarqueeError):
    """Something is wrong with the catalog or what was asked of it."""


class DatabaseUnavailableError(CatalogError):
    """Postgres cannot be reached."""


class SchemaError(CatalogError):
    """The schema `marquee` is missing or of another version."""


class MovieNotFoundError(CatalogError):
    """No movie has this id."""


class MovieChangedError(CatalogError):
    """A movie has another revision by now than its editor saw."""


class UnknownGenreError(CatalogError):
    """A genre that the catalog does not have."""


class UnknownModelError(CatalogError):
    """A model that was never registered."""


class PromotionRefusedError(CatalogError):
    """A model cannot become champion now: it is champion, another one than expected is, or there is none before."""


class InvalidMovieError(CatalogError):
    """A movie's fields cannot be stored."""


class InvalidEditorError(CatalogError):
    """An editor cannot be made so: the name is taken or cannot be one, or there is no such role."""


class EditorNotFoundError(CatalogError):
    """No editor has this name."""


class InvalidTokenError(CatalogError):
    """A token cannot be made so: the name is taken or cannot be one, or there is no such scope."""


class TokenNotFoundError(CatalogError):
    """No token has this name."""


class DecisionConflictError(CatalogError):
    """A movie is no more what the editor saw: `card` is what stands now, `difference` says it in lines."""

    def __init__(self, movie_id: int, card: Card, difference: Sequence[str]) -> None:
        super().__init__(
            f"Movie {movie_id} has changed since you opened it: {' '.join(difference)}",
            mend="Nothing of yours was written. Look at what stands now, and decide again.",
        )
        self.movie_id = movie_id
        self.card = card
        self.difference = list(difference)


class LeaseHeldError(CatalogError):
    """Another editor, `holder`, has the movie open."""

    def __init__(self, movie_id: int, holder: str) -> None:
        super().__init__(
            f"{holder} has movie {movie_id} open.", mend="Go on with the next one, or ask for it again soon."
        )
        self.movie_id = movie_id
        self.holder = holder


class BulkNotFoundError(CatalogError):
    """No bulk decision has this id."""


class InvalidWebhookError(CatalogError):
    """A webhook cannot be made so: its URL or its events are wrong, or there are too many."""


class WebhookNotFoundError(CatalogError):
    """No webhook has this id."""


class InvalidFilterError(CatalogError):
    """A filter or an order of the queue cannot be read."""


class InvalidCursorError(CatalogError):
    """A place in the queue cannot be read."""
