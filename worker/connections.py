"""Where Postgres and the broker are: the user's own by URL, else the embedded ones that run in the data directory."""

from dataclasses import dataclass

from marquee.settings import Settings
from worker.embedded import running_endpoints
from worker.errors import NotRunningError


@dataclass(frozen=True, slots=True)
class Connections:
    """The URLs of Postgres and of the broker, passwords included: never to be logged."""

    database_url: str
    broker_url: str


def locate(settings: Settings) -> Connections:
    """The URLs to use.

    Raises:
        NotRunningError: a URL is not set, and no embedded server runs that could stand in.
    """
    database = settings.database_url.get_secret_value() if settings.database_url else None
    broker = settings.broker_url.get_secret_value() if settings.broker_url else None
    if not (database and broker):
        running = running_endpoints(settings.home)
        database = database or (running.database_url if running else None)
        broker = broker or (running.broker_url if running else None)
    if not (database and broker):
        missing = "MARQUEE_DATABASE_URL" if not database else "MARQUEE_BROKER_URL"
        raise NotRunningError(f"No Marquee runs in {settings.home}, and {missing} is not set.")
    return Connections(database, broker)
