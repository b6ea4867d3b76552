"""Movies with labels as vectors, by which the nearest ones are found. A tag worker makes them when it is idle."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

LABELLED = """
    SELECT movie_id FROM marquee.label WHERE holds GROUP BY movie_id ORDER BY movie_id DESC LIMIT :movies
"""
MISSING = text(f"""
SELECT c.movie_id FROM ({LABELLED}) labelled
JOIN marquee.content c ON c.movie_id = labelled.movie_id
LEFT JOIN marquee.embedding e
    ON e.movie_id = c.movie_id AND e.revision = c.revision AND e.model_id = :model_id
WHERE e.movie_id IS NULL ORDER BY c.movie_id DESC
""")  # noqa: S608
FORGET = text(f"""
DELETE FROM marquee.embedding e
WHERE NOT EXISTS (SELECT FROM ({LABELLED}) labelled WHERE labelled.movie_id = e.movie_id)
""")  # noqa: S608
WRITE = text("""
INSERT INTO marquee.embedding (movie_id, revision, model_id, vector)
SELECT t.movie_id, new.revision, :model_id, CAST(new.vector AS real[])
FROM unnest(CAST(:ids AS bigint[]), CAST(:revisions AS integer[]), CAST(:vectors AS text[]))
    AS new(movie_id, revision, vector)
JOIN marquee.tagging t ON t.movie_id = new.movie_id
ORDER BY t.movie_id FOR KEY SHARE OF t SKIP LOCKED
ON CONFLICT (movie_id) DO UPDATE SET
    revision = EXCLUDED.revision, model_id = EXCLUDED.model_id, vector = EXCLUDED.vector
""")
REVISIONS = text("SELECT movie_id, revision FROM marquee.embedding WHERE model_id = :model_id")
VECTORS = text("""
SELECT movie_id, revision, array_send(vector) AS sent
FROM marquee.embedding WHERE movie_id = ANY(:ids) AND model_id = :model_id
""")
DESCRIBE = text("""
SELECT c.movie_id, c.title, c.year, c.poster_hash, array_agg(g.name ORDER BY g.name) AS genres
FROM marquee.content c
JOIN marquee.label l ON l.movie_id = c.movie_id AND l.holds
JOIN marquee.genre g ON g.id = l.genre_id
WHERE c.movie_id = ANY(:ids) GROUP BY c.movie_id
""")

# array_send gives a header of five numbers (dimensions, whether there are NULLs, the type, the length, where it
# begins), and each value after its own size.
HEADER_BYTES = 20
SENT = np.dtype([("size", ">i4"), ("value", ">f4")])


def missing_embeddings(connection: Connection, model_id: int, movies: int) -> list[int]:
    """Of the `movies` newest with an accepted label, those without a vector of their content by this model."""
    return list(connection.execute(MISSING, {"model_id": model_id, "movies": movies}).scalars())


def forget_embeddings(connection: Connection, movies: int) -> int:
    """Forget the vectors of movies that are no longer among the `movies` newest with an accepted label."""
    return connection.execute(FORGET, {"movies": movies}).rowcount


def write_embeddings(
    connection: Connection, model_id: int, ids: Sequence[int], revisions: Sequence[int],
    vectors: NDArray[np.float32],
) -> None:  # fmt: skip
    """Keep the vectors (n, width) of movies at these revisions; of a movie that was deleted nothing is kept."""
    written = ["{" + ",".join(f"{value:.8g}" for value in row) + "}" for row in vectors.tolist()]
    asked = {"model_id": model_id, "ids": list(ids), "revisions": list(revisions), "vectors": written}
    connection.execute(WRITE, asked)


def embedded_revisions(connection: Connection, model_id: int) -> dict[int, int]:
    """The movies that this model has made a vector of, with the revision that it is of."""
    rows = connection.execute(REVISIONS, {"model_id": model_id})
    return {r.movie_id: r.revision for r in rows}


def read_embeddings(
    connection: Connection, model_id: int, ids: Sequence[int]
) -> list[tuple[int, int, NDArray[np.float32]]]:
    """Movie id, revision and vector of those of the movies that have one by this model."""
    rows = connection.execute(VECTORS, {"ids": list(ids), "model_id": model_id})
    return [(r.movie_id, r.revision, _vector(bytes(r.sent))) for r in rows]


def describe_labelled(connection: Connection, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Title, year, poster and accepted labels of those of the movies that have a label, by movie id."""
    rows = connection.execute(DESCRIBE, {"ids": list(ids)})
    return {r.movie_id: dict(r._mapping) for r in rows}


def _vector(sent: bytes) -> NDArray[np.float32]:
    return np.frombuffer(sent, dtype=SENT, offset=HEADER_BYTES)["value"].astype(np.float32)
