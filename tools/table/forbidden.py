"""Whether an outcome that must never be predicted for some rows is: "nobody under 18 is approved"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from askwhy.tools.attribution import sample
from askwhy.tools.engines.counterfactual_search import Goal
from askwhy.tools.engines.listing import listing
from askwhy.tools.engines.policy import Searched, made_to_meet, meets, search
from askwhy.tools.engines.truth import Array
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact
from askwhy.tools.quality import direct_evaluation
from askwhy.tools.registry import ClassName, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import Mask
from askwhy.tools.table.policy import changed_cells, share_facts
from askwhy.tools.view import View

_ROWS = 500
_SHOWN = 10


@dataclass(frozen=True)
class _Checked:
    """Which rows get the forbidden outcome, surest first, and the search. invented: the data has no row to check."""

    label: ClassLabel
    broken: Array
    starts: pd.DataFrame
    searched: Searched | None
    invented: bool


@tool(
    needs="any",
    fits=lambda schema: schema.modality == "table" and bool(schema.classes),
    asks=(
        "is it true that no {entity} with {subset} is ever predicted {class}?",
        "does the model obey: nobody with {subset} is {class}?",
        "check the policy that {entities} with {subset} are never {class}",
        "are there {entities} with {subset} that are predicted {class} against the rule?",
        "find a counterexample to the rule that {entities} with {subset} are never {class}",
        "make sure that {entities} with {subset} never get {class}",
    ),
    says=(
        "The rule is broken: {breaking} of {checked:entities}{scope} checked {breaking:one is/are} predicted "
        "{breaking.cls}.",
        "That is {broken_share}, with a {level} interval from {broken_low} to {broken_high}.",
        "The clearest case is {worst.row}, with a probability of {worst.cls} of {worst}.",
        "The rule held for {checked:entities}{scope} checked: none is predicted {kept.cls}.",
        "No {entity}{scope} is in the data, so the rule was checked on {invented} made-up ones.",
        "A search through {tried} made-up {entities} near the data found no break either.",
        "A search through {tried_alone} made-up {entities} near the data found no break.",
        "A search through {tried_broken} made-up {entities} near the data found {found_broken} predicted "
        "{found_broken.cls}.",
        "The clearest of them is like {made.row} but with [made_cell*: {feature} {value}]: its probability of "
        "{made.cls} is {made}.",
    ),
)
def forbidden(view: View, never: ClassName) -> Evidence:
    """Whether the model keeps a rule that the selected rows are never predicted a class.

    Checked for every such row of the data, and by a search for counterexamples near the data. `never`: that class.
    """
    found = _checked(view, view.schema.class_label(never))
    return Evidence(
        facts=tuple(_facts(view, found)),
        method="direct evaluation of every row, and random search near the data",
        estimand=f"predictions of {found.label.label} where the rule forbids them",
        quality=direct_evaluation(view.evaluate.asked),
        caveats=tuple(_caveats(view, found)),
        table=listing(view, [int(one) for one in found.broken[:_SHOWN]], note="rows that break the rule")
        if len(found.broken)
        else None,
    )


def _checked(view: View, label: ClassLabel) -> _Checked:
    column = view.schema.classes.index(label)
    goal, data = Goal(column), view.subject.data
    if not len(data):
        raise ToolError("There is no data to check the rule on.")
    outputs = view.outputs
    hits = np.flatnonzero(predicted_index(outputs) == column) if len(outputs) else np.empty(0, dtype=np.int64)
    broken = hits[np.argsort(-outputs[hits, column], kind="stable")]
    starts, invented = view.rows, not len(view.rows)
    if invented:
        starts = made_to_meet(view.subject, view.scope.where, sample(data, _ROWS, view.rng), view.rng)
        if not len(starts):
            raise ToolError(
                f"No {view.schema.entities} match, and none can be made up to match, so nothing is checked."
            )
    starts = sample(starts, _ROWS, view.rng)

    def badness(made: pd.DataFrame) -> Array:
        # A tie is predicted by the order of the classes, so ask for the predicted class and not for the lead alone.
        outputs = view.evaluate.outputs(made)
        return np.where(goal.met(outputs), np.maximum(goal.closeness(outputs), 1e-12), goal.closeness(outputs) - 1e-12)

    def allowed(made: pd.DataFrame) -> Mask:
        return meets(view.subject, view.scope.where, made)

    searched = None
    if not view.scope.has_instance:
        searched = search(starts, data, [], badness, allowed, view.rng, made_up=invented)
    return _Checked(label, broken, starts, searched, invented)


def _facts(view: View, found: _Checked) -> Iterator[Fact]:
    name, total = found.label.name, len(view.rows)
    if found.invented:
        yield Fact(relation="invented", value=len(found.starts), unit="count")
    else:
        yield Fact(relation="checked", value=total, unit="count")
        relation = "breaking" if len(found.broken) else "kept"
        yield Fact(relation=relation, value=len(found.broken), unit="count", cls=name)
    if len(found.broken):
        if total > 1:
            yield from share_facts(len(found.broken), total)
        worst, column = int(found.broken[0]), view.schema.classes.index(found.label)
        chance = float(view.outputs[worst, column])
        row = view.row_id if view.scope.has_instance else str(view.rows.index[worst])
        yield Fact(relation="worst", value=chance, unit="probability", cls=name, row=row)
    yield from _search_facts(view, found)


def _search_facts(view: View, found: _Checked) -> Iterator[Fact]:
    searched, name = found.searched, found.label.name
    if searched is None:
        return
    if not searched.broken:
        relation = "tried_too" if len(found.broken) else "tried_alone" if found.invented else "tried"
        yield Fact(relation=relation, value=searched.tried, unit="count")
        return
    yield Fact(relation="tried_broken", value=searched.tried, unit="count")
    yield Fact(relation="found_broken", value=searched.broken, unit="count", cls=name)
    if len(found.broken):
        return
    chance = float(view.evaluate.outputs(searched.worst)[0, view.schema.classes.index(found.label)])
    row = str(found.starts.index[searched.parent])
    yield Fact(relation="made", value=chance, unit="probability", cls=name, row=row)
    before = view.subject.row(row) if found.invented else found.starts.iloc[[searched.parent]]
    yield from changed_cells(view, before.iloc[0], searched.worst.iloc[0])


def _caveats(view: View, found: _Checked) -> Iterator[Caveat]:
    if not len(found.broken) and (found.searched is None or not found.searched.broken):
        yield Caveat(flag="no_proof", text="A search that finds nothing is no proof that there is nothing to find.")
    if found.invented:
        text = "Made-up cases that meet the rule's conditions may be outside the range of the data."
        yield Caveat(flag="extrapolation", text=text)
