"""The filters of the queue page: groups of links, each with how many movies it would find by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from review.links import Slice

STATE_NAMES = {"open": "For you", "done": "Decided", "auto": "By the model alone"}
BAND_NAMES = {
    None: "has it now",
    "accepted": "accepted by the model",
    "review": "left to an editor",
    "rejected": "rejected by the model",
}
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Choice:
    """One link: the queue with this choice made, or undone where it is `chosen`."""

    name: str
    url: str
    count: int | None
    chosen: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The choices of one kind."""

    key: str
    title: str
    choices: list[Choice]

    @property
    def first(self) -> list[Choice]:
        """Those that are always on the screen: the chosen, and the most frequent."""
        kept = [c for place, c in enumerate(self.choices) if place < SHOWN or c.chosen]
        return kept if len(self.choices) > SHOWN + 2 else self.choices

    @property
    def rest(self) -> list[Choice]:
        """The others."""
        shown = self.first
        return [c for c in self.choices if c not in shown]


def state_choices(part: Slice, totals: Mapping[str | None, int]) -> list[Choice]:
    """The states, with how many movies are in each."""
    names: dict[Any, str] = {**STATE_NAMES, None: "All"}
    return [
        Choice(name, part.having(state=state).on("/queue"), totals[state], part.filter.state == state)
        for state, name in names.items()
    ]


def groups(
    part: Slice, counts: Mapping[str, int], genres: Mapping[int, str], models: Mapping[int, str]
) -> list[Group]:
    """The groups of filters for a part of the queue."""
    made = _Maker(part, counts)
    asked = part.filter
    found = [made.group("genre", "Genre", {f"genre:{i}": name for i, name in genres.items()}, band=None)]
    if asked.genre is not None:
        number = next((i for i, name in genres.items() if name == asked.genre), 0)
        found.append(Group("band", f"{asked.genre} is", made.bands(number)))
    decades = {f: f"{f.partition(':')[2]}s" for f in sorted(counts, reverse=True) if f.startswith("decade:")}
    found.append(made.group("decade", "Decade", decades, sort=False, whole=True, year=None))
    if asked.decade is not None or asked.year is not None:
        first = asked.decade if asked.decade is not None else (asked.year or 0) // 10 * 10
        years = {f"year:{y}": str(y) for y in range(first, first + 10) if counts.get(f"year:{y}")}
        found.append(made.group("year", "Year", years, sort=False, whole=True))
    languages = {f: f.partition(":")[2] for f in counts if f.startswith("language:")}
    languages |= {"language:none": "unknown"} if "language:none" in counts else {}
    missing = {"missing:poster": "no poster", "missing:plot": "no plot"}
    sources = {"source:movie": "your catalog", "source:tmdb": "TMDB"}
    versions = {f"model:{i}": name for i, name in models.items()}
    found += [
        made.group("language", "Language", languages),
        made.group("missing", "Missing", missing),
        made.group("source", "Plot from", sources),
        made.group("model", "Tagged by", versions, by_name=True),
        Group("disputed", "Disagreement", [made.disputed()]),
    ]
    return [g for g in found if g.choices]


class _Maker:
    def __init__(self, part: Slice, counts: Mapping[str, int]) -> None:
        self.part = part
        self.counts = counts

    def group(
        self,
        key: str,
        title: str,
        names: Mapping[str, str],
        *,
        sort: bool = True,
        whole: bool = False,
        by_name: bool = False,
        **others: None,
    ) -> Group:
        """The facets as choices of the filter's field `key`; choosing one resets `others`.

        The field's value is the name for genres and models, else what stands after the colon.
        """
        choices = []
        for facet, name in names.items():
            plain = facet.partition(":")[2]
            value: Any = name if by_name or key == "genre" else int(plain) if whole else plain
            count, chosen = self.counts.get(facet, 0), getattr(self.part.filter, key) == value
            if count or chosen:
                changes = {**others, key: None if chosen else value}
                choices.append(Choice(name, self.part.having(**changes).on("/queue"), count, chosen))
        return Group(key, title, sorted(choices, key=lambda c: -(c.count or 0)) if sort else choices)

    def bands(self, genre: int) -> list[Choice]:
        every = self.counts.get("all", 0)
        has = {b: self.counts.get(f"{b or 'genre'}:{genre}", 0) for b in (None, "accepted", "review")}
        has["rejected"] = every - has["accepted"] - has["review"]
        return [
            Choice(name, self.part.having(band=band).on("/queue"), has[band], self.part.filter.band == band)
            for band, name in BAND_NAMES.items()
        ]

    def disputed(self) -> Choice:
        chosen = self.part.filter.disputed
        url = self.part.having(disputed=not chosen).on("/queue")
        return Choice("model against editor", url, self.counts.get("disputed", 0), chosen)
