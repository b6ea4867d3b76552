"""What a model is made of, as the manifest records it: enough to build it before its weights are loaded."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from tagger.errors import ArtifactError


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The shape of a model and of its input.

    Attributes:
        genres: the genres in the order of the outputs.
        text_encoder: canonical name; `text_tail` of its last blocks are the artifact's own.
        image_encoder: likewise, with `image_tail`.
        max_tokens: text is cut there.
        poster_size: (height, width) that the image encoder sees.
        poster_detail: posters wider than this are first shrunk to it, so that the size of a file at its
            source says nothing.
        lexicon_size: the terms of the TF-IDF skip; 0 for none.
        use_title: whether the title goes before the plot.
        use_year: whether the year is a token.
        width, layers, heads, dropout: of the fusion.
        members: fusions over the same encoders, whose logits are averaged.
    """

    genres: tuple[str, ...]
    text_encoder: str = "all-MiniLM-L6-v2"
    text_tail: int = 0
    image_encoder: str = "efficientnet-lite0"
    image_tail: int = 0
    max_tokens: int = 192
    poster_size: tuple[int, int] = (288, 192)
    poster_detail: int = 185
    lexicon_size: int = 20_000
    use_title: bool = True
    use_year: bool = True
    width: int = 256
    layers: int = 2
    heads: int = 4
    dropout: float = 0.2
    members: int = 1

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON can hold them."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "ModelConfig":
        """The configuration that `to_json` described.

        Raises:
            ArtifactError: a field is missing, unknown, of the wrong type, or beyond reason.
        """
        try:
            names = {field.name for field in fields(cls)}
            if set(data) != names:
                raise ValueError(f"fields differ: {sorted(set(data) ^ names)}")
            values = dict(data, genres=tuple(data["genres"]), poster_size=tuple(data["poster_size"]))
            config = cls(**values)
            config._check()
        except (TypeError, ValueError, KeyError) as error:
            raise ArtifactError(f"The manifest's model section cannot be used: {error}.") from None
        return config

    def _check(self) -> None:
        numbers: tuple[int, ...] = (
            self.text_tail,
            self.image_tail,
            self.max_tokens,
            *self.poster_size,
            self.poster_detail,
        )
        numbers += (self.lexicon_size, self.width, self.layers, self.heads, self.members)
        if not all(isinstance(n, int) and 0 <= n <= 10_000_000 for n in numbers):
            raise ValueError("a size is not a small whole number")
        if not (
            8 <= self.max_tokens <= 512
            and self.layers <= 24
            and 1 <= self.members <= 32
            and self.heads
            and self.width % self.heads == 0
        ):
            raise ValueError("a size is out of range")
        if len(self.poster_size) != 2 or not all(32 <= n <= 1024 for n in self.poster_size):
            raise ValueError("poster_size is out of range")
        if not 8 <= self.width <= 4096 or not 0 <= self.dropout < 1:
            raise ValueError("width or dropout is out of range")
        if not self.genres or not all(isinstance(g, str) and g for g in self.genres):
            raise ValueError("genres must be names")
        if len(set(self.genres)) != len(self.genres) or len(self.genres) > 1000:
            raise ValueError("genres must be distinct and fewer than 1,000")
