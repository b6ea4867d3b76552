"""What an editor looks for in the queue: a filter, as a URL carries it and as the database is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from sqlalchemy import Connection

from catalog.errors import InvalidFilterError
from catalog.registry import genre_ids, model_id
from catalog.stored import storable

Order = Literal["uncertain", "rare", "newest", "disagreed"]
State = Literal["open", "done", "auto"]
Band = Literal["accepted", "review", "rejected"]
Missing = Literal["poster", "plot"]
Source = Literal["movie", "tmdb"]

ORDERS: tuple[Order, ...] = get_args(Order)
STATES: tuple[State, ...] = get_args(State)
BANDS: tuple[Band, ...] = get_args(Band)
ANY_STATE = "any"
FIRST_YEAR, LAST_YEAR = 1870, 2200
MAX_TEXT = 200
# So much of a language is kept as a facet: an entry of an index has a largest size.
MAX_LANGUAGE = 40


@dataclass(frozen=True, slots=True)
class Filter:
    """Which movies of the queue are meant; what is None does not matter.

    Attributes:
        genre: a genre's name; without a band, the movie has it now.
        band: what the model decided of the genre.
        language: as in the catalog, or "none" for a movie whose language is not known.
        model: the version of the model that tagged the movie.
        source: where the plot came from.
        disputed: only where the model now contradicts an editor.
    """

    state: State | None = "open"
    genre: str | None = None
    band: Band | None = None
    year: int | None = None
    decade: int | None = None
    language: str | None = None
    missing: Missing | None = None
    model: str | None = None
    source: Source | None = None
    disputed: bool = False

    def to_query(self) -> dict[str, str]:
        """The filter as the parameters of a URL; what is as by default is left out."""
        query = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if value != f.default:
                query[f.name] = ANY_STATE if value is None else "1" if value is True else str(value)
        return query

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "Filter":
        """The filter that a URL's parameters mean; empty ones and those of others are passed over.

        Raises:
            InvalidFilterError: a parameter has a value that it cannot have.
        """
        given = {k: v.strip() for k, v in query.items() if v and v.strip()}
        for name, value in given.items():
            if name in cls.__slots__ and (len(value) > MAX_TEXT or storable(value) != value):
                raise _refused(name, "text of up to 200 characters that Postgres can store")
        state = given.get("state", "open")
        if given.get("band") and not given.get("genre"):
            raise _refused("band", "given together with a genre")
        language = given.get("language")
        return cls(
            state=None if state == ANY_STATE else _one_of("state", state, (*STATES, ANY_STATE)),
            genre=given.get("genre"),
            band=_one_of("band", given.get("band"), BANDS),
            year=_number("year", given.get("year")),
            decade=_decade(given.get("decade")),
            language=language and language.lower()[:MAX_LANGUAGE],
            missing=_one_of("missing", given.get("missing"), get_args(Missing)),
            model=given.get("model"),
            source=_one_of("source", given.get("source"), get_args(Source)),
            disputed=_one_of("disputed", given.get("disputed"), ("0", "1")) == "1",
        )


@dataclass(frozen=True, slots=True)
class Sought:
    """A filter as the database is asked: in one of `states`, with all of `facets`, with none of `absent`.

    `model_id` is the model of whose facet is among them, if one is sought.
    """

    states: Sequence[State]
    facets: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    model_id: int | None = None

    def where(self, table: str) -> str:
        """The condition on `marquee.review` by the name that a statement gives it; see `values`."""
        return f"({' OR '.join(self.within(table))})"

    def within(self, table: str) -> list[str]:
        """The condition in each of the states: each has an index of its own, which only a query of its own uses."""
        return [f"({table}.state = '{state}' AND {self.has(table)})" for state in self.states]

    def has(self, table: str) -> str:
        """The condition on the facets alone."""
        wanted = []
        if self.facets:
            wanted.append(f"{table}.facets @> CAST(:sought_facets AS text[])")
        if self.absent:
            wanted.append(f"NOT {table}.facets && CAST(:sought_absent AS text[])")
        return " AND ".join(wanted) or "true"

    @property
    def values(self) -> dict[str, Any]:
        """What the parameters of `where` stand for."""
        return {"sought_facets": self.facets, "sought_absent": self.absent}


def seek(connection: Connection, sought: Filter) -> Sought:
    """The filter with its names looked up.

    Raises:
        InvalidFilterError: a band without a genre.
        UnknownGenreError: the catalog does not have the genre.
        UnknownModelError: no model has this version.
    """
    facets: list[str] = []
    absent: list[str] = []
    if sought.genre is not None:
        number = genre_ids(connection, (sought.genre,))[0]
        if sought.band == "rejected":
            absent = [f"accepted:{number}", f"review:{number}"]
        else:
            facets.append(f"{sought.band or 'genre'}:{number}")
    elif sought.band is not None:
        raise _refused("band", "given together with a genre")
    model = None if sought.model is None else model_id(connection, sought.model)
    if model is not None:
        facets.append(f"model:{model}")
    for name in ("year", "decade", "language", "missing", "source"):
        value = getattr(sought, name)
        if value is not None:
            facets.append(f"{name}:{value}")
    if sought.disputed:
        facets.append("disputed")
    return Sought(STATES if sought.state is None else (sought.state,), facets, absent, model)


def known_order(order: str) -> Order:
    """The order of this name.

    Raises:
        InvalidFilterError: there is none.
    """
    found: Order = _one_of("order", order, ORDERS)
    return found


def _one_of(name: str, value: str | None, allowed: Sequence[str]) -> Any:
    if value is not None and value not in allowed:
        raise _refused(name, f"one of {', '.join(allowed)}")
    return value


def _number(name: str, value: str | None) -> int | None:
    if value is None:
        return None
    if not (
        value.isascii() and value.isdigit() and len(value) == 4 and FIRST_YEAR <= int(value) <= LAST_YEAR
    ):
        raise _refused(name, f"a year from {FIRST_YEAR} to {LAST_YEAR}")
    return int(value)


def _decade(value: str | None) -> int | None:
    found = _number("decade", value)
    if found is not None and found % 10:
        raise _refused("decade", "the first year of a decade, such as 1990")
    return found


def _refused(name: str, wanted: str) -> InvalidFilterError:
    return InvalidFilterError(f"The filter's {name} cannot be read.", mend=f"It must be {wanted}.")
