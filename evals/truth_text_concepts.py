"""Concept tests of planted text models: false alarms where it is not used, and how often use is found (C11).

A model that ignores the concept's words gives the same output when they are redrawn, which no test can take for use.
The null that can go wrong is an output that looks drawn at random for every text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from askwhy.evals.planted_texts import Model, PlantedText, any_of, arbitrary, composed, summed
from askwhy.evals.truth_line import Line, interval
from askwhy.tools.engines.betting import Outcome
from askwhy.tools.engines.concept_bets import association, use
from askwhy.tools.engines.text_concept_bets import TextPopulation, WordSpace, marks_of, readable, rest_of
from askwhy.tools.engines.text_concepts import WordConcept
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.scope import Scope
from askwhy.tools.view import make_view

ALPHA = 0.05

_CONCEPT = WordConcept("courtesy", ("please", "kindly"))
_OTHER = "splendid"
_TEXTS, _LENDERS = 120, 6


@dataclass(frozen=True)
class _Bets:
    """What both tests said of one planted model."""

    associated: Outcome
    used: Outcome


def text_concept_lines(runs: int) -> list[Line]:
    """False alarms of both tests, their power, and whether the used concept is found before one that is not."""
    null = [_bets(arbitrary(f"null {run}"), run, 0.5) for run in range(runs)]
    like = [_bets(any_of([_OTHER]), run, 0.9) for run in range(runs)]
    used = [_bets(summed({"please": 0.15, "kindly": 0.15, _OTHER: 0.2}, 0.3), run, 0.5) for run in range(runs)]
    first = [_before(one.used, other.used) for one, other in zip(used, null, strict=True)]
    part, on = "concepts in texts", f"{runs} runs"
    return [
        _alarms("use, output at random", [one.used for one in null], "text_concept_use"),
        _alarms("association, output at random", [one.associated for one in null], "text_concept_association"),
        _alarms("use, only a word that goes with it is read", [one.used for one in like], "text_concept_like"),
        _power("association, a word that goes with it is read", [one.associated for one in like], "text_concept_seen"),
        _power("use, the model adds it", [one.used for one in used], "text_concept_power"),
        Line(part, "found, and before one not used", float(np.mean(first)), "text_concept_first", on, least=0.9),
    ]


def _bets(model: Model, run: int, likeness: float) -> _Bets:
    """Half the texts hold the concept; the other planted word stands with chance `likeness` there, else the rest."""
    rng = np.random.default_rng((31, run))
    texts = []
    for number in range(_TEXTS):
        inside = number % 2 == 0
        held = [str(rng.choice(_CONCEPT.words))] if inside else []
        other = rng.random() < (likeness if inside else 1 - likeness)
        texts.append(composed(rng, [*held, *([_OTHER] if other else [])], int(rng.integers(7, 15))))
    planted = PlantedText("concept", f"concept {run}", model, (), tuple(texts))
    view = make_view(planted.subject, Scope(), Evaluator(planted.subject.predictor), seed=run)
    known, outputs = readable(view)
    people, marks = TextPopulation.of(view, known, outputs, "fresh"), marks_of(_CONCEPT, known)
    rest = rest_of(people, _CONCEPT, _LENDERS, WordSpace(view))
    return _Bets(
        association(people.tested(outputs), marks, ALPHA, view.rng),
        use(rest, rest.surprise(marks, marks), ALPHA, view.rng),
    )


def _alarms(words: str, found: list[Outcome], key: str) -> Line:
    """Required is that the exact interval of the rate reaches down to the level."""
    alarms, runs = sum(one.rejected for one in found), len(found)
    low, high = interval(alarms, runs)
    spread = f"rate {alarms / runs:.3f}, 95 % interval {low:.3f} to {high:.3f}"
    measure = f"false alarms: {words}; lower bound"
    return Line("concepts in texts", measure, low, key, f"{runs} runs", baseline=spread, most=ALPHA)


def _power(words: str, found: list[Outcome], key: str) -> Line:
    hits, runs = sum(one.rejected for one in found), len(found)
    low, high = interval(hits, runs)
    spread = f"95 % interval {low:.3f} to {high:.3f}"
    return Line("concepts in texts", f"found: {words}", hits / runs, key, f"{runs} runs", baseline=spread)


def _before(planted: Outcome, other: Outcome) -> bool:
    return planted.at is not None and (other.at is None or planted.at < other.at)
