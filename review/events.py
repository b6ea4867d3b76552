"""The events of a movie's timeline in words, for its page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalog.story import Event
from review.views import duration

NAMES = {
    "enqueued": "Asked for",
    "asked": "Asked for",
    "fetched": "Fetched",
    "unchanged": "Fetched, unchanged",
    "tagged": "Tagged",
    "decided": "Decided",
    "edited": "Edited",
    "finished": "Finished",
    "skipped": "Skipped",
    "undone": "Undone",
    "failed": "Failed",
    "quarantined": "Put into quarantine",
    "deleted": "Deleted",
}
TONES = {
    "tagged": "model",
    "decided": "person",
    "edited": "person",
    "finished": "person",
    "skipped": "person",
    "undone": "person",
    "asked": "person",
    "failed": "bad",
    "quarantined": "bad",
    "deleted": "bad",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One event as the page shows it: `genres` are those of a tagging, with their confidences."""

    at: datetime
    revision: int
    name: str
    tone: str
    text: str
    genres: dict[str, float]
    rest: dict[str, Any]


def tell(event: Event) -> Told:
    """The event in words; what they do not say is in `rest`."""
    detail = dict(event.detail)
    genres = detail.pop("genres", None)
    genres = genres if isinstance(genres, dict) else {}
    text = _text(event.event, detail)
    return Told(
        at=event.at,
        revision=event.revision,
        name=NAMES.get(event.event, event.event.replace("_", " ").capitalize()),
        tone=TONES.get(event.event, "plain"),
        text=text,
        genres=genres,
        rest={name: value for name, value in detail.items() if value not in (None, "")},
    )


def _text(event: str, detail: dict[str, Any]) -> str:
    """The sentence of an event; what it says is taken out of the detail."""
    if event == "decided":
        said = {"accepted": "accepted", "rejected": "rejected", "withdrawn": "left to the model"}
        verdict = said.get(detail.pop("verdict", ""), "decided")
        source = detail.pop("source", None)
        by = detail.pop("by", "somebody")
        return (
            f"{detail.pop('genre', 'a genre')} {verdict} by {by}{' (import)' if source == 'import' else ''}"
        )
    if event in ("finished", "skipped", "undone") and "by" in detail:
        what = f"{detail.pop('action')}, " if event == "undone" and "action" in detail else ""
        looked = f" after {duration(detail.pop('seconds'))}" if detail.get("seconds") else ""
        return f"{what}by {detail.pop('by')}{looked}"
    if event == "tagged" and "model" in detail:
        return f"by {detail.pop('model')}"
    if event == "edited":
        changed = detail.pop("changed", [])
        return f"{' and '.join(str(c).replace('_', ' ') for c in changed)} by {detail.pop('by', 'somebody')}"
    if event == "asked":
        what = "a new fetch" if detail.pop("refetch", False) else "new tags"
        return f"{what}, by {detail.pop('by', 'somebody')}"
    if event in ("failed", "quarantined") and "reason" in detail:
        return str(detail.pop("reason"))
    if event in ("fetched", "unchanged"):
        return f"plot: {detail.pop('plot', 'missing')}, poster: {detail.pop('poster', 'missing')}"
    return ""
