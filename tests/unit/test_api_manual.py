"""The snippet of docs/api.md verifies what the sender signs."""

import re
from pathlib import Path
from typing import Any

import pytest

from worker.webhooks import signature

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
NOW = 1_800_000_000


@pytest.fixture
def is_genuine(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("time.time", lambda: float(NOW))
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {}
    exec(found[1], names)
    return names["is_genuine"]


def test_what_the_sender_signs_is_genuine(is_genuine: Any) -> None:
    assert is_genuine("whsec_x", signature("whsec_x", NOW - 299, b'{"a": 1}'), b'{"a": 1}')


@pytest.mark.parametrize(
    ("secret", "header", "body"),
    [
        ("whsec_y", signature("whsec_x", NOW, b"{}"), b"{}"),
        ("whsec_x", signature("whsec_x", NOW, b"{}"), b"{} "),
        ("whsec_x", signature("whsec_x", NOW - 301, b"{}"), b"{}"),
        ("whsec_x", signature("whsec_x", NOW - 301, b"{}").replace(str(NOW - 301), str(NOW)), b"{}"),
    ],
)
def test_what_it_does_not_is_not(is_genuine: Any, secret: str, header: str, body: bytes) -> None:
    assert not is_genuine(secret, header, body)
