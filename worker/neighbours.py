"""The nearest movies with accepted labels: vectors made bit by bit while there is nothing else to do, and searched.

The vectors lie in the catalog; the search is over a copy in memory, which takes in what has changed before each.
"""

from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy import Engine

from catalog.content import ContentRecord, read_content
from catalog.embeddings import (
    describe_labelled,
    embedded_revisions,
    forget_embeddings,
    missing_embeddings,
    read_embeddings,
    write_embeddings,
)
from catalog.engine import transaction
from tagger.content import Content
from tagger.predictor import Predictor
from worker.champion import Loaded
from worker.errors import PosterDamagedError, PosterMissingError
from worker.posters import PosterStore

log = structlog.get_logger(__name__)

NEWEST = 20_000
NEAREST = 6
LOOKED_AT = 8 * NEAREST  # a label may have been withdrawn since its movie got a vector
CHUNK = 8
READ_CHUNK = 1000
SURVEY_SECONDS = 30.0

Embed = Callable[[Predictor, Sequence[Content]], NDArray[np.float32]]


class Neighbours:
    """Makes and searches the vectors of labelled movies. For one thread, which has the device.

    Args:
        engine: the catalog.
        store: the posters.
        embed: makes vectors of length 1.
        newest: how many movies are searched at most.
    """

    def __init__(self, engine: Engine, store: PosterStore, embed: Embed, *, newest: int = NEWEST) -> None:
        self.engine = engine
        self.store = store
        self.embed = embed
        self.newest = newest
        self._model_id: int | None = None
        self._missing: deque[int] = deque()
        self._survey_at = 0.0
        self._ids = np.zeros(0, dtype=np.int64)
        self._revisions: dict[int, int] = {}
        self._matrix = np.zeros((0, 0), dtype=np.float32)

    def extend(self, model: Loaded) -> bool:
        """Make the vectors of some labelled movies that lack one; whether there were any.

        Which ones lack one is asked every thirty seconds, and when the model has changed.

        Raises:
            PosterStoreError: the store cannot be used now.
        """
        if model.record.id != self._model_id:
            self._model_id, self._survey_at = model.record.id, 0.0
            self._missing.clear()
            self._forget_copy()
        if not self._missing and monotonic() >= self._survey_at:
            self._survey(model.record.id)
        if not self._missing:
            return False
        ids = [self._missing.popleft() for _ in range(min(CHUNK, len(self._missing)))]
        with transaction(self.engine) as connection:
            records = list(read_content(connection, ids).values())
        contents = [self._seen(record) for record in records]
        vectors = self.embed(model.predictor, contents)
        with transaction(self.engine) as connection:
            made = [record.movie_id for record in records]
            write_embeddings(connection, model.record.id, made, [r.revision for r in records], vectors)
        return True

    def nearest(self, model: Loaded, movie_id: int, content: Content) -> list[dict[str, Any]]:
        """The labelled movies nearest to this one, the nearest first; `similarity` is the cosine."""
        if not len(self._ids) and not self._missing:
            self._survey_at = 0.0
        if self._model_id != model.record.id or not len(self._ids):
            self.extend(model)  # the very first: rather few than none
        self._catch_up(model.record.id)
        if not len(self._ids):
            return []
        [vector] = self.embed(model.predictor, [content])
        cosine = self._matrix @ vector
        cosine[self._ids == movie_id] = -1.0
        count = min(LOOKED_AT, len(cosine))
        places = np.argpartition(-cosine, count - 1)[:count]
        places = places[np.argsort(-cosine[places])]
        near = {int(self._ids[p]): float(cosine[p]) for p in places if cosine[p] > 0}
        with transaction(self.engine) as connection:
            known = describe_labelled(connection, list(near))
        found = [known[i] | {"similarity": round(c, 4)} for i, c in near.items() if i in known]
        return found[:NEAREST]

    def _survey(self, model_id: int) -> None:
        with transaction(self.engine) as connection:
            forget_embeddings(connection, self.newest)
            self._missing.extend(missing_embeddings(connection, model_id, self.newest))
        self._survey_at = monotonic() + SURVEY_SECONDS
        if self._missing:
            log.info("making vectors of labelled movies", movies=len(self._missing))

    def _seen(self, record: ContentRecord) -> Content:
        """What the model sees of a movie; a poster that is lost counts as missing."""
        try:
            poster = self.store.get(record.poster_hash) if record.poster_hash else None
        except (PosterMissingError, PosterDamagedError):
            poster = None
        return Content(record.title or "", record.year, record.language, record.plot, poster)

    def _catch_up(self, model_id: int) -> None:
        """Take into the copy what was made, changed or forgotten since, by this worker or another."""
        with transaction(self.engine) as connection:
            now = embedded_revisions(connection, model_id)
            kept = np.array([now.get(int(i)) == self._revisions[int(i)] for i in self._ids], dtype=np.bool_)
            ids, rows = [self._ids[kept]], [self._matrix[kept]]
            revisions = {int(i): self._revisions[int(i)] for i in ids[0]}
            wanted = [i for i in now if i not in revisions]
            for start in range(0, len(wanted), READ_CHUNK):
                read = read_embeddings(connection, model_id, wanted[start : start + READ_CHUNK])
                if read:
                    ids.append(np.array([movie_id for movie_id, _, _ in read], dtype=np.int64))
                    rows.append(np.stack([vector for _, _, vector in read]))
                    revisions |= {movie_id: revision for movie_id, revision, _ in read}
        if wanted or not kept.all():
            self._ids = np.concatenate(ids)
            self._matrix = np.concatenate([r for r in rows if r.size] or [self._matrix[:0]])
            self._revisions = revisions

    def _forget_copy(self) -> None:
        self._ids = np.zeros(0, dtype=np.int64)
        self._matrix, self._revisions = np.zeros((0, 0), dtype=np.float32), {}
