"""What the model would say if some values were different: asked of the model, never read off an attribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from askwhy.tools.engines.truth import Array
from askwhy.tools.evidence import DerivedFact, Evidence, Fact, Table, Unit
from askwhy.tools.registry import ClassName, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

_SHOWN = 10
_QUOTED = 80


@tool(
    needs="changes",
    asks=(
        "what if {feature} were {number} for {row}?",
        "what if {feature} were {category} for {row}?",
        "what if {feature} were {number} higher?",
        "what would happen if {feature} of {row} went up by {number}?",
        "what would change if {feature} were {number} lower for {entities} with {subset}?",
        "would {row} still be {class} if {feature} were {number}?",
        "would the prediction flip if {feature} were {category}?",
        "change {feature} to {number} for {row}",
        "set {feature} to {category} and predict {row} again",
        "suppose {feature} were twice as high",
        "increase {feature} by {number} for all {entities}",
        "if {row} had {feature} {number} and {feature2} {number}, what would you predict?",
        "how many predictions would flip if {feature} were {category}?",
        "would it be {class} with {feature} {number}?",
        "what if the word {word} were removed?",
        "what if I remove {word} from {text}?",
        "what if I add {word} to {text}?",
        "what if the word {word} were deleted from {row}?",
        "what if the word {word} were left out of every {entity}?",
        "what if {word} were replaced in {text}?",
        "what would the model say if {row} did not contain {word}?",
    ),
    says=(
        (
            "If {changes:if}, the model would predict {flipped} for {row} instead of {before_prediction}.",
            "If {changes:if}, {row} would be predicted {flipped} instead of {before_prediction}.",
        ),
        (
            "If {changes:if}, the model would still predict {not_flipped} for {row}.",
            "If {changes:if}, {row} would still be predicted {not_flipped}.",
        ),
        "If {changes:if}, the model would predict {after_estimate} for {row} instead of {before_estimate}: "
        "{change:size} "
        "{change:word more/less/more, which is no change}.",
        "Its probability of {change.cls} would be {after_probability} instead of {before_probability}, {change:size} "
        "{change:word higher/lower/apart, so no change}.",
        "The new class {new_probability.cls} would have {new_probability}.",
        "If {changes:if}, the prediction would flip for {flips} of {total:entities}{scope}.",
        "If {changes:if}, no prediction would flip among {no_flip:entities}{scope}.",
        "If {changes:if}, the prediction for {total_value:entities}{scope} would average {mean_after} instead of "
        "{mean_before}.",
        "On average, the probability of {mean_change.cls} would be {mean_after_probability} instead of "
        "{mean_before_probability}.",
        "The mean change is {mean_change:signed}, with a standard error of {mean_change.error}.",
        "Every one of them changes by {equal_change:signed}.",
        "The predictions would be [after_count*: {value} {cls}] instead of [before_count*: {value} {cls}].",
        "The values are already so for {unchanged:entities}.",
        "The text would then read {new_text}.",
        "The change leaves {untouched:entities} as {untouched:one it is/they are}.",
        "Where it changes the text, in {touched:entities}, the probability of {touched_change.cls} changes by "
        "{touched_change:signed} on average, with a standard error of {touched_change.error}.",
        "Where it changes the text, in {touched:entities}, the prediction changes by {touched_output:signed} on "
        "average, with a standard error of {touched_output.error}.",
    ),
)
def what_if(view: View, cls: ClassName | None = None) -> Evidence:
    """What the model predicts after changes to a row or to many rows, against before: new class, change of the
    probability (of `cls`, or of the class predicted before), how many predictions flip."""
    facts = _one(view, cls) if view.scope.has_instance else _many(view, cls)
    same = _unchanged(view)
    text = view.schema.modality == "text"
    if text and view.scope.has_instance:
        facts += _new_text(view)
    elif text and same.any():
        facts += _touched(view, ~same, cls)
    elif same.any():
        facts.append(Fact(relation="unchanged", value=int(same.sum()), unit="count"))
    return Evidence(
        facts=tuple(facts), method="direct evaluation before and after", estimand="model output", table=_table(view)
    )


def _one(view: View, cls: str | None) -> list[Fact]:
    if view.subject.regression:
        return _pair(view, "estimate", "output", None)
    before = view.schema.classes[int(predicted_index(view.outputs_before)[0])]
    after, row = view.predicted(), view.row_id
    label = before if cls is None else view.schema.class_label(cls)
    flipped = before != after
    facts = [
        Fact(relation="before_prediction", value=before.name, unit="class", cls=before.name, row=row),
        Fact(relation="after_prediction", value=after.name, unit="class", cls=after.name, row=row),
        Fact(relation="flipped" if flipped else "not_flipped", value=after.name, unit="class", cls=after.name, row=row),
        *_pair(view, "probability", "probability", label),
    ]
    if flipped and after != label and len(view.schema.classes) > 2:
        chance = float(view.output_of(view.outputs, after)[0])
        facts.append(Fact(relation="new_probability", value=chance, unit="probability", cls=after.name, row=row))
    return facts


def _pair(view: View, what: str, unit: Unit, label: ClassLabel | None) -> list[Fact]:
    """The output before and after, and their difference."""
    old = float(view.output_of(view.outputs_before, label)[0])
    new = float(view.output_of(view.outputs, label)[0])
    cls = None if label is None else label.name
    return [
        Fact(id="before", relation=f"before_{what}", value=old, unit=unit, cls=cls, row=view.row_id),
        Fact(id="after", relation=f"after_{what}", value=new, unit=unit, cls=cls, row=view.row_id),
        DerivedFact(
            relation="change",
            value=new - old,
            unit="output" if label is None else "points",
            cls=cls,
            row=view.row_id,
            formula="difference",
            sources=("after", "before"),
        ),
    ]


def _many(view: View, cls: str | None) -> list[Fact]:
    total = len(view.rows)
    if view.subject.regression:
        return [Fact(relation="total_value", value=total, unit="count"), *_means(view, None)]
    old, new = predicted_index(view.outputs_before), predicted_index(view.outputs)
    flips = int((old != new).sum())
    facts = [Fact(relation="total" if flips else "no_flip", value=total, unit="count")]
    facts.append(Fact(relation="flips", value=flips, unit="count"))
    facts += _means(view, _label(view, cls))
    if flips:
        facts += _counts(view, "after_count", new) + _counts(view, "before_count", old)
    return facts


def _label(view: View, cls: str | None) -> ClassLabel:
    """The class to follow; among several, where nobody said, the one whose mean probability changes most."""
    label = view.explained_class(cls)
    if label is not None:
        return label
    moved = np.abs((view.outputs - view.outputs_before).mean(axis=0))
    return view.schema.classes[int(moved.argmax())]


def _means(view: View, label: ClassLabel | None) -> list[Fact]:
    old, new = view.output_of(view.outputs_before, label), view.output_of(view.outputs, label)
    moved = new - old
    equal = float(np.ptp(moved)) <= 1e-9 * max(1.0, float(np.abs(old).max()))
    error = None if equal else float(moved.std(ddof=1) / np.sqrt(len(moved)))
    suffix, unit, cls = ("", "output", None) if label is None else ("_probability", "probability", label.name)
    given = {"unit": unit, "cls": cls}
    change = DerivedFact(
        relation="mean_change",
        value=float(new.mean()) - float(old.mean()),
        unit="output" if label is None else "points",
        cls=cls,
        error=error,
        formula="difference",
        sources=("after", "before"),
    )
    return [
        Fact.model_validate({"id": "before", "relation": f"mean_before{suffix}", "value": float(old.mean()), **given}),
        Fact.model_validate({"id": "after", "relation": f"mean_after{suffix}", "value": float(new.mean()), **given}),
        change,
        *([change.model_copy(update={"relation": "equal_change"})] if equal and len(moved) > 1 else []),
    ]


def _counts(view: View, relation: str, found: Array) -> list[Fact]:
    counts = np.bincount(found, minlength=len(view.schema.classes))
    return [
        Fact(relation=relation, value=int(count), unit="count", cls=label.name)
        for label, count in zip(view.schema.classes, counts, strict=True)
    ]


def _new_text(view: View) -> list[Fact]:
    """The text that was asked about, where it can be quoted whole."""
    text = str(view.rows.iloc[0, 0])
    quotable = text.strip() and len(text) <= _QUOTED
    return [Fact(relation="new_text" if quotable else "long_text", value=text, unit="text", row=view.row_id)]


def _touched(view: View, touched: Mask, cls: str | None) -> list[Fact]:
    """How many texts a change leaves alone, and what it does to the others."""
    facts = [Fact(relation="untouched", value=int((~touched).sum()), unit="count")]
    if not touched.any():
        return facts
    label = None if view.subject.regression else _label(view, cls)
    moved = (view.output_of(view.outputs, label) - view.output_of(view.outputs_before, label))[touched]
    error = float(moved.std(ddof=1) / np.sqrt(len(moved))) if len(moved) > 1 else None
    facts.append(Fact(relation="touched", value=len(moved), unit="count"))
    name = None if label is None else label.name
    relation, unit = ("touched_output", "output") if label is None else ("touched_change", "points")
    given = {"relation": relation, "unit": unit, "cls": name, "value": float(moved.mean()), "error": error}
    return [*facts, Fact.model_validate(given)]


def _unchanged(view: View) -> Mask:
    """Which rows the changes leave as they were."""
    same = np.ones(len(view.rows), dtype=bool)
    for name in view.schema.names:
        old, new = view.before[name].astype(object), view.rows[name].astype(object)
        same &= np.asarray((old == new).fillna(False), dtype=bool) | np.asarray(old.isna() & new.isna(), dtype=bool)
    return same


def _table(view: View) -> Table:
    """The rows whose output moves most, before and after."""
    classes = view.schema.classes
    moved = np.abs(view.outputs - view.outputs_before).max(axis=1)
    order = np.argsort(-moved, kind="stable")[:_SHOWN]
    old, new = predicted_index(view.outputs_before), predicted_index(view.outputs)
    rows: list[tuple[Any, ...]] = []
    for i in order:
        name = str(view.rows.index[i])
        if classes:
            before, after = float(view.outputs_before[i, old[i]]), float(view.outputs[i, new[i]])
            rows.append((name, classes[old[i]].label, before, classes[new[i]].label, after))
        else:
            rows.append((name, float(view.outputs_before[i, 0]), float(view.outputs[i, 0])))
    entity = view.schema.entity
    columns = (
        (entity, "before", "probability before", "after", "probability after")
        if classes
        else (entity, "before", "after")
    )
    return Table(columns=columns, rows=tuple(rows))
