"""Folders of movies, as the offline TMDB serves them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image


def write_folder(folder: Path, movies: Sequence[Mapping[str, Any]]) -> Path:
    """Write the movies' list and two posters of noise, `11.jpg` and `12.jpg`."""
    (folder / "movies.jsonl").write_text("".join(json.dumps(movie) + "\n" for movie in movies))
    for name in ("11.jpg", "12.jpg"):
        Image.effect_noise((100, 150), 64).convert("RGB").save(folder / name, quality=90)
    return folder
