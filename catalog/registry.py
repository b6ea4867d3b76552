"""The models that the catalog knows, and which of them is champion, since when and why.

A promotion is one row of an append-only log, written in one transaction with its evidence; a roll-back is one too.
Promotions take turns, so the last row is the champion, and `marquee.champion_at` tells who was at any time.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from catalog.errors import PromotionRefusedError, UnknownGenreError, UnknownModelError

CHAMPION_CHANNEL = "marquee_champion"
PROMOTIONS = 0x4D52
KNOWN = "`marquee models list` shows the models."

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
ON CONFLICT (sha256) DO UPDATE SET uri = EXCLUDED.uri, manifest = EXCLUDED.manifest
RETURNING id
""")

PROMOTE = text("""
INSERT INTO marquee.promotion (model_id, reason, evidence, back_to, retag)
VALUES (:model_id, :reason, CAST(:evidence AS jsonb), :back_to, :retag) RETURNING id
""")

# A roll-back stands for the promotion that it goes back to: the one before that is what the next one goes back to.
BEFORE = text("""
WITH now AS (SELECT COALESCE(p.back_to, p.id) AS id FROM marquee.promotion p ORDER BY p.id DESC LIMIT 1),
before AS (
    SELECT COALESCE(p.back_to, p.id) AS id FROM marquee.promotion p JOIN now ON p.id < now.id
    ORDER BY p.id DESC LIMIT 1)
SELECT p.id, p.model_id FROM marquee.promotion p JOIN before USING (id)
""")

AT = text("SELECT * FROM marquee.champion_at(:moment)")

LINEAGE = text("""
SELECT model_id FROM marquee.promotion GROUP BY model_id ORDER BY max(id) DESC LIMIT :models
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
class Promotion:
    """A model at the time when it was champion: since when and why.

    Attributes:
        model_id, version, sha256, data_sha256: the model, its weights and its training data.
        promotion_id, promoted_at: the row of the log.
        back_to: the promotion that was brought back, where this one is a roll-back.
        reason, evidence: why, in words and in numbers.
    """

    model_id: int
    version: str
    sha256: str
    data_sha256: str
    promotion_id: int
    promoted_at: datetime
    back_to: int | None
    reason: str
    evidence: dict[str, Any]


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
        raise UnknownModelError(f"No model has the id {model_id}.", mend=KNOWN)
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
        raise UnknownModelError(f"No model is known as {version!r}.", mend=KNOWN)
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


def take_turn(connection: Connection) -> None:
    """Promote nothing elsewhere until this transaction ends: what is read of the champion now stays true."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": PROMOTIONS})


def promote(
    connection: Connection,
    model_id: int,
    reason: str,
    evidence: dict[str, Any] | None = None,
    *,
    instead_of: int | None = None,
    retag: bool = True,
) -> int:
    """Make the model champion and tell the tag workers; returns the promotion's id.

    It is in force when the transaction commits, for which later promotions wait.

    Args:
        connection: within a transaction.
        model_id: the model.
        reason: why, in words: the record of it.
        evidence: why, in numbers, as JSON can hold them.
        instead_of: the champion that the evidence was gathered against.
        retag: whether movies that another model tagged are tagged again.

    Raises:
        UnknownModelError: there is no such model.
        UnknownGenreError: the catalog no longer has one of its genres.
        PromotionRefusedError: it is champion already, or the champion is not `instead_of`.
    """
    take_turn(connection)
    record = read_model(connection, model_id)
    now = champion_id(connection)
    if now == model_id:
        raise PromotionRefusedError(f"{record.version} is champion already.", mend="There is nothing to do.")
    if instead_of is not None and now != instead_of:
        raise PromotionRefusedError(
            f"The champion is no longer the one that {record.version} was compared with.",
            mend="Compare it with the present champion.",
        )
    return _promote(connection, model_id, reason, evidence, back_to=None, retag=retag)


def roll_back(
    connection: Connection, reason: str, evidence: dict[str, Any] | None = None, *, retag: bool = True
) -> ModelRecord:
    """Make the model champion again that was it before; returns it.

    Like an undo: the next roll-back goes one promotion further back, until a new promotion is made.

    Raises:
        PromotionRefusedError: no model was champion before.
        UnknownGenreError: the catalog no longer has one of its genres.
    """
    take_turn(connection)
    before = connection.execute(BEFORE).one_or_none()
    if before is None:
        raise PromotionRefusedError(
            "No model was champion before the present one.",
            mend="`marquee models promote` makes another one it.",
        )
    record = read_model(connection, before.model_id)
    _promote(connection, record.id, reason, evidence, back_to=before.id, retag=retag)
    return record


def before_champion(connection: Connection) -> int | None:
    """The id of the model that a roll-back would bring back; None where there is none."""
    row = connection.execute(BEFORE).one_or_none()
    return None if row is None else int(row.model_id)


def champion_at(connection: Connection, moment: datetime) -> Promotion | None:
    """What was live at the moment, and why; None before the first promotion."""
    row = connection.execute(AT, {"moment": moment}).one_or_none()
    return None if row is None else Promotion(*row)


def lineage(connection: Connection, models: int) -> list[int]:
    """The ids of the models that were champion last, the present one first."""
    return list(connection.execute(LINEAGE, {"models": models}).scalars())


def _promote(
    connection: Connection,
    model_id: int,
    reason: str,
    evidence: dict[str, Any] | None,
    *,
    back_to: int | None,
    retag: bool,
) -> int:
    row = {
        "model_id": model_id,
        "reason": reason,
        "evidence": json.dumps(evidence or {}),
        "back_to": back_to,
        "retag": retag,
    }
    made = int(connection.execute(PROMOTE, row).scalar_one())
    connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHAMPION_CHANNEL})
    return made
