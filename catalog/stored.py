"""What Postgres can store: no NUL, no lone surrogate in text; neither of them nor NaN in JSON.

Whatever comes from outside passes here on its way into a statement, so that one bad character in a movie
or in an error's message can never fail a whole batch.
"""

import json
import math
import re
from datetime import datetime
from typing import Any

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(value: Any) -> Any:
    """The value without what Postgres refuses; lists and dictionaries are walked."""
    if isinstance(value, str):
        return UNSTORABLE.sub("", value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {storable(str(k)): storable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [storable(v) for v in value]
    return value


def to_json(value: Any) -> str:
    """The value as JSON that Postgres takes."""
    return json.dumps(storable(value), default=datetime.isoformat, allow_nan=False)
