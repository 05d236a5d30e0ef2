"""One line of the planted-truth table: a figure of askwhy's, of others beside it, and what is required."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from askwhy.evals.registry import Cell

COLUMNS = ("part", "measure", "askwhy", "plain SHAP", "plain LIME", "baseline", "required", "met", "from")


@dataclass(frozen=True)
class Line:
    """A measure of one part. shap, lime: the same of the plain packages, None where it means nothing there.

    baseline: any other comparison, in words; other: its figure, on a line that has none of askwhy's.
    least, most: what is required of askwhy's figure; neither: reported only.
    based_on: what it was measured on, in words. key: its name among the figures.
    """

    part: str
    measure: str
    askwhy: float | None
    key: str
    based_on: str
    shap: float | None = None
    lime: float | None = None
    baseline: str = ""
    least: float | None = None
    most: float | None = None
    other: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the requirement is met; None where there is none. Nothing measured does not meet one."""
        if self.least is None and self.most is None:
            return None
        if self.askwhy is None:
            return False
        # An exact share such as 1.0 may carry the rounding of a mean.
        low = self.least is None or self.askwhy >= self.least - 1e-9
        return low and (self.most is None or self.askwhy <= self.most + 1e-9)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The line as a row of the table."""
        required = " and ".join(
            f"{sign} {bound:g}" for sign, bound in ((">=", self.least), ("<=", self.most)) if bound is not None
        )
        named = (self.part, self.measure, self.askwhy, self.shap, self.lime, self.baseline)
        return (*named, required, self.met, self.based_on)


def figures_of(lines: Sequence[Line]) -> dict[str, object]:
    """Every figure by its key; those of the plain packages with their name behind."""
    found: dict[str, object] = {}
    for line in lines:
        for suffix, value in (("", line.askwhy), ("", line.other), ("_shap", line.shap), ("_lime", line.lime)):
            if value is not None:
                found[line.key + suffix] = round(value, 4)
    return found


def missed(lines: Sequence[Line]) -> list[str]:
    """Keys of the lines that do not meet what is required."""
    return [line.key for line in lines if line.met is False]


def interval(successes: int, trials: int) -> tuple[float, float]:
    """The exact two-sided 95 % interval of a share (Clopper & Pearson 1934)."""
    from scipy.stats import binomtest

    found = binomtest(successes, trials).proportion_ci(0.95)
    return float(found.low), float(found.high)
