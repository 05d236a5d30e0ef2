"""What a counterfactual is asked for: the goal, what may change, and what stands in the way where nothing works."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from askwhy.tools.engines.candidates import Domain, domain_of
from askwhy.tools.engines.counterfactual_search import Goal, Search
from askwhy.tools.engines.distance import Space
from askwhy.tools.engines.truth import Array, actual_values
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Fact
from askwhy.tools.schema import ClassLabel, Feature
from askwhy.tools.view import View

_MOST_RELAXED = 10

Direction = Literal["higher", "lower"]


@dataclass(frozen=True)
class Wish:
    """The goal, the class or number it stands for, and whether nobody named that number."""

    goal: Goal
    label: ClassLabel | None
    assumed: bool = False


def wished(view: View, cls: str | None, number: float | None, direction: Direction | None) -> Wish:
    """What is wanted of this model: a class, or a number. ToolError for one where the model predicts the other."""
    if view.subject.regression:
        if cls is not None:
            raise ToolError("This model predicts a number; say which number it should reach instead of a class.")
        return wished_number(view, number, direction)
    if number is not None or direction is not None:
        raise ToolError("This model predicts classes; say which class it should predict instead of a number.")
    return wished_class(view, cls)


def fact_of(view: View, relation: str, value: Any, unit: Any, **more: Any) -> Fact:
    """A fact about the instance."""
    return Fact(relation=relation, value=value, unit=unit, row=view.row_id, **more)


def already_facts(view: View, wish: Wish) -> tuple[Fact, ...]:
    """That the model predicts what is wanted as it is."""
    if wish.label is None:
        now = fact_of(view, "already_estimate", float(view.outputs[0, 0]), "output")
        return (now, fact_of(view, "goal_number", wish.goal.bound, "output"))
    name = wish.label.name
    chance = float(view.output_of(view.outputs, wish.label)[0])
    already = fact_of(view, "already", name, "class", cls=name)
    return (already, fact_of(view, "probability", chance, "probability", cls=name))


def goal_facts(view: View, wish: Wish, instead: str) -> tuple[Fact, ...]:
    """What is wanted, beside what is predicted, in the role `instead`."""
    if wish.label is None:
        before = fact_of(view, "before_estimate", float(view.outputs[0, 0]), "output")
        goal = fact_of(view, "goal_number", wish.goal.bound, "output")
        assumed = (fact_of(view, "assumed_goal", wish.goal.bound, "output"),) if wish.assumed else ()
        return (before, goal, *assumed)
    name, now = wish.label.name, view.predicted()
    chance = float(view.output_of(view.outputs, wish.label)[0])
    return (
        fact_of(view, "goal", name, "class", cls=name),
        fact_of(view, instead, now.name, "class", cls=now.name),
        fact_of(view, "goal_probability", chance, "probability", cls=name),
    )


def wished_class(view: View, cls: str | None) -> Wish:
    """The named class; else the favourable one if it is not predicted; else the likeliest other one."""
    predicted = view.predicted()
    label = None if cls is None else view.schema.class_label(cls)
    if label is None:
        label = next((one for one in view.schema.classes if one.favourable and one != predicted), None)
    if label is None:
        order = np.argsort(-view.outputs[0], kind="stable")
        label = next(view.schema.classes[int(i)] for i in order if view.schema.classes[int(i)] != predicted)
    return Wish(Goal(column=view.schema.classes.index(label)), label)


def wished_number(view: View, number: float | None, direction: Direction | None) -> Wish:
    """The named number; with a direction only, the next quartile of the model's predictions; else their median."""
    now = float(view.outputs[0, 0])
    if number is not None:
        rising = number > now if direction is None else direction == "higher"
        return Wish(Goal(bound=number, rising=rising), None)
    every = view.evaluate.all_outputs(view.subject)[:, 0]
    if direction is None:
        middle = float(np.median(every))
        return Wish(Goal(bound=middle, rising=middle > now), None, assumed=True)
    marks = np.quantile(every, [0.0, 0.25, 0.5, 0.75, 1.0])
    beyond = marks[marks > now] if direction == "higher" else marks[marks < now][::-1]
    bound = float(beyond[0]) if len(beyond) else now + (1.0 if direction == "higher" else -1.0) * float(np.ptp(every))
    return Wish(Goal(bound=bound, rising=direction == "higher"), None, assumed=True)


def domains(view: View, keep: Iterable[str], only: Iterable[str]) -> dict[int, Domain]:
    """What every feature may become that may change at all, by column position."""
    kept, wanted = set(keep), set(only)
    found = {}
    for j, feature in enumerate(view.schema.features):
        if feature.mutable and feature.name not in kept and (not wanted or feature.name in wanted):
            domain = _domain(view, feature)
            if domain is not None:
                found[j] = domain
    return found


def _domain(view: View, feature: Feature, *, relaxed: bool = False) -> Domain | None:
    if relaxed:
        feature = feature.model_copy(update={"allowed": None})
    column = view.subject.data[feature.name]
    return domain_of(feature, column, view.rows[feature.name].iloc[0], free_direction=relaxed)


@dataclass(frozen=True)
class Obstacle:
    """A feature that would make the difference if it could change freely, and why it cannot."""

    feature: str
    why: str


@dataclass(frozen=True)
class Relaxed:
    """What relaxing the constraints showed: features that suffice alone, or else together; `tried` candidates."""

    alone: tuple[Obstacle, ...]
    together: tuple[Obstacle, ...]
    tried: int


def relax(
    view: View, wish: Wish, given: dict[int, Domain], keep: tuple[str, ...], only: tuple[str, ...], space: Space
) -> Relaxed:
    """Which constraints stand in the way: everything freed at once, then one feature at a time."""
    features = view.schema.features
    free = {j: one for j, feature in enumerate(features) if (one := _domain(view, feature, relaxed=True)) is not None}
    bound = [j for j in free if j not in given or given[j].values != free[j].values]
    if not bound:
        return Relaxed((), (), 0)
    all_free = Search(view.subject, view.rows, free, wish.goal, view.evaluate, space)
    results = all_free.run(3)
    tried = all_free.tried
    if not results:
        return Relaxed((), (), tried)
    useful = [j for one in results for j in sorted(one.changed) if j in bound]
    order = list(dict.fromkeys([*useful, *bound]))[:_MOST_RELAXED]
    alone = []
    for j in order:
        search = Search(view.subject, view.rows, {**given, j: free[j]}, wish.goal, view.evaluate, space)
        found = search.run(1)
        tried += search.tried
        if found:
            alone.append(Obstacle(features[j].name, _why(features[j], keep, only)))
    needed = [j for j in sorted(results[0].changed) if j in bound]
    together = () if alone else tuple(Obstacle(features[j].name, _why(features[j], keep, only)) for j in needed)
    return Relaxed(tuple(alone), together, tried)


def _why(feature: Feature, keep: tuple[str, ...], only: tuple[str, ...]) -> str:
    if feature.name in keep:
        return "which you asked to keep"
    if not feature.mutable:
        return "which cannot be changed"
    if only and feature.name not in only:
        return "which you did not name"
    if feature.direction:
        return "which can only rise" if feature.direction > 0 else "which can only fall"
    return "which has a limited range"


def company(view: View, wish: Wish) -> Array:
    """Where rows of the wanted kind are: trained on and truly so; where there are none, predicted so."""
    subject = view.subject
    predicted = wish.goal.met(view.evaluate.all_outputs(subject))
    if subject.target is None:
        return np.flatnonzero(predicted)
    actual = actual_values(subject.schema, subject.target)
    numbers = wish.label is None
    truly = wish.goal.met(actual[:, None]) & np.isfinite(actual) if numbers else actual == wish.goal.column
    known = truly & ~subject.held_out
    return np.flatnonzero(known if known.sum() > 1 else predicted)
