"""What an editor saw of a movie when he decided, so that a decision on something else is noticed."""

from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection, text

READ = text("""
SELECT COALESCE(c.revision, t.revision), COALESCE(t.tagged_model_id, 0),
       COALESCE((SELECT max(id) FROM marquee.decision d WHERE d.movie_id = t.movie_id), 0)
FROM marquee.tagging t LEFT JOIN marquee.content c ON c.movie_id = t.movie_id
WHERE t.movie_id = :movie_id
""")


@dataclass(frozen=True, slots=True)
class Seen:
    """The revision of the content that was shown, the model that had tagged it, the newest decision on it."""

    revision: int
    model_id: int
    decision_id: int

    @property
    def token(self) -> str:
        """As a page carries it."""
        return f"{self.revision}.{self.model_id}.{self.decision_id}"

    @classmethod
    def parse(cls, token: str) -> Self | None:
        """What the token says; None where it is none."""
        parts = token.split(".")
        if len(parts) != 3 or not all(p.isascii() and p.isdigit() and len(p) < 19 for p in parts):
            return None
        return cls(*map(int, parts))


def read_seen(connection: Connection, movie_id: int) -> Seen | None:
    """What stands now; None where there is no such movie."""
    row = connection.execute(READ, {"movie_id": movie_id}).one_or_none()
    return None if row is None else Seen(*row)
