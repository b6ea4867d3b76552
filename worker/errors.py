"""The errors of the worker room.

marquee.errors.MarqueeError
└── WorkerError
    ├── NotRunningError             no embedded Marquee runs, and no URL says where another is
    ├── NoChampionError             no model was promoted, or not the one that lies there
    ├── ImportFileError             a file of movies cannot be read at all
    ├── LibraryError                the offline TMDB cannot serve a folder
    ├── DemoError                   a part of the demo did not run
    ├── PartError                   a part was started in a way that cannot work
    ├── DeviceError                 a tag worker's device fails at everything
    ├── AddressError                the review page cannot listen at its address
    ├── ChildStartError             a program could not be started at all
    ├── WebhookRefusedError         a webhook's host may not be told anything
    ├── FetchError                  getting a movie's content
    │   ├── FetchUnavailableError   a service cannot be reached now: try again
    │   │   ├── RateLimitedError    … not before `retry_after` seconds
    │   │   └── PosterUnavailableError  … which is the host of this movie's poster alone
    │   ├── InvalidTokenError       TMDB refuses the token: call no more until it is mended
    │   ├── MalformedResponseError  an answer that has not TMDB's shape
    │   ├── MatchError              an identifier or a title does not lead to one movie
    │   │   ├── NoMatchError
    │   │   └── AmbiguousMatchError
    │   ├── PosterRefusedError      this will never be a poster: the movie goes on without
    │   └── PosterStoreError        the store of posters cannot be used
    │       ├── PosterMissingError  it does not hold this poster
    │       └── PosterDamagedError  what it holds is not what was put in
    └── EmbeddedError               the embedded PostgreSQL or Valkey
        ├── AlreadyRunningError     another Marquee runs in the same data directory
        ├── HomeError               the data directory cannot be used
        ├── BinaryNotFoundError     no server program, or none that runs here
        └── ServerStartError        a server did not come up
"""

import errno
from collections.abc import Sequence
from pathlib import Path

from marquee.errors import MarqueeError


class WorkerError(MarqueeError):
    """An error of the Celery application, the embedded servers or the command line."""


class NotRunningError(WorkerError):
    """No embedded Marquee runs here, and no URL says where another is."""

    exit_code = 3

    def __init__(self, message: str) -> None:
        super().__init__(
            message, mend="Start one with `marquee up`, or set MARQUEE_DATABASE_URL and MARQUEE_BROKER_URL."
        )


class NoChampionError(WorkerError):
    """No model was promoted, or the promoted one is not what lies at its place."""

    def __init__(
        self,
        message: str = "No model was ever promoted.",
        *,
        mend: str = "A tag worker promotes the model that ships when it starts.",
    ) -> None:
        super().__init__(message, mend=mend)


class ImportFileError(WorkerError):
    """A file of movies cannot be read at all."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(message, mend="Give a .csv with a header, a .jsonl or a .parquet file.")


class LibraryError(WorkerError):
    """The offline TMDB cannot serve a folder of movies."""


class DemoError(WorkerError):
    """A part of the demo did not run, or was too slow."""

    def __init__(self, part: str, log_tail: str) -> None:
        super().__init__(
            f"The demo's part {part!r} does not get on. The end of its log:\n{log_tail}\n",
            mend="Run `marquee up --verbose` to see more.",
        )


class PartError(WorkerError):
    """A part of Marquee was started in a way that cannot work."""


class DeviceError(WorkerError):
    """A tag worker's device fails at everything."""

    def __init__(self, message: str) -> None:
        super().__init__(message, mend="The worker starts anew; see the log of the driver.")


class AddressError(WorkerError):
    """The review page cannot listen at its address."""

    def __init__(self, host: str, port: int, error: OSError) -> None:
        taken = error.errno == errno.EADDRINUSE
        reason = "somebody else listens there" if taken else error.strerror or str(error)
        super().__init__(
            f"The review page cannot listen at {host}:{port}: {reason}.",
            mend="Set MARQUEE_REVIEW_PORT to another port, or to 0 for any free one."
            if taken
            else "Check MARQUEE_REVIEW_HOST and MARQUEE_REVIEW_PORT.",
        )


class ChildStartError(WorkerError):
    """A program could not be started at all."""

    def __init__(self, program: str, reason: str) -> None:
        super().__init__(
            f"{program} could not be started: {reason}.",
            mend="Check that the file exists and that this user may execute it.",
        )


class WebhookRefusedError(WorkerError):
    """A webhook's host may not be told anything."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message, mend="Give an https:// URL of a public host, or name the host in MARQUEE_WEBHOOK_HOSTS."
        )


class EmbeddedError(WorkerError):
    """The embedded PostgreSQL or Valkey cannot be used."""


class AlreadyRunningError(EmbeddedError):
    """Another Marquee runs in the same data directory; `pid` is its process."""

    exit_code = 3

    def __init__(self, home: Path, pid: int | None) -> None:
        process = f"process {pid}" if pid else "another process"
        super().__init__(
            f"Marquee already runs in {home} ({process}).",
            mend="Stop it first, or choose another data directory with MARQUEE_HOME.",
        )
        self.home = home
        self.pid = pid


class HomeError(EmbeddedError):
    """The data directory cannot be used."""


class BinaryNotFoundError(EmbeddedError):
    """A server program is missing, or does not run on this machine."""


class ServerStartError(EmbeddedError):
    """A server did not come up; `log_tail` holds the last lines of its log."""

    def __init__(self, message: str, *, mend: str, log_tail: str = "") -> None:
        tail = f"\n--- end of its log ---\n{log_tail}\n---\n" if log_tail else ""
        super().__init__(message + tail, mend=mend)
        self.log_tail = log_tail


class FetchError(WorkerError):
    """Getting a movie's content failed."""


class FetchUnavailableError(FetchError):
    """A service that the fetch needs cannot be reached now; the same call may succeed later."""


class RateLimitedError(FetchUnavailableError):
    """No call may be made for `retry_after` seconds: TMDB said so, or the fleet's own limiter."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message, mend=f"Try again in {retry_after:.1f} s.")
        self.retry_after = retry_after


class PosterUnavailableError(FetchUnavailableError):
    """The host of this movie's own poster cannot be reached now: that says nothing of other movies."""


class InvalidTokenError(FetchError):
    """TMDB refuses the token, or it has no form that TMDB's tokens have."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            mend="Set MARQUEE_TMDB_TOKEN to a v3 API key or a v4 read access token "
            "(themoviedb.org, Settings, API).",
        )


class MalformedResponseError(FetchError):
    """An answer that has not TMDB's shape."""

    def __init__(self, message: str) -> None:
        super().__init__(message, mend="Check that MARQUEE_TMDB_URL is TMDB's API, and what stands between.")


class MatchError(FetchError):
    """An identifier or a title does not lead to exactly one movie; `candidates` came nearest."""

    def __init__(self, message: str, *, candidates: Sequence[str] = ()) -> None:
        named = f" Nearest: {'; '.join(candidates)}." if candidates else ""
        super().__init__(message + named, mend="Give the movie its tmdb_id.")
        self.candidates = tuple(candidates)


class NoMatchError(MatchError):
    """TMDB has no movie that fits."""


class AmbiguousMatchError(MatchError):
    """TMDB has several movies that fit equally well."""


class PosterRefusedError(FetchError):
    """The poster is refused for good, for this `reason`; the movie goes on without one."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, mend="Give the movie another poster.")
        self.reason = reason


class PosterStoreError(FetchError):
    """The store of posters cannot be used."""


class PosterMissingError(PosterStoreError):
    """The store does not hold the poster of this hash."""

    def __init__(self, digest: str) -> None:
        super().__init__(f"The poster store has no poster {digest}.", mend="Fetch the movie anew.")


class PosterDamagedError(PosterStoreError):
    """The stored bytes are not those that their hash names."""

    def __init__(self, digest: str) -> None:
        super().__init__(f"The stored poster {digest} is damaged.", mend="Fetch the movie anew.")
