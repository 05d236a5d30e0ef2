"""The `[decision]` section of a schema file: ordered rules that turn the model's output into a final decision.

    [decision]
    label = "final decision"              what it is called; this is the default
    otherwise = "approved"                the outcome where no rule holds

    [[decision.rules]]                    in order: the first whose conditions all hold decides
    then = "manual review"
    when = [{ probability = "approved", at_least = 0.4, below = 0.6 }]

A condition is about one of `feature = NAME`, `probability = CLASS`, `predicted = CLASS` (or a list of classes) and
`output = true` (the number that a regression predicts). Numbers take at_least, above, at_most, below; cells take
`is`, `is_not` (a value or a list) and `missing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from askwhy.tools.decision import Criterion, Decision, Rule, Sign, Tested
from askwhy.tools.errors import ToolError
from askwhy.tools.schema import Feature, Schema
from askwhy.tools.scope import Scalar
from askwhy.tools.value import Value

_BOUNDS: dict[str, Sign] = {"at_least": "ge", "above": "gt", "at_most": "le", "below": "lt"}
_ABOUT = ("feature", "probability", "predicted", "output")


class _Notes(Value):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


_OneOrMore = Annotated[Scalar | tuple[Scalar, ...] | None, BeforeValidator(_tupled)]


class ConditionNotes(_Notes):
    """One condition, as written."""

    feature: str | None = None
    probability: Scalar | None = None
    predicted: _OneOrMore = None
    output: Literal[True] | None = None
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    is_: _OneOrMore = Field(None, alias="is")
    is_not: _OneOrMore = None
    missing: bool | None = None

    @model_validator(mode="after")
    def _one_subject(self) -> ConditionNotes:
        about = [name for name in _ABOUT if getattr(self, name) is not None]
        if len(about) != 1:
            raise ValueError(f"a condition is about exactly one of {', '.join(_ABOUT)}")
        cells = self.is_ is not None or self.is_not is not None or self.missing is not None
        if about[0] == "predicted" and (self.bounds() or cells):
            raise ValueError("`predicted` names the class itself and takes no limits")
        if about[0] in ("probability", "output") and (cells or not self.bounds()):
            raise ValueError(f"`{about[0]}` needs limits: {', '.join(_BOUNDS)}")
        if about[0] == "feature" and not (self.bounds() or cells):
            raise ValueError(f"`feature` needs a test: {', '.join(_BOUNDS)}, is, is_not or missing")
        low = max((one for one in (self.at_least, self.above) if one is not None), default=float("-inf"))
        high = min((one for one in (self.at_most, self.below) if one is not None), default=float("inf"))
        if low > high or (low == high and (self.above == low or self.below == high)):
            raise ValueError("the limits leave no number between them")
        return self

    def bounds(self) -> dict[str, float]:
        """The limits that are set."""
        return {name: float(value) for name in _BOUNDS if (value := getattr(self, name)) is not None}


class RuleNotes(_Notes):
    """`[[decision.rules]]`."""

    then: str = Field(min_length=1)
    when: tuple[ConditionNotes, ...] = Field(min_length=1, strict=False)


class DecisionNotes(_Notes):
    """`[decision]`."""

    label: str = Field("final decision", min_length=1)
    otherwise: str = Field(min_length=1)
    rules: tuple[RuleNotes, ...] = Field(min_length=1, strict=False)


def notes_at(where: list[str]) -> type[BaseModel]:
    """The part of the section that a path of keys and places leads to."""
    if "when" in where:
        return ConditionNotes
    return RuleNotes if "rules" in where else DecisionNotes


def settled_decision(notes: DecisionNotes | None, schema: Schema) -> Decision | None:
    """The rules with their names and values looked up. Raises ToolError, UnknownName with the nearest."""
    if notes is None:
        return None
    rules = tuple(
        Rule(then=rule.then, when=tuple(one for notes_ in rule.when for one in _criteria(notes_, schema)))
        for rule in notes.rules
    )
    return Decision(rules=rules, otherwise=notes.otherwise, label=notes.label)


def _criteria(notes: ConditionNotes, schema: Schema) -> Iterator[Criterion]:
    """One criterion for every limit or test of a condition."""
    if notes.predicted is not None:
        names = tuple(schema.class_label(one).name for one in _several(notes.predicted))
        yield Criterion(on="predicted", sign="is", among=names)
        return
    on, name = _about(notes, schema)
    for bound, limit in notes.bounds().items():
        yield Criterion(on=on, name=name, sign=_BOUNDS[bound], limit=limit)
    if on == "feature":
        yield from _cell_criteria(notes, schema.feature(name))


def _about(notes: ConditionNotes, schema: Schema) -> tuple[Tested, str]:
    if notes.output is not None:
        if schema.classes:
            raise ToolError("A decision rule is about the `output`, but the model predicts classes; use `probability`.")
        return "output", ""
    if notes.probability is not None:
        outside = [limit for limit in notes.bounds().values() if not 0 <= limit <= 1]
        if outside:
            raise ToolError(f"A decision rule compares a probability with {outside[0]:g}; it lies between 0 and 1.")
        return "probability", schema.class_label(notes.probability).name
    feature = schema.feature(notes.feature or "")
    if feature.kind in ("text", "date"):
        raise ToolError(f"A decision rule tests {feature.label}, a {feature.kind}; rules test numbers and categories.")
    if notes.bounds() and not feature.numeric:
        raise ToolError(f"A decision rule compares {feature.label} with a number, but it has categories: use `is`.")
    return "feature", feature.name


def _cell_criteria(notes: ConditionNotes, feature: Feature) -> Iterator[Criterion]:
    given: tuple[tuple[Sign, Any], ...] = (("is", notes.is_), ("is_not", notes.is_not))
    for sign, values in given:
        if values is not None:
            among = tuple(_cell(feature, one) for one in _several(values))
            yield Criterion(on="feature", name=feature.name, sign=sign, among=among)
    if notes.missing is not None:
        yield Criterion(on="feature", name=feature.name, sign="missing" if notes.missing else "present")


def _cell(feature: Feature, value: Scalar) -> Scalar:
    """A value that the feature can have."""
    if feature.categories:
        return feature.category(value).value
    if feature.kind == "boolean" and not isinstance(value, bool):
        raise ToolError(f"A decision rule compares {feature.label} with “{value}”; it is true or false.")
    if feature.numeric and (isinstance(value, (bool, str))):
        raise ToolError(f"A decision rule compares {feature.label} with “{value}”, but it is a number.")
    return value


def _several(values: Scalar | tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    return values if isinstance(values, tuple) else (values,)
