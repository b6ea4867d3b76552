"""All that the catalog knows of a model, for people who choose between models: what it is, and when it was champion."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from catalog.errors import UnknownModelError
from catalog.registry import KNOWN, before_champion, champion_id

FIND = text("""
SELECT id, version FROM marquee.model WHERE starts_with(version, :name)
ORDER BY version = :name DESC, id DESC LIMIT 6
""")

READ = text("""
SELECT m.id, m.version, m.sha256, m.uri, m.data_sha256, m.registered_at, m.manifest,
       COALESCE((SELECT sum(n) FROM marquee.review_count WHERE facet = 'model:' || m.id), 0)::bigint AS movies,
       m.id IS NOT DISTINCT FROM :champion AS champion, m.id IS NOT DISTINCT FROM :before AS before
FROM marquee.model m WHERE m.id = :id OR CAST(:id AS integer) IS NULL ORDER BY m.id DESC
""")

PROMOTIONS = text("""
SELECT p.id, p.model_id, p.at, p.reason, p.evidence, p.back_to IS NOT NULL AS roll_back, p.retag
FROM marquee.promotion p WHERE p.model_id = :id OR CAST(:id AS integer) IS NULL ORDER BY p.id DESC
""")


@dataclass(frozen=True, slots=True)
class ModelPromotion:
    """Once that the model became champion."""

    id: int
    at: datetime
    reason: str
    evidence: dict[str, Any]
    roll_back: bool
    retag: bool


@dataclass(frozen=True, slots=True)
class ModelDetails:
    """A registered model.

    Attributes:
        movies: those whose newest tags are its.
        champion: whether it tags now; `before`: whether a roll-back would bring it back.
        promotions: when it became champion, and why, the newest first.
        manifest: what its artifact says of itself: genres, encoders, bands, metrics, data, recipe, licences.
    """

    id: int
    version: str
    sha256: str
    uri: str
    data_sha256: str
    registered_at: datetime
    manifest: dict[str, Any]
    movies: int
    champion: bool
    before: bool
    promotions: list[ModelPromotion]


def find_model(connection: Connection, name: str) -> int:
    """The id of the model of this version, or of the one whose version alone begins so.

    Raises:
        UnknownModelError: there is none, or several begin so.
    """
    found = connection.execute(FIND, {"name": name}).all() if name else []
    if len(found) == 1 or (found and found[0].version == name):
        return int(found[0].id)
    if not found:
        raise UnknownModelError(f"No model's version begins with {name!r}.", mend=KNOWN)
    several = ", ".join(r.version for r in found[:5]) + (", …" if len(found) > 5 else "")
    raise UnknownModelError(f"Several versions begin with {name!r}: {several}.", mend="Give more of it.")


def read_details(connection: Connection, model_id: int | None = None) -> list[ModelDetails]:
    """The model of this id, or all of them, the newest first."""
    promotions: dict[int, list[ModelPromotion]] = {}
    for r in connection.execute(PROMOTIONS, {"id": model_id}):
        promotions.setdefault(r.model_id, []).append(
            ModelPromotion(r.id, r.at, r.reason, r.evidence, r.roll_back, r.retag)
        )
    asked = {"id": model_id, "champion": champion_id(connection), "before": before_champion(connection)}
    return [
        ModelDetails(**r._mapping, promotions=promotions.get(r.id, []))
        for r in connection.execute(READ, asked)
    ]
