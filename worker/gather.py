"""Gathering a movie's content: its own plot and poster first, TMDB's for what is missing.

A missing plot or poster is normal: the content says which is missing, and its note says why. Only what may
pass by itself is raised.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog

from catalog.content import ContentRecord
from catalog.ledger.fetching import FetchJob
from tagger.errors import PosterError
from tagger.poster import normalise
from tagger.text import clean
from worker.errors import (
    FetchUnavailableError,
    MatchError,
    PosterRefusedError,
    PosterUnavailableError,
    RateLimitedError,
)
from worker.posters import PosterDownloader, PosterStore
from worker.tmdb import TmdbClient, TmdbMovie, Tombstone

log = structlog.get_logger(__name__)

UNASKED = "TMDB was not asked: MARQUEE_TMDB_TOKEN is not set"


class Gatherer:
    """Makes the content of a movie; any number of threads may share it.

    Args:
        tmdb: the client, or None where there is no token; movies then have what they bring.
        downloader: fetches posters.
        store: keeps them.
        max_age: content that is younger is not fetched again for the same revision.
        patience: failures after which a movie goes on without a poster that cannot be reached.
    """

    def __init__(
        self,
        tmdb: TmdbClient | None,
        downloader: PosterDownloader,
        store: PosterStore,
        *,
        max_age: timedelta,
        patience: int,
    ) -> None:
        self.tmdb = tmdb
        self.downloader = downloader
        self.store = store
        self.max_age = max_age
        self.patience = patience

    def at_hand(self, job: FetchJob) -> ContentRecord | None:
        """The content that an earlier fetch left for this very revision, if it is still fresh."""
        before = job.before
        if job.refetch or before is None or before.revision != job.revision or before.fetched_at is None:
            return None
        return before if before.fetched_at > datetime.now(UTC) - self.max_age else None

    def needs_tmdb(self, job: FetchJob) -> bool:
        """Whether the movie lacks a plot or a poster of its own, and TMDB can be asked for it."""
        has_all = clean(job.plot) is not None and (job.poster_hash or job.poster_url) is not None
        return not has_all and self.tmdb is not None and (job.tmdb_id or job.imdb_id or job.title) is not None

    def gather(self, job: FetchJob) -> ContentRecord:
        """The movie's content.

        Raises:
            InvalidTokenError: TMDB refuses the token.
            FetchUnavailableError: TMDB or the poster's host cannot be reached now.
            MalformedResponseError: TMDB's answer has not its shape.
            PosterStoreError: the store cannot be used.
        """
        plot = clean(job.plot)
        record = ContentRecord(
            movie_id=job.movie_id,
            revision=job.revision,
            title=clean(job.title),
            year=job.year,
            language=job.language,
            plot=plot,
            plot_source="movie" if plot else None,
            tmdb_id=job.tmdb_id,
            training_allowed=job.training_allowed,
        )
        notes: list[str] = []
        record = self._own_poster(job, record, notes)
        if record.plot is None or record.poster_hash is None:
            record = self._from_tmdb(job, record, notes)
        return replace(record, note="; ".join(notes)[:1000] or None)

    def _own_poster(self, job: FetchJob, record: ContentRecord, notes: list[str]) -> ContentRecord:
        if job.poster_hash is not None:
            if self.store.exists(job.poster_hash):
                return replace(record, poster_hash=job.poster_hash, poster_source="movie")
            notes.append(f"the store has no poster {job.poster_hash[:12]}…")
        if job.poster_url is not None:
            digest = self._poster(job, job.poster_url, notes, trusted=None)
            if digest is not None:
                return replace(record, poster_hash=digest, poster_source="movie")
        return record

    def _from_tmdb(self, job: FetchJob, record: ContentRecord, notes: list[str]) -> ContentRecord:
        if not self.needs_tmdb(job):
            if self.tmdb is None:
                notes.append(UNASKED)
            elif not (job.tmdb_id or job.imdb_id or job.title):
                notes.append("there is no tmdb_id, imdb_id or title to look it up by")
            return record
        assert self.tmdb is not None
        try:
            found = self.tmdb.fetch(job.tmdb_id, job.imdb_id, job.title, job.year)
        except MatchError as error:
            notes.append(error.message)
            return record
        if isinstance(found, Tombstone):
            notes.append(str(found))
            return record
        record = _fill(record, found)
        if record.poster_hash is None:
            url = self.tmdb.poster_url(found)
            if url is None:
                notes.append("TMDB has no poster of it")
            else:
                digest = self._poster(job, url, notes, trusted=self.tmdb.image_origin())
                record = replace(record, poster_hash=digest, poster_source="tmdb" if digest else None)
        if record.plot is None:
            notes.append("TMDB has no plot of it")
        return record

    def _poster(self, job: FetchJob, url: str, notes: list[str], *, trusted: str | None) -> str | None:
        """Download, check and store a poster; None, with a note, for one that will never do.

        A host that is away is told apart: TMDB's concerns every movie, a movie's own concerns no other.
        """
        try:
            return self.store.put(normalise(self.downloader.download(url, trusted=trusted)))
        except (PosterRefusedError, PosterError) as error:
            notes.append(f"poster refused: {error.message}")
        except FetchUnavailableError as error:
            of_tmdb = trusted is not None
            if of_tmdb and (isinstance(error, RateLimitedError) or job.failures + 1 < self.patience):
                raise
            if job.failures + 1 < self.patience:
                raise PosterUnavailableError(error.message, mend=error.mend) from None
            notes.append(f"poster given up: {error.message}")
        return None


def _fill(record: ContentRecord, found: TmdbMovie) -> ContentRecord:
    """What the movie lacks, from TMDB; what its owner wrote stays."""
    if record.plot is None and found.plot is not None:
        record = replace(record, plot=found.plot, plot_source="tmdb", language=found.plot_language)
    return replace(
        record,
        title=record.title or found.title,
        year=record.year if record.year is not None else found.year,
        tmdb_id=found.tmdb_id,
    )
