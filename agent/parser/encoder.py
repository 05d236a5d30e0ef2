"""A BERT encoder, small enough to be read at a glance: the weights are those of MiniLM, fine-tuned.

The architecture is that of Devlin et al. (2019), "BERT"; MiniLM is Wang et al. (2020), "MiniLM: Deep Self-Attention
Distillation for Task-Agnostic Compression of Pre-Trained Transformers".
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

DROPPED = 1 / 9
"""Share of what a layer adds that is left out at random while the network is trained."""

_POOL = 1 << 24


@dataclass(frozen=True)
class Size:
    """The dimensions of an encoder."""

    vocabulary: int = 30522
    width: int = 384
    layers: int = 6
    heads: int = 12
    inner: int = 1536
    positions: int = 512


class Drop(nn.Module):
    """Dropout with masks from a pool, at random places in it: to draw them takes a processor longer than the layer."""

    def forward(self, states: Tensor) -> Tensor:
        """The same while the network is not trained."""
        if not self.training:
            return states
        size = states.numel()
        start = int(torch.randint(_POOL - size, ()))
        return states * _masks()[start : start + size].view(states.shape)


@functools.lru_cache(maxsize=1)
def _masks() -> Tensor:
    """Zeros and what makes up for them, always the same; 9/8 is exact in bfloat16."""
    drawn = torch.Generator().manual_seed(0)
    return torch.empty(_POOL, dtype=torch.bfloat16).bernoulli_(1 - DROPPED, generator=drawn) / (1 - DROPPED)


def attended(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """Attention (batch, heads, steps, width of a head); mask: added to the scores, or True where one may look.

    Written out, as torch's own is five times slower to train on a processor where the mask has a gradient.
    """
    if mask.dtype is torch.bool:
        mask = torch.zeros(mask.shape).masked_fill(~mask, -1e9)
    scores = query @ keys.transpose(-1, -2) * query.shape[-1] ** -0.5
    return (scores + mask).softmax(-1).to(values.dtype) @ values  # type: ignore[no-any-return]


class Layer(nn.Module):
    """Self-attention and a feed-forward part, each with a residual and a norm after it."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.heads = heads
        self.into = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)
        self.drop = Drop()
        self.first = nn.LayerNorm(width, eps=1e-12)
        self.second = nn.LayerNorm(width, eps=1e-12)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """states (batch, length, width); mask (batch, 1, length or heads, length) added to the scores or boolean."""
        batch, length, width = states.shape
        parts = self.into(states).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        found = attended(parts[0], parts[1], parts[2], mask)
        states = self.first(states + self.drop(self.out(found.transpose(1, 2).reshape(batch, length, width))))
        return self.second(states + self.drop(self.down(functional.gelu(self.up(states)))))  # type: ignore[no-any-return]


class Encoder(nn.Module):
    """Word pieces to states."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.words = nn.Embedding(size.vocabulary, size.width)
        self.places = nn.Embedding(size.positions, size.width)
        self.kinds = nn.Embedding(2, size.width)
        self.norm = nn.LayerNorm(size.width, eps=1e-12)
        self.layers = nn.ModuleList(Layer(size.width, size.heads, size.inner) for _ in range(size.layers))

    def forward(self, ids: Tensor, mask: Tensor, kinds: Tensor | None = None) -> Tensor:
        """ids, mask (1 where a piece is), kinds (0 or 1): (batch, length). Returns (batch, length, width)."""
        places = torch.arange(ids.shape[1])
        states = self.words(ids) + self.places(places) + self.kinds(torch.zeros_like(ids) if kinds is None else kinds)
        states, allowed = self.norm(states), mask.bool()[:, None, None, :]
        for layer in self.layers:
            states = layer(states, allowed)
        return states  # type: ignore[no-any-return]

    def freeze(self, layers: int) -> None:
        """Keep the embeddings and the lowest layers as they are."""
        for part in (self.words, self.places, self.kinds, self.norm, *self.layers[:layers]):
            part.requires_grad_(False)

    def means(self, ids: Tensor, mask: Tensor) -> Tensor:
        """A vector for each row, (batch, width): the mean over its pieces."""
        states = self(ids, mask) * mask[:, :, None]
        return states.sum(1) / mask.sum(1, keepdim=True)  # type: ignore[no-any-return]


def from_bert(state: dict[str, Any], layers: int) -> dict[str, Tensor]:
    """The weights of a BERT checkpoint under the names of this encoder."""
    found = {
        "words.weight": state["embeddings.word_embeddings.weight"],
        "places.weight": state["embeddings.position_embeddings.weight"],
        "kinds.weight": state["embeddings.token_type_embeddings.weight"],
        "norm.weight": state["embeddings.LayerNorm.weight"],
        "norm.bias": state["embeddings.LayerNorm.bias"],
    }
    parts = {
        "out": "attention.output.dense", "up": "intermediate.dense", "down": "output.dense",
        "first": "attention.output.LayerNorm", "second": "output.LayerNorm",
    }  # fmt: skip
    for number in range(layers):
        old = f"encoder.layer.{number}."
        for end in ("weight", "bias"):
            three = [state[f"{old}attention.self.{name}.{end}"] for name in ("query", "key", "value")]
            found[f"layers.{number}.into.{end}"] = torch.cat(three)
            for new, name in parts.items():
                found[f"layers.{number}.{new}.{end}"] = state[f"{old}{name}.{end}"]
    return found
