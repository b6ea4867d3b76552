"""The names of what the catalog numbers: genres and models."""

from sqlalchemy import Connection, text

GENRES = text("SELECT id, name FROM marquee.genre ORDER BY name")
MODELS = text("SELECT id, version FROM marquee.model ORDER BY id DESC")


def genre_names(connection: Connection) -> dict[int, str]:
    """Every genre's name by its id, by name."""
    return {r.id: r.name for r in connection.execute(GENRES)}


def model_versions(connection: Connection) -> dict[int, str]:
    """Every model's version by its id, the newest first."""
    return {r.id: r.version for r in connection.execute(MODELS)}
