"""The tools as training shows them: each batch by a few other sentences.

A network that always sees a tool by the same description learns the tool by heart and never chooses one that was
registered later. So a tool is described by some of its example questions, or by questions that people asked for it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch

from askwhy.agent.parser.catalogue import Catalogue
from askwhy.agent.parser.network import Shelf
from askwhy.agent.parser.trained import Trained
from askwhy.agent.plan import Plan
from askwhy.evals.bank import Domain

_ASKED, _MOST, _LONGEST = 6, 5, 90


class Shelves:
    """Shelves of one catalogue, drawn at random. `catalogue` stays the same."""

    def __init__(self, reader: Trained, rivals: Sequence[str], domains: Sequence[Domain], seed: int) -> None:
        self._reader, self._rivals, self._seed = reader, rivals, seed
        self._questions = _questions(domains)
        self.catalogue: Catalogue
        self.read(0)

    def read(self, step: int) -> None:
        """Read everything anew, with other questions."""
        rng = random.Random(f"{self._seed} {step} read")
        self._reader.forget()
        self.catalogue, self._whole = self._reader.shelf(self._rivals)
        names = [str(name) for _, name in self.catalogue.actions[self.catalogue.first_tool :]]
        extra = [(place, text) for place, name in enumerate(names) for text in self._some(name, rng)]
        self._asks = torch.cat([self._whole.asks, self._reader.sentences([text for _, text in extra])])
        owner = [*self._whole.owner.tolist(), *(place for place, _ in extra)]
        self._of: list[list[int]] = [[] for _ in names]
        for at, place in enumerate(owner):
            self._of[place].append(at)

    def drawn(self, step: int) -> Shelf:
        """Every tool by one to five sentences, the same ones for a step wherever the training was gone on from."""
        rng = random.Random(f"{self._seed} {step}")
        kept = [
            (at, place)
            for place, every in enumerate(self._of)
            for at in rng.sample(every, rng.randint(1, min(_MOST, len(every))))
        ]
        owner = torch.tensor([place for _, place in kept])
        return Shelf.of(self._whole.texts, self._asks[[at for at, _ in kept]], owner, self._whole.favour)

    def _some(self, name: str, rng: random.Random) -> list[str]:
        every = self._questions.get(name, [])
        return rng.sample(every, min(_ASKED, len(every)))


def _questions(domains: Sequence[Domain]) -> dict[str, list[str]]:
    """Short questions that want one tool alone, by its name."""
    found: dict[str, list[str]] = {}
    for asked in (one for domain in domains for one in domain.questions):
        if isinstance(asked.gold, Plan) and len(asked.gold.steps) == 1 and len(asked.question) < _LONGEST:
            found.setdefault(asked.gold.steps[0].tool, []).append(asked.question)
    return found
