"""Questions as tensors: what the network reads, and what it is taught to write."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from askwhy.agent.parser.actions import Action, Offer
from askwhy.agent.parser.catalogue import Catalogue
from askwhy.agent.parser.grammar import Allowed, Grammar
from askwhy.agent.parser.items import FEATURES, IN_RANGE, Item, items_of, matches, nearest
from askwhy.agent.parser.page import UNSPOKEN, Page
from askwhy.agent.parser.question import SPOKEN

GROUPS = ("F", "C", "K", "P")
WAYS = (*SPOKEN, *UNSPOKEN)
"""How a number can be meant; those of a word come first."""

_LONGEST = 40
_MOST_PIECES = 160
_MOST_BEFORE = 32


class Pieces:
    """Words to word pieces, by the tokenizer that the encoder was trained with."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        tokenizer.no_padding()
        tokenizer.no_truncation()

    def words(self, words: Sequence[str], more: str = "") -> tuple[list[int], list[int], list[int]]:
        """Piece ids with their kinds (1: of `more`), and the first piece of each word."""
        found = self._tokenizer.encode(list(words) or [""], is_pretokenized=True)
        ids, first = list(found.ids), [1] * len(words)
        for piece, word in reversed(list(enumerate(found.word_ids))):
            if word is not None and word < len(words):
                first[word] = piece
        kinds = [0] * len(ids)
        if more:
            extra = self._tokenizer.encode(more).ids[1:][:_MOST_BEFORE]
            ids, kinds = ids + extra, kinds + [1] * len(extra)
        return ids[:_MOST_PIECES], kinds[:_MOST_PIECES], [min(one, _MOST_PIECES - 1) for one in first]

    def text(self, text: str) -> list[int]:
        """Piece ids of a text."""
        return list(self._tokenizer.encode(text).ids[:_LONGEST])

    def texts(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Padded ids and mask of some texts."""
        return padded([self.text(one) for one in texts])


def padded(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Rows of ids as a rectangle, and where there are any."""
    width = max(map(len, rows), default=1)
    ids = torch.zeros(len(rows), max(1, width), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.as_tensor(row, dtype=torch.long)
        mask[i, : len(row)] = 1
    return ids, mask


@dataclass(frozen=True, eq=False)
class Read:
    """A page read once: pieces, items, and how words match items. `asked`: the question before it, if there was one."""

    page: Page
    offer: Offer
    items: tuple[Item, ...]
    pieces: tuple[list[int], list[int], list[int]]
    matched: Any

    @classmethod
    def of(cls, page: Page, pieces: Pieces, asked: str = "", names: frozenset[str] | None = None) -> Read:
        """Read a page; `names`: the tools on offer."""
        items = items_of(page)
        words = [word.text for word in page.question.words]
        matched = matches(page.question, items)
        places = nearest(items, matched)
        kept = tuple(items[place] for place in places)
        shown = frozenset((item.group, item.place) for item in kept)
        return cls(page, page.offer(names, shown), kept, pieces.words(words, asked), matched[:, places])

    @functools.cached_property
    def like(self) -> Any:
        """How like each word is to the names of each item, (words, items): 1 where it is one, 0 where nothing is."""
        return self.matched[:, :, :IN_RANGE].max(axis=2)


@dataclass(eq=False)
class Batch:
    """Questions side by side. Sizes: b questions, w words, i items, n numbers, u different item texts.

    Candidates of a question are the catalogue's actions, then its items, numbers and words.
    """

    ids: Tensor
    mask: Tensor
    kinds: Tensor
    first: Tensor  # (b, w) the first piece of each word
    words: Tensor  # (b, w) whether there is such a word
    texts: tuple[str, ...]  # the different texts of items
    item_ids: Tensor  # (u, pieces)
    item_mask: Tensor
    item_of: Tensor  # (b, i) which text
    items: Tensor  # (b, i) whether there is such an item
    item_kind: Tensor  # (b, i)
    owner: Tensor  # (b, i) the item of the value's feature, or the item itself
    matched: Tensor  # (b, w, i, FEATURES)
    number_at: Tensor  # (b, n) the word
    number_kind: Tensor  # (b, n) the place of its way in WAYS
    numbers: Tensor  # (b, n) whether there is such a number
    earlier_tool: Tensor  # (b,) the tool of the turn before, -1 for none
    reads: tuple[Read, ...] = ()
    places: list[dict[Action, int]] = field(default_factory=list)

    @property
    def candidates(self) -> int:
        """Candidates beyond the catalogue's."""
        return self.items.shape[1] + self.numbers.shape[1] + self.words.shape[1]


def make_batch(reads: Sequence[Read], pieces: Pieces, catalogue: Catalogue) -> Batch:
    """Some questions as tensors."""
    ids, mask = padded([one.pieces[0] for one in reads])
    kinds, _ = padded([one.pieces[1] for one in reads])
    first, words = padded([one.pieces[2] for one in reads])
    different = dict.fromkeys(item.text for one in reads for item in one.items)
    texts = {text: place for place, text in enumerate(different)}
    item_ids, item_mask = pieces.texts(list(texts))
    item_of, items = padded([[texts[item.text] for item in one.items] for one in reads])
    item_kind, _ = padded([[GROUPS.index(item.group) for item in one.items] for one in reads])
    owner, _ = padded([_owners(one) for one in reads])
    matched = np.zeros((len(reads), words.shape[1], items.shape[1], FEATURES), dtype=np.float32)
    for i, one in enumerate(reads):
        matched[i, : one.matched.shape[0], : one.matched.shape[1]] = one.matched
    number_at, numbers = padded([[max(0, mention.word) for mention in one.page.numbers] for one in reads])
    number_kind, _ = padded([[WAYS.index(mention.way) for mention in one.page.numbers] for one in reads])
    tools = [catalogue.index.get(("T", one.page.earlier[-1].tool), -1) if one.page.earlier else -1 for one in reads]
    batch = Batch(
        ids, mask, kinds, first, words.bool(), tuple(texts), item_ids, item_mask, item_of, items.bool(), item_kind,
        owner, torch.from_numpy(matched), number_at, number_kind, numbers.bool(), torch.tensor(tools), tuple(reads),
    )  # fmt: skip
    batch.places = [_places(one, batch, len(catalogue.actions)) for one in reads]
    return batch


def _owners(one: Read) -> list[int]:
    features = {item.place: place for place, item in enumerate(one.items) if item.group == "F"}
    return [place if item.owner < 0 else features[item.owner] for place, item in enumerate(one.items)]


def _places(one: Read, batch: Batch, common: int) -> dict[Action, int]:
    """Where each action of a question's own stands among the candidates."""
    items, numbers = batch.items.shape[1], batch.numbers.shape[1]
    found: dict[Action, int] = {(item.group, item.place): common + i for i, item in enumerate(one.items)}
    found |= {("N", i): common + items + i for i in range(len(one.page.numbers))}
    return found | {("W", i): common + items + numbers + i for i in range(len(one.page.question.words))}


def allowed_mask(allowed: Allowed, place: dict[Action, int], catalogue: Catalogue, size: int) -> Any:
    """Which candidates may come next, (candidates,)."""
    found = np.zeros(size, dtype=bool)
    for action in allowed.single:
        at = catalogue.index.get(action)
        if at is not None:
            found[at] = True
    if allowed.groups:
        for action, at in place.items():
            if action[0] in allowed.groups and action in allowed:
                found[at] = True
    return found


@dataclass(eq=False)
class Lesson:
    """What is to be written: the right candidates (b, steps, candidates), what was allowed, and what went before."""

    right: Tensor
    allowed: Tensor
    before: Tensor  # (b, steps) the candidate written before, -1 at the start
    there: Tensor  # (b, steps)


def make_lesson(batch: Batch, written: Sequence[Sequence[tuple[Action, ...]]], catalogue: Catalogue) -> Lesson:
    """The actions to learn, with what the grammar allows at each."""
    common = len(catalogue.actions)
    size, steps = common + batch.candidates, max(map(len, written))
    right = np.zeros((len(written), steps, size), dtype=bool)
    allowed = np.zeros_like(right)
    before = np.full((len(written), steps), -1)
    there = np.zeros((len(written), steps), dtype=bool)
    for i, actions in enumerate(written):
        grammar, place = Grammar(batch.reads[i].offer), batch.places[i]
        for t, choices in enumerate(actions):
            allowed[i, t] = allowed_mask(grammar.allowed(), place, catalogue, size)
            for action in choices:
                right[i, t, _at(action, place, catalogue)] = True
            if t + 1 < steps:
                before[i, t + 1] = _at(choices[0], place, catalogue)
            there[i, t] = True
            grammar.push(choices[0])
    return Lesson(*map(torch.from_numpy, (right, allowed | right, before, there)))


def _at(action: Action, place: dict[Action, int], catalogue: Catalogue) -> int:
    found = catalogue.index.get(action)
    return place[action] if found is None else found
