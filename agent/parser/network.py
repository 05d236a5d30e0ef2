"""The network: a question and a schema are read apart, joined, and a plan is written by pointing at pieces of both.

Pointing instead of generating (Vinyals et al. 2015, "Pointer Networks"); words and schema items attend to each other
with a bias by how they match (Wang et al. 2020, "RAT-SQL").
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from askwhy.agent.parser.actions import WORDS
from askwhy.agent.parser.batch import GROUPS, WAYS, Batch, Lesson
from askwhy.agent.parser.encoder import Drop, Encoder, Layer, Size, attended
from askwhy.agent.parser.items import FEATURES
from askwhy.agent.parser.question import SPOKEN

LONGEST_PLAN = 64
"""Actions of a plan that the network has places for."""


@dataclass(frozen=True)
class Shape:
    """Dimensions of the joining and writing parts."""

    width: int = 256
    heads: int = 8
    inner: int = 768
    joining: int = 4
    writing: int = 3


@dataclass(frozen=True, eq=False)
class Shelf:
    """The encoded catalogue: vectors of arguments and values (texts, width), of tools, and of every question asked.

    owner: (asks,) the tool of each. favour: (tools,) added to the score of each.
    """

    texts: Tensor
    tools: Tensor
    asks: Tensor
    owner: Tensor
    favour: Tensor

    @classmethod
    def of(cls, texts: Tensor, asks: Tensor, owner: Tensor, favour: Tensor) -> Shelf:
        """From the vectors of texts and of questions asked."""
        sums = torch.zeros(len(favour), asks.shape[1]).index_add_(0, owner, asks)
        return cls(texts, functional.normalize(sums, dim=-1), asks, owner, favour)


@dataclass(frozen=True, eq=False)
class Joined:
    """A batch as the writer sees it: keys and values of the memory (words and items) for each of its layers, what of
    the memory is there, candidates, the same as they are pointed at, and a lean to tools.

    common: how many candidates are of the catalogue; its last ones are the tools.
    """

    kept: tuple[Tensor, ...]
    there: Tensor
    candidates: Tensor
    pointed: Tensor
    lean: Tensor
    common: int

    def repeated(self, number: int, times: int) -> Joined:
        """One question of the batch, so many times."""
        part = slice(number, number + 1)
        return Joined(
            tuple(one[:, part].expand(-1, times, -1, -1, -1) for one in self.kept),
            self.there[part].expand(times, -1),
            self.candidates[part].expand(times, -1, -1),
            self.pointed[part].expand(times, -1, -1),
            self.lean[part].expand(times, -1),
            self.common,
        )


class Decoder(nn.Module):
    """One layer of the writer: what was written, then the memory, then a feed-forward part."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.written = Layer(shape.width, shape.heads, shape.inner)
        self.query = nn.Linear(shape.width, shape.width)
        self.memory = nn.Linear(shape.width, 2 * shape.width)
        self.out = nn.Linear(shape.width, shape.width)
        self.drop = Drop()
        self.norm = nn.LayerNorm(shape.width)
        self.heads = shape.heads

    def kept(self, memory: Tensor) -> Tensor:
        """Keys and values of the memory (b, m, width), (2, b, heads, m, width of a head): the same at every step."""
        parts = self.memory(memory).view(*memory.shape[:2], 2, self.heads, -1)
        return parts.permute(2, 0, 3, 1, 4)  # type: ignore[no-any-return]

    def forward(self, states: Tensor, mask: Tensor, kept: Tensor, there: Tensor) -> Tensor:
        """states (b, steps, width); there (b, m)."""
        states = self.written(states, mask)
        batch, steps, width = states.shape
        query = self.query(states).view(batch, steps, self.heads, -1).transpose(1, 2)
        found = attended(query, kept[0], kept[1], there[:, None, None, :])
        return self.norm(states + self.drop(self.out(found.transpose(1, 2).reshape(batch, steps, width))))  # type: ignore[no-any-return]


class Network(nn.Module):
    """Reads and writes; see the module."""

    def __init__(self, size: Size | None = None, shape: Shape | None = None) -> None:
        super().__init__()
        size, shape = size or Size(), shape or Shape()
        wide = shape.width
        self.shape = shape
        self.encoder = Encoder(size)
        self.word = nn.Linear(size.width, wide)
        self.alone = nn.Linear(size.width, wide)
        self.item = nn.Linear(size.width, wide)
        self.tool = nn.Linear(size.width, wide)
        self.text = nn.Linear(size.width, wide)
        self.item_kind = nn.Embedding(len(GROUPS), wide)
        self.number_kind = nn.Embedding(len(WAYS), wide)
        self.number = nn.Linear(wide, wide)
        self.start_word = nn.Linear(wide, wide)
        self.grammar = nn.Embedding(len(WORDS), wide)
        self.earlier = nn.Embedding(2, wide)
        self.word_match = nn.Linear(FEATURES + 1, shape.heads)
        self.item_match = nn.Linear(FEATURES + 1, shape.heads)
        self.owned = nn.Parameter(torch.zeros(shape.heads))
        self.best_match = nn.Linear(FEATURES + 1, wide)
        self.joining = nn.ModuleList(Layer(wide, shape.heads, shape.inner) for _ in range(shape.joining))
        self.places = nn.Embedding(LONGEST_PLAN, wide)
        self.begin = nn.Parameter(torch.zeros(wide))
        self.writing = nn.ModuleList(Decoder(shape) for _ in range(shape.writing))
        self.pointer = nn.Linear(wide, wide)
        self.pointed = nn.Linear(wide, wide)
        self.nearness = nn.Parameter(torch.tensor([4.0, 4.0]))
        for part in (self.word_match, self.item_match, self.alone):
            nn.init.zeros_(part.weight)
            nn.init.zeros_(part.bias)
        for table in (self.item_kind, self.number_kind, self.grammar, self.places, self.earlier):
            nn.init.normal_(table.weight, std=0.02)

    def sentences(self, ids: Tensor, mask: Tensor, at_once: int = 64) -> Tensor:
        """A vector of length one for each text, (texts, encoder's width)."""
        parts = [self.encoder.means(ids[i : i + at_once], mask[i : i + at_once]) for i in range(0, len(ids), at_once)]
        return functional.normalize(torch.cat(parts), dim=-1)

    def join(self, batch: Batch, shelf: Shelf, items: Tensor) -> Joined:
        """Question and items (u, encoder's width), after they have seen each other."""
        states = self.encoder(batch.ids, batch.mask, batch.kinds)
        own = (batch.mask.bool() & (batch.kinds == 0)).float()
        sentence = functional.normalize((states * own[:, :, None]).sum(1) / own.sum(1, keepdim=True), dim=-1)
        wide = states.shape[-1]
        words = torch.gather(states, 1, batch.first[:, :, None].expand(-1, -1, wide))
        features = torch.cat([batch.matched, self._alike(batch)[..., None]], dim=-1)
        best = features.masked_fill(~batch.words[:, :, None, None], 0.0).amax(1)
        vectors = self.item(items)[batch.item_of] + self.item_kind(batch.item_kind) + self.best_match(best)
        # In context "less" and "more" are nearly alike to an encoder of sentences; out of context they are not.
        alone = self.alone(self.encoder.words(torch.gather(batch.ids, 1, batch.first)))
        memory = torch.cat([self.word(words) + alone, vectors], dim=1)
        there = torch.cat([batch.words, batch.items], dim=1)
        bias = self._bias(batch, features, there)
        for layer in self.joining:
            memory = layer(memory, bias)
        candidates = self._candidates(batch, shelf, memory)
        common = candidates.shape[1] - batch.candidates
        kept = tuple(layer.kept(memory) for layer in self.writing)  # type: ignore[operator]
        return Joined(kept, there, candidates, self.pointed(candidates), self._lean(sentence, shelf), common)

    def _alike(self, batch: Batch) -> Tensor:
        """The largest cosine of each word with the pieces of each item, out of context, or 0, (b, w, i)."""
        said, said_at = torch.unique(torch.gather(batch.ids, 1, batch.first), return_inverse=True)
        named, named_at = torch.unique(batch.item_ids, return_inverse=True)
        table = functional.normalize(self.encoder.words(said), dim=-1) @ functional.normalize(
            self.encoder.words(named), dim=-1
        ).transpose(0, 1)
        found = table.clamp(min=0.0)[said_at[:, :, None, None], named_at[batch.item_of][:, None]]
        # Padding counts as zero, and must not make a difference to items that have none.
        return (found * batch.item_mask[batch.item_of][:, None]).amax(-1)

    def _bias(self, batch: Batch, features: Tensor, there: Tensor) -> Tensor:
        """Scores added to the attention, (b, heads, w + i, w + i)."""
        count, words, items = features.shape[:3]
        bias = features.new_zeros(count, self.shape.heads, words + items, words + items)
        bias[:, :, :words, words:] = self.word_match(features).permute(0, 3, 1, 2)
        bias[:, :, words:, :words] = self.item_match(features).permute(0, 3, 2, 1)
        same = (batch.owner[:, :, None] == batch.owner[:, None, :])[:, None].float()
        bias[:, :, words:, words:] = same * self.owned[None, :, None, None]
        return bias.masked_fill(~there[:, None, None, :], -1e9)

    def _candidates(self, batch: Batch, shelf: Shelf, memory: Tensor) -> Tensor:
        """Vectors of everything that can be pointed at, (b, candidates, width)."""
        count, words = memory.shape[0], batch.words.shape[1]
        common = torch.cat([self.grammar.weight, self.text(shelf.texts), self.tool(shelf.tools)])
        common = common.expand(count, -1, -1)
        earlier = torch.zeros(common.shape[:2], dtype=torch.long)
        known = batch.earlier_tool >= 0
        earlier[known.nonzero()[:, 0], batch.earlier_tool[known]] = 1
        said = torch.gather(memory, 1, batch.number_at[:, :, None].expand(-1, -1, memory.shape[2]))
        said = said * (batch.number_kind < len(SPOKEN))[:, :, None]
        numbers = self.number(said) + self.number_kind(batch.number_kind)
        parts = [common + self.earlier(earlier), memory[:, words:], numbers, self.start_word(memory[:, :words])]
        return torch.cat(parts, dim=1)

    def _lean(self, sentence: Tensor, shelf: Shelf) -> Tensor:
        """How near the question is to what each tool is asked, (b, tools)."""
        near = sentence @ shelf.asks.T
        tools = len(shelf.tools)
        best = near.new_full((len(near), tools), -1.0)
        best = best.scatter_reduce(1, shelf.owner.expand(len(near), -1), near, "amax")
        mean = sentence @ shelf.tools.T
        return self.nearness[0] * best + self.nearness[1] * mean + shelf.favour

    def write(self, joined: Joined, before: Tensor, allowed: Tensor) -> Tensor:
        """Log-probabilities of what comes next at each step, (b, steps, candidates).

        before: (b, steps) the candidate written before each, -1 at the start. allowed: (b, steps, candidates), or only
        the last steps, if only those are wanted.
        """
        steps = before.shape[1]
        wide = joined.candidates.shape[2]
        given = torch.gather(joined.candidates, 1, before.clamp(min=0)[:, :, None].expand(-1, -1, wide))
        states = torch.where((before < 0)[:, :, None], self.begin, given) + self.places.weight[:steps]
        mask = torch.ones(steps, steps, dtype=torch.bool).tril()[None, None]
        for layer, kept in zip(self.writing, joined.kept, strict=True):
            states = layer(states, mask, kept, joined.there)
        states = states[:, steps - allowed.shape[1] :]
        scores = self.pointer(states) @ joined.pointed.transpose(1, 2) / wide**0.5
        tools = joined.lean.shape[1]
        lean = functional.pad(joined.lean, (joined.common - tools, scores.shape[2] - joined.common))
        scores = scores + lean[:, None, :]
        return functional.log_softmax(scores.masked_fill(~allowed, -1e9), dim=-1)

    def forward(self, batch: Batch, lesson: Lesson, shelf: Shelf, items: Tensor) -> Tensor:
        """The mean loss of writing the lesson: what the right candidates have together, at each step."""
        joined = self.join(batch, shelf, items)
        found = self.write(joined, lesson.before, lesson.allowed)
        right = found.masked_fill(~lesson.right, -1e9).logsumexp(-1)
        return -(right * lesson.there).sum() / lesson.there.sum()
