"""Finding a movie by a key that somebody else gave it."""

from typing import Literal, get_args

from sqlalchemy import Connection, text

from catalog.errors import MovieNotFoundError

Key = Literal["external_id", "tmdb_id", "imdb_id"]
# The columns of the movie's own table that are unique; none of these names comes from outside.
FIND = {
    name: text(f"SELECT id FROM marquee.movie WHERE {name} = :value")  # noqa: S608
    for name in get_args(Key)
}


def movie_by_key(connection: Connection, key: Key, value: str | int) -> int:
    """The id of the movie that has exactly this key.

    Raises:
        MovieNotFoundError: there is none.
    """
    found = connection.execute(FIND[key], {"value": value}).scalar_one_or_none()
    if found is None:
        raise MovieNotFoundError(f"No movie has the {key} {value!r}.", mend="Upsert it first.")
    return int(found)
