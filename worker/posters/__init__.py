"""Posters: from a URL, through the check, into the store. The fetch task writes here, the tag task reads."""

from worker.posters.download import PosterDownloader
from worker.posters.store import PosterStore

__all__ = ["PosterDownloader", "PosterStore"]
