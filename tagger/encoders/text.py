"""Text encoders: token ids in, one vector a token out."""

from pathlib import Path
from typing import Any, cast

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from tagger.blocks import ChannelDropout
from tagger.compat import mend_torchvision
from tagger.errors import EncoderError
from tagger.weights import Weights

TITLE_CHARACTERS = 120


class TextEncoder(nn.Module):
    """A BERT-like encoder, cut into a frozen trunk and a tail of the last `tail_blocks` blocks.

    Attributes:
        weights: where the weights came from, with their hash.
        width: the size of a token's vector.
        additive: whether the blocks take a mask to add to the scores, or a boolean one.
    """

    def __init__(
        self, model: nn.Module, weights: Weights, tail_blocks: int = 0, *, additive: bool = False
    ) -> None:
        super().__init__()
        encoder = cast(Any, model)
        blocks = list(encoder.encoder.layer)
        if not 0 <= tail_blocks <= len(blocks):
            raise EncoderError(f"{weights.name} has {len(blocks)} blocks, not {tail_blocks}.")
        cut = len(blocks) - tail_blocks
        self.weights = weights
        self.additive = additive
        self.width = int(encoder.config.hidden_size)
        for block in blocks[cut:]:
            _drop_channels(block)
        self.embeddings = encoder.embeddings
        self.trunk_blocks = nn.ModuleList(blocks[:cut])
        self.tail_blocks = nn.ModuleList(blocks[cut:])
        for module in (self.embeddings, self.trunk_blocks):
            module.requires_grad_(False)

    def trunk(self, ids: Tensor, mask: Tensor) -> Tensor:
        """States at the cut: ids (batch, tokens) and mask (True: a token) to (batch, tokens, width)."""
        return self._run(self.trunk_blocks, self.embeddings(input_ids=ids), mask)

    def tail(self, states: Tensor, mask: Tensor) -> Tensor:
        """From the states at the cut to the tokens' final vectors, of the same shape."""
        return self._run(self.tail_blocks, states, mask)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Token ids to token vectors: the trunk, then the tail."""
        return self.tail(self.trunk(ids, mask), mask)

    def _run(self, blocks: nn.ModuleList, states: Tensor, mask: Tensor) -> Tensor:
        visible = mask[:, None, None, :].expand(-1, 1, mask.shape[1], -1)
        if self.additive:
            zeros = torch.zeros(mask.shape, dtype=states.dtype, device=mask.device)
            visible = zeros.masked_fill(~mask, -1e4)[:, None, None, :]
        for block in blocks:
            states = block(states, visible)
        return states


def _drop_channels(block: nn.Module) -> None:
    """Drop whole channels in training, not single values: far fewer random numbers for a CPU to draw."""
    for module in list(block.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Dropout):
                setattr(module, name, ChannelDropout(child.p))


class TextTokenizer:
    """Title and plot to token ids, `[CLS] title [SEP] plot [SEP]`, cut at `max_tokens`."""

    def __init__(self, folder: Path, max_tokens: int) -> None:
        self.file = folder / "tokenizer.json"
        if not self.file.is_file():
            raise EncoderError(
                f"There is no tokenizer.json in {folder}.", mend="Use a complete encoder folder."
            )
        self._tokenizer = Tokenizer.from_file(str(self.file))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens, strategy="only_second")

    def __call__(self, pairs: list[tuple[str, str]]) -> list[list[int]]:
        """The ids of each (title, plot), of differing length."""
        capped = [(title[:TITLE_CHARACTERS], plot) for title, plot in pairs]
        return [encoding.ids for encoding in self._tokenizer.encode_batch(capped)]

    def offsets(self, title: str, plot: str) -> list[tuple[int, int] | None]:
        """For each token of one movie, its span in the plot, or None where it belongs to no plot word."""
        encoding = self._tokenizer.encode(title[:TITLE_CHARACTERS], plot)
        return [
            span if sequence == 1 else None
            for span, sequence in zip(encoding.offsets, encoding.sequence_ids, strict=True)
        ]


def load_text_encoder(weights: Weights, tail_blocks: int = 0, *, attention: str = "sdpa") -> TextEncoder:
    """Load a BERT-like encoder from its folder, in float32 and in evaluation mode.

    Args:
        weights: where it is.
        tail_blocks: how many of its last blocks are the tail.
        attention: `sdpa`, or `eager`, whose backward pass is by far the faster on a CPU.
    """
    mend_torchvision()
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model = AutoModel.from_pretrained(
            str(weights.folder), local_files_only=True, use_safetensors=True, trust_remote_code=False,
            attn_implementation=attention, attention_probs_dropout_prob=0.0, dtype=torch.float32,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise EncoderError(f"The encoder {weights.name} cannot be loaded: {error}") from None
    additive = attention == "eager"
    return TextEncoder(cast(nn.Module, model), weights, tail_blocks, additive=additive).eval()
