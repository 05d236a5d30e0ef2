"""How the model decides, summarised as a few rules, with how far they agree with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from askwhy.tools.engines.metrics import LEVEL, bootstrap, r2, wilson
from askwhy.tools.engines.rules import holds, rule_facts, rule_words
from askwhy.tools.engines.tree_rules import Leaf, answers, fit_rules
from askwhy.tools.engines.truth import Array
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality, Table
from askwhy.tools.quality import GOOD_FIT
from askwhy.tools.registry import ask, tool
from askwhy.tools.select import predicted_index
from askwhy.tools.view import View

_TESTED_SHARE = 0.3
_FEWEST_ROWS = 40
_SAID = 8
_MOST_ROWS = 20_000


@dataclass(frozen=True)
class _Fidelity:
    """How far the rules agree with the model on rows they were not made from; baseline: a constant answer."""

    value: float
    low: float
    high: float
    rows: int
    baseline: float
    usual: float

    @property
    def better(self) -> bool:
        """Whether the rules are more than chance better than a constant answer."""
        return self.low > self.baseline or self.value == 1.0


@tool(
    fits=lambda schema: schema.modality == "table",
    asks=(
        "summarise how the model decides, as rules",
        "describe the model as a decision tree",
        "what rules does the model follow?",
        "approximate the model with a few simple rules",
        "give me a global surrogate of the model",
        "how does the model decide for {entities} with {subset}?",
        "explain the whole model in if-then rules",
        ask("summarise the model in a tree of depth two", depth=2),
        ask("give me more detailed rules of the model", depth=4),
    ),
    says=(
        "These rules imitate what the model predicts for {entities}{scope}: [rule 8: {cls} with {group} (in "
        "{value} of them)].",
        "These rules imitate what the model predicts for {entities}{scope}: [rule_number 8: {value} with {group}].",
        "{more} further {more:one rule/rules} for fewer {entities} {more:one is/are} in the table.",
        "One answer fits all {entities}{scope}: {constant}.",
        "One answer fits all {entities}{scope}: {constant_number} on average.",
        "On {tested:entities} that the rules were not made from, they give the same class as the model for "
        "{fidelity}, with a {level} interval from {low} to {high}; always saying {baseline.cls} would do so for "
        "{baseline}.",
        "On {tested:entities} that the rules were not made from, they explain {fidelity_number} of the variation in "
        "the model's predictions, with a {level} interval from {low} to {high}.",
    ),
)
def surrogate(view: View, depth: Annotated[int, Field(ge=1, le=5)] = 3) -> Evidence:
    """How the model decides in general, as rules: a shallow decision tree fitted to the model's own predictions.

    `depth`: at most so many conditions in a rule. How often the rules agree with the model is measured on other rows.
    """
    rows, goal = _predictions(view)
    if len(rows) < _FEWEST_ROWS:
        raise ToolError(f"Rules need at least {_FEWEST_ROWS} {view.schema.entities}; here there are {len(rows)}.")
    classes = not view.subject.regression
    order = view.rng.permutation(len(rows))
    cut = round(_TESTED_SHARE * len(rows))
    tested, made = np.sort(order[:cut]), np.sort(order[cut:])
    leaves = fit_rules(view.schema, rows.iloc[made], goal[made], depth, classes=classes)
    fidelity = _fidelity(view, leaves, rows.iloc[tested], goal[tested], goal[made])
    note = f"agreement with the model on {len(tested)} rows the rules were not made from"
    return Evidence(
        facts=tuple(_facts(view, leaves, rows, goal, fidelity)),
        method=f"decision tree of depth {depth} fitted to the model's predictions",
        estimand="the model's predicted class" if classes else "the model's predicted number",
        quality=(
            Quality(check="C1", value=fidelity.value, passed=fidelity.value >= GOOD_FIT and fidelity.better, note=note),
        ),
        caveats=tuple(_caveats(fidelity)),
        table=_table(view, leaves, rows, goal),
    )


def _predictions(view: View) -> tuple[pd.DataFrame, Array]:
    """Rows (at most 20,000) and what the model predicts for them: class positions, or numbers."""
    goal = view.outputs[:, 0] if view.subject.regression else predicted_index(view.outputs)
    if len(goal) <= _MOST_ROWS:
        return view.rows, goal
    some = np.sort(view.rng.choice(len(goal), _MOST_ROWS, replace=False))
    return view.rows.iloc[some], goal[some]


def _fidelity(view: View, leaves: list[Leaf], rows: pd.DataFrame, goal: Array, made: Array) -> _Fidelity:
    said = answers(leaves, rows)
    if view.subject.regression:
        value = r2(goal, said[:, None]) if np.ptp(goal) else float(np.allclose(goal, said))
        low, high = bootstrap(r2, goal, said[:, None], view.rng)
        ends = (low, high) if np.isfinite(low) else (value, value)
        return _Fidelity(value, *ends, len(rows), 0.0, float(made.mean()))
    same, usual = int((said == goal).sum()), int(np.bincount(made).argmax())
    low, high = wilson(same, len(rows))
    return _Fidelity(same / len(rows), low, high, len(rows), float((goal == usual).mean()), usual)


def _facts(view: View, leaves: list[Leaf], rows: pd.DataFrame, goal: Array, fidelity: _Fidelity) -> Iterator[Fact]:
    classes = view.schema.classes
    if len(leaves) == 1 and classes:
        name = classes[int(leaves[0].says)].name
        yield Fact(relation="constant", value=name, unit="class", cls=name)
    elif len(leaves) == 1:
        yield Fact(relation="constant_number", value=leaves[0].says, unit="output")
    else:
        for leaf in leaves:
            yield from _rule(view, leaf, rows, goal)
    if len(leaves) > _SAID:
        yield Fact(relation="more", value=len(leaves) - _SAID, unit="count")
    yield Fact(relation="tested", value=fidelity.rows, unit="count")
    yield Fact(relation="level", value=LEVEL, unit="share")
    unit = "share" if classes else "score"
    yield Fact(relation="fidelity" if classes else "fidelity_number", value=fidelity.value, unit=unit)
    yield Fact(relation="low", value=fidelity.low, unit=unit)
    yield Fact(relation="high", value=fidelity.high, unit=unit)
    if classes:
        usual = classes[int(fidelity.usual)].name
        yield Fact(relation="baseline", value=fidelity.baseline, unit="share", cls=usual)


def _rule(view: View, leaf: Leaf, rows: pd.DataFrame, goal: Array) -> Iterator[Fact]:
    words, inside = rule_words(leaf.rule), holds(leaf.rule, rows)
    if view.schema.classes:
        share = float((goal[inside] == leaf.says).mean())
        name = view.schema.classes[int(leaf.says)].name
        yield Fact(relation="rule", value=share, unit="share", cls=name, group=words)
    else:
        error = float(goal[inside].std(ddof=1) / np.sqrt(inside.sum())) if inside.sum() > 1 else None
        yield Fact(relation="rule_number", value=leaf.says, unit="output", group=words, error=error)
    yield Fact(relation="support", value=float(inside.mean()), unit="share", group=words)
    yield from rule_facts(leaf.rule)


def _caveats(fidelity: _Fidelity) -> Iterator[Caveat]:
    if fidelity.value < GOOD_FIT:
        text = "These rules miss much of what the model does, so take them as a rough sketch only."
        yield Caveat(flag="low_fidelity", text=text)
    elif not fidelity.better:
        text = "It is not shown that these rules agree with the model more often than one constant answer would."
        yield Caveat(flag="no_better_than_constant", text=text)
    else:
        text = "The rules describe the model from outside; it need not work this way inside."
        yield Caveat(flag="surrogate", text=text)


def _table(view: View, leaves: list[Leaf], rows: pd.DataFrame, goal: Array) -> Table:
    cells = []
    for leaf in leaves:
        inside = holds(leaf.rule, rows)
        if view.schema.classes:
            says: str | float = view.schema.classes[int(leaf.says)].label
            share: float | None = float((goal[inside] == leaf.says).mean())
        else:
            says, share = leaf.says, None
        cells.append((rule_words(leaf.rule) or "all", says, int(inside.sum()), share))
    return Table(columns=("rule", "prediction", "rows", "share"), rows=tuple(cells))
