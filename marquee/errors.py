"""The root of Marquee's exceptions.

    MarqueeError
    ├── SettingsError               a setting is missing or wrong
    ├── catalog.errors.CatalogError
    ├── review.errors.ReviewError
    ├── tagger.errors.TaggerError
    ├── training.errors.TrainingError
    └── worker.errors.WorkerError

Each room opens its own `errors.py` with the branch below its name.
"""


class MarqueeError(Exception):
    """An error that a user can meet: `message` names the cause, `mend` what to do about it."""

    exit_code = 1

    def __init__(self, message: str, *, mend: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.message} {self.mend}".strip()


class SettingsError(MarqueeError):
    """A setting is missing or has a value that cannot be used."""

    exit_code = 2
