"""The catalog's branch of the exception tree.

CatalogError
├── DatabaseUnavailableError    Postgres cannot be reached
├── SchemaError                 the schema is missing or of another version
├── MovieNotFoundError          no movie has this id
├── UnknownGenreError           a genre that the catalog does not have
├── UnknownModelError           a model that the catalog does not have
└── InvalidMovieError           a movie's fields cannot be stored
"""

from marquee.errors import MarqueeError


class CatalogError(MarqueeError):
    """Something is wrong with the catalog or what was asked of it."""


class DatabaseUnavailableError(CatalogError):
    """Postgres cannot be reached."""


class SchemaError(CatalogError):
    """The schema `marquee` is missing or of another version."""


class MovieNotFoundError(CatalogError):
    """No movie has this id."""


class UnknownGenreError(CatalogError):
    """A genre that the catalog does not have."""


class UnknownModelError(CatalogError):
    """A model that was never registered."""


class InvalidMovieError(CatalogError):
    """A movie's fields cannot be stored."""
