"""What the model sees of a movie: the fetch worker stores it, the predictor and the training read it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Content:
    """A movie's content. `None` means missing, and the model is told so.

    Attributes:
        title: the title, cleaned.
        year: the year of the first release.
        language: the ISO 639-1 code of the plot's language.
        plot: the plot, as `tagger.text.clean` made it.
        poster: the bytes of a poster, as `tagger.poster.normalise` made them.
    """

    title: str
    year: int | None = None
    language: str | None = None
    plot: str | None = None
    poster: bytes | None = None
