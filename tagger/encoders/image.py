"""Image encoders: uint8 posters in, a map of vectors out, one a region.

EfficientNet-Lite is built here from its published description (no squeeze-and-excitation, ReLU6, fixed stem
and head; https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite). Batch norms are
folded into the convolutions when the weights are loaded: the arithmetic stays, and a third of the time goes.
"""

import json
from collections.abc import Mapping
from math import ceil

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tagger.errors import EncoderError
from tagger.weights import Weights

BATCH_NORM_EPS = 1e-3
STAGES = (  # kernel, stride, expansion, channels, repeats
    (3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1),
)  # fmt: skip
SCALES = {"efficientnet-lite0": (1.0, 1.0), "efficientnet-lite2": (1.1, 1.2)}
"""Width and depth by name; any other name brings a `config.json` with both beside its weights."""


class Convolution(nn.Conv2d):
    """A convolution with TensorFlow's "same" padding and a folded batch norm (hence the bias)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, 0, groups=groups, bias=True)
        self._kernel, self._stride = kernel, stride
        if stride == 1:
            self.padding = (kernel // 2, kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Pad as TensorFlow does, where that is not symmetric, and convolve.

        With a kernel of one pixel that is a matrix product over the channels, which lie together in memory.
        """
        if self._kernel == 1:
            return F.linear(x.permute(0, 2, 3, 1), self.weight[:, :, 0, 0], self.bias).permute(0, 3, 1, 2)
        if self._stride > 1:
            down, right = (self._missing(size) for size in x.shape[-2:])
            x = F.pad(x, (right // 2, right - right // 2, down // 2, down - down // 2))
        if x.requires_grad and x.device.type == "cpu":  # the backward pass is twice as fast in float32
            with torch.autocast("cpu", enabled=False):
                return F.conv2d(x.float(), self.weight, self.bias, self.stride, self.padding, 1, self.groups)
        convolved: Tensor = super().forward(x)
        return convolved

    def _missing(self, size: int) -> int:
        return max(0, (ceil(size / self._stride) - 1) * self._stride + self._kernel - size)


class Block(nn.Module):
    """An inverted residual block: expand, filter by channel, project."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = Convolution(inputs, inner, 1) if expansion > 1 else None
        self.depthwise = Convolution(inner, inner, kernel, stride, groups=inner)
        self.project = Convolution(inner, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) to the same with `outputs` channels, halved by a stride of 2."""
        y: Tensor = _relu6(self.expand(x)) if self.expand is not None else x
        y = self.project(_relu6(self.depthwise(y)))
        return x + y if self.residual else y


class Head(nn.Module):
    """The last pointwise convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = Convolution(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, height, width) to (batch, outputs, height, width)."""
        return _relu6(self.convolution(x))


class ImageEncoder(nn.Module):
    """EfficientNet-Lite, cut into a frozen trunk and a tail of the last `tail_blocks` (the head is one).

    Attributes:
        weights: where the weights came from, with their hash.
        width: the size of a region's vector.
    """

    width = 1280

    def __init__(self, weights: Weights, scale: tuple[float, float], tail_blocks: int = 0) -> None:
        super().__init__()
        wide, deep = scale
        self.weights = weights
        self.stem = Convolution(3, 32, 3, 2)
        blocks: list[nn.Module] = []
        channels = 32
        for index, (kernel, stride, expansion, base, repeats) in enumerate(STAGES):
            outputs = _rounded(base * wide)
            count = repeats if index in (0, len(STAGES) - 1) else ceil(repeats * deep)
            for repeat in range(count):
                blocks.append(Block(channels, outputs, kernel, 1 if repeat else stride, expansion))
                channels = outputs
        blocks.append(Head(channels, self.width))
        if not 0 <= tail_blocks <= len(blocks):
            raise EncoderError(f"{weights.name} has {len(blocks)} blocks, not {tail_blocks}.")
        cut = len(blocks) - tail_blocks
        self.trunk_blocks = nn.ModuleList(blocks[:cut])
        self.tail_blocks = nn.ModuleList(blocks[cut:])
        for module in (self.stem, self.trunk_blocks):
            module.requires_grad_(False)

    def trunk(self, posters: Tensor) -> Tensor:
        """Posters (n, height, width, 3) in uint8 to the map at the cut (n, channels, rows, columns)."""
        dtype = self.stem.weight.dtype
        x = posters.permute(0, 3, 1, 2).to(dtype).sub(127).div(128)  # channels-last without a copy
        x = _relu6(self.stem(x))
        for block in self.trunk_blocks:
            x = block(x)
        return x

    def tail(self, states: Tensor) -> Tensor:
        """From the map at the cut to the regions' vectors (batch, rows × columns, width), row by row."""
        for block in self.tail_blocks:
            states = block(states)
        return states.flatten(2).transpose(1, 2)

    def forward(self, posters: Tensor) -> Tensor:
        """Posters to region vectors: the trunk, then the tail."""
        return self.tail(self.trunk(posters))


def load_image_encoder(weights: Weights, tail_blocks: int = 0) -> ImageEncoder:
    """Load EfficientNet-Lite with its batch norms folded, in float32 and in evaluation mode."""
    encoder = ImageEncoder(weights, _scale_of(weights), tail_blocks)
    state = torch.load(weights.file, map_location="cpu", weights_only=True)
    blocks = [*encoder.trunk_blocks, *encoder.tail_blocks]
    try:
        _fold(encoder.stem, state, "_conv_stem", "_bn0")
        for index, block in enumerate(blocks[:-1]):
            assert isinstance(block, Block)
            at = f"_blocks.{index}."
            if block.expand is not None:
                _fold(block.expand, state, f"{at}_expand_conv", f"{at}_bn0")
            _fold(block.depthwise, state, f"{at}_depthwise_conv", f"{at}_bn1")
            _fold(block.project, state, f"{at}_project_conv", f"{at}_bn2")
        head = blocks[-1]
        assert isinstance(head, Head)
        _fold(head.convolution, state, "_conv_head", "_bn1")
    except (KeyError, RuntimeError) as error:
        raise EncoderError(f"{weights.file} does not hold the weights of {weights.name}: {error}") from None
    encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return encoder.eval()


@torch.no_grad()
def _fold(into: Convolution, state: Mapping[str, Tensor], convolution: str, norm: str) -> None:
    scale = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + BATCH_NORM_EPS)
    into.weight.copy_(state[f"{convolution}.weight"] * scale[:, None, None, None])
    assert into.bias is not None
    into.bias.copy_(state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale)


def _scale_of(weights: Weights) -> tuple[float, float]:
    if weights.name in SCALES:
        return SCALES[weights.name]
    try:
        config = json.loads((weights.folder / "config.json").read_text())
        return float(config["width"]), float(config["depth"])
    except (OSError, ValueError, KeyError, TypeError):
        mend = f"There are {', '.join(SCALES)}; another needs a config.json with width and depth."
        raise EncoderError(f"No image encoder is named {weights.name}.", mend=mend) from None


def _relu6(x: Tensor) -> Tensor:
    """In place where nothing will ask for the input again."""
    return F.relu6(x, inplace=not x.requires_grad)


def _rounded(channels: float, divisor: int = 8) -> int:
    """The nearest multiple of 8 that is not below nine tenths of the channels."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded
