"""What an editor saw of a movie when he decided, so that a decision on something else is noticed."""

import re
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection, text

TOKEN = re.compile(r"([0-9]{1,18})\.([0-9a-z]{1,12})\.([0-9]{1,18})\.([0-9]{1,18})")
READ = text("""
SELECT COALESCE(c.revision, t.revision), COALESCE(left(c.sha256, 12), 'none'), COALESCE(t.tagged_model_id, 0),
       COALESCE((SELECT max(id) FROM marquee.decision d WHERE d.movie_id = t.movie_id), 0)
FROM marquee.tagging t LEFT JOIN marquee.content c ON c.movie_id = t.movie_id
WHERE t.movie_id = :movie_id
""")


@dataclass(frozen=True, slots=True)
class Seen:
    """The revision and hash of the content that was shown, the model that had tagged it, its newest decision."""

    revision: int
    content: str
    model_id: int
    decision_id: int

    def same_content(self, other: Self) -> bool:
        """Whether both saw the same movie: a change of what nobody sees is none."""
        return self.content == other.content and (self.content != "none" or self.revision == other.revision)

    @property
    def token(self) -> str:
        """As a page carries it."""
        return f"{self.revision}.{self.content}.{self.model_id}.{self.decision_id}"

    @classmethod
    def parse(cls, token: str) -> Self | None:
        """What the token says; None where it is none."""
        found = TOKEN.fullmatch(token)
        return None if found is None else cls(int(found[1]), found[2], int(found[3]), int(found[4]))


def read_seen(connection: Connection, movie_id: int) -> Seen | None:
    """What stands now; None where there is no such movie."""
    row = connection.execute(READ, {"movie_id": movie_id}).one_or_none()
    return None if row is None else Seen(*row)
