"""A question becomes a plan by the trained network: the likeliest reading, how sure it is, what else it could be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from askwhy.agent.calls import REASONS
from askwhy.agent.parser.batch import Read, make_batch
from askwhy.agent.parser.decoding import Reading, Writer
from askwhy.agent.parser.judge import judged
from askwhy.agent.parser.page import Page
from askwhy.agent.parser.trained import Trained, trained
from askwhy.agent.plan import SURE, Clarify, Decline, Outcome, Plan, Step
from askwhy.agent.understood import question_of
from askwhy.tools.schema import Schema

LIKELY = 0.25
"""Below this chance of being right, the reader is asked which reading is meant; from there to `SURE` the answer says
that it may be to another question, and offers the others."""

_OFFERED = 0.02
_MOST_OPTIONS = 3
_QUESTIONS = {
    "feature": "Which feature do you mean?",
    "row": "Which {entity} do you mean?",
    "rows": "Which {entities} do you mean?",
    "number": "Which number do you mean?",
    "category": "Which value do you mean?",
    "class": "Which outcome do you mean?",
    "tool": "What would you like to know?",
    "changes": "What should be changed, and by how much?",
    "text": "Which text do you mean?",
    "model": "Which model do you mean?",
}
_UNSURE = "I am not sure what you mean. Is it one of these?"
_LOST = "I am not sure what you mean. Could you put it another way?"


@dataclass(frozen=True)
class Meant:
    """What a question is taken to mean. confidence: the chance, 0..1, that this is right.

    readings: the plans behind the options of a question back, in their order; what else a plan may have been.
    """

    outcome: Outcome
    confidence: float
    readings: tuple[Plan, ...] = ()


def meant(
    question: str, schema: Schema, names: frozenset[str], earlier: tuple[Step, ...] = (), said: str = ""
) -> Meant:
    """What a question means with these tools on offer, after the steps of a turn before, which `said` asked for."""
    model = trained()
    found = readings(model, question, schema, names, earlier, said)
    if not found:
        return Meant(Clarify(question=_LOST), 0.0)
    best = found[0]
    confidence = best.probability
    plans = _plans(found)
    if isinstance(best.outcome, Decline):
        nearest = question_of(plans[0], schema) if plans else None
        return Meant(Decline(reason=REASONS[best.outcome.reason], nearest=nearest), confidence)
    if isinstance(best.outcome, Clarify):
        asked = _QUESTIONS[best.outcome.question].format(entity=schema.entity, entities=schema.entities)
        return _asked_back(asked, plans, schema, confidence)
    if confidence < LIKELY:
        return _asked_back(_UNSURE, plans, schema, confidence)
    return Meant(best.outcome, confidence, plans[1:] if confidence < SURE else ())


def readings(
    model: Trained, question: str, schema: Schema, names: frozenset[str] | None, earlier: tuple[Step, ...], said: str
) -> list[Reading]:
    """The likeliest readings, most likely first, each with the chance that it is right."""
    read = Read.of(Page.of(question, schema, earlier), model.pieces, said, names)
    return judged(written(model, read), read, model.judge)


def written(model: Trained, read: Read) -> list[Reading]:
    """What the network writes, with its own probabilities."""
    catalogue, shelf = model.shelf(read.page.schema.rivals)
    batch = make_batch([read], model.pieces, catalogue)
    with torch.no_grad():
        joined = model.network.join(batch, shelf, model.items(batch.texts))
    return Writer(model.network, catalogue, batch, joined).readings(0)


def _plans(found: Sequence[Reading]) -> tuple[Plan, ...]:
    likely = (one.outcome for one in found if one.probability > _OFFERED)
    return tuple(one for one in likely if isinstance(one, Plan))[:_MOST_OPTIONS]


def _asked_back(question: str, plans: tuple[Plan, ...], schema: Schema, confidence: float) -> Meant:
    options = {question_of(plan, schema): plan for plan in plans}
    if question == _UNSURE and not options:
        question = _LOST
    return Meant(Clarify(question=question, options=tuple(options)), confidence, tuple(options.values()))
