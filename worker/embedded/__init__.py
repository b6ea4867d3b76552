"""The embedded PostgreSQL and Valkey: real servers, private to a data directory, alive only while Marquee is.

They stand below everything else: the catalog lives in the one, Celery's messages pass through the other.
"""

from worker.embedded.home import Endpoints, running_endpoints
from worker.embedded.servers import EmbeddedServers

__all__ = ["EmbeddedServers", "Endpoints", "running_endpoints"]
