"""Cleaning text from catalogs and from TMDB, before it is stored, hashed or read by the model."""

import unicodedata

MAX_CHARACTERS = 4000
JOINERS = "\u200c\u200d"  # they change the meaning of Persian and Indic words


def clean(text: str | None) -> str | None:
    """Text in NFC with control characters out, white space folded and at most 4,000 characters.

    Empty text becomes None. Cleaning twice changes nothing.
    """
    if not text:
        return None
    text = text[: 4 * MAX_CHARACTERS]
    kept = "".join(c if c.isprintable() or _keep(c) else " " if c.isspace() else "" for c in text)
    folded = " ".join(unicodedata.normalize("NFC", kept).split())
    return folded[:MAX_CHARACTERS].rstrip() or None


def _keep(character: str) -> bool:
    return character in JOINERS or unicodedata.category(character) == "Co"
