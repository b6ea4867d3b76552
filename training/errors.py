"""What can go wrong in training and evaluation.

TrainingError
├── DatasetError    a dataset is missing or some of its lines cannot be used; each is named
└── DivergedError   the loss became NaN or infinite
"""

from collections.abc import Sequence

from marquee.errors import MarqueeError

SHOWN = 20


class TrainingError(MarqueeError):
    """The root of the branch."""


class DatasetError(TrainingError):
    """A dataset is missing, or lines of it cannot be used; `lines` holds `file:line: cause` for each."""

    def __init__(self, message: str, lines: Sequence[str] = (), *, mend: str = "") -> None:
        shown = [*lines[:SHOWN], *([f"… and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else [])]
        super().__init__("\n  ".join([message, *shown]), mend=mend)
        self.lines = tuple(lines)


class DivergedError(TrainingError):
    """The loss became NaN or infinite."""
