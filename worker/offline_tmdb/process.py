"""The offline TMDB in a process of its own, for as long as a `with` block lasts."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import requests

from worker.errors import LibraryError

TOKEN = "0" * 32


class OfflineTmdb:
    """Serves `folder` (or one `*.jsonl` file of it) while the block lasts; no orphan outlives a crash.

    Attributes:
        url: the API, as `tmdb_url` takes it.
        image_url: the images.
        token: a token that it accepts.
    """

    def __init__(self, folder: Path, port: int = 0, *, token: str | None = None) -> None:
        self._command = [
            sys.executable, "-m", "worker.offline_tmdb", str(folder), "--port", str(port), "--with-parent",
            *(["--token", token] if token else []),
        ]  # fmt: skip
        self.token = token or TOKEN
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the process and wait until it listens.

        Raises:
            LibraryError: the folder cannot be served, or the port is taken.
        """
        with TemporaryFile() as errors:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
            if not line:
                self.stop()
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip() or "no reason"
                raise LibraryError(f"The offline TMDB did not start: {said.splitlines()[-1]}")
        ready = json.loads(line)
        self.url, self.image_url = str(ready["url"]), str(ready["image_url"])
        return self

    def stop(self) -> None:
        """End the process; it has nothing to save."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        return self._process.pid if self._process else None

    def counts(self) -> dict[str, int]:
        """Requests so far, by endpoint."""
        counts: dict[str, int] = self._control("GET", "counts").json()
        return counts

    def fail(self, kind: str, *, on: str = "any", times: int = 1, **more: str) -> None:
        """Fail the next `times` requests of an endpoint: see `faults.Fault`."""
        self._control("POST", "faults", {"kind": kind, "on": on, "times": times, **more})

    def change(self, **changes: Any) -> None:
        """Let movies be `gone`, `merged` or `changed`: see `app.Changes`."""
        self._control("POST", "movies", changes)

    def reset(self) -> None:
        """Forget all faults, changes and counts."""
        self._control("POST", "reset")

    def _control(self, method: str, what: str, body: Any = None) -> requests.Response:
        parts = urlsplit(self.url)
        response = requests.request(
            method, f"{parts.scheme}://{parts.netloc}/control/{what}", json=body, timeout=10
        )
        response.raise_for_status()
        return response

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
