"""TMDB: the client, and the rate limit that the fleet shares. The fetch task uses nothing else of it."""

from worker.tmdb.client import TmdbClient
from worker.tmdb.limiter import FleetRateLimiter, RateLimiter, Unlimited, open_limiter
from worker.tmdb.movie import TmdbMovie, Tombstone

__all__ = [
    "FleetRateLimiter",
    "RateLimiter",
    "TmdbClient",
    "TmdbMovie",
    "Tombstone",
    "Unlimited",
    "open_limiter",
]
