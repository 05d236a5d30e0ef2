"""Lessons as tensors: several that begin alike are read at once, what they share only once.

A pack is the shared beginning and then each lesson's own rest; a token sees the beginning and its own lesson up to
itself, at the position that it has in its lesson alone. The loss is that of the lessons one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Lesson:
    """Messages (role and content) and the reply that is right. Lessons of a `group` begin alike."""

    group: str
    said: tuple[tuple[str, str], ...]
    target: str


@dataclass(frozen=True)
class Encoded:
    """A lesson as tokens."""

    prompt: tuple[int, ...]
    target: tuple[int, ...]


@dataclass(frozen=True)
class Pack:
    """Tensors of (1, L) tokens and positions, (1, 1, L, L) who sees whom; (T,) where targets are told, and which."""

    tokens: torch.Tensor
    positions: torch.Tensor
    sees: torch.Tensor
    places: torch.Tensor
    targets: torch.Tensor


def encoded(lesson: Lesson, tokenizer: Any) -> Encoded:
    """The lesson in the model's own chat template; the reply ends with the token that ends replies."""
    said = [{"role": role, "content": content} for role, content in lesson.said]
    prompt = tokenizer.apply_chat_template(said, add_generation_prompt=True, tokenize=False)
    ids = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in (prompt, lesson.target))
    first, reply = (tuple(int(one) for one in found) for found in ids)
    return Encoded(first, (*reply, int(tokenizer.eos_token_id)))


def alike(*prompts: Sequence[int]) -> int:
    """How many tokens all of these begin with in common."""
    columns = zip(*prompts, strict=False)
    return next((number for number, one in enumerate(columns) if len(set(one)) > 1), min(map(len, prompts)))


def pack(lessons: Sequence[Encoded]) -> Pack:
    """Lessons, side by side."""
    shared = alike(*(one.prompt[:-1] for one in lessons))
    tokens, positions, branch = list(lessons[0].prompt[:shared]), list(range(shared)), [0] * shared
    places: list[int] = []
    targets: list[int] = []
    for number, one in enumerate(lessons, 1):
        rest = (*one.prompt[shared:], *one.target[:-1])
        first = len(tokens) + len(one.prompt) - shared - 1
        places += range(first, first + len(one.target))
        targets += one.target
        tokens += rest
        positions += range(shared, shared + len(rest))
        branch += [number] * len(rest)
    owner = torch.tensor(branch)
    same = (owner[:, None] == owner[None, :]) | (owner[None, :] == 0)
    sees = same & torch.tril(torch.ones(len(tokens), len(tokens), dtype=torch.bool))
    return Pack(
        torch.tensor([tokens]), torch.tensor([positions]), sees[None, None], torch.tensor(places), torch.tensor(targets)
    )


def loss_of(model: Any, given: Pack) -> torch.Tensor:
    """The mean cross-entropy, in nats, of the targets' tokens."""
    found = model(
        input_ids=given.tokens, position_ids=given.positions, attention_mask=given.sees, use_cache=False,
        logits_to_keep=given.places,
    )  # fmt: skip
    return torch.nn.functional.cross_entropy(found.logits[0].float(), given.targets)
