"""Narratives that others wrote, scored: a reader for labelled files, and what the check of free prose makes of them.

A file has one JSON object a line (blank lines and lines that begin with # are skipped):

    {"id": "n1",
     "text": "The high income raises the price most. The small garden lowers it.",
     "features": [{"name": "income", "value": 83.2, "contribution": 12.5},
                  {"name": "garden", "label": "garden size", "value": 20, "contribution": -3.1, "sign": -1}],
     "prediction": {"name": "price", "value": 210.0},
     "unit": "output",
     "wrong": [1]}

`features` is the table that the narrative should bear out: a name, its value, and what it contributes (`attribution`,
`shap` and `weight` are read as `contribution` too); `sign` (-1, 0, 1) may stand in place of a size. `label` and
`aliases` are other names. `prediction` (optional) has a `name`, a `value` or a `class`, and `classes` where there are
some. `unit` is "output" (default), "points" (differences of probabilities, 0.12 is 12 points) or "log-odds".

The label is one of: `wrong`, the sentences that are false, counted from 0 (empty: all are true); or `label`,
"faithful" or "unfaithful" (also true and false), for the whole text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from askwhy.agent.plan import Plan, Step
from askwhy.agent.verify import false_statements
from askwhy.agent.verify.clauses import sentences
from askwhy.evals.registry import UsageError
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.schema import Category, ClassLabel, Feature, Schema, Target

_SIZES = ("contribution", "attribution", "shap", "weight")
_FAITHFUL = {"faithful": True, "true": True, "correct": True, "unfaithful": False, "false": False, "wrong": False}


@dataclass(frozen=True)
class Narrative:
    """A narrative with the table it is about. `wrong`: its false sentences, None where only `faithful` is known."""

    name: str
    text: str
    evidence: Evidence
    schema: Schema
    faithful: bool
    wrong: frozenset[int] | None


@dataclass(frozen=True)
class Scores:
    """What the check found among statements: sentences where they are labelled, else whole texts."""

    caught: int = 0
    missed: int = 0
    alarms: int = 0
    passed: int = 0

    @property
    def recall(self) -> float | None:
        """Share of the false ones that were caught."""
        return self.caught / (self.caught + self.missed) if self.caught + self.missed else None

    @property
    def precision(self) -> float | None:
        """Share of those called false that are."""
        return self.caught / (self.caught + self.alarms) if self.caught + self.alarms else None

    @property
    def false_alarms(self) -> float | None:
        """Share of the true ones that were called false."""
        return self.alarms / (self.alarms + self.passed) if self.alarms + self.passed else None


def read_narratives(path: Path) -> tuple[Narrative, ...]:
    """Every narrative of a file; UsageError with the line where it cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            found.append(_narrative(json.loads(line), number))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{path}, line {number}: {error!r}; see `askwhy.evals.words_narratives`") from None
    if not found:
        raise UsageError(f"{path} has no narratives")
    return tuple(found)


def scores_of(narratives: tuple[Narrative, ...]) -> Scores:
    """How the check of free prose does on labelled narratives."""
    counts = {"caught": 0, "missed": 0, "alarms": 0, "passed": 0}
    for one in narratives:
        for is_false, called in _judged(one):
            name = ("caught" if called else "missed") if is_false else ("alarms" if called else "passed")
            counts[name] += 1
    return Scores(**counts)


def _judged(one: Narrative) -> Iterator[tuple[bool, bool]]:
    """For every labelled statement, whether it is false and whether the check says so."""
    plan = Plan(steps=(Step(tool=one.evidence.tool),))
    failures = false_statements(one.text, (one.evidence,), plan, one.schema)
    if one.wrong is None:
        yield not one.faithful, bool(failures)
        return
    for number, (start, end) in enumerate(sentences(one.text)):
        yield number in one.wrong, any(failure.start < end and failure.end > start for failure in failures)


def _narrative(given: dict[str, Any], number: int) -> Narrative:
    text = str(given["text"])
    features = given["features"]
    prediction = given.get("prediction") or {}
    schema = _schema(features, prediction)
    wrong, faithful = _label(given, len(sentences(text)))
    evidence = Evidence(tool="narrative", facts=tuple(_facts(features, prediction, given.get("unit", "output"))))
    return Narrative(str(given.get("id", number)), text, evidence, schema, faithful, wrong)


def _label(given: dict[str, Any], count: int) -> tuple[frozenset[int] | None, bool]:
    if "wrong" in given:
        wrong = frozenset(int(one) for one in given["wrong"])
        if any(not 0 <= one < count for one in wrong):
            raise ValueError(f"the text has {count} sentences, counted from 0; `wrong` names another")
        return wrong, not wrong
    said = str(given["label"]).lower()
    if said not in _FAITHFUL:
        raise ValueError(f"label {said!r} is none of {', '.join(_FAITHFUL)}")
    return None, _FAITHFUL[said]


def _schema(features: list[dict[str, Any]], prediction: dict[str, Any]) -> Schema:
    columns = tuple(_feature(one) for one in features)
    name = str(prediction.get("name", "outcome"))
    classes = [str(one) for one in prediction.get("classes", [prediction["class"]] if "class" in prediction else [])]
    labels = tuple(ClassLabel(name=one, label=one, value=one) for one in classes)
    task = "binary" if len(labels) == 2 else "multiclass" if labels else "regression"
    return Schema(features=columns, target=Target(name=name, label=name), task=task, classes=labels)


def _feature(given: dict[str, Any]) -> Feature:
    name, value = str(given["name"]), given.get("value")
    label = str(given.get("label", name.replace("_", " ")))
    numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    categories = () if numeric or value is None else (Category(name=str(value), label=str(value), value=value),)
    aliases = tuple(map(str, given.get("aliases", ())))
    kind = "number" if numeric else "boolean" if isinstance(value, bool) else "category"
    return Feature(
        name=name, label=label, aliases=aliases, kind=kind, categories=categories, unit=str(given.get("unit", ""))
    )


def _facts(features: list[dict[str, Any]], prediction: dict[str, Any], unit: str) -> Iterator[Fact]:
    sizes = {str(one["name"]): _size(one) for one in features}
    order = sorted(sizes, key=lambda name: -abs(sizes[name]))
    cls = str(prediction["class"]) if "class" in prediction else None
    for number, one in enumerate(features, 1):
        name = str(one["name"])
        yield Fact(
            id=f"f{number}", relation="attribution", value=sizes[name], unit=unit, feature=name, at=one.get("value"),
            cls=cls, rank=order.index(name) + 1,
        )  # fmt: skip
    if cls is not None:
        yield Fact(id="class", relation="prediction", value=cls, unit="class", cls=cls)
    if "value" in prediction:
        shown = "probability" if cls is not None else "output"
        yield Fact(id="value", relation="estimate", value=float(prediction["value"]), unit=shown, cls=cls)


def _size(given: dict[str, Any]) -> float:
    for key in _SIZES:
        if key in given:
            size = float(given[key])
            return size if "sign" not in given else abs(size) * int(given["sign"]) if size else 0.0
    return float(int(given["sign"]))
