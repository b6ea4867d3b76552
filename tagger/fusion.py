"""Attention fusion: words, poster regions and the year become one sequence; each genre asks its own question.

A missing modality is a learned token, never a zero vector. Beside the attention stands a linear skip from
pooled text, pooled poster and TF-IDF, so that the fusion starts from what a linear model knows.
"""

import torch
from torch import Tensor, nn

from tagger.batch import Batch
from tagger.blocks import ChannelDropout, QueryBlock, SelfBlock
from tagger.config import ModelConfig

FIRST_YEAR, LAST_YEAR, YEAR_STEP = 1900, 2040, 10
STRIDE = 32  # of the image encoders: a region stands for 32 × 32 pixels


def regions_of(config: ModelConfig) -> int:
    """How many regions the image encoder makes of a poster."""
    height, width = config.poster_size
    return -(-height // STRIDE) * -(-width // STRIDE)


class Fusion(nn.Module):
    """From the encoders' token vectors to one logit a genre."""

    def __init__(self, config: ModelConfig, text_width: int, image_width: int) -> None:
        super().__init__()
        width, genres = config.width, len(config.genres)
        self.use_year = config.use_year
        self.text_norm, self.image_norm = nn.LayerNorm(text_width), nn.LayerNorm(image_width)
        self.text_in, self.image_in = nn.Linear(text_width, width), nn.Linear(image_width, width)
        self.modality = nn.Parameter(torch.randn(2, width) * 0.02)
        self.missing = nn.Parameter(torch.randn(2, width) * 0.02)
        self.place = nn.Parameter(torch.randn(regions_of(config), width) * 0.02)
        self.year = nn.Embedding((LAST_YEAR - FIRST_YEAR) // YEAR_STEP + 2, width)
        nn.init.normal_(self.year.weight, std=0.02)
        self.blocks = nn.ModuleList(
            SelfBlock(width, config.heads, config.dropout) for _ in range(config.layers)
        )
        self.queries = nn.Parameter(torch.randn(genres, width) * 0.02)
        self.ask = QueryBlock(width, config.heads, config.dropout)
        self.out_norm = nn.LayerNorm(width)
        self.out = nn.Parameter(torch.randn(genres, width) * 0.02)
        self.bias = nn.Parameter(torch.zeros(genres))
        self.text_skip, self.image_skip = nn.Linear(text_width, genres), nn.Linear(image_width, genres)
        for skip in (self.text_skip, self.image_skip):
            nn.init.zeros_(skip.weight)
            nn.init.zeros_(skip.bias)
        self.terms = nn.EmbeddingBag(config.lexicon_size, genres, mode="sum") if config.lexicon_size else None
        if self.terms is not None:
            nn.init.zeros_(self.terms.weight)
        self.drop = ChannelDropout(config.dropout)

    def forward(self, text: Tensor, image: Tensor, batch: Batch) -> Tensor:
        """Logits (n, genres) from text (n, tokens, text width) and image (n, regions, image width)."""
        text, image = self.drop(self.text_norm(text)), self.drop(self.image_norm(image))
        tokens, mask = self._sequence(text, image, batch)
        for block in self.blocks:
            tokens = block(tokens, mask)
        answers = self.ask(self.queries.expand(len(batch), -1, -1), tokens, mask)
        logits = (self.out_norm(answers) * self.out).sum(-1) + self.bias
        total: Tensor = logits + self._skip(text, image, batch)
        return total

    def _sequence(self, text: Tensor, image: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """One sequence of tokens and its mask: no text, no poster, year, words…, regions…."""
        n = len(batch)
        lead = [self.missing.expand(n, -1, -1)]
        lead_mask = [~batch.has_text[:, None], ~batch.has_image[:, None]]
        if self.use_year:
            lead.append(self._year(batch.years)[:, None])
            lead_mask.append(torch.ones_like(lead_mask[0]))
        words = self.text_in(text) + self.modality[0]
        regions = self.image_in(image) + self.modality[1] + self.place
        seen = batch.has_image[:, None].expand(-1, image.shape[1])
        text_mask = batch.text_mask & batch.has_text[:, None]
        return torch.cat([*lead, words, regions], dim=1), torch.cat([*lead_mask, text_mask, seen], dim=1)

    def _year(self, years: Tensor) -> Tensor:
        """A point between the embeddings of the two decades around the year; its own one where unknown."""
        known = ~years.isnan()
        at = ((years.nan_to_num(FIRST_YEAR) - FIRST_YEAR) / YEAR_STEP).clamp(
            0, self.year.num_embeddings - 2.001
        )
        low = at.floor().long()
        share = (at - low)[:, None].to(self.year.weight.dtype)
        mixed = (
            self.year(low) * (1 - share)
            + self.year((low + 1).clamp(max=self.year.num_embeddings - 2)) * share
        )
        return torch.where(known[:, None], mixed, self.year.weight[-1])

    def _skip(self, text: Tensor, image: Tensor, batch: Batch) -> Tensor:
        seen = (batch.text_mask & batch.has_text[:, None])[..., None].to(text.dtype)
        pooled = (text * seen).sum(1) / seen.sum(1).clamp(min=1)
        logits: Tensor = self.text_skip(pooled) * batch.has_text[:, None]
        logits = logits + self.image_skip(image.mean(1)) * batch.has_image[:, None]
        if self.terms is not None:
            found = self.terms(batch.terms, batch.term_offsets, per_sample_weights=batch.term_weights)
            logits = logits + found * batch.has_text[:, None]
        return logits
