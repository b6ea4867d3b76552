"""A worker's sign of life: a session that holds the advisory lock of the worker's id.

When the process dies, by whatever signal, the kernel closes its connection, Postgres drops the lock, and
recovery sees the worker dead at its next look. When Postgres restarts, the lock is taken anew.
"""

import os
import socket
import threading
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from catalog.engine import lost_connections, transaction
from catalog.ledger.recovery import WORKER_LOCKS
from catalog.stored import storable

log = structlog.get_logger(__name__)

REGISTER = text("""
INSERT INTO marquee.worker (part, host, pid, device) VALUES (:part, :host, :pid, :device) RETURNING id
""")
LIVING = text("""
SELECT EXISTS (
    SELECT FROM marquee.worker w JOIN pg_locks l ON l.objid = w.id
    WHERE w.part = :part AND w.stopped_at IS NULL
      AND l.locktype = 'advisory' AND l.classid = :locks AND l.objsubid = 2 AND l.granted
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
""")
LOCK = text("SELECT pg_try_advisory_lock(:locks, :id)")
SEEN = text("""
UPDATE marquee.worker SET seen_at = clock_timestamp(), model_id = :model_id, refusal = :refusal WHERE id = :id
""")
STOPPED = text("UPDATE marquee.worker SET stopped_at = clock_timestamp() WHERE id = :id")
RETRY_SECONDS = 0.2


def somebody_lives(connection: Connection, part: str) -> bool:
    """Whether any worker of the part is alive."""
    asked = {"part": part, "locks": WORKER_LOCKS}
    return bool(connection.execute(LIVING, asked).scalar_one())


class Presence:
    """Keeps a worker registered and its advisory lock held, from `start` until `stop`.

    `id` is the owner that the worker's claims name. `model_id` may be set for `marquee status` to show, and
    `refusal`: why that model is not the champion.
    """

    def __init__(self, engine: Engine, part: str, *, device: str | None = None, beat: float = 2.0) -> None:
        self.engine = engine
        self.part = part
        self.device = device
        self.beat = beat
        self.model_id: int | None = None
        self.refusal: str | None = None
        self.id = 0
        self._connection: Connection | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"presence-{part}", daemon=True)

    def start(self) -> Self:
        """Register the worker and take its lock.

        Raises:
            DatabaseUnavailableError: Postgres cannot be reached.
        """
        with transaction(self.engine) as connection:
            asked = {
                "part": self.part,
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "device": self.device,
            }
            self.id = int(connection.execute(REGISTER, asked).scalar_one())
        with lost_connections():
            self._take_lock()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Sign the worker off and drop its lock."""
        self._stopping.set()
        self._thread.join()
        try:
            if self._connection is not None:
                self._connection.execute(STOPPED, {"id": self.id})
                self._connection.close()
        except DBAPIError as error:
            log.warning("the worker could not sign off", worker=self.id, error=str(error.orig))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _take_lock(self) -> bool:
        """Take the lock on a connection of its own.

        It is not to be had while Postgres has not yet noticed the end of the connection that held it before.
        """
        connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
        self._connection = connection
        if connection.execute(LOCK, {"locks": WORKER_LOCKS, "id": self.id}).scalar_one():
            return True
        self._drop_connection()
        return False

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
        self._connection = None

    def _keep(self) -> None:
        wait = self.beat
        while not self._stopping.wait(wait):
            try:
                wait = self.beat if self._hold() else RETRY_SECONDS
            except DBAPIError as error:
                if self._connection is not None:
                    log.warning("lost the worker's lock", worker=self.id, error=str(error.orig).strip())
                self._drop_connection()
                wait = RETRY_SECONDS

    def _hold(self) -> bool:
        if self._connection is None:
            if not self._take_lock():
                return False
            log.info("took the worker's lock anew", worker=self.id)
        assert self._connection is not None
        self._connection.execute(
            SEEN, {"id": self.id, "model_id": self.model_id, "refusal": storable(self.refusal)}
        )
        return True
