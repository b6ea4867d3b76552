"""The models that the catalog knows, and which of them is champion."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from catalog.errors import UnknownGenreError, UnknownModelError

CHAMPION = text("""
SELECT m.id, m.version, m.sha256, m.uri, m.manifest -> 'genres' AS genres
FROM marquee.model m
WHERE m.id = (SELECT model_id FROM marquee.promotion ORDER BY id DESC LIMIT 1)
""")

MODEL = text(
    "SELECT id, version, sha256, uri, manifest -> 'genres' AS genres FROM marquee.model WHERE id = :id"
)

CHAMPION_ID = text("SELECT model_id FROM marquee.promotion ORDER BY id DESC LIMIT 1")

REGISTER = text("""
INSERT INTO marquee.model (version, sha256, uri, data_sha256, manifest)
VALUES (:version, :sha256, :uri, :data_sha256, CAST(:manifest AS jsonb))
ON CONFLICT (sha256) DO UPDATE SET uri = EXCLUDED.uri
RETURNING id
""")

PROMOTE = text("""
INSERT INTO marquee.promotion (model_id, reason, evidence)
VALUES (:model_id, :reason, CAST(:evidence AS jsonb))
""")


LIST = text("""
SELECT m.version, m.sha256, m.data_sha256, m.registered_at, m.manifest -> 'genres' AS genres,
       (SELECT max(at) FROM marquee.promotion p WHERE p.model_id = m.id) AS promoted_at,
       (SELECT model_id FROM marquee.promotion ORDER BY id DESC LIMIT 1) IS NOT DISTINCT FROM m.id AS champion
FROM marquee.model m ORDER BY m.id DESC
""")


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A registered model; `genre_ids` are the catalog's ids of `genres`, in the model's order."""

    id: int
    version: str
    sha256: str
    uri: str
    genres: tuple[str, ...]
    genre_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelListing:
    """A registered model as a list shows it; `promoted_at` is None for one that never was champion."""

    version: str
    sha256: str
    data_sha256: str
    registered_at: datetime
    genres: tuple[str, ...]
    promoted_at: datetime | None
    champion: bool


def list_models(connection: Connection) -> list[ModelListing]:
    """Every registered model, the newest first."""
    return [
        ModelListing(
            r.version,
            r.sha256,
            r.data_sha256,
            r.registered_at,
            tuple(r.genres or ()),
            r.promoted_at,
            r.champion,
        )
        for r in connection.execute(LIST)
    ]


def genre_ids(connection: Connection, names: tuple[str, ...]) -> tuple[int, ...]:
    """The catalog's ids of the genres.

    Raises:
        UnknownGenreError: the catalog does not have one of them.
    """
    known = {r.name: r.id for r in connection.execute(text("SELECT id, name FROM marquee.genre"))}
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise UnknownGenreError(
            f"The catalog has no genre named {', '.join(map(repr, unknown))}.",
            mend="Add it to marquee.genre, or correct the name.",
        )
    return tuple(known[name] for name in names)


def champion(connection: Connection) -> ModelRecord | None:
    """The model that tags now; None before the first promotion."""
    row = connection.execute(CHAMPION).one_or_none()
    return None if row is None else _record(connection, row)


def read_model(connection: Connection, model_id: int) -> ModelRecord:
    """The model of this id.

    Raises:
        UnknownModelError: there is none.
    """
    row = connection.execute(MODEL, {"id": model_id}).one_or_none()
    if row is None:
        raise UnknownModelError(
            f"No model has the id {model_id}.", mend="`marquee status` shows the champion's version."
        )
    return _record(connection, row)


def _record(connection: Connection, row: Row[Any]) -> ModelRecord:
    genres = tuple(row.genres)
    return ModelRecord(row.id, row.version, row.sha256, row.uri, genres, genre_ids(connection, genres))


def champion_id(connection: Connection) -> int | None:
    """The id of the model that tags now: the cheap question, for every batch."""
    return connection.execute(CHAMPION_ID).scalar_one_or_none()


def model_id(connection: Connection, version: str) -> int:
    """The id of the model of this version.

    Raises:
        UnknownModelError: there is none.
    """
    query = text("SELECT id FROM marquee.model WHERE version = :version")
    found = connection.execute(query, {"version": version}).scalar_one_or_none()
    if found is None:
        raise UnknownModelError(
            f"No model is known as {version!r}.", mend="`marquee status` shows the champion's version."
        )
    return int(found)


def register(connection: Connection, *, version: str, sha256: str, uri: str, manifest: dict[str, Any]) -> int:
    """Make a model known and return its id; one that is known already keeps its id and takes the new place.

    Raises:
        UnknownGenreError: the model has a genre that the catalog lacks.
    """
    genre_ids(connection, tuple(manifest["genres"]))
    return int(
        connection.execute(
            REGISTER,
            {
                "version": version,
                "sha256": sha256,
                "uri": uri,
                "data_sha256": str(manifest.get("data", {}).get("sha256", "")),
                "manifest": json.dumps(manifest),
            },
        ).scalar_one()
    )


def is_registered(connection: Connection, sha256: str) -> bool:
    """Whether the catalog knows the model of these weights."""
    known = text("SELECT EXISTS (SELECT FROM marquee.model WHERE sha256 = :sha256)")
    return bool(connection.execute(known, {"sha256": sha256}).scalar_one())


def promote(
    connection: Connection, model_id: int, reason: str, evidence: dict[str, Any] | None = None
) -> None:
    """Make the model champion; the row is the record of when and why."""
    connection.execute(
        PROMOTE, {"model_id": model_id, "reason": reason, "evidence": json.dumps(evidence or {})}
    )
