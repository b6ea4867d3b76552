"""The champion on this worker's device: loaded once, and anew between two batches when another was promoted."""

from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import Connection, Engine, text

from catalog.engine import transaction
from catalog.registry import ModelRecord, champion, champion_id, is_registered, promote, read_model, register
from tagger.artifact import default_path, load_artifact
from tagger.predictor import Predictor
from worker.errors import NoChampionError

log = structlog.get_logger(__name__)

SHIPPED = "shipped:default"
FIRST_PROMOTION = 0x4D52


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in the catalog and on the device."""

    record: ModelRecord
    predictor: Predictor


class Champion:
    """Gives the champion, loaded on `device`, with so many lanes on a CPU."""

    def __init__(self, device: str, lanes: int = 1) -> None:
        self.device = device
        self.lanes = lanes
        self._loaded: Loaded | None = None
        self._earlier: Loaded | None = None

    def current(self, connection: Connection) -> Loaded:
        """The model that tags now; another one is loaded first if it was promoted since the last call.

        Raises:
            NoChampionError: no model was ever promoted, or another one lies at its place.
            TaggerError: the champion cannot be loaded.
        """
        if self._loaded is None or self._loaded.record.id != champion_id(connection):
            record = champion(connection)
            if record is None:
                raise NoChampionError
            self._loaded = self._load(record)
            log.info("loaded the champion", model=record.version, device=self.device)
        return self._loaded

    def earlier(self, connection: Connection, model_id: int) -> Loaded:
        """The model of this id, which may be the champion; one other is kept beside it.

        Raises:
            UnknownModelError: there is none.
            NoChampionError: another one lies at its place by now.
            TaggerError: it cannot be loaded.
        """
        champion = self.current(connection)
        if champion.record.id == model_id:
            return champion
        if self._earlier is None or self._earlier.record.id != model_id:
            self._earlier = None  # before the other is loaded: the device need not hold three
            self._earlier = self._load(read_model(connection, model_id))
        return self._earlier

    def _load(self, record: ModelRecord) -> Loaded:
        predictor = Predictor.load(place(record.uri), self.device, lanes=self.lanes)
        if predictor.sha256 != record.sha256:
            raise NoChampionError(
                f"{record.uri} holds {predictor.version}, not {record.version}.",
                mend="Put the champion's artifact there on this host; the one that ships comes with the "
                "newest version of Marquee that the fleet runs.",
            )
        return Loaded(record, predictor)


def place(uri: str) -> Path:
    """The folder of an artifact: the shipped one is wherever this host has the package."""
    return default_path() if uri == SHIPPED else Path(uri)


def ensure_champion(engine: Engine, artifact: Path | None) -> ModelRecord:
    """Promote `artifact`, or the one that ships, where the catalog has no champion yet; return the champion.

    Where the one that ships was champion and a new version of Marquee brings another, that one follows it.

    Raises:
        ArtifactError: the artifact is damaged or not one of ours.
        UnknownGenreError: it has genres that the catalog lacks.
    """
    with transaction(engine) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": FIRST_PROMOTION})
        found = champion(connection)
        if found is None:
            promote(connection, register_artifact(connection, artifact), "the first model")
        elif found.uri == SHIPPED and not is_registered(connection, load_artifact(default_path()).sha256):
            promote(connection, register_artifact(connection, None), "ships with a new version of Marquee")
        found = champion(connection)
        assert found is not None
        return found


def register_artifact(connection: Connection, artifact: Path | None) -> int:
    """Verify an artifact and make it known; returns the model's id."""
    folder = artifact or default_path()
    loaded = load_artifact(folder)
    return register(
        connection,
        version=loaded.version,
        sha256=loaded.sha256,
        uri=str(folder.absolute()) if artifact else SHIPPED,
        manifest={"genres": list(loaded.config.genres), **loaded.about},
    )
