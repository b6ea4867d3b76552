"""Building a network from a recipe, before anything is trained."""

from collections.abc import Iterable

import torch

from tagger.config import ModelConfig
from tagger.content import Content
from tagger.encoders import load_image_encoder, load_text_encoder
from tagger.encoders.text import TextTokenizer
from tagger.lexicon import Lexicon
from tagger.model import Network
from tagger.prepare import Preparer, lexical_text
from tagger.weights import Weights, resolve
from training.recipe import Recipe


def configuration(recipe: Recipe, genres: tuple[str, ...], lexicon_size: int) -> ModelConfig:
    """The model's shape that a recipe asks for."""
    return ModelConfig(
        genres=genres,
        text_encoder=recipe.text_encoder,
        text_tail=recipe.text_tail,
        image_encoder=recipe.image_encoder,
        image_tail=recipe.image_tail,
        lexicon_size=lexicon_size,
        use_title=recipe.use_title,
        use_year=recipe.use_year,
        width=recipe.width,
        layers=recipe.layers,
        heads=recipe.heads,
        dropout=recipe.dropout,
        members=recipe.members,
    )


def encoder_weights(recipe: Recipe) -> tuple[Weights, Weights]:
    """Where the recipe's two encoders are on this machine."""
    return resolve(recipe.text_encoder), resolve(recipe.image_encoder)


def fit_lexicon(contents: Iterable[Content], recipe: Recipe) -> Lexicon:
    """The TF-IDF vocabulary of the training movies."""
    texts = (lexical_text(c, use_title=recipe.use_title) for c in contents if c.plot)
    return Lexicon.fit(texts, size=recipe.lexicon_size)


def build(recipe: Recipe, genres: tuple[str, ...], lexicon: Lexicon) -> tuple[Network, Preparer]:
    """A network with fresh fusions and pretrained encoders, and the preparer of its input."""
    torch.manual_seed(recipe.seed)
    config = configuration(recipe, genres, len(lexicon))
    text, image = encoder_weights(recipe)
    network = Network(
        config,
        load_text_encoder(text, config.text_tail, attention="eager"),
        load_image_encoder(image, config.image_tail),
    )
    return network, Preparer(config, TextTokenizer(text.folder, config.max_tokens), lexicon)
