"""Whether one feature matters more than another."""

from __future__ import annotations

from dataclasses import dataclass

from askwhy.tools.attribution import Attribution, attribute
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, DerivedFact, Evidence, Fact, Unit
from askwhy.tools.permutation import Importance
from askwhy.tools.quality import shared_credit, tied
from askwhy.tools.registry import ClassName, FeatureName, ask, tool
from askwhy.tools.subject import plain
from askwhy.tools.table.importance import MEASURE_SAYS, importance_caveats, measure_facts, measured_importance
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
        (
            "{more_important.feature} is more important than {less_important.feature} for {row}.",
            "{more_important.feature} is more important than {less_important.feature} for {entities}{scope}.",
        ),
        (
            "{about_equal.feature} and {about_equal_to.feature} are about equally important for {row}: "
            "their difference, {about_equal:size}, is within two standard errors.",
            "{about_equal.feature} and {about_equal_to.feature} are about equally important for {entities}{scope}: "
            "their difference, {about_equal:size}, is within two standard errors.",
        ),
        (
            "{equal.feature} and {equal_to.feature} are equally important for {row}.",
            "{equal.feature} and {equal_to.feature} are equally important for {entities}{scope}.",
        ),
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
    """One of the two features."""

    feature: str
    value: float
    error: float | None
    rank: int
    at: object = None


def _for_row(view: View, first: str, second: str, cls: str | None) -> Evidence:
    label = view.explained_class(cls)
    found = attribute(view, label)
    sides = [_local_side(view, found, name) for name in (first, second)]
    name = None if label is None else label.name
    compared = _compared(
        sides, found.unit, name, view.row_id, "output" if label is None else "probability", "attribution"
    )
    count = Fact(relation="feature_count", value=len(found.values), unit="count")
    return Evidence(
        facts=(*compared, count),
        method=found.method,
        estimand=found.estimand,
        quality=found.quality,
        caveats=(*found.caveats, *_shared(view, first, second)),
    )


def _overall(view: View, first: str, second: str, cls: str | None) -> Evidence:
    found = measured_importance(view, "permutation", cls)
    sides = [_overall_side(view, found, name) for name in (first, second)]
    name = None if found.label is None else found.label.name
    compared = _compared(sides, found.unit, name, None, "overall", "importance")
    named = [view.schema.names.index(one) for one in (first, second)]
    return Evidence(
        facts=(*compared, *measure_facts(view, found)),
        method=found.method,
        estimand=found.estimand,
        caveats=(*found.caveats, *importance_caveats(view, found, named, 0)),
    )


def _local_side(view: View, found: Attribution, name: str) -> _Side:
    position = view.schema.names.index(name)
    at = plain(view.rows.iloc[0, position])
    return _Side(name, float(found.values[position]), found.error_of(position), found.ranked().index(position) + 1, at)


def _overall_side(view: View, found: Importance, name: str) -> _Side:
    position = view.schema.names.index(name)
    return _Side(name, float(found.values[position]), found.error_of(position), found.ranked().index(position) + 1)


def _compared(
    sides: list[_Side], unit: Unit, cls: str | None, row: str | None, role: str, relation: str
) -> tuple[Fact, ...]:
    """The two sizes and their difference, both values with their ranks, and which is larger."""
    local = row is not None
    size = [abs(side.value) if local else side.value for side in sides]
    strong, weak = (0, 1) if sides[0].rank < sides[1].rank else (1, 0)

    def fact(which: int, relation: str, value: object, unit: Unit) -> Fact:
        side = sides[which]
        content = {"value": value, "unit": unit, "feature": side.feature, "at": side.at, "rank": side.rank}
        return Fact.model_validate(
            {"relation": relation, "cls": cls, "row": row, "error": side.error if unit else None, **content}
        )

    sizes = [
        fact(which, "size", size[which], unit).model_copy(update={"id": f"f{n}"})
        for n, which in enumerate((strong, weak), 1)
    ]
    difference = DerivedFact(
        relation="difference", value=size[strong] - size[weak], unit=unit, formula="difference", sources=("f1", "f2")
    )
    values = [fact(which, relation, sides[which].value, unit) for which in (strong, weak)]
    roles = [
        fact(strong, f"stronger_{role}", sides[strong].value, unit),
        fact(weak, f"weaker_{role}", sides[weak].value, unit),
    ]
    equal = tied(size[strong], size[weak], sides[strong].error, sides[weak].error)
    if equal:
        exact = size[strong] == size[weak] or not (sides[strong].error or sides[weak].error)
        name = "equal" if exact else "about_equal"
        gap = size[strong] - size[weak]
        verdict = [fact(strong, name, gap, unit), fact(weak, f"{name}_to", gap, unit)]
    else:
        names = ("more_important", "less_important")
        verdict = [fact(which, one, sides[which].feature, "") for which, one in zip((strong, weak), names, strict=True)]
    return (*sizes, difference, *verdict, *values, *roles)


def _shared(view: View, first: str, second: str) -> tuple[Caveat, ...]:
    return shared_credit(view.subject.data, view.schema, (first, second))
