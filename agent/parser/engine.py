"""A question becomes a plan by the trained network: the likeliest reading, how sure it is, what else it could be."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from askwhy.agent.calls import REASONS
from askwhy.agent.parser.amounts import with_amounts
from askwhy.agent.parser.batch import Read, make_batch
from askwhy.agent.parser.decoding import Reading, Writer
from askwhy.agent.parser.followup import amended
from askwhy.agent.parser.items import LIKE
from askwhy.agent.parser.judge import judged, weighable
from askwhy.agent.parser.page import Page
from askwhy.agent.parser.tidy import tidied
from askwhy.agent.parser.trained import Trained, trained
from askwhy.agent.parser.units import in_units
from askwhy.agent.plan import SURE, Clarify, Decline, Outcome, Plan, Step
from askwhy.agent.understood import question_of
from askwhy.tools.registry import tools
from askwhy.tools.schema import Schema

LIKELY = 0.25
"""Below this chance of being right, the reader is asked which reading is meant; from there to `SURE` the answer says
that it may be to another question, and offers the others."""

_OFFERED = 0.02
_DOUBT = 0.5
"""From this share of the likeliest plan's chance on, a question back comes first: it costs a reader less than a wrong
answer."""
_EVEN = 0.9
"""From this share of the likeliest reading's chance on, another one is as likely."""
_COMMON = ("importance", "importance_text", "score", "describe_model")
_SLOT, _ROW = re.compile(r"{\w+}"), "{row}"
_MOST_EXAMPLES = 2
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
_WHICH = (Clarify(question="row"), Clarify(question="text"))
_UNSURE = "I am not sure what you mean. Is it one of these?"
_LOST = "I am not sure what you mean. Could you put it another way?"


@dataclass(frozen=True)
class Meant:
    """What a question is taken to mean. confidence: the chance, 0..1, that this is right.

    readings: the plans behind the options of a question back, in their order; what else a plan may have been.
    tools: those that may be wanted, likeliest first: of all that was read, then those that are asked such questions.
    """

    outcome: Outcome
    confidence: float
    readings: tuple[Plan, ...] = ()
    tools: tuple[str, ...] = ()


@dataclass(frozen=True)
class Heard:
    """What the network makes of a question: its readings, likeliest first, and the tools, those that are asked such
    questions first."""

    readings: tuple[Reading, ...]
    near: tuple[str, ...] = ()

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools of the readings, then the others that are near."""
        plans = (one.outcome for one in self.readings if isinstance(one.outcome, Plan))
        return tuple(dict.fromkeys((*(step.tool for plan in plans for step in plan.steps), *self.near)))


def meant(
    question: str, schema: Schema, names: frozenset[str], earlier: tuple[Step, ...] = (), said: str = ""
) -> Meant:
    """What a question means with these tools on offer, after the steps of a turn before, which `said` asked for."""
    heard = hear(trained(), tidied(question, schema), schema, names, earlier, said)
    return replace(_meant(heard, schema, names), tools=heard.tools)


def _meant(heard: Heard, schema: Schema, names: frozenset[str]) -> Meant:
    found = heard.readings
    if not found:
        return Meant(lost(names), 0.0)
    best = _first(found)
    confidence = best.probability
    plans = _plans(found)
    if isinstance(best.outcome, Decline):
        nearest = question_of(plans[0], schema) if plans else _example(_COMMON, names)
        return Meant(Decline(reason=REASONS[best.outcome.reason], nearest=nearest), confidence)
    if isinstance(best.outcome, Clarify):
        asked = _QUESTIONS[best.outcome.question].format(entity=schema.entity, entities=schema.entities)
        if best.outcome.question == "row" and (examples := _about_a_row(heard, names)):
            return Meant(Clarify(question=asked, options=examples), confidence)
        if best.outcome.question == "tool" and not plans:
            return Meant(lost(names), confidence)
        return _asked_back(asked, plans, schema, names, confidence)
    if confidence < LIKELY or _even(found):
        return _asked_back(_UNSURE, plans, schema, names, confidence)
    return Meant(best.outcome, confidence, plans[1:] if confidence < SURE else ())


def _first(found: Sequence[Reading]) -> Reading:
    """The likeliest reading, or a question back that is nearly as likely."""
    asks = (one for one in found[1:] if isinstance(one.outcome, Clarify))
    doubt = next((one for one in asks if one.probability >= _DOUBT * found[0].probability), None)
    return doubt if doubt and isinstance(found[0].outcome, Plan) else found[0]


def _even(found: Sequence[Reading]) -> bool:
    """Whether the two likeliest plans are as likely, or a question back is likelier than the second, and they differ in
    whose value it is: "little" of two columns.
    """
    several = [(reading, reading.outcome.steps) for reading in found if isinstance(reading.outcome, Plan)][:2]
    if len(several) < 2:
        return False
    (first, one), (second, two) = several
    asks = any(isinstance(r.outcome, Clarify) and r.probability > second.probability for r in found)
    if second.probability < _EVEN * first.probability and not asks:
        return False
    pairs = tuple(zip(one, two, strict=False))
    alike = len(one) == len(two) and all(a.tool == b.tool and _values(a) == _values(b) for a, b in pairs)
    return alike and any(len(_owners(a)) == len(_owners(b)) and _owners(a) != _owners(b) for a, b in pairs)


def _owners(step: Step) -> list[str | None]:
    """The features that a step selects by."""
    return [one.feature for one in step.scope.where.conditions()]


def _values(step: Step) -> list[object]:
    """The categories that a step selects by, whatever the feature; something else where it selects by nothing."""
    found: list[object] = [one.value for one in step.scope.where.conditions() if isinstance(one.value, str)]
    return found or [step]


def hear(
    model: Trained, question: str, schema: Schema, names: frozenset[str] | None, earlier: tuple[Step, ...], said: str
) -> Heard:
    """What the network makes of a question."""
    read = Read.of(Page.of(question, schema, earlier), model.pieces, said, names)
    found, near = _asked(model, read)
    found = [in_units(one, read.page) for one in judged(_heard(found, read), read, model.judge)]
    if found and found[0].probability < SURE and _gibberish(read):
        return Heard((), near)
    return Heard(tuple(found), near)


def _gibberish(read: Read) -> bool:
    """Whether the question is letters that make no words: none is in the vocabulary as a whole, or like a name."""
    words, (ids, kinds, first) = read.page.question.words, read.pieces
    ends = (*first[1:], len(ids) - sum(kinds) - 1)
    parts = [end - start for word, start, end in zip(words, first, ends, strict=False) if word.kind == "word"]
    known = read.like.size and read.like.max() >= LIKE
    return bool(parts) and min(parts) > 1 and not known and not read.page.question.numbers


def _heard(found: Sequence[Reading], read: Read) -> list[Reading]:
    """The readings without those that ask which row or text is meant, where one is under discussion."""
    earlier = read.page.earlier
    discussed = bool(earlier) and earlier[-1].scope.has_instance
    return [with_amounts(one, read.page) for one in found if not (discussed and one.outcome in _WHICH)]


def unjudged(model: Trained, read: Read) -> list[Reading]:
    """What the judge is to weigh, with the network's own probabilities."""
    return list(weighable(_heard(_asked(model, read)[0], read), read))


def _asked(model: Trained, read: Read) -> tuple[list[Reading], tuple[str, ...]]:
    catalogue, shelf = model.shelf(read.page.schema.rivals)
    batch = make_batch([read], model.pieces, catalogue)
    with torch.no_grad():
        joined = model.network.join(batch, shelf, model.items(batch.texts))
    # What a tool is favoured by for being new says nothing of how near it is.
    order = (joined.lean[0] - shelf.favour).argsort(descending=True).tolist()
    near = tuple(str(catalogue.actions[catalogue.first_tool + place][1]) for place in order)
    writer = Writer(model.network, catalogue, batch, joined)
    found = writer.readings(0)
    known = {one.outcome for one in found}
    more = [plan for plan in amended([one.outcome for one in found], read) if plan not in known]
    return [*found, *(one for one in writer.weighed(0, more) if one.outcome not in known)], near


def _about_a_row(heard: Heard, names: frozenset[str]) -> tuple[str, ...]:
    """Full questions about a row, by the tools whose own questions are like the one that was asked."""
    examples = filter(None, (_example((name,), names, _ROW) for name in heard.near))
    return tuple(itertools.islice(examples, _MOST_EXAMPLES))


def lost(names: frozenset[str]) -> Clarify:
    """What to say where nothing can be made of a question: with what most people ask first."""
    return Clarify(question=_LOST, options=tuple(filter(None, (_example((name,), names) for name in _COMMON))))


def _example(of: Sequence[str], names: frozenset[str], *slots: str) -> str | None:
    """A question of the first of these tools that is on offer; with exactly these slots."""
    made = tools()
    asks = [ask.text for name in of if name in names and name in made for ask in made[name].asks]
    return next((text for text in asks if _SLOT.findall(text) == list(slots)), None)


def _plans(found: Sequence[Reading]) -> tuple[Plan, ...]:
    likely = (one.outcome for one in found if one.probability > _OFFERED)
    return tuple(one for one in likely if isinstance(one, Plan))[:_MOST_OPTIONS]


def _asked_back(
    question: str, plans: tuple[Plan, ...], schema: Schema, names: frozenset[str], confidence: float
) -> Meant:
    options = {question_of(plan, schema): plan for plan in plans}
    if question == _UNSURE and not options:
        return Meant(lost(names), confidence)
    return Meant(Clarify(question=question, options=tuple(options)), confidence, tuple(options.values()))
