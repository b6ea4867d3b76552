"""What can go wrong around a model.

TaggerError
├── PosterError             the bytes are not a poster that we accept
├── ArtifactError           an artifact is missing, changed, or not one of ours
├── EncoderError            an encoder's weights are missing or are not those of the manifest
├── OutOfDeviceMemoryError  the batch does not fit the device: try a smaller one
└── NonFiniteError          the model made a NaN or an infinity for these movies
"""

from collections.abc import Sequence

from marquee.errors import MarqueeError


class TaggerError(MarqueeError):
    """The root of the branch."""


class PosterError(TaggerError):
    """The bytes are not a poster that we accept; `reason` is one short sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, mend="Send a JPEG, PNG or WebP image of a usual size.")
        self.reason = reason


class ArtifactError(TaggerError):
    """An artifact is missing, was changed after it was made, or is not one of ours."""


class EncoderError(TaggerError):
    """An encoder's weights are missing, or are not those that the manifest names."""


class OutOfDeviceMemoryError(TaggerError):
    """The batch does not fit into the device's memory: try a smaller one."""


class NonFiniteError(TaggerError):
    """The model made a NaN or an infinity; `positions` are the movies' places in the batch."""

    def __init__(self, positions: Sequence[int]) -> None:
        super().__init__(
            f"The model's output is not finite for the movies at {list(positions)} of the batch.",
            mend="The movie can be tagged by hand; if it is every movie, the artifact is damaged.",
        )
        self.positions = tuple(positions)
