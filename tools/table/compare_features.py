"""Whether one feature matters more than another."""

from __future__ import annotations

from dataclasses import dataclass

from askwhy.tools.attribution import attribute
from askwhy.tools.engines.panel import light_panel
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import DerivedFact, Evidence, Fact, Unit
from askwhy.tools.quality import shared_credit, tied
from askwhy.tools.registry import ClassName, FeatureName, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.scope import Scalar
from askwhy.tools.subject import plain
from askwhy.tools.table.explain import attribution_facts
from askwhy.tools.table.importance import (
    MEASURE_SAYS,
    importance_caveats,
    importance_facts,
    measure_facts,
    measured_importance,
)
from askwhy.tools.view import View

_LOCAL = (
    "{stronger_ROLE.feature} ({stronger_ROLE.at}) ranks {stronger_ROLE.rank} of the {feature_count} features and "
    "{stronger_ROLE:word raises/lowers/changes} QUANTITY by {stronger_ROLE:size}, while {weaker_ROLE.feature} "
    "({weaker_ROLE.at}) ranks {weaker_ROLE.rank} and {weaker_ROLE:word raises/lowers/changes} it by {weaker_ROLE:size}."
)


@tool(
    asks=(
        "is {feature} more important than {feature2} for {row}?",
        "is {feature} more important than {feature2}?",
        "which matters more, {feature} or {feature2}?",
        "does {feature} matter more than {feature2} for {row}?",
        "compare the importance of {feature} and {feature2}",
        "what counts more for {row}, {feature} or {feature2}?",
        "does {feature} have a bigger influence than {feature2} on {entities} with {subset}?",
        "is {feature} less important than {feature2}?",
        "are {feature} and {feature2} equally important?",
        "{feature} versus {feature2}: which one drives the predictions more?",
        ask("which of {feature} and {feature2} contributed more to the prediction for {row}?"),
    ),
    says=(
        "{more_important.feature} is more important than {less_important.feature}.",
        "{about_equal.feature} and {about_equal_to.feature} are about equally important: "
        "their difference, {about_equal:size}, is within the sampling error.",
        "{equal.feature} and {equal_to.feature} are equally important.",
        _LOCAL.replace("ROLE", "probability").replace("QUANTITY", "the probability of {stronger_probability.cls}"),
        _LOCAL.replace("ROLE", "output").replace("QUANTITY", "the predicted {target}"),
        "{stronger_overall.feature} ranks {stronger_overall.rank} of the {feature_count} features with an importance "
        "of {stronger_overall}, {weaker_overall.feature} ranks {weaker_overall.rank} with {weaker_overall}.",
        *MEASURE_SAYS,
    ),
    fits=lambda schema: schema.modality == "table" and len(schema.features) > 1,
)
def compare_features(view: View, first: FeatureName, second: FeatureName, cls: ClassName | None = None) -> Evidence:
    """Whether one feature is more important than another: for one row by its attribution, else by importance."""
    if first == second:
        raise ToolError("Name two different features to compare.")
    if view.scope.has_instance:
        return _for_row(view, first, second, cls)
    return _overall(view, first, second, cls)


@dataclass(frozen=True)
class _Side:
    """One of the two features: its importance or attribution."""

    feature: str
    value: float
    error: float | None
    rank: int
    at: Scalar | None = None


@dataclass(frozen=True)
class _Pair:
    """The two sides, the stronger one first, and what their facts have in common."""

    strong: _Side
    weak: _Side
    unit: Unit
    cls: str | None
    row: str | None

    def fact(self, side: _Side, relation: str, value: float | str, **more: str) -> Fact:
        """A fact about one side; a name has no unit and no error."""
        number = not isinstance(value, str)
        return Fact(
            relation=relation,
            value=value,
            unit=self.unit if number else "",
            feature=side.feature,
            at=side.at,
            cls=self.cls,
            row=self.row,
            rank=side.rank,
            error=side.error if number else None,
            **more,
        )

    def size(self, side: _Side) -> float:
        """How much it matters: an attribution counts whichever way it points."""
        return side.value if self.row is None else abs(side.value)


def _for_row(view: View, first: str, second: str, cls: str | None) -> Evidence:
    label = view.explained_class(cls)
    found = attribute(view, label)
    order = found.ranked()

    def side(name: str) -> _Side:
        position = view.schema.names.index(name)
        at = plain(view.rows.iloc[0, position])
        return _Side(name, float(found.values[position]), found.error_of(position), order.index(position) + 1, at)

    pair = _paired(side(first), side(second), found.unit, label, view.row_id)
    compared = _compared(pair, "output" if label is None else "probability")
    count = Fact(relation="feature_count", value=len(found.values), unit="count")
    panel = light_panel(view, found, label, [view.schema.names.index(name) for name in (first, second)])
    return Evidence(
        facts=(*compared, *attribution_facts(view, label, found), count),
        method=found.method,
        estimand=found.estimand,
        quality=(*found.quality, *panel.quality()),
        caveats=(*found.caveats, *shared_credit(view.subject.data, view.schema, (first, second)), *panel.caveats()),
    )


def _overall(view: View, first: str, second: str, cls: str | None) -> Evidence:
    found = measured_importance(view, "permutation", cls)
    order = found.ranked()

    def side(name: str) -> _Side:
        position = view.schema.names.index(name)
        return _Side(name, float(found.values[position]), found.error_of(position), order.index(position) + 1)

    compared = _compared(_paired(side(first), side(second), found.unit, found.label, None), "overall")
    named = [view.schema.names.index(one) for one in (first, second)]
    return Evidence(
        facts=(*compared, *importance_facts(view, found), *measure_facts(view, found)),
        method=found.method,
        estimand=found.estimand,
        caveats=(*found.caveats, *importance_caveats(view, found, named)),
    )


def _paired(first: _Side, second: _Side, unit: Unit, label: ClassLabel | None, row: str | None) -> _Pair:
    strong, weak = sorted((first, second), key=lambda side: side.rank)
    return _Pair(strong, weak, unit, None if label is None else label.name, row)


def _compared(pair: _Pair, role: str) -> tuple[Fact, ...]:
    """The two sizes and their difference, which is larger, and both values with their ranks."""
    strong, weak = pair.strong, pair.weak
    gap = pair.size(strong) - pair.size(weak)
    return (
        pair.fact(strong, "size", pair.size(strong), id="f1"),
        pair.fact(weak, "size", pair.size(weak), id="f2"),
        DerivedFact(relation="difference", value=gap, unit=pair.unit, formula="difference", sources=("f1", "f2")),
        *_verdict(pair, gap),
        pair.fact(strong, f"stronger_{role}", strong.value),
        pair.fact(weak, f"weaker_{role}", weak.value),
    )


def _verdict(pair: _Pair, gap: float) -> tuple[Fact, Fact]:
    strong, weak = pair.strong, pair.weak
    if not tied(pair.size(strong), pair.size(weak), strong.error, weak.error):
        return (
            pair.fact(strong, "more_important", strong.feature),
            pair.fact(weak, "less_important", weak.feature),
        )
    name = "about_equal" if strong.error or weak.error else "equal"
    return pair.fact(strong, name, gap), pair.fact(weak, f"{name}_to", gap)
