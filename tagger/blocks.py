"""The fusion's building blocks: pre-norm self-attention, and queries that attend to tokens."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head attention of queries over tokens, with a mask of the tokens that may be seen."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, queries: Tensor, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Queries (n, q, width) and tokens (n, t, width), mask (n, t), to (n, q, width)."""
        q = self._split(self.query(queries))
        k, v = (self._split(part) for part in self.key_value(tokens).chunk(2, dim=-1))
        if self.training:  # on a CPU the plain product has by far the faster backward pass
            mixed = _plain_attention(q, k, v, mask)
        else:
            visible = None if mask is None else mask[:, None, None, :].expand(-1, 1, queries.shape[1], -1)
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=visible)
        result: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return result

    def _split(self, x: Tensor) -> Tensor:
        n, tokens, width = x.shape
        return x.view(n, tokens, self.heads, width // self.heads).transpose(1, 2)


def _plain_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    scores = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5
    if mask is not None:
        hidden = torch.zeros(mask.shape, dtype=scores.dtype, device=mask.device).masked_fill(~mask, -1e4)
        scores = scores + hidden[:, None, None, :]
    mixed: Tensor = scores.softmax(-1) @ v
    return mixed


class ChannelDropout(nn.Module):
    """Drop whole channels of a movie's tokens, the same ones in all of them."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (n, t, width) to the same shape."""
        if not self.training or not self.p or tokens.ndim != 3:
            return tokens
        kept = F.dropout(torch.ones(len(tokens), 1, tokens.shape[2], device=tokens.device), self.p)
        return tokens * kept.to(tokens.dtype)


class FeedForward(nn.Sequential):
    """Widen, GELU, narrow."""

    def __init__(self, width: int, dropout: float, factor: int = 2) -> None:
        super().__init__(
            nn.Linear(width, factor * width),
            nn.GELU(),
            ChannelDropout(dropout),
            nn.Linear(factor * width, width),
        )


class SelfBlock(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm, self.feed_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.feed = FeedForward(width, dropout)
        self.drop = ChannelDropout(dropout)

    def forward(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        """Tokens (n, t, width), mask (n, t), to the same shape."""
        normed = self.attention_norm(tokens)
        tokens = tokens + self.drop(self.attention(normed, normed, mask))
        fed: Tensor = self.drop(self.feed(self.feed_norm(tokens)))
        return tokens + fed


class QueryBlock(nn.Module):
    """Queries look at each other (genres go together), then at the tokens."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.self_norm, self.cross_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.token_norm, self.feed_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.among = Attention(width, heads)
        self.across = Attention(width, heads)
        self.feed = FeedForward(width, dropout)
        self.drop = ChannelDropout(dropout)

    def forward(self, queries: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """Queries (n, q, width), tokens (n, t, width), mask (n, t), to (n, q, width)."""
        queries = queries + self.drop(self.across(self.cross_norm(queries), self.token_norm(tokens), mask))
        normed = self.self_norm(queries)
        queries = queries + self.drop(self.among(normed, normed))
        fed: Tensor = self.drop(self.feed(self.feed_norm(queries)))
        return queries + fed
