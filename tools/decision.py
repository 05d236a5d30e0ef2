"""A decision system: ordered rules over features and over the model's output, the first that holds decides."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from askwhy.tools.scope import Scalar
from askwhy.tools.value import Value

Tested = Literal["feature", "probability", "predicted", "output"]
Sign = Literal["ge", "gt", "le", "lt", "is", "is_not", "missing", "present"]


class Criterion(Value):
    """One condition of a rule.

    on: a feature's cell, the probability of a class, the predicted class, or the predicted number.
    name: the feature or class; empty for the predicted class and the predicted number.
    limit: what a number is compared with. among: the cells or classes of `is` and `is_not`.
    A missing cell meets `missing` and `is_not`, and no comparison.
    """

    on: Tested
    name: str = ""
    sign: Sign
    limit: float | None = None
    among: tuple[Scalar, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Criterion:
        if (self.limit is None) == self.numeric:
            raise ValueError("a comparison of numbers needs a limit, and nothing else has one")
        if self.sign in ("is", "is_not") and not self.among:
            raise ValueError("is and is_not need at least one value")
        return self

    @property
    def numeric(self) -> bool:
        """Whether it compares numbers."""
        return self.sign in ("ge", "gt", "le", "lt")


class Rule(Value):
    """An outcome, and the conditions that must all hold for it."""

    then: str
    when: Annotated[tuple[Criterion, ...], Field(min_length=1)]


class Decision(Value):
    """The rules in order; where none holds, the outcome is `otherwise`."""

    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    otherwise: str
    label: str = "final decision"

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Every outcome, in the order in which the rules name them."""
        return tuple(dict.fromkeys((*(rule.then for rule in self.rules), self.otherwise)))
