"""The champion on this worker's device, and beside it the model that a roll-back would bring back.

Only the very first load is waited for. A champion that was promoted since is loaded beside the model that tags, by
a thread of its own (`worker.watch`), and takes its place when it is whole: the next batch has it. One that cannot be
loaded is refused, and the model before goes on tagging.
"""

import threading
from dataclasses import dataclass
from time import monotonic

import psutil
import structlog
import torch
from sqlalchemy import Connection, Engine

from catalog.engine import transaction
from catalog.errors import DatabaseUnavailableError
from catalog.registry import ModelRecord, before_champion, champion_id, lineage, read_model
from marquee.errors import MarqueeError
from tagger.content import Content
from tagger.predictor import Predictor
from worker.errors import NoChampionError
from worker.registering import check_hash, place

log = structlog.get_logger(__name__)

HELD = 3
ANCESTORS = 4
RETRY_SECONDS = 30.0
ROOM_BYTES = 1 << 30
PROBE = Content("A probe", plot="Somebody looks whether the device still computes.")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in the catalog and on the device."""

    record: ModelRecord
    predictor: Predictor


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the champion, the model of this id, does not tag here."""

    model_id: int
    reason: str


class Champion:
    """Gives the champion, loaded on `device`, with so many lanes on a CPU. For several threads.

    At most three models are held: the one that tags, the one that a roll-back would bring back (where there is room),
    and one more, that is being loaded or explained.

    Attributes:
        now: the model that tags; None before the first was loaded.
        refusal: why that is not the champion, where the champion cannot be loaded.
    """

    def __init__(self, device: str, lanes: int = 1) -> None:
        self.device = device
        self.lanes = lanes
        self.now: Loaded | None = None
        self.refusal: Refusal | None = None
        self._wanted: int | None = None
        self._understudy: int | None = None
        self._held: dict[int, Loaded] = {}  # the one that was used last stands last
        self._retry_at: dict[int, float] = {}
        self._changing = threading.RLock()
        self._loading = threading.RLock()

    def current(self, connection: Connection) -> Loaded:
        """The model that tags now: the champion, or until that is loaded the model before it.

        The first time, the champion is loaded, or if it cannot be, one that was champion before it.

        Raises:
            NoChampionError: no model was ever promoted, or another one lies at its place.
            TaggerError: the champion cannot be loaded, nor can one before it.
        """
        self._look(connection)
        if self.now is None:
            self._load_first(connection)
        assert self.now is not None
        return self.now

    def is_wanted(self, model: Loaded) -> bool:
        """Whether the model is the champion, by the last look at the catalog."""
        return model.record.id == self._wanted

    def follow(self, engine: Engine) -> None:
        """Load the champion beside the model that tags, if it is another, and let it take over.

        Then load the model that a roll-back would bring back, if there is room for it.

        Raises:
            NoChampionError, TaggerError: as `current` does.
        """
        with transaction(engine, durable=False) as connection:
            self.current(connection)
            wanted, self._understudy = self._wanted, before_champion(connection)
        if not self._ready(wanted):
            self._load_beside(engine, wanted)
            with transaction(engine, durable=False) as connection:
                self._look(connection)
        elif not self._ready(self._understudy) and self._has_room():
            self._load_beside(engine, self._understudy)

    def earlier(self, connection: Connection, model_id: int) -> Loaded:
        """The model of this id, which may be the one that tags.

        Raises:
            UnknownModelError: there is none.
            NoChampionError: another one lies at its place by now.
            TaggerError: it cannot be loaded.
        """
        self.current(connection)
        with self._changing:
            if model_id in self._held:
                return self._use(self._held[model_id])
        return self._load(read_model(connection, model_id))

    def _ready(self, model_id: int | None) -> bool:
        """Whether the model is held, or cannot be for the moment."""
        if model_id is None or model_id in self._held:
            return True
        return monotonic() < self._retry_at.get(model_id, 0.0)

    def _look(self, connection: Connection) -> None:
        """Ask which model is champion; if it is held, it tags from now on."""
        wanted = champion_id(connection)
        if wanted is None:
            raise NoChampionError
        with self._changing:
            self._wanted = wanted
            if self.refusal is not None and self.refusal.model_id != wanted:
                self.refusal = None
            if wanted in self._held:
                self._take_over(self._held[wanted])

    def _take_over(self, model: Loaded) -> None:
        if model.record.id == self._wanted:
            self.refusal = None
        if self.now is model:
            return
        if self.now is not None:
            self._use(self.now)
        self.now = self._use(model)
        if not self._has_room():
            self._make_room(1)
        log.info("the champion tags", model=model.record.version, device=self.device)

    def _load_first(self, connection: Connection) -> None:
        with self._loading:
            if self.now is not None:
                return
            failed: Exception | None = None
            for model_id in lineage(connection, ANCESTORS):
                try:
                    model = self._load(read_model(connection, model_id))
                except DatabaseUnavailableError:
                    raise
                except Exception as error:  # noqa: BLE001 - whatever it is, an earlier model may do
                    self._refuse(model_id, error)
                    failed = failed or error
                else:
                    with self._changing:
                        self._take_over(model)
                    return
            raise failed or NoChampionError()

    def _load_beside(self, engine: Engine, model_id: int | None) -> None:
        assert model_id is not None
        try:
            with transaction(engine, durable=False) as connection:
                record = read_model(connection, model_id)
            self._load(record)
        except DatabaseUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the model before goes on tagging
            self._refuse(model_id, error)

    def _refuse(self, model_id: int, error: Exception) -> None:
        found = Refusal(model_id, str(error) if isinstance(error, MarqueeError) else repr(error))
        known = self._retry_at.get(model_id) is not None
        self._retry_at[model_id] = monotonic() + RETRY_SECONDS
        with self._changing:
            champion = model_id == self._wanted
            if champion:
                self.refusal = found
        if not known:
            level = log.error if champion else log.warning
            level("a model cannot be loaded", model=model_id, champion=champion, reason=found.reason)

    def _load(self, record: ModelRecord) -> Loaded:
        with self._loading:
            if record.id in self._held:
                return self._held[record.id]
            self._make_room(HELD - 1)
            try:
                model = self._load_whole(record)
            except (MemoryError, torch.OutOfMemoryError):
                self._make_room(1)
                model = self._load_whole(record)
            with self._changing:
                self._held[record.id] = model
            self._retry_at.pop(record.id, None)
            log.info("loaded a model", model=record.version, device=self.device)
            return model

    def _load_whole(self, record: ModelRecord) -> Loaded:
        predictor = Predictor.load(place(record.uri), self.device, lanes=self.lanes)
        check_hash(record, predictor.version, predictor.sha256)
        prove(predictor)
        return Loaded(record, predictor)

    def _use(self, model: Loaded) -> Loaded:
        self._held[model.record.id] = self._held.pop(model.record.id, model)
        return model

    def _make_room(self, models: int) -> None:
        """Let go of models until so many are held; the one that tags, and the champion, stay."""
        with self._changing:
            tags = None if self.now is None else self.now.record.id
            spare = [i for i in self._held if i not in (tags, self._wanted)]
            spare.sort(key=lambda i: i == self._understudy)
            while spare and len(self._held) > models:
                del self._held[spare.pop(0)]

    def _has_room(self) -> bool:
        """Whether another model surely fits beside those that are held."""
        if self.device.startswith("cuda"):
            return bool(torch.cuda.mem_get_info(self.device)[0] > ROOM_BYTES)
        return bool(psutil.virtual_memory().available > ROOM_BYTES)


def prove(predictor: Predictor) -> None:
    """Send a harmless movie through a model that was just loaded.

    One that cannot compute is refused here, and what a device does only once is not the first batch's to wait for.
    """
    predictor.predict([PROBE])
