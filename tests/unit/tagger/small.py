"""Small encoders, movies and models made on the spot, so that the tests of the model take seconds."""

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from tagger.artifact import Artifact, save_artifact
from tagger.bands import Bands
from tagger.calibration import Calibration
from tagger.compat import mend_torchvision
from tagger.content import Content
from tagger.encoders.image import Block, Convolution, Head, ImageEncoder
from tagger.model import Network
from tagger.poster import normalise
from tagger.prepare import Preparer
from tagger.weights import Weights, file_sha256
from training.build import build, fit_lexicon
from training.recipe import Recipe

TEXT, IMAGE = "small-bert", "small-lite"
SCALE = (0.1, 0.1)
GENRES = ("Comedy", "Drama", "Horror", "War")
WORDS = (
    *("a", "the", "and", "old", "new", "ghost", "ghosts", "house", "laugh", "laughs", "joke", "jokes"),
    *("soldier", "soldiers", "war", "battle", "tears", "family", "love", "dies", "lives", "runs", "hides"),
    *("finds", "loses", "night", "day", "city", "sea", "king", "queen", "train", "letter"),
)
RECIPE = Recipe(
    name="small", seed=3, epochs=2, batch_size=16, rate=2e-3, tail_rate=1e-4, folds=2, precision="fp32",
    text_encoder=TEXT, image_encoder=IMAGE, text_tail=1, image_tail=1, lexicon_size=50,
    width=16, layers=1, heads=2, dropout=0.1,
)  # fmt: skip


def make_encoders(root: Path) -> None:
    """Write a two-block BERT and a narrow EfficientNet-Lite, both random, under their names."""
    mend_torchvision()
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    text = root / TEXT
    config = BertConfig(
        vocab_size=len(WORDS) + 5,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
    )
    BertModel(config).eval().save_pretrained(text)
    vocabulary = {
        word: place for place, word in enumerate(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS))
    }
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer.save(str(text / "tokenizer.json"))
    image = root / IMAGE
    image.mkdir()
    (image / "config.json").write_text(json.dumps({"width": SCALE[0], "depth": SCALE[1]}))
    torch.save(_lite_state(), image / "weights.pth")


def _lite_state() -> dict[str, torch.Tensor]:
    """A state dictionary in the layout of the published weights, with batch norms that do something."""
    encoder = ImageEncoder(Weights(IMAGE, Path(), ""), SCALE)
    state: dict[str, torch.Tensor] = {}

    def add(layer: Convolution, convolution: str, norm: str) -> None:
        state[f"{convolution}.weight"] = torch.randn_like(layer.weight) * (2 / layer.weight[0].numel()) ** 0.5
        for name, value in (("weight", 1.0), ("running_var", 1.0), ("bias", 0.0), ("running_mean", 0.0)):
            state[f"{norm}.{name}"] = value + 0.1 * torch.rand(layer.out_channels)

    add(encoder.stem, "_conv_stem", "_bn0")
    for index, block in enumerate(encoder.trunk_blocks):
        if isinstance(block, Head):
            add(block.convolution, "_conv_head", "_bn1")
            continue
        assert isinstance(block, Block)
        if block.expand is not None:
            add(block.expand, f"_blocks.{index}._expand_conv", f"_blocks.{index}._bn0")
        add(block.depthwise, f"_blocks.{index}._depthwise_conv", f"_blocks.{index}._bn1")
        add(block.project, f"_blocks.{index}._project_conv", f"_blocks.{index}._bn2")
    return state


def poster(seed: int = 0, size: tuple[int, int] = (60, 90), form: str = "JPEG") -> bytes:
    """A colourful picture in blocks, as a file."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 4, 3), dtype=np.uint8)
    out = BytesIO()
    Image.fromarray(coarse).resize(size, Image.Resampling.NEAREST).save(out, form)
    return out.getvalue()


def plot(seed: int, words: int = 12) -> str:
    """Words from the small vocabulary in random order."""
    return " ".join(np.random.default_rng(seed).choice(WORDS, words))


def contents(count: int = 9) -> list[Content]:
    """Movies of differing length, some without a plot, a poster or a year."""
    movies = []
    for n in range(count):
        whole = Content(f"the {WORDS[n]}", 1950 + 7 * n, "en", plot(n, 3 + 5 * n), normalise(poster(n)))
        hidden = {1: {"poster": None}, 2: {"plot": None}, 3: {"year": None}}.get(n % 4, {})
        movies.append(replace(whole, **hidden))
    return movies


def small_network(recipe: Recipe = RECIPE) -> tuple[Network, Preparer]:
    """An untrained network whose every part has something to say."""
    network, preparer = build(recipe, GENRES, fit_lexicon(contents(), recipe))
    torch.manual_seed(1)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.startswith("fusions."):
                parameter.add_(0.2 * torch.randn_like(parameter))
    return network.eval(), preparer


def small_artifact(folder: Path, recipe: Recipe = RECIPE) -> Path:
    """An untrained artifact on disk."""
    network, preparer = small_network(recipe)
    shape = (3, len(GENRES))
    artifact = Artifact(
        network.config,
        {"text": {"name": TEXT, "sha256": network.text.weights.sha256,
                  "tokenizer_sha256": file_sha256(preparer.tokenizer.file)},
         "image": {"name": IMAGE, "sha256": network.image.weights.sha256}},
        network.own_state(),
        preparer.lexicon,
        np.array([0.4, 0.3, 0.2, 0.1], dtype=np.float32),
        Calibration(np.full(shape, 0.7), np.full(shape, -0.2)),
        Bands(np.full(shape, 0.3), np.full(shape, 0.5), np.full(shape, 0.8), {"precision": 0.95}),
        {"name": recipe.name, "metrics": {}, "data": {"movies": 0}},
    )  # fmt: skip
    save_artifact(artifact, folder, "A card.\n")
    return folder


def write_dataset(folder: Path, count: int = 48, seed: int = 0) -> Path:
    """Movies whose genres follow from a word of the plot and from the poster's brightness."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    lines = []
    for n in range(count):
        genre = n % len(GENRES)
        clue = ("jokes", "tears", "ghosts", "soldiers")[genre]
        text = " ".join([*random.choice(WORDS[:6], 3), clue, *random.choice(WORDS[:6], 4)])
        picture = Image.new("RGB", (40, 60), (60 * genre, 255 - 60 * genre, 40))
        picture.save(folder / f"{n}.png")
        genres = [GENRES[genre], *([GENRES[(genre + 1) % len(GENRES)]] if n % 5 == 0 else [])]
        movie = {
            "tmdb_id": n,
            "title": f"the {WORDS[n % 7]}",
            "year": 1960 + n,
            "plot": text,
            "genres": genres,
        }
        lines.append(json.dumps({**movie, "poster": f"{n}.png"}))
    (folder / "movies.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def resave_safetensors(path: Path, name: str, value: float) -> None:
    """Overwrite one tensor of a safetensors file."""
    from safetensors.torch import load_file

    tensors = load_file(path)
    tensors[name] = torch.full_like(tensors[name], value)
    save_file(tensors, path)
