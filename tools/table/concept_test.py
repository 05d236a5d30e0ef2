"""Whether the model uses a concept, in general or for one case: tests by betting beside a real intervention."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.engines.betting import Outcome
from askwhy.tools.engines.concept_bets import (
    Local,
    Moved,
    Population,
    association,
    check_sides,
    local,
    members,
    moved,
    random_rejections,
    rests_of,
    use,
)
from askwhy.tools.engines.concept_facts import bet_facts, false_alarms, move_facts, told_class
from askwhy.tools.engines.concept_rule import read_concept
from askwhy.tools.engines.concepts import Concept
from askwhy.tools.engines.metrics import LEVEL
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Table, Unit
from askwhy.tools.registry import ClassName, tool
from askwhy.tools.says import concluded
from askwhy.tools.schema import ClassLabel
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

Level = Annotated[float, Field(gt=0, lt=0.5)]

DETERMINED = 0.9
"""Where the other features tell so much of the concept's variance, there is little left to test."""


@dataclass(frozen=True)
class _Found:
    """Both global tests, what moving rows into and out of the concept does, and how much the rest tells of it."""

    associated: Outcome
    used: Outcome
    ignored: int
    into: Moved
    out: Moved
    told: float
    false_alarms: tuple[int, int]


_VERDICTS = (
    "So the model uses {verdict_used.group}, and this moves its output on average.",
    "So the model uses {verdict_cancels.group}, but on average the effect cancels out.",
    "So the output goes together with {verdict_association.group}, but that alone does not show that the model "
    "uses it: other features may explain it.",
    "So moving {entities} changes the output on average, but the test of use is undecided for {verdict_effect.group}.",
    "So the model ignores {verdict_unused.group}.",
    "So use of {verdict_open.group} is not shown, which does not prove that there is none.",
)


@tool(
    fits=lambda schema: schema.modality == "table",
    asks=(
        "does the concept {subset} matter to the model?",
        "does the model use the concept of {entities} with {subset}?",
        "does it react to {subset}?",
        "is {subset} a concept that the model relies on?",
        "does the model rely on whether {feature} is missing?",
        "test the concept {subset}",
        "does the concept {subset} matter for {row}?",
        "does the concept of a high {feature} matter?",
        "is the output independent of {subset} given the other features?",
    ),
    says=(
        "Compared are {inside:entities}{scope} with {inside.group} and {outside} others.",
        "Compared are {selected:entities}{scope} and {others} others.",
        "Association: the output goes together with it, as shown after {associated} of {associated_of} bets.",
        "Association: whether the output goes together with it is undecided after {associated_open} bets.",
        "Use beyond the other features: shown after {used} of {used_of} bets.",
        "Use beyond the other features: undecided after {used_open} bets.",
        "Use beyond the other features: none, as the output for {ignored:entities} stays exactly the same when only "
        "its features are redrawn.",
        "Moving {into_rows:entities} into it by redrawing only its features changes the probability of {into.cls} by "
        "{into:signed} on average, with a {level} interval from {into_low:signed} to {into_high:signed}, and flips "
        "{into_flips} of the predictions.",
        "Moving {out_rows:entities} out of it changes that probability by {out:signed}, with a {level} interval from "
        "{out_low:signed} to {out_high:signed}, and flips {out_flips} of the predictions.",
        "Moving {into_output_rows:entities} into it by redrawing only its features changes the output by "
        "{into_output:signed} on average, with a {level} interval from {into_low:signed} to {into_high:signed}.",
        "Moving {out_output_rows:entities} out of it changes the output by {out_output:signed}, with a {level} "
        "interval from {out_low:signed} to {out_high:signed}.",
        *concluded(_VERDICTS),
        "The concept is {present.group}, and {row} has it.",
        "The concept is {absent.group}, and {row} is without it.",
        "With its other features as they are, the output with the concept differs from that without it, as shown after "
        "{local} of {local_of} bets.",
        "With its other features as they are, it is undecided after {local_open} bets whether the output with the "
        "concept differs from that without it.",
        "With its other features as they are, the output is exactly the same with the concept and without it, in "
        "{local_same} draws.",
        "Moving {row} to the other side changes the probability of {local_effect.cls} by {local_effect:signed} on "
        "average, with a {level} interval from {local_low:signed} to {local_high:signed}, and flips {local_flips} "
        "of the predictions.",
        "Moving {row} to the other side changes the output by {local_output:signed} on average, with a {level} "
        "interval from {local_low:signed} to {local_high:signed}.",
        "Each test finds a concept without use in at most {alpha} of cases.",
    ),
)
def concept_test(view: View, concept: str = "", alpha: Level = 0.05, cls: ClassName | None = None) -> Evidence:
    """Whether the model uses a concept, such as "duration over 36 and savings little", in general or for one row.

    `concept`: a rule over features, a category, "high age", "low income" or "income missing"; without it, the selected
    rows are the concept. `alpha`: how often a test may be wrong. `cls`: for predicting this class.
    """
    meant, chosen = _meant(view, concept)
    inside = members(view, meant)
    if view.scope.has_instance:
        return _local(view, meant, inside, alpha, cls)
    people = Population.of(view, chosen, cls)
    mask = inside[people.own]
    check_sides(view, meant, mask)
    found = _found(people, meant, inside, mask, alpha)
    label = told_class(view, people.label, people.outputs, mask)
    column = 0 if label is None else view.schema.classes.index(label)
    return Evidence(
        facts=(
            *_sides(meant, mask, "inside" if concept else "selected", "outside" if concept else "others"),
            *bet_facts("associated", found.associated),
            *(
                (Fact(relation="ignored", value=found.ignored, unit="count"),)
                if found.ignored
                else bet_facts("used", found.used)
            ),
            *move_facts("into", found.into, view, label, column),
            *move_facts("out", found.out, view, label, column),
            _verdict(found, meant, column),
            *constants(meant),
            Fact(relation="alpha", value=alpha, unit="share"),
            Fact(relation="level", value=LEVEL, unit="share"),
        ),
        method=_METHOD,
        estimand=f"dependence of the output on {meant.words}, given the other features",
        quality=(
            false_alarms("association", found.false_alarms[0], alpha),
            false_alarms("use beyond the other features", found.false_alarms[1], alpha),
        ),
        caveats=tuple(_caveats(view, people, meant, found)),
        table=_table(found, label, column),
    )


_METHOD = (
    "kernelised tests by betting (Teneggi & Sulam 2024), the concept's features redrawn from the nearest rows in the "
    "others (Gower 1971); effects by direct evaluation"
)


def _meant(view: View, rule: str) -> tuple[Concept, Mask]:
    """The concept, and the rows of the data that it is tested on."""
    everyone = np.ones(len(view.subject.data), dtype=bool)
    if view.scope.changes and not view.scope.has_instance:
        raise ToolError("A concept is tested on rows as they are; ask without changes.")
    if rule:
        meant = read_concept(view.schema, view.subject.data, rule)
        return meant, everyone if view.scope.has_instance else view.chosen
    return Concept.of(view.schema, view.scope.where), everyone


def _found(people: Population, concept: Concept, inside: Mask, mask: Mask, alpha: float) -> _Found:
    view = people.view
    lent = inside[people.lenders.donors.positions]
    outputs, (rest,) = people.tested(people.outputs), rests_of(people, [concept.features])
    surprise = rest.surprise(lent, mask)
    still = float(np.abs(rest.values).max()) <= 1e-9 * max(1.0, float(np.abs(outputs).max()))
    nulls = (
        random_rejections(lambda marks, rng: association(outputs, marks, alpha, rng), mask, view.seed),
        random_rejections(
            lambda marks, rng: use(rest, rest.surprise(rng.permutation(lent), marks), alpha, rng), mask, view.seed
        ),
    )
    return _Found(
        associated=association(outputs, mask, alpha, view.rng),
        used=use(rest, surprise, alpha, view.rng),
        ignored=len(mask) if still else 0,
        into=moved(people, concept, ~mask, lent),
        out=moved(people, concept, mask, ~lent),
        told=1 - float((surprise**2).sum() / ((mask - mask.mean()) ** 2).sum()),
        false_alarms=nulls,
    )


def _sides(concept: Concept, mask: Mask, inside: str, outside: str) -> Iterator[Fact]:
    yield Fact(relation=inside, value=int(mask.sum()), unit="count", group=concept.words)
    yield Fact(relation=outside, value=int((~mask).sum()), unit="count")


def _verdict(found: _Found, concept: Concept, column: int) -> Fact:
    """What decision and effect mean together."""
    effect = found.into.shows(column) or found.out.shows(column)
    if found.ignored:
        kind = "unused"
    elif found.used.rejected:
        kind = "used" if effect else "cancels"
    elif effect:
        kind = "effect"
    else:
        kind = "association" if found.associated.rejected else "open"
    return Fact(relation=f"verdict_{kind}", value=found.used.rejected, group=concept.words)


def constants(concept: Concept) -> Iterator[Fact]:
    """What the concept's words name: its features, values and thresholds."""
    for one in concept.where.conditions():
        unit: Unit = "category" if isinstance(one.value, (bool, str)) else "feature"
        yield Fact(relation="defined_by", value=one.value, unit=unit, feature=one.feature)


def _caveats(view: View, people: Population, concept: Concept, found: _Found) -> Iterator[Caveat]:
    if found.associated.rejected:
        text = "Association alone says little: the model's own features are correlated, so nearly any rule shows some."
        yield Caveat(flag="association", text=text)
    if found.told > DETERMINED and not found.ignored:
        text = f"The other features all but settle {concept.words}, so there is little left to test use beyond them on."
        yield Caveat(flag="determined", text=text)


def _table(found: _Found, label: ClassLabel | None, column: int) -> Table:
    name = "output" if label is None else label.label
    rows = [
        (move, one.rows, float(one.change[column]), *one.interval(column), one.flips)
        for move, one in (("into the concept", found.into), ("out of the concept", found.out))
    ]
    columns = ("move", "rows", f"change of {name}", "low", "high", "share of flips")
    return Table(columns=columns, rows=tuple(rows), note="low and high: 95 % interval")


def _local(view: View, concept: Concept, inside: Mask, alpha: float, cls: str | None) -> Evidence:
    check_sides(view, concept, inside)
    people = Population.of_instance(view, cls)
    lent = inside[people.lenders.donors.positions]
    found = local(people, concept, lent, alpha)
    column = 0 if people.label is None else view.schema.classes.index(people.label)
    return Evidence(
        facts=(
            Fact(relation="present" if found.present else "absent", value=found.present, group=concept.words),
            *_local_bets(found),
            *_local_move(view, found.moved, people.label, column),
            *constants(concept),
            Fact(relation="alpha", value=alpha, unit="share"),
            Fact(relation="level", value=LEVEL, unit="share"),
        ),
        method=_METHOD,
        estimand=f"difference of the output with and without {concept.words}, the other features held",
        quality=(false_alarms("one instance", found.false_alarms, alpha),),
    )


def _local_bets(found: Local) -> Iterator[Fact]:
    if not found.moved.change.any() and not found.moved.error.any() and not found.test.rejected:
        yield Fact(relation="local_same", value=found.moved.rows, unit="count")
    else:
        yield from bet_facts("local", found.test)


def _local_move(view: View, move: Moved, label: ClassLabel | None, column: int) -> Iterator[Fact]:
    for fact in move_facts("local", move, view, label, column):
        if fact.relation == "local":
            yield fact.model_copy(update={"relation": "local_effect", "row": view.row_id})
        elif not fact.relation.endswith("_rows"):
            yield fact.model_copy(update={"row": view.row_id})
