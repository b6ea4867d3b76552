"""The part of the queue that an editor works on, as it travels in URLs and forms: a filter and an order."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, get_args
from urllib.parse import parse_qsl, urlencode

from catalog.review.filters import Filter, Order

NAMES = frozenset(f.name for f in fields(Filter))
ORDERS: dict[str, str] = {
    "uncertain": "Least certain first",
    "rare": "Rare genres first",
    "newest": "Newest first",
    "disagreed": "Most recent disagreement",
}


@dataclass(frozen=True, slots=True)
class Slice:
    """What an editor works on."""

    filter: Filter = field(default_factory=Filter)
    order: Order = "uncertain"

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Slice":
        """From the parameters of a URL; those that mean something else are passed over.

        Raises:
            InvalidFilterError: a filter cannot be used.
        """
        chosen = {name: value for name, value in given.items() if name in NAMES and value}
        order = given.get("order", "")
        known: Any = order if order in get_args(Order) else "uncertain"
        return cls(Filter.from_query(chosen), known)

    @classmethod
    def parse(cls, query: str) -> "Slice":
        """From the query of a URL, as a form carries it."""
        return cls.read(dict(parse_qsl(query, max_num_fields=50)))

    @property
    def query(self) -> str:
        """As the query of a URL; "" for the whole queue in its usual order."""
        named = self.filter.to_query() if self.filter != Filter() else {}
        return urlencode(named | ({"order": self.order} if self.order != "uncertain" else {}))

    def on(self, path: str) -> str:
        """A link to this slice on a page."""
        return f"{path}?{self.query}" if self.query else path

    def having(self, **changes: Any) -> "Slice":
        """The slice with some of the filter changed."""
        return replace(self, filter=replace(self.filter, **changes))

    def ordered(self, order: Order) -> "Slice":
        """The slice in another order."""
        return replace(self, order=order)
