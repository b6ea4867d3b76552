"""What a model's manifest says, for tables. A manifest comes from outside: what has not its shape is left out."""

from typing import Any

PATTERNS = {"both": "plot and poster", "plot": "plot only", "poster": "poster only"}
METRICS = {"f1_macro": "macro-F1", "f1_micro": "micro-F1", "map": "mAP", "ece": "ECE"}
FACTS = {
    "data": "data.sha256",
    "movies of the data": "data.movies",
    "text encoder": "encoders.text.name",
    "its sha256": "encoders.text.sha256",
    "image encoder": "encoders.image.name",
    "and its sha256": "encoders.image.sha256",
    "recipe": "recipe.name",
    "seed": "recipe.seed",
    "measured on": "metrics.measured_on",
}


def look_up(manifest: Any, *path: str) -> Any:
    """What stands at the path; None where there is nothing."""
    for key in path:
        manifest = manifest.get(key) if isinstance(manifest, dict) else None
    return manifest


def facts(manifest: dict[str, Any]) -> dict[str, str]:
    """What it was made of, as words."""
    found = {name: look_up(manifest, *path.split(".")) for name, path in FACTS.items()}
    return {name: str(value)[:200] for name, value in found.items() if isinstance(value, str | int)}


def metric(manifest: dict[str, Any], pattern: str, name: str) -> float | None:
    """A score of movies of the pattern; None where it is not told."""
    value = look_up(manifest, "metrics", pattern, name)
    value = value.get("value") if isinstance(value, dict) else value
    return float(value) if isinstance(value, int | float) else None


def bands(manifest: dict[str, Any]) -> dict[str, dict[str, float | None]]:
    """By genre the `low` and the `high` end of its band for movies with plot and poster; None where there is none."""
    genres = manifest.get("genres")
    ends = {end: look_up(manifest, "bands", end) for end in ("low", "high")}
    found: dict[str, dict[str, float | None]] = {}
    for place, genre in enumerate(genres if isinstance(genres, list) else []):
        found[str(genre)] = {end: _cell(rows, place) for end, rows in ends.items()}
    return found


def _cell(rows: Any, place: int) -> float | None:
    row = rows[0] if isinstance(rows, list) and rows else None
    value = row[place] if isinstance(row, list) and place < len(row) else None
    return float(value) if isinstance(value, int | float) else None
