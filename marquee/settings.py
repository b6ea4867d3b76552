"""Every setting of Marquee, in one typed class.

A setting is read from the environment (`MARQUEE_*`), else from a `.env` file in the working
directory, else it has the default below, with which everything runs embedded and offline.
"""

from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pydantic_settings
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from marquee.errors import SettingsError

BROKER_SCHEMES = ("redis", "rediss", "amqp", "amqps")
SHORTEST_KEY = 32
LISTED = "`marquee config --help` lists them."


class Settings(BaseSettings):
    """All settings; `marquee config` prints them with the secrets masked."""

    model_config = SettingsConfigDict(
        env_prefix="MARQUEE_", env_file=".env", extra="ignore", env_ignore_empty=True, frozen=True
    )

    home: Path = Field(Path(".marquee"), description="The data directory of the embedded servers.")
    database_url: SecretStr | None = Field(
        None, description="Your own PostgreSQL (postgresql://…). Without it, an embedded one is started."
    )
    broker_url: SecretStr | None = Field(
        None, description="Your own Redis or RabbitMQ (redis://…, amqp://…). Without it, an embedded Valkey."
    )

    pg_bin: Path | None = Field(
        None, description="The bin directory of the PostgreSQL to embed. Default: the one that comes along."
    )

    tmdb_token: SecretStr | None = Field(None, description="A TMDB v3 API key or v4 read access token.")
    tmdb_url: str = Field("https://api.themoviedb.org/3", description="The TMDB API.")
    tmdb_language: str = Field("en-US", description="The language asked for first.")
    tmdb_rate: float = Field(35.0, gt=0, description="API requests a second, for the whole fleet.")
    tmdb_timeout: float = Field(10.0, gt=0, description="Seconds to wait for TMDB to answer.")

    poster_url: str | None = Field(
        None, description="Where posters are stored: any fsspec URL. Default: the data directory."
    )
    poster_hosts: list[str] = Field(
        [], description="Hosts of your own, host or host:port as in a URL, that posters may come from."
    )
    webhook_hosts: list[str] = Field(
        [],
        description="Hosts of your own, likewise, that webhooks may be at: also inside your network, also by http.",
    )
    artifact: Path | None = Field(None, description="The model to start with. Default: the one that ships.")
    device: str = Field("auto", description="Where the model runs: auto, cpu or cuda:N.")
    cpu_threads: int = Field(0, ge=0, description="Threads of the model on a CPU; 0 is one a core.")
    batch_size: int = Field(64, ge=1, le=4096, description="Movies in a micro-batch at most.")
    fetch_threads: int = Field(8, ge=1, le=256, description="Movies that a fetch worker fetches at once.")

    relay_window: int = Field(128, ge=1, description="Movies that wait in the broker at most.")
    poll_seconds: float = Field(1.0, gt=0, description="How often the ledger is looked at without a hint.")
    queue_lease_seconds: float = Field(5.0, gt=0, description="A message not taken up by then is sent anew.")
    lease_seconds: float = Field(30.0, gt=0, description="A movie not finished by then is given to another.")
    max_deaths: int = Field(3, ge=1, description="Worker deaths after which a movie is quarantined.")
    max_failures: int = Field(5, ge=1, description="Failures after which a movie is quarantined.")
    retry_seconds: float = Field(2.0, gt=0, description="The first back-off of a failed movie; it doubles.")
    content_max_age_days: int = Field(180, ge=1, description="TMDB content is fetched anew after this age.")

    review_host: str = Field("127.0.0.1", description="The address at which the review page is served.")
    review_port: int = Field(8484, ge=0, le=65535, description="Its port; 0 is any free one.")
    review_url: str | None = Field(
        None,
        description="The URL under which browsers reach the review page, where a proxy stands before it.",
    )
    review_proxies: list[str] = Field(
        [], description="Addresses or networks of proxies whose X-Forwarded-For and -Proto are believed."
    )
    secret_key: SecretStr | None = Field(
        None, description="Signs sessions, 32 characters or more. Default: made once, in the data directory."
    )
    audit_share: float = Field(
        0.02, ge=0, le=1, description="Share of the model's own accepted tags that an editor checks unawares."
    )
    explain_ahead: int = Field(
        20, ge=0, le=1000, description="Movies first in the queue that an idle tag worker explains ahead."
    )

    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_json: bool = Field(False, description="Write the log as JSON lines.")

    @field_validator("database_url")
    @classmethod
    def _database(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        text = url.get_secret_value()
        scheme = urlsplit(text).scheme
        if scheme not in ("postgresql", "postgres", "postgresql+psycopg2"):
            raise ValueError("must begin with postgresql://")
        return SecretStr("postgresql+psycopg2" + text[len(scheme) :])

    @field_validator("broker_url")
    @classmethod
    def _broker(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and urlsplit(url.get_secret_value()).scheme not in BROKER_SCHEMES:
            raise ValueError("must begin with " + ", ".join(f"{s}://" for s in BROKER_SCHEMES))
        return url

    @field_validator("tmdb_url", "review_url")
    @classmethod
    def _api(cls, url: str | None) -> str | None:
        if url is not None and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
            raise ValueError("must begin with https:// or http:// and name a host")
        return url

    @field_validator("secret_key")
    @classmethod
    def _long(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(f"must have {SHORTEST_KEY} characters or more; `openssl rand -hex 32` makes one")
        return key

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @field_validator("log_level")
    @classmethod
    def _level(cls, level: str) -> str:
        if level.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
        return level.upper()

    @cached_property
    def posters(self) -> str:
        """The poster store: an fsspec URL, or a plain directory, of which fsspec would not undo the escapes."""
        return self.poster_url or str(self.home / "posters")

    def masked(self) -> dict[str, Any]:
        """Every setting as JSON can hold it, with keys, tokens and passwords replaced by stars."""
        values = self.model_dump(mode="json")
        for name in ("database_url", "broker_url"):
            url = getattr(self, name)
            values[name] = mask_url(url.get_secret_value()) if url else None
        for name in ("tmdb_url", "poster_url", "review_url"):
            values[name] = mask_url(values[name]) if values[name] else None
        for name in ("tmdb_token", "secret_key"):
            values[name] = "***" if getattr(self, name) else None
        return values


def mask_url(url: str) -> str:
    """The URL with its password and its query's values replaced by stars.

    Whatever stands before the last `@` counts as the user's: a password may hold any character, and a URL
    that is not quite right must not tell it either.
    """
    scheme, separator, rest = url.partition("://")
    user, at, place = rest.rpartition("@")
    if at:
        name, colon, _ = user.partition(":")
        place = f"{name}:***@{place}" if colon else f"***@{place}"
    place, _, query = place.partition("#")[0].partition("?")
    values = "&".join(f"{pair.partition('=')[0]}=***" for pair in query.split("&") if pair)
    return f"{scheme}{separator}{place}" + (f"?{values}" if values else "")


def load_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment; `overrides` win.

    Raises:
        SettingsError: a value cannot be used; the message names the variable.
    """
    try:
        return Settings(**overrides)
    except (pydantic_settings.SettingsError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"The settings cannot be read: {error}.", mend=LISTED) from None
    except ValidationError as error:
        lines = [
            f"MARQUEE_{str(e['loc'][0]).upper()}: {e['msg'].removeprefix('Value error, ')}."
            for e in error.errors()
        ]
        raise SettingsError(" ".join(lines), mend=LISTED) from None
