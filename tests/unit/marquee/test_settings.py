"""Settings: what is refused and how it is said, what is masked, and where posters lie."""

from pathlib import Path

import pytest

from marquee.errors import SettingsError
from marquee.settings import load_settings, mask_url


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://user:secret@host:5432/db", "postgresql://user:***@host:5432/db"),
        ("redis://:secret@host/0", "redis://:***@host/0"),
        ("postgresql://user:se/cr?et#@host/db", "postgresql://user:***@host/db"),
        ("postgresql://user:se@cret@host/db", "postgresql://user:***@host/db"),
        ("s3://secret@bucket/posters", "s3://***@bucket/posters"),
        ("s3://bucket/posters?key=secret&secret=secret", "s3://bucket/posters?key=***&secret=***"),
        ("https://[secret", "https://[secret"),
        ("/a/directory", "/a/directory"),
    ],
)
def test_a_password_is_masked_wherever_it_stands(url: str, masked: str) -> None:
    assert mask_url(url) == masked


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "mysql://h/d"),
        ("BROKER_URL", "sqs://"),
        ("TMDB_URL", "http://[bad"),
        ("TMDB_URL", "api.themoviedb.org/3"),
        ("TMDB_RATE", "0"),
        ("LOG_LEVEL", "LOUD"),
        ("BATCH_SIZE", "many"),
        ("POSTER_HOSTS", "cdn.example.org"),
        ("REVIEW_PORT", "65536"),
        ("REVIEW_URL", "review.example.org"),
        ("SECRET_KEY", "too short"),
        ("AUDIT_SHARE", "1.5"),
        ("EXPLAIN_AHEAD", "-1"),
    ],
)
def test_what_cannot_be_used_is_named_with_a_mend(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(f"MARQUEE_{variable}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert variable.lower() in caught.value.message.lower()
    assert "config --help" in caught.value.mend


def test_an_env_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"MARQUEE_TMDB_LANGUAGE=\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings()


def test_posters_lie_in_the_data_directory_whatever_its_name(tmp_path: Path) -> None:
    from worker.posters import PosterStore

    home = tmp_path / "my movies #1"
    digest = PosterStore(load_settings(home=home).posters).put(b"a poster")
    assert (home / "posters" / digest[:2] / f"{digest}.jpg").read_bytes() == b"a poster"


def test_the_key_of_the_sessions_is_masked_and_a_short_one_is_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = "0123456789abcdef" * 2
    monkeypatch.setenv("MARQUEE_SECRET_KEY", key)
    settings = load_settings()
    assert key not in repr(settings.masked()) + repr(settings)
    assert settings.masked()["secret_key"] == "***"
    monkeypatch.setenv("MARQUEE_SECRET_KEY", key[:20])
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert key[:20] not in str(caught.value)
