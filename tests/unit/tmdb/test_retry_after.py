from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from worker.tmdb.api import LONGEST_RETRY_AFTER, retry_after


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        (" 7 ", 7.0),
        ("0", 0.1),
        ("-5", 0.1),
        ("99999999", LONGEST_RETRY_AFTER),
        (None, 1.0),
        ("", 1.0),
        ("soon", 1.0),
        ("nan", 1.0),
        ("inf", 1.0),
    ],
)
def test_seconds(header: str | None, seconds: float) -> None:
    assert retry_after(header) == seconds


def test_a_date() -> None:
    header = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 28 < retry_after(header) <= 30


def test_a_date_that_has_passed() -> None:
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.1
