"""The exception trees as their modules draw them, and as they are."""

import importlib
import inspect
import re
from types import ModuleType

import pytest

from marquee.errors import MarqueeError

ROOMS = [
    importlib.import_module(f"{room}.errors")
    for room in ("catalog", "review", "tagger", "training", "worker")
]


def classes(module: ModuleType) -> dict[str, type[Exception]]:
    return {
        name: found
        for name, found in inspect.getmembers(module, inspect.isclass)
        if found.__module__ == module.__name__
    }


@pytest.mark.parametrize("module", ROOMS, ids=lambda module: module.__name__)
def test_the_tree_that_is_drawn_is_the_tree(module: ModuleType) -> None:
    drawn: dict[str, int] = {}
    parents: dict[str, str] = {}
    for line in (module.__doc__ or "").splitlines():
        if found := re.match(r"([│├└─\s]*)(?:[\w.]+\.)?(\w+Error)\b", line):
            depth = len(found[1])
            above = [name for name, its in drawn.items() if its < depth]
            if above:
                parents[found[2]] = above[-1]
            drawn[found[2]] = depth
    ours = classes(module)
    assert set(ours) <= set(drawn)
    for name, error in ours.items():
        assert issubclass(error, MarqueeError)
        if name in parents:
            assert error.__base__ is not None
            assert error.__base__.__name__ == parents[name]
