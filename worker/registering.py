"""Artifacts on this host: verified before the catalog knows them, and the first of them made champion."""

import re
from pathlib import Path

from sqlalchemy import Connection, Engine

from catalog.engine import transaction
from catalog.registry import ModelRecord, champion, is_registered, promote, register, take_turn
from tagger.artifact import Artifact, default_path, load_artifact
from tagger.errors import ArtifactError
from worker.errors import NoChampionError

SHIPPED = "shipped:default"
VERSION = re.compile(r"[\w.+-]{1,100}")


def place(uri: str) -> Path:
    """The folder of an artifact: the shipped one is wherever this host has the package."""
    return default_path() if uri == SHIPPED else Path(uri)


def check_hash(record: ModelRecord, version: str, sha256: str) -> None:
    """Whether the artifact at the model's place, of this version and hash, is the one that was registered.

    Raises:
        NoChampionError: it is another.
    """
    if sha256 != record.sha256:
        raise NoChampionError(
            f"{record.uri} holds {version}, not {record.version}.",
            mend="Put the model's artifact there on this host; the one that ships comes with the "
            "newest version of Marquee that the fleet runs.",
        )


def verify(record: ModelRecord) -> Artifact:
    """Read the model's artifact whole, as a tag worker would.

    Raises:
        ArtifactError: it is missing, damaged, or was changed since it was made.
        NoChampionError: another artifact lies at its place.
    """
    try:
        artifact = load_artifact(place(record.uri))
    except ArtifactError as error:
        raise ArtifactError(
            error.message, mend="Put it there again, or `marquee models add` it where it lies whole."
        ) from None
    check_hash(record, artifact.version, artifact.sha256)
    return artifact


def register_artifact(connection: Connection, artifact: Path | None) -> int:
    """Verify an artifact (None: the one that ships) and make it known; returns the model's id.

    Raises:
        ArtifactError: it is missing, damaged, or was changed since it was made.
        UnknownGenreError: it has genres that the catalog lacks.
    """
    ships = artifact is None or artifact.resolve() == default_path().resolve()
    folder = default_path() if artifact is None else artifact
    loaded = load_artifact(folder)
    if VERSION.fullmatch(loaded.version) is None:
        raise ArtifactError(
            f"The artifact at {folder} has a name that is none: {loaded.version!r:.100}.",
            mend="A name has up to 80 letters, digits, dots, dashes and underscores.",
        )
    return register(
        connection,
        version=loaded.version,
        sha256=loaded.sha256,
        uri=SHIPPED if ships else str(folder.absolute()),
        manifest={
            **loaded.about,
            "genres": list(loaded.config.genres),
            "encoders": loaded.encoders,
            "bands": loaded.bands.to_json(),
        },
    )


def ensure_champion(engine: Engine, artifact: Path | None) -> ModelRecord:
    """Promote `artifact`, or the one that ships, where the catalog has no champion yet; return the champion.

    Where the one that ships was champion and a new version of Marquee brings another, that one follows it.

    Raises:
        ArtifactError: the artifact is damaged or not one of ours.
        UnknownGenreError: it has genres that the catalog lacks.
    """
    with transaction(engine) as connection:
        take_turn(connection)
        found = champion(connection)
        if found is None:
            promote(connection, register_artifact(connection, artifact), "the first model")
        elif found.uri == SHIPPED and not is_registered(connection, load_artifact(default_path()).sha256):
            promote(connection, register_artifact(connection, None), "ships with a new version of Marquee")
        found = champion(connection)
        assert found is not None
        return found
