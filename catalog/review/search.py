"""Finding a movie by what somebody types: words of its title, or one of its ids."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from catalog.stored import storable

# What is typed goes through the parser that the index's words went through, and each word comes out quoted: so
# nothing of it can be an operator. Words of three letters and more may be the beginning of one.
WORDS = text(r"""
SELECT string_agg('''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || ''''
                  || CASE WHEN length(lexeme) >= 3 THEN ':*' ELSE '' END, ' & ')
FROM unnest(to_tsvector('simple', :words))
""")

# Of the many movies that a common word finds, some hundred are ranked, besides those of exactly this title.
FIND = text("""
WITH named AS (
    SELECT id AS movie_id, 0 AS place FROM marquee.movie
    WHERE id = :number OR tmdb_id = :number OR imdb_id = :key OR external_id = :key
    UNION ALL
    (SELECT id, 1 FROM marquee.movie WHERE lower(title) = lower(:key) ORDER BY id LIMIT :limit)
    UNION ALL
    (SELECT movie_id, 1 FROM marquee.content WHERE lower(title) = lower(:key) ORDER BY movie_id LIMIT :limit)
    UNION ALL
    (SELECT movie_id, 2 FROM marquee.content
     WHERE to_tsvector('simple', COALESCE(title, '')) @@ CAST(:query AS tsquery) LIMIT :ranked)
), best AS (
    SELECT movie_id, min(place) AS place FROM named GROUP BY movie_id
)
SELECT m.id, COALESCE(c.title, m.title) AS title, COALESCE(c.year, m.year) AS year, COALESCE(r.state, t.state)
FROM best
JOIN marquee.movie m ON m.id = best.movie_id
JOIN marquee.tagging t ON t.movie_id = m.id
LEFT JOIN marquee.content c ON c.movie_id = m.id
LEFT JOIN marquee.review r ON r.movie_id = m.id
ORDER BY best.place, starts_with(lower(COALESCE(c.title, m.title)), lower(:key)) IS NOT TRUE,
         length(COALESCE(c.title, m.title)), COALESCE(c.year, m.year) DESC NULLS LAST, m.id
LIMIT :limit
""")
RANKED = 300
MAX_TYPED = 200
MAX_FOUND = 100


@dataclass(frozen=True, slots=True)
class Found:
    """A movie; `state` is that of the queue, or the ledger's for a movie that no model has tagged yet."""

    movie_id: int
    title: str | None
    year: int | None
    state: str


def search(connection: Connection, words: str, limit: int = 20) -> list[Found]:
    """The movies whose id (the movie's, TMDB's, IMDb's, the owner's) or title is meant, the likeliest first.

    A title is meant by its words in any order; the beginning of a word is enough from three letters on. Of
    movies that have not been fetched yet, only the exact title is known. What is typed may hold any character.
    """
    typed = str(storable(words)).strip()[:MAX_TYPED]
    if not typed:
        return []
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else None
    asked = {
        "query": connection.execute(WORDS, {"words": typed}).scalar_one(),
        "key": typed,
        "number": number,
        "ranked": RANKED,
        "limit": max(1, min(limit, MAX_FOUND)),
    }
    return [Found(*row) for row in connection.execute(FIND, asked)]
