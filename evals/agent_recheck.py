"""Whether what a report shows is true: each step's words read by the verifier once more, and the facts that can be
worked out with pandas alone compared with that. Nothing here asks a tool."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from askwhy.agent.answer import Draft
from askwhy.agent.investigate.report import Report, Told
from askwhy.agent.plan import Plan
from askwhy.agent.verify import verify
from askwhy.agent.verify.clauses import sentences
from askwhy.evals.agent_world import Array, World
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.scope import Condition, Where
from askwhy.tools.subject import Subject

_CLOSE = 1e-6
_WITHHELD = "Part of the answer could not be verified"


def wrong_claims(report: Report, subject: Subject, world: World | None = None) -> tuple[str, ...]:
    """What is wrong with the words that a report shows, or with the facts they rest on."""
    world = world or World(subject)
    found = [message for told in report.told for message in _misread(told, subject)]
    found += _misread_answer(report, subject)
    evidence = dict.fromkeys((*(told.evidence for told in report.told), *report.answer.evidence))
    found += [message for one in evidence for message in misstated(one, world)]
    return tuple(dict.fromkeys(found))


def withheld(report: Report) -> int:
    """How many sentences were left out, as the evidence did not bear them out."""
    if not report.told:
        return len({(one.start, one.end) for one in report.answer.failures})
    return len({(number, one.start, one.end) for number, told in enumerate(report.told) for one in told.failures})


def _misread(told: Told, subject: Subject) -> Iterator[str]:
    text = told.text.split(_WITHHELD)[0].rstrip()
    if not text:
        return
    # A report counts the steps through; alone, this one is the first.
    claims = tuple(
        one.model_copy(update={"facts": tuple(f"1.{fact.partition('.')[2]}" for fact in one.facts)})
        for one in told.claims
        if one.end <= len(text)
    )
    draft, plan = Draft(text=text, claims=claims), Plan(steps=(told.step,))
    for failure in verify(draft, (told.evidence,), plan, subject.schema):
        # What is missing, as it was withheld, is no claim; it has no place in the text.
        if not told.failures or failure.start < min(failure.end, len(text)):
            yield f"{told.step.tool}: {failure.message}"


def _misread_answer(report: Report, subject: Subject) -> list[str]:
    """The same for the answer; a sentence that stands in a step was read there, against that step's own facts."""
    answer, plan = report.answer, report.answer.outcome
    text = answer.text.split(_WITHHELD)[0].rstrip()
    if not text or not isinstance(plan, Plan) or not answer.evidence:
        return []
    own = [(start, end) for start, end in sentences(text) if not _stands_in(text[start:end], report)]
    if not own:
        return []
    claims = tuple(one for one in answer.claims if one.end <= len(text))
    failures = verify(Draft(text=text, claims=claims), answer.evidence, plan, subject.schema)
    return [
        f"answer: {one.message}" for one in failures if any(one.start < end and one.end > start for start, end in own)
    ]


def _stands_in(sentence: str, report: Report) -> bool:
    """Whether a sentence is one of a step, or a note on how the investigation went."""
    return any(sentence.strip() in text for text in (*(told.text for told in report.told), " ".join(report.notes)))


def misstated(evidence: Evidence, world: World) -> Iterator[str]:
    """The facts of a step that do not agree with pandas; nothing for tools that are not worked out again here."""
    for fact in evidence.facts:
        if fact.relation == "flaw" and fact.feature is not None and fact.feature not in world.subject.schema.names:
            yield f"{evidence.tool}: there is no feature {fact.feature!r}"
        if fact.row is not None and fact.row not in world.ids and evidence.scope.row is not None:
            yield f"{evidence.tool}: there is no row {fact.row!r}"
    again = _AGAIN.get(evidence.tool)
    if again is None or (evidence.scope.changes and evidence.tool != "what_if"):
        return
    yield from (f"{evidence.tool}: {message}" for message in again(evidence, world))


def selected(where: Where, world: World) -> Array | None:
    """The rows that a selection means; None where it is of a kind that is not worked out here."""
    mask = np.ones(len(world.ids), dtype=bool)
    for group in where.all:
        parts = [_holds(one, world) for one in group.any]
        if any(one is None for one in parts):
            return None
        mask &= np.logical_or.reduce([one for one in parts if one is not None])
    return mask


def _holds(condition: Condition, world: World) -> Array | None:
    if condition.on in ("predicted", "actual") and not world.subject.regression and condition.op == "eq":
        mask = (world.said if condition.on == "predicted" else world.truth) == str(condition.value)
    elif condition.on == "correct" and not world.subject.regression:
        mask = (world.said == world.truth) == (condition.value is not False)
    elif condition.on == "feature" and condition.feature is not None:
        compared = _compared(world.frame[condition.feature], condition)
        if compared is None:
            return None
        mask = compared
    else:
        return None
    return np.asarray(~mask if condition.negated else mask)


def _compared(cells: pd.Series, condition: Condition) -> Array | None:
    value = condition.value
    if condition.op == "missing":
        return np.asarray(cells.isna())
    if condition.op == "contains":
        return np.asarray([str(value).lower() in str(cell).lower() for cell in cells])
    if isinstance(value, str) and condition.op in ("eq", "ne"):
        same = np.asarray(cells.astype(str) == value)
        return same if condition.op == "eq" else ~same
    if isinstance(value, (bool, int, float)) and pd.api.types.is_numeric_dtype(cells):
        return np.asarray(getattr(cells, condition.op)(value))
    return None


def _count(evidence: Evidence, world: World) -> Iterator[str]:
    mask = selected(evidence.scope.where, world)
    for fact in evidence.all("count"):
        if mask is not None and fact.value != int(mask.sum()):
            yield f"there are {int(mask.sum())}, not {fact.value}"


def _predict(evidence: Evidence, world: World) -> Iterator[str]:
    row = evidence.scope.row
    if row is None or row not in world.ids:
        return
    outputs = world.out[world.place(row)]
    for fact in evidence.facts:
        if fact.relation == "estimate":
            yield from _apart(fact, float(outputs[0]))
        if fact.relation == "probability" and fact.cls is not None:
            yield from _apart(fact, float(outputs[world.subject.schema.class_index(fact.cls)]))
        if fact.relation == "prediction" and fact.value != world.label_of(row):
            yield f"the model says {world.label_of(row)} for {row}, not {fact.value}"


def _score(evidence: Evidence, world: World) -> Iterator[str]:
    mask = selected(evidence.scope.where, world)
    if mask is None or not (mask & world.held).any():
        return
    inside = mask & world.held
    for fact in (*evidence.all("score"), *evidence.all("also")):
        if fact.group == "accuracy":
            yield from _apart(fact, float((world.said == world.truth)[inside].mean()))
        if fact.group == "mean absolute error":
            yield from _apart(fact, float(np.abs(world.off)[inside].mean()))


def _mistakes(evidence: Evidence, world: World) -> Iterator[str]:
    mask = selected(evidence.scope.where, world)
    if mask is None or not (mask & world.held).any():
        return
    for fact in evidence.all("mistake"):
        if not world.wrong[world.place(str(fact.row))]:
            yield f"{fact.row} is no mistake"
    for fact in evidence.all("wrong"):
        if fact.value != int((world.wrong & mask).sum()):
            yield f"there are {int((world.wrong & mask).sum())} mistakes, not {fact.value}"
    for fact in evidence.all("largest_error"):
        yield from _apart(fact, float(world.off[world.place(str(fact.row))]))


def _explain(evidence: Evidence, world: World) -> Iterator[str]:
    facts, row = evidence.all("attribution"), evidence.scope.row
    if not facts or row is None or not evidence.all("base") or any(one.unit == "log-odds" for one in facts):
        return
    column = 0 if facts[0].cls is None else world.subject.schema.class_index(facts[0].cls)
    total = evidence.one("base").number() + sum(one.number() for one in facts)
    if abs(total - float(world.out[world.place(row), column])) > 1e-4:
        yield f"base and attributions of {row} add up to {total:.6g}"


def _what_if(evidence: Evidence, world: World) -> Iterator[str]:
    row, changes = evidence.scope.row, evidence.scope.changes
    if row is None or world.subject.schema.modality == "text":
        return
    cells = {one.feature: one.value for one in changes if one.action == "set" and one.feature is not None}
    if len(cells) != len(changes):
        return
    outputs = world.changed(row, **cells)
    for fact in evidence.facts:
        if fact.relation == "after_estimate":
            yield from _apart(fact, float(outputs[0]))
        if fact.relation == "after_probability" and fact.cls is not None:
            yield from _apart(fact, float(outputs[world.subject.schema.class_index(fact.cls)]))


def _counterfactual(evidence: Evidence, world: World) -> Iterator[str]:
    row, changes = evidence.scope.row, evidence.all("cf_change")
    if row is None or not changes or world.subject.regression:
        return
    outputs = world.changed(row, **{str(one.feature): one.value for one in changes})
    for fact in evidence.all("cf_probability"):
        if fact.cls is not None:
            yield from _apart(fact, float(outputs[world.subject.schema.class_index(fact.cls)]))
            if world.subject.schema.classes[int(outputs.argmax())].name == world.label_of(row):
                yield f"the changes do not flip {row}"


def _apart(fact: Fact, value: float) -> Iterator[str]:
    if abs(fact.number() - value) > _CLOSE * max(1.0, abs(value)):
        yield f"{fact.relation} is {value:.6g}, not {fact.number():.6g}"


_AGAIN: dict[str, Callable[[Evidence, World], Iterator[str]]] = {
    "count": _count,
    "predict": _predict,
    "score": _score,
    "mistakes": _mistakes,
    "explain": _explain,
    "what_if": _what_if,
    "counterfactual": _counterfactual,
}
