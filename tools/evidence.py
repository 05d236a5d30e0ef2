"""What a tool found: facts with ids, and how they were computed.

Every number, sign, rank and name that reaches a reader comes from a `Fact` (or from the plan).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from askwhy.tools.errors import ToolError
from askwhy.tools.scope import Argument, Scalar, Scope
from askwhy.tools.value import Value

if TYPE_CHECKING:
    import pandas as pd
    import shap

Unit = Literal[
    "",
    "count",
    "probability",
    "share",
    "points",
    "log-odds",
    "output",
    "feature",
    "score",
    "rank",
    "class",
    "category",
    "text",
    "id",
]
"""How a fact's value is to be read.

probability, share: 0..1, said as per cent. points: a difference of probabilities (0.12 is 12 percentage points).
output: the regression target's unit. feature: the unit of `Fact.feature`. score: a metric.
class, category, text, id: a name.
"""


class Fact(Value):
    """One thing that is true of the model or the data.

    `relation` is the fact's role ("attribution", "count", "probability", ...); the other fields say about what.
    `error` is the standard error of a sampled value, None where the value is exact.
    """

    id: str = ""
    relation: str
    value: Scalar | None
    unit: Unit = ""
    feature: str | None = None
    at: Scalar | None = None
    cls: str | None = None
    row: str | None = None
    group: str | None = None
    rank: int | None = None
    error: float | None = None

    def number(self) -> float:
        """The value as a number; a bug if it is none."""
        if isinstance(self.value, bool) or not isinstance(self.value, (int, float)):
            raise TypeError(f"fact {self.relation!r} has no number: {self.value!r}")
        return float(self.value)


class DerivedFact(Fact):
    """A fact computed by code from other facts: so that no language model does arithmetic."""

    formula: Literal["difference", "ratio", "sum", "rank"]
    sources: tuple[str, ...]


class Quality(Value):
    """One measurement of how good the explanation is; `check` names it as in the documentation (C2, C14, ...)."""

    check: str
    value: float
    passed: bool
    note: str = ""


class Caveat(Value):
    """Something the reader must be told; `flag` is its kind, `text` the sentence."""

    flag: str
    text: str


class Series(Value):
    """A named run of points; `error` are standard errors or None."""

    name: str
    x: tuple[Scalar, ...]
    y: tuple[float, ...]
    error: tuple[float, ...] | None = None


class Figure(Value):
    """Data for a picture; a surface draws it. `kind` says what fits: bars, line, ..."""

    kind: Literal["bars", "line", "heat", "matrix"]
    title: str
    x_label: str = ""
    y_label: str = ""
    series: tuple[Series, ...]


class Piece(Value):
    """A part of a text and its share of the output; None where nothing was attributed to it."""

    text: str
    value: float | None = None


class MarkedText(Value):
    """A whole text in pieces, in order, for a heat map. `what` is the output that moves; `unit` that of the values."""

    what: str
    unit: Unit
    pieces: tuple[Piece, ...]


class Table(Value):
    """A small table to show beside the words; cells are plain values, None is a missing cell."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Scalar | None, ...], ...]
    note: str = ""


class Evidence(Value):
    """What one tool call found, and everything needed to run it again.

    A tool fills facts, method, estimand, quality, caveats, figure, table and marked text; the registry fills the rest.
    """

    facts: tuple[Fact | DerivedFact, ...]
    method: str = ""
    estimand: str = ""
    quality: tuple[Quality, ...] = ()
    caveats: tuple[Caveat, ...] = ()
    figure: Figure | None = None
    table: Table | None = None
    marked: MarkedText | None = None
    tool: str = ""
    arguments: tuple[Argument, ...] = ()
    scope: Scope = Field(default_factory=Scope)
    seed: int = 0
    subject: str = ""
    code: str = ""

    def all(self, relation: str) -> tuple[Fact, ...]:
        """The facts of one relation, in the tool's order."""
        return tuple(fact for fact in self.facts if fact.relation == relation)

    def one(self, relation: str) -> Fact:
        """The first fact of a relation; KeyError if there is none."""
        for fact in self.facts:
            if fact.relation == relation:
                return fact
        raise KeyError(relation)

    def to_frame(self) -> pd.DataFrame:
        """The facts as a DataFrame, a row per fact, indexed by fact id."""
        import pandas as pd

        rows = [fact.model_dump(exclude={"formula", "sources"}) for fact in self.facts]
        return pd.DataFrame(rows, columns=list(Fact.model_fields)).set_index("id")

    def to_shap(self) -> shap.Explanation:
        """The attributions as a `shap.Explanation`: values (n, d), base_values (n,), data (n, d).

        Raises ToolError where the evidence holds no attributions.
        """
        import numpy as np
        import shap

        facts = self.all("attribution")
        if not facts:
            raise ToolError(f"The evidence of {self.tool!r} has no attributions; ask `explain` for some.")
        facts = tuple(sorted(facts, key=lambda fact: fact.feature or ""))
        base = self.one("base").number()
        return shap.Explanation(
            values=np.array([[fact.number() for fact in facts]]),
            base_values=np.array([base]),
            data=np.array([[fact.at for fact in facts]], dtype=object),
            feature_names=[fact.feature for fact in facts],
        )
