"""The log stays off standard output, where machines read."""

from collections.abc import Iterator

import pytest
import structlog

from marquee.log import log_to_stderr


@pytest.fixture
def _log() -> Iterator[None]:
    before = structlog.get_config() if structlog.is_configured() else None
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
    if before is not None:
        structlog.configure(**before)


@pytest.mark.usefixtures("_log")
def test_records_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr()
    structlog.get_logger("a test").warning("something happened")
    said = capsys.readouterr()
    assert said.out == ""
    assert "something happened" in said.err
