"""A recipe: everything that decides how an artifact is trained, as one documented dataclass."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the default tagger is trained. The manifest records every field.

    Attributes:
        name: the artifact's name.
        seed: of weights, order and dropout; the same seed gives the same bytes on the same machine.
        epochs, batch_size: passes over the data, and movies a step.
        rate, tail_rate, term_rate: learning rates of the fusion, the encoders' tails and the TF-IDF skip.
        weight_decay, term_decay: AdamW's, of all weights and of the TF-IDF skip.
        warm_up: the share of the steps in which the rate rises; after that it falls as a cosine.
        smoothing: labels become `smoothing/2` and `1 - smoothing/2`.
        drop_plot, drop_poster, drop_year: how often a modality is hidden.
        term_share, term_penalty: the share of a TF-IDF logistic regression that is added to the logits, and its
            L2 penalty.
        average: decay of the running average of the weights that is kept in the end; 0 for none.
        flip: whether posters are also shown mirrored.
        folds: parts of the training movies; a model that did not see a part predicts it.
        fold_runs: how many of the parts get such a model; calibration, thresholds and bands come from these.
        precision: of the forward pass in training, "bf16" or "fp32".
        text_encoder, image_encoder, text_tail, image_tail, lexicon_size, use_title, use_year,
        width, layers, heads, dropout, members: see `tagger.config.ModelConfig`.
    """

    name: str = "default"
    seed: int = 7
    epochs: int = 3
    batch_size: int = 64
    rate: float = 5e-4
    tail_rate: float = 8e-5
    term_rate: float = 3e-3
    weight_decay: float = 0.02
    term_decay: float = 0.0
    warm_up: float = 0.06
    smoothing: float = 0.0
    drop_plot: float = 0.12
    drop_poster: float = 0.15
    drop_year: float = 0.1
    term_share: float = 0.5
    term_penalty: float = 0.5
    average: float = 0.995
    flip: bool = False
    folds: int = 4
    fold_runs: int = 1
    precision: str = "bf16"
    text_encoder: str = "all-MiniLM-L6-v2"
    image_encoder: str = "efficientnet-lite0"
    text_tail: int = 3
    image_tail: int = 5
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
