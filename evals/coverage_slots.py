"""What the slots of a plan stand for on a subject, and plans with their slots filled."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from askwhy.agent.plan import Plan, Step
from askwhy.evals.coverage_types import Template
from askwhy.tools.decision import Criterion, Decision, Rule
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.schema import Feature
from askwhy.tools.scope import Assignment, Change, Condition, Scalar, Scope, Where, arguments_of
from askwhy.tools.subject import Subject, plain

Slots = Mapping[str, Scalar]
_SLOT = re.compile(r"\{(\w+)\}")
_FIRST_ROW = 12  # its prediction is an unfavourable one on the built-in subjects, so there is something to ask


class NoFilling(Exception):
    """The subject has nothing to put into a slot: a plan about a category, and no feature has any."""


def slots_of(subject: Subject, outputs: np.ndarray[Any, Any] | None = None, row: int = _FIRST_ROW) -> dict[str, Scalar]:
    """Every slot that the subject can fill: rows, features, their values, classes or numbers, words, concepts.

    `outputs`: the model's outputs for all rows, where they are known. `row`: position of the row asked about.
    """
    if outputs is None:
        outputs = Evaluator(subject.predictor).all_outputs(subject)
    row = min(row, len(subject.data) - 1)
    found = _outcomes(subject, outputs, row)
    found["row"] = subject.row_ids[row]
    return found | (_words(subject, row) if subject.schema.modality == "text" else _cells(subject, row))


def with_decision(subject: Subject) -> Subject:
    """The subject, with an example of rules around the model where it is a table that has none."""
    numeric = [one for one in subject.schema.features if one.numeric]
    if subject.decision is not None or not numeric:
        return subject
    limit = _rounded(float(subject.data[numeric[0].name].astype(float).quantile(0.75)))
    if math.isnan(limit):
        return subject
    high = Criterion(on="feature", name=numeric[0].name, sign="gt", limit=limit)
    decision = Decision(rules=(Rule(then="manual review", when=(high,)),), otherwise="automatic")
    schema = subject.schema.model_copy(update={"decision": decision})
    return dataclasses.replace(subject, schema=schema, id=f"{subject.id}+decision")


def plan_of(template: Template, slots: Slots) -> Plan:
    """The plan with its slots filled; NoFilling where the subject has nothing for one of them."""
    scope = Scope(
        where=Where.of(*(Condition.model_validate(_filled(one, slots)) for one in template.where)),
        row=_filled(template.row, slots),
        case=tuple(Assignment.model_validate(_filled(one, slots)) for one in template.case),
        text=_filled(template.text, slots),
        changes=tuple(Change.model_validate(_filled(one, slots)) for one in template.changes),
    )
    arguments = arguments_of(_filled(template.arguments, slots))
    return Plan(steps=(Step(tool=template.tool, arguments=arguments, scope=scope, form=template.form),))


def _filled(given: Any, slots: Slots) -> Any:
    """The same value with every slot filled; a string that is nothing but a slot takes the slot's own type."""
    if isinstance(given, Mapping):
        return {name: _filled(value, slots) for name, value in given.items()}
    if isinstance(given, (tuple, list)):
        return tuple(_filled(value, slots) for value in given)
    if not isinstance(given, str):
        return given
    for name in _SLOT.findall(given):
        if name not in slots:
            raise NoFilling(name)
    whole = _SLOT.fullmatch(given)
    return slots[whole.group(1)] if whole else _SLOT.sub(lambda slot: str(slots[slot.group(1)]), given)


def _outcomes(subject: Subject, outputs: np.ndarray[Any, Any], row: int) -> dict[str, Scalar]:
    """The row's prediction, another outcome, and a row that has it."""
    if subject.regression:
        numbers = outputs[:, 0]
        middle = float(np.median(numbers))
        side = "higher" if numbers[row] < middle else "lower"
        other = int(np.argmax(np.abs(numbers - numbers[row])))
        found: dict[str, Scalar] = {"output": _rounded(middle), "wished": _rounded((numbers[row] + middle) / 2)}
        return found | {"wished_side": side, "other_row": subject.row_ids[other]}
    predicted = outputs.argmax(axis=1)
    others = np.flatnonzero(predicted != predicted[row])
    classes = [one.name for one in subject.schema.classes]
    second = int(np.argsort(-outputs[row], kind="stable")[1]) if len(classes) > 1 else 0
    found = {"class": classes[predicted[row]], "other": classes[second]}
    return found | ({"other_row": subject.row_ids[int(others[0])]} if len(others) else {})


def _cells(subject: Subject, row: int) -> dict[str, Scalar]:
    """Two features with numbers, one with categories, values of them, and concepts made of them."""
    features = subject.schema.features
    numeric = [one for one in features if one.numeric and one.mutable] or [one for one in features if one.numeric]
    groups = sorted((one for one in features if one.kind == "category"), key=lambda one: one.mutable)
    found: dict[str, Scalar] = {}
    for name, feature in zip(("", "2"), numeric, strict=False):
        found |= {f"{key}{name}": value for key, value in _number_slots(subject, feature).items()}
    if groups:
        cells = subject.data[groups[0].name]
        value = plain(cells.iloc[row]) if plain(cells.iloc[row]) is not None else plain(cells.mode().iloc[0])
        if value is not None:
            label = groups[0].category(value).label
            found |= {"group": groups[0].name, "category": value, "concept2": f'{groups[0].label} is "{label}"'}
    return found | _inside(subject, numeric, found)


def _number_slots(subject: Subject, feature: Feature) -> dict[str, Scalar]:
    """A feature's name, the middle and quarters of its values, a step to change it by, and a concept of it."""
    cells = subject.data[feature.name].dropna().astype(float)
    if not len(cells):
        return {"numeric": feature.name}
    low, middle, high = (float(cells.quantile(part)) for part in (0.25, 0.5, 0.75))
    step = max((high - low) / 2, 1.0 if feature.kind == "integer" else 0.0)
    values = [_rounded(one) for one in (low, middle, high, step)]
    if feature.kind == "integer":
        values = [round(one) for one in values]
    named: dict[str, Scalar] = dict(zip(("low", "middle", "high", "step"), values, strict=True))
    concept = f"{feature.label} over {values[1]}"
    return {"numeric": feature.name, "concept": concept, "cue": f"high {feature.label}", **named}


def _inside(subject: Subject, numeric: list[Feature], found: Slots) -> dict[str, Scalar]:
    """A row that the first concept holds for."""
    if "middle" not in found:
        return {}
    over = np.flatnonzero(subject.data[numeric[0].name].astype(float).to_numpy() > float(found["middle"]))
    return {"inside": subject.row_ids[int(over[0])]} if len(over) else {}


def _words(subject: Subject, row: int) -> dict[str, Scalar]:
    """The name of the texts' column, two words of the row's text, and a text of one's own."""
    column = subject.schema.names[0]
    text = str(subject.data[column].iloc[row])
    words = sorted(dict.fromkeys(re.findall(r"[^\W\d_]{3,}", text)), key=lambda one: -len(one))
    found: dict[str, Scalar] = {"words": column, "text": "a moving and funny film with a great cast", "typed": "funny"}
    return found | dict(zip(("word", "word2"), words, strict=False))


def _rounded(value: float) -> float:
    """Three significant digits, as a person would type it."""
    return float(f"{value:.3g}")
