"""Which rows a question is about, and what is supposed to be different about them.

`Where` selects rows, `Change` alters them, `Scope` holds both together with the instance under discussion.
`Where` has two levels only (all of any-of): a recursive type becomes an empty schema in LangChain's tool conversion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr, model_validator

from askwhy.tools.value import Value

Scalar = StrictBool | StrictInt | StrictFloat | StrictStr
"""A plain cell value; numbers stay numbers and booleans stay booleans."""

Comparison = Literal["eq", "ne", "lt", "le", "gt", "ge", "missing", "contains"]
Tested = Literal["feature", "id", "predicted", "actual", "correct", "previous"]

_NEGATION: dict[str, Comparison] = {"eq": "ne", "ne": "eq", "lt": "ge", "ge": "lt", "gt": "le", "le": "gt"}


class Condition(Value):
    """One test of a row: of a feature, its id, its predicted or actual class, or whether the model is right.

    `on="previous"` stands for the rows of the previous turn; `on="correct"` compares prediction and truth.
    A negated condition also holds where the cell is missing, except for `lt`, `le`, `gt`, `ge`.
    """

    on: Tested = Field("feature", description="what is tested")
    feature: str | None = Field(None, description="name of the feature, when on is 'feature' (or 'actual' numbers)")
    op: Comparison = Field("eq", description="comparison")
    value: Scalar | None = Field(None, description="number, category, class, id or text to compare with")
    negated: bool = Field(False, description="true for 'not'")

    @model_validator(mode="after")
    def _complete(self) -> Condition:
        if self.on == "feature" and not self.feature:
            raise ValueError("a condition on a feature needs the feature's name")
        if self.value is None and self.op != "missing" and self.on in ("feature", "id", "predicted", "actual"):
            raise ValueError(f"a condition on {self.on} with {self.op!r} needs a value")
        return self


class AnyOf(Value):
    """Holds for a row where any of its conditions does."""

    any: Annotated[tuple[Condition, ...], Field(min_length=1)]


class Where(Value):
    """A selection of rows: all of its `AnyOf` groups must hold; empty selects every row."""

    all: tuple[AnyOf, ...] = ()

    @classmethod
    def of(cls, *conditions: Condition) -> Where:
        """Rows where every one of these conditions holds."""
        return cls(all=tuple(AnyOf(any=(condition,)) for condition in conditions))

    def conditions(self) -> tuple[Condition, ...]:
        """Every condition, in order."""
        return tuple(condition for group in self.all for condition in group.any)

    def __and__(self, other: Where) -> Where:
        return Where(all=self.all + tuple(group for group in other.all if group not in self.all))

    def __bool__(self) -> bool:
        return bool(self.all)


def selects_nothing(where: Where) -> bool:
    """Whether no row can be selected, whatever the data: a feature is to have two values, or to be above and below."""
    alone: dict[tuple[Tested, str | None], list[Condition]] = {}
    for group in where.all:
        if len(group.any) == 1 and not group.any[0].negated:
            alone.setdefault((group.any[0].on, group.any[0].feature), []).append(group.any[0])
    return any(_contradict(several) for several in alone.values())


def _contradict(several: Sequence[Condition]) -> bool:
    equal = {str(one.value) for one in several if one.op == "eq"}
    unequal = {str(one.value) for one in several if one.op == "ne"}
    numbers = [(one.op, one.value) for one in several if isinstance(one.value, (int, float))]
    above = [value for op, value in numbers if op in ("gt", "ge")]
    below = [value for op, value in numbers if op in ("lt", "le")]
    crossed = bool(above) and bool(below) and max(above) > min(below)
    return len(equal) > 1 or bool(equal & unequal) or crossed


def opposite(op: Comparison) -> Comparison | None:
    """The comparison that holds exactly where `op` does not (cells present), if there is one."""
    return _NEGATION.get(op)


class Change(Value):
    """An edit of a row before the model is asked: what if ..."""

    feature: str | None = Field(None, description="name of the feature; for a text subject leave it out")
    action: Literal["set", "increase", "decrease", "scale", "remove", "replace", "insert"] = Field(
        "set",
        description="set to value; add or subtract value; multiply by value; remove/replace/insert words of a text",
    )
    value: Scalar | None = Field(None, description="new value, amount, factor, or the new words")
    words: str | None = Field(
        None, description="for a text: the words to remove or replace, or before which to insert (else at the end)"
    )

    @model_validator(mode="after")
    def _complete(self) -> Change:
        if self.action in ("increase", "decrease", "scale") and (
            isinstance(self.value, bool) or not isinstance(self.value, (int, float))
        ):
            raise ValueError(f"{self.action} needs a number")
        if self.action in ("remove", "replace") and not self.words:
            raise ValueError(f"{self.action} needs the words")
        if self.action in ("set", "replace", "insert") and self.value is None:
            raise ValueError(f"{self.action} needs a value")
        return self


class Assignment(Value):
    """One cell of a case the user describes."""

    feature: str
    value: Scalar | None = None


class Argument(Value):
    """One argument of a tool call."""

    name: str
    value: Scalar | tuple[Scalar, ...] | None = None


def arguments_of(given: Mapping[str, Any]) -> tuple[Argument, ...]:
    """Keyword arguments as values, in order of name."""
    return tuple(
        Argument(name=name, value=tuple(value) if isinstance(value, list) else value)
        for name, value in sorted(given.items())
    )


class Scope(Value):
    """What a step is about: selected rows, one row, or the user's own case; and changes made to it first."""

    where: Where = Field(default_factory=Where, description="conditions that select rows; empty means all rows")
    row: str | None = Field(None, description="id of the one row the question is about")
    case: tuple[Assignment, ...] = Field((), description="a new case given by its values, instead of a row")
    text: str | None = Field(None, description="a new text typed by the user, instead of a row")
    changes: tuple[Change, ...] = Field((), description="what-if changes applied before the tool runs")

    @model_validator(mode="after")
    def _one_instance(self) -> Scope:
        if sum((self.row is not None, bool(self.case), self.text is not None)) > 1:
            raise ValueError("a scope has one instance: a row, a case or a text")
        return self

    @property
    def has_instance(self) -> bool:
        """Whether the scope names one instance."""
        return self.row is not None or bool(self.case) or self.text is not None

    def without_changes(self) -> Scope:
        """The same rows as they are."""
        return self.model_copy(update={"changes": ()})
