"""Why the final decision was what it was: which rule decided, what the features added, what would change it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from askwhy.tools.decision import Criterion, Decision
from askwhy.tools.engines.coalitions import Coalitions, column_values
from askwhy.tools.engines.decide import (
    Decider,
    FeatureMove,
    feature_moves,
    fired,
    holds,
    observed,
    outcome_of,
    output_move,
)
from askwhy.tools.engines.listing import shown
from askwhy.tools.engines.listing import unit_of as cell_unit
from askwhy.tools.evidence import Evidence, Fact, Figure, Quality, Series, Table
from askwhy.tools.predictor import Outputs
from askwhy.tools.quality import additivity, direct_evaluation, order_caveats
from askwhy.tools.registry import tool
from askwhy.tools.subject import plain
from askwhy.tools.view import View

_SIGNS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
_NOTHING = 5e-7


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "table" and schema.decision is not None,
    asks=(
        "what is the final decision for {row}?",
        "why was the final decision for {row} manual review?",
        "does {row} need a manual review?",
        "what sent {row} to manual review?",
        "which rule decided about {row}?",
        "which rule fired for {row}?",
        "which rules applied to {row} and which did not?",
        "what would change the final decision for {row}?",
        "how did the rules and the model together decide about {row}?",
        "explain the final decision for {row}",
        "how do the features contribute to the final decision for {row}?",
    ),
    says=(
        "The {label} for {row} is {outcome}.",
        "[unmet_probability*: the {rank} rule does not hold, as the probability of {cls} is {value} and not {group}].",
        "[unmet_output*: the {rank} rule does not hold, as the predicted {target} is {value} and not {group}].",
        "[unmet_number*: the {rank} rule does not hold, as {feature} is {value} and not {group}].",
        "[unmet_cell*: the {rank} rule does not hold, as {feature} is {value}].",
        "[unmet_missing*: the {rank} rule does not hold, as {feature} is missing].",
        "[unmet_predicted*: the {rank} rule does not hold, as the predicted class is {cls}].",
        "The {fired} of the {rule_count} rules decides, as it is the first that holds.",
        "{no_rule:one The only rule does not hold/Not one of the rules holds}, so what is set for all others applies.",
        "[met_probability*: the probability of {cls} is {value}, {group}].",
        "[met_output*: the predicted {target} is {value}, {group}].",
        "[met_number*: {feature} is {value}, {group}].",
        "[met_cell*: {feature} is {value}].",
        "[met_missing*: {feature} is missing].",
        "[met_predicted*: the predicted class is {cls}].",
        "Of the {reference} background rows, {base} get this outcome.",
        "Compared with them, [contribution*: {feature} ({at}) {value:word raises/lowers} the chance of it by "
        "{value:size}].",
        "The other features together {rest:word raise/lower} it by {rest:size}.",
        "With a probability of {move_probability.cls} {move_probability.group} {move_probability}, the outcome "
        "would be {move_outcome}; that is a move of {move_size}.",
        "With a predicted {target} {move_number.group} {move_number}, the outcome would be {move_outcome}; "
        "that is a move of {move_size}.",
        "No move of the model's output alone would change the {fixed_label}.",
        "The nearest change of a single number that was found to alter it: {nearest_feature.feature} of "
        "{nearest_feature} instead of {nearest_feature.at}, which gives {nearest_outcome}.",
        "No change of {unmoved:one the number/a single number} alone, within the range of the data, was found to "
        "alter it.",
    ),
)
def explain_decision(view: View, k: Annotated[int, Field(ge=1)] = 5) -> Evidence:
    """Why the final decision of rules and model about one row is what it is: the rule that decided, the conditions that
    held or failed, what each feature adds to the outcome, and what would change it."""
    decision = view.schema.decision
    assert decision is not None
    made = _Made.of(view, decision)
    return Evidence(
        facts=tuple(_facts(made, k)),
        method=f"direct evaluation of model and rules together; {made.how} Shapley values against "
        f"{len(view.subject.background)} background rows; nearest numbers by standard deviations of the data",
        estimand=f"interventional Shapley values of the chance that the {decision.label} is {made.outcome}",
        quality=made.quality,
        caveats=order_caveats(*_ranking(made), set(range(min(k, len(made.acting))))),
        figure=_figure(made),
        table=_table(made),
    )


@dataclass(frozen=True)
class _Made:
    """A decision that was made: the rule's position, the outcome, and what the features add to it (features,)."""

    view: View
    decision: Decision
    place: int
    decider: Decider
    values: Outputs
    error: Outputs | None
    base: float
    how: str
    quality: tuple[Quality, ...]

    @classmethod
    def of(cls, view: View, decision: Decision) -> _Made:
        """Ask the model and the rules."""
        place = int(fired(decision, view.schema, view.instance, view.outputs)[0])
        decider = Decider(view, decision)
        column = decision.outcomes.index(outcome_of(decision, place))
        before = view.evaluate.asked
        game = Coalitions(decider, view.instance, view.subject.background, column)
        values, error, base, how = column_values(game, view.seed)
        checks = (
            additivity(1.0, base, values, 1.0, exact=error is None),
            *direct_evaluation(view.evaluate.asked - before, "rows put through model and rules"),
        )
        return cls(view, decision, place, decider, values, error, base, how, checks)

    @property
    def outcome(self) -> str:
        """The outcome reached."""
        return outcome_of(self.decision, self.place)

    @property
    def order(self) -> list[int]:
        """Positions of the features, largest effect first."""
        return [int(one) for one in np.argsort(-np.abs(self.values), kind="stable")]

    @property
    def acting(self) -> list[int]:
        """Those with an effect."""
        return [one for one in self.order if abs(self.values[one]) > _NOTHING]

    def error_of(self, position: int) -> float | None:
        """The standard error of one value, None where it is exact."""
        return None if self.error is None else float(self.error[position])


def _facts(made: _Made, k: int) -> Iterator[Fact]:
    view, decision = made.view, made.decision
    yield Fact(relation="label", value=decision.label)
    yield Fact(relation="outcome", value=made.outcome, row=view.row_id)
    for number, rule in enumerate(decision.rules[: made.place], 1):
        failed = [test for test in rule.when if not holds(test, view.schema, view.instance, view.outputs)[0]]
        yield from _criteria(made, failed, "unmet", number)
    if made.place == len(decision.rules):
        yield Fact(relation="no_rule", value=len(decision.rules), unit="count")
    else:
        yield Fact(relation="fired", value=made.place + 1, unit="rank")
        yield Fact(relation="rule_count", value=len(decision.rules), unit="count")
        yield from _criteria(made, decision.rules[made.place].when, "met", made.place + 1)
    yield from _effects(made, k)
    yield from _output_move(made)
    yield from _feature_moves(made)


def _criteria(made: _Made, tests: Sequence[Criterion], relation: str, rule: int) -> Iterator[Fact]:
    """What the criteria of a rule saw, once for each thing they look at, and the limits it was held against."""
    for about in dict.fromkeys((test.on, test.name) for test in tests):
        same = [test for test in tests if (test.on, test.name) == about]
        words = " and ".join(_limit_words(test, made.view) for test in same if test.limit is not None)
        found = _seen(made, same, relation)
        yield found.model_copy(update={"group": words or None, "rank": rule})
        for test in same:
            if test.limit is not None:
                yield Fact(relation="limit", value=test.limit, unit=found.unit, feature=found.feature, cls=found.cls)


def _seen(made: _Made, tests: Sequence[Criterion], relation: str) -> Fact:
    view, test = made.view, tests[0]
    value = observed(test, view.schema, view.instance, view.outputs)[0]
    if test.on == "predicted":
        name = view.schema.classes[int(value)].name
        return Fact(relation=f"{relation}_predicted", value=name, unit="class", cls=name)
    if test.on == "probability":
        return Fact(relation=f"{relation}_probability", value=float(value), unit="probability", cls=test.name)
    if test.on == "output":
        return Fact(relation=f"{relation}_output", value=float(value), unit="output")
    feature, cell = view.schema.feature(test.name), plain(value)
    if cell is None:
        return Fact(relation=f"{relation}_missing", value=True, feature=feature.name)
    kind = "number" if any(one.limit is not None for one in tests) else "cell"
    return Fact(relation=f"{relation}_{kind}", value=cell, unit=cell_unit(feature), feature=feature.name)


def _limit_words(test: Criterion, view: View) -> str:
    """The limit of a comparison: "at least 40%", "below 18 years"."""
    if test.limit is None:
        return ""
    if test.on == "probability":
        return f"{_SIGNS[test.sign]} {100 * test.limit:g}%"
    unit = view.schema.target.unit if test.on == "output" else view.schema.feature(test.name).unit
    return f"{_SIGNS[test.sign]} {test.limit:,.15g} {unit}".strip()


def _effects(made: _Made, k: int) -> Iterator[Fact]:
    """What the features add, and where that starts from."""
    view, acting = made.view, made.acting
    yield Fact(relation="reference", value=len(view.subject.background), unit="count")
    yield Fact(relation="base", value=made.base, unit="share")
    for rank, position in enumerate(acting, 1):
        yield Fact(
            relation="contribution" if rank <= k else "further_contribution",
            value=float(made.values[position]),
            unit="points",
            feature=view.schema.names[position],
            at=plain(view.rows.iloc[0, position]),
            row=view.row_id,
            rank=rank,
            error=made.error_of(position),
        )
    if acting[k:]:
        yield Fact(relation="rest", value=float(made.values[acting[k:]].sum()), unit="points")


def _output_move(made: _Made) -> Iterator[Fact]:
    """The smallest move of the model's output that changes the outcome."""
    schema = made.view.schema
    move = output_move(made.decision, schema, made.view.instance, made.view.outputs)
    if move is None:
        yield Fact(relation="fixed_label", value=made.decision.label)
        return
    number = not schema.classes
    yield Fact(
        relation="move_number" if number else "move_probability",
        value=move.limit,
        unit="output" if number else "probability",
        cls=move.name or None,
        group=move.words,
        row=made.view.row_id,
    )
    yield Fact(relation="move_outcome", value=move.outcome)
    yield Fact(relation="move_size", value=abs(move.limit - move.start), unit="output" if number else "points")


def _feature_moves(made: _Made) -> Iterator[Fact]:
    """The nearest changes of single numbers that change the outcome."""
    view = made.view
    moves, tried = feature_moves(view, made.decider, made.decision)
    for rank, move in enumerate(moves, 1):
        yield _moved(made, move, rank, "nearest_feature" if rank == 1 else "further_feature")
    if moves:
        yield Fact(relation="nearest_outcome", value=moves[0].outcome)
    elif tried:
        yield Fact(relation="unmoved", value=tried, unit="count")


def _moved(made: _Made, move: FeatureMove, rank: int, relation: str) -> Fact:
    feature = made.view.schema.features[move.position]
    return Fact(
        relation=relation,
        value=plain(move.value),
        unit=cell_unit(feature),
        feature=feature.name,
        at=plain(made.view.rows.iloc[0, move.position]),
        rank=rank,
    )


def _ranking(made: _Made) -> tuple[list[str], list[float], list[float | None]]:
    labels = [made.view.schema.features[one].label for one in made.acting]
    return labels, [abs(float(made.values[one])) for one in made.acting], [made.error_of(one) for one in made.acting]


def _figure(made: _Made) -> Figure:
    order = made.order
    series = Series(
        name="effect",
        x=tuple(made.view.schema.features[one].label for one in order),
        y=tuple(float(made.values[one]) for one in order),
        error=None if made.error is None else tuple(float(made.error[one]) for one in order),
    )
    title = f"What makes the {made.decision.label} {made.outcome}"
    return Figure(kind="bars", title=title, x_label="feature", y_label=f"chance of {made.outcome}", series=(series,))


def _table(made: _Made) -> Table:
    """Every condition of every rule, in order, and whether it holds."""
    view = made.view
    rows: list[tuple[Any, ...]] = []
    for number, rule in enumerate(made.decision.rules, 1):
        for test in rule.when:
            met = bool(holds(test, view.schema, view.instance, view.outputs)[0])
            rows.append((number, rule.then, *_condition(made, test), "yes" if met else "no"))
    note = f"Rules in order; the first whose conditions all hold decides, otherwise {made.decision.otherwise}"
    return Table(columns=("rule", "outcome", "what", "condition", "value", "holds"), rows=tuple(rows), note=note)


def _condition(made: _Made, test: Criterion) -> tuple[Any, Any, Any]:
    """What is tested, the condition, and the value it saw."""
    view, schema = made.view, made.view.schema
    value = observed(test, schema, view.instance, view.outputs)[0]
    if test.on == "predicted":
        wanted = " or ".join(schema.class_label(str(name)).label for name in test.among)
        return "predicted class", wanted, schema.classes[int(value)].label
    if test.on == "probability":
        return f"probability of {schema.class_label(test.name).label}", _limit_words(test, view), float(value)
    if test.on == "output":
        return schema.target.label, _limit_words(test, view), float(value)
    feature = schema.feature(test.name)
    among = " or ".join(str(shown(feature, one)) for one in test.among)
    words = {"is": among, "is_not": f"not {among}", "missing": "missing", "present": "not missing"}
    return feature.label, words.get(test.sign) or _limit_words(test, view), shown(feature, value)
