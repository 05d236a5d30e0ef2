"""Writing a plan with the trained network: the best readings of a question, each with its probability."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from askwhy.agent.calls import BadCalls
from askwhy.agent.parser.actions import Action
from askwhy.agent.parser.batch import Batch, Read, allowed_mask
from askwhy.agent.parser.catalogue import Catalogue
from askwhy.agent.parser.grammar import Grammar
from askwhy.agent.parser.meaning import read
from askwhy.agent.parser.network import Joined, Network
from askwhy.agent.parser.writing import Unwritable, write
from askwhy.agent.plan import Outcome
from askwhy.tools.errors import ToolError

_MOST_ACTIONS = 60
_FAR = 7.0
"""A reading whose log-probability is so much below the best one's is not looked for."""


@dataclass(frozen=True)
class Reading:
    """One way to read a question, with the network's probability of it."""

    outcome: Outcome
    probability: float
    actions: tuple[Action, ...]


@dataclass(frozen=True)
class _Beam:
    """A plan in the making; `grammar` has read its actions, but for the last one of a plan that is not chosen yet."""

    actions: tuple[Action, ...]
    places: tuple[int, ...]
    score: float
    grammar: Grammar

    def grown(self, action: Action, place: int, score: float) -> _Beam:
        """With one action more."""
        return _Beam((*self.actions, action), (*self.places, place), self.score + score, self.grammar)

    def read(self) -> _Beam:
        """The same with its last action read."""
        grammar = self.grammar.copy()
        grammar.push(self.actions[-1])
        return replace(self, grammar=grammar)

    @property
    def done(self) -> bool:
        """Whether its last word ends it: the end of a plan, or a question back or a decline, which are one word."""
        return bool(self.actions) and (self.actions[-1] == ("G", "end") or self.actions[0][0] == "G")


class Writer:
    """Writes plans for the questions of one batch."""

    def __init__(self, network: Network, catalogue: Catalogue, batch: Batch, joined: Joined) -> None:
        self._network, self._catalogue, self._batch, self._joined = network, catalogue, batch, joined
        self._common = len(catalogue.actions)

    def readings(self, number: int, width: int = 4) -> list[Reading]:
        """The best readings of one question of the batch, most likely first; those that cannot be run are left out."""
        one, place = self._batch.reads[number], self._batch.places[number]
        names = {at: action for action, at in place.items()}
        beams, ended = [_Beam((), (), 0.0, Grammar(one.offer))], []  # type: tuple[list[_Beam], list[_Beam]]
        for _ in range(_MOST_ACTIONS):
            masks = np.stack([self._allowed(place, beam) for beam in beams])
            scores = self._next(number, beams, masks)
            grown = [
                beam.grown(self._named(at, names), int(at), float(row[at]))
                for beam, row, mask in zip(beams, scores, masks, strict=True)
                for at in np.argpartition(-row, min(width, len(row) - 1))[:width]
                if mask[at] and row[at] > -50
            ]
            grown = sorted(grown, key=lambda beam: -beam.score)
            ended += [beam for beam in grown[:width] if beam.done]
            # A question back is one word: counted among the best, it would leave no room for the plans.
            beams = [beam.read() for beam in itertools.islice((one for one in grown if not one.done), width)]
            scored = sorted((beam.score for beam in ended), reverse=True)
            # Going on only lowers a score: one below those that are wanted cannot come to be among them.
            least = max(
                scored[0] - _FAR if scored else -math.inf, scored[width - 1] if len(scored) >= width else -math.inf
            )
            beams = [beam for beam in beams if beam.score > least]
            if not beams:
                break
        return self._meant(one, sorted(ended, key=lambda beam: -beam.score))

    def weighed(self, number: int, outcomes: Sequence[Outcome]) -> list[Reading]:
        """Given outcomes as readings of one question, each with the network's probability of writing it.

        Those that the grammar cannot say about the question are left out.
        """
        one, place = self._batch.reads[number], self._batch.places[number]
        several = [words for outcome in outcomes if (words := _words_of(outcome, one))]
        if not several:
            return []
        steps = max(map(len, several))
        size = self._common + self._batch.candidates
        before = torch.full((len(several), steps), -1)
        allowed = torch.ones(len(several), steps, size, dtype=torch.bool)
        at = torch.zeros(len(several), steps, dtype=torch.long)
        there = torch.zeros(len(several), steps)
        for i, words in enumerate(several):
            grammar = Grammar(one.offer)
            for t, action in enumerate(words):
                may = grammar.allowed()
                allowed[i, t] = torch.from_numpy(allowed_mask(may, place, self._catalogue, size))
                found = self._catalogue.index.get(action, place.get(action, -1))
                if found < 0 or not allowed[i, t, found]:
                    there[i] = math.nan
                    break
                at[i, t], there[i, t] = found, 1.0
                if t + 1 < steps:
                    before[i, t + 1] = found
                grammar.push(action)
        with torch.no_grad():
            scores = self._network.write(self._joined.repeated(number, len(several)), before, allowed)
        totals = (scores.gather(2, at[:, :, None])[:, :, 0] * there).sum(1).tolist()
        ended = [_Beam(words, (), total, Grammar(one.offer)) for words, total in zip(several, totals, strict=True)]
        return self._meant(one, [beam for beam in ended if not math.isnan(beam.score)])

    def _meant(self, one: Read, ended: list[_Beam]) -> list[Reading]:
        found = []
        for beam in ended:
            try:
                found.append(Reading(read(beam.actions, one.page), math.exp(beam.score), beam.actions))
            except (BadCalls, ToolError, ValueError):
                continue
        return found

    def _allowed(self, place: dict[Action, int], beam: _Beam) -> Any:
        return allowed_mask(beam.grammar.allowed(), place, self._catalogue, self._common + self._batch.candidates)

    def _named(self, at: int, names: dict[int, Action]) -> Action:
        return self._catalogue.actions[at] if at < self._common else names[at]

    def _next(self, number: int, beams: list[_Beam], masks: Any) -> Any:
        """Log-probabilities of the next candidate for every beam, (beams, candidates)."""
        before = torch.tensor([[-1, *beam.places] for beam in beams])
        allowed = torch.from_numpy(masks)[:, None]
        with torch.no_grad():
            return self._network.write(self._joined.repeated(number, len(beams)), before, allowed)[:, 0].numpy()


def _words_of(outcome: Outcome, one: Read) -> tuple[Action, ...]:
    """The actions that say an outcome, none where the grammar has none."""
    try:
        return tuple(choices[0] for choices in write(outcome, one.page))
    except (Unwritable, LookupError, ToolError):
        return ()
