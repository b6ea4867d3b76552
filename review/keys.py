"""The keys of the genres: digits for the first ten, letters for the rest, none that means something else."""

from collections.abc import Sequence

# U undoes, W asks why, M opens the movie's page, Q the queue.
TAKEN = frozenset("uwmq")
KEYS = tuple("1234567890" + "".join(c for c in "asdfghjkl" + "zxcvbn" + "ertyiop" if c not in TAKEN))


def keys_for(genres: Sequence[object]) -> list[str]:
    """A key for each genre in the order in which they are shown; "" where there are no more."""
    return [KEYS[place] if place < len(KEYS) else "" for place in range(len(genres))]
