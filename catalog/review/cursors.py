"""Where a page of the queue ended, as text that goes out in a link and comes back from anybody.

It names the order, the key of the last movie in it and that movie, so that the next page begins right after it
whatever was decided meanwhile.
"""

import base64
import binascii
import json
import math
from dataclasses import dataclass
from datetime import datetime

from catalog.errors import InvalidCursorError
from catalog.review.filters import Order

MAX_CURSOR = 200
MAX_ID = 2**63 - 1
OF_TIME: frozenset[Order] = frozenset(("newest", "disagreed"))


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last movie of a page: `key` is what the order goes by, a time or a number."""

    order: Order
    key: datetime | float
    movie_id: int

    def to_text(self) -> str:
        """As text for a URL."""
        key = self.key.isoformat() if isinstance(self.key, datetime) else self.key
        return base64.urlsafe_b64encode(json.dumps([self.order, key, self.movie_id]).encode()).decode()

    @classmethod
    def from_text(cls, given: str, order: Order) -> "Cursor":
        """The cursor that a URL brings back, for a queue in this order.

        Raises:
            InvalidCursorError: it is none, or one of another order.
        """
        try:
            if len(given) > MAX_CURSOR:
                raise ValueError
            found = json.loads(base64.b64decode(given.encode(), altchars=b"-_", validate=True))
            of, key, movie_id = found
            if of != order or type(movie_id) is not int or not 0 <= movie_id <= MAX_ID:
                raise ValueError
            if order in OF_TIME:
                at = datetime.fromisoformat(key)
                if at.tzinfo is None:
                    raise ValueError
                return cls(order, at, movie_id)
            if type(key) not in {int, float} or not math.isfinite(key) or not 0 <= key <= 1:
                raise ValueError
            return cls(order, float(key), movie_id)
        except (ValueError, TypeError, RecursionError, binascii.Error):
            raise InvalidCursorError(
                "The place in the queue cannot be read.", mend="Begin at the first page."
            ) from None
