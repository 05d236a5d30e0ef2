"""What would have to be different for another outcome; every answer is checked on the model."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from askwhy.tools.engines.candidates import Cells, Domain
from askwhy.tools.engines.counterfactual_search import Found, Search, choose, composed
from askwhy.tools.engines.dice import Algorithm, proposals
from askwhy.tools.engines.distance import Space, unusual
from askwhy.tools.engines.listing import shown, unit_of
from askwhy.tools.engines.recourse import (
    Direction,
    Relaxed,
    Wish,
    already_facts,
    company,
    domains,
    fact_of,
    goal_facts,
    relax,
    wished,
)
from askwhy.tools.engines.truth import Array
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality, Table
from askwhy.tools.registry import ClassName, FeatureName, ask, tool
from askwhy.tools.subject import plain
from askwhy.tools.view import View

Method = Literal["auto", "search", "dice"]


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "table",
    asks=(
        "what should {row} change to be {class}?",
        "what would have to change for {row} to be {class}?",
        "what would have to be different about {row} to get another prediction?",
        "how could {row} become {class}?",
        "how can {row} get {class}?",
        "what must {row} do to be {class} without changing {feature} or {feature2}?",
        "how could {row} be {class} without touching {feature}?",
        "how can {row} flip the prediction by changing only {feature}?",
        "give me a counterfactual for {row}",
        "what is the smallest change that flips the prediction for {row}?",
        "what would flip the decision for {row}?",
        "what can {row} do about the prediction?",
        "give me {k} different ways for {row} to become {class}",
        "show {k} counterfactuals for {row}",
        "what would it take for {row} to reach {number}?",
        ask("what counterfactual does DiCE find for {row}?", method="dice"),
        ask("how could the prediction for {row} be lower?", direction="lower"),
        ask("what should {row} change to get a higher prediction?", direction="higher"),
    ),
    says=(
        "DiCE proposed nothing for {dice_nothing.row}, so this comes from askwhy's own search.",
        "None of the {dice_none} sets of changes that DiCE proposed passed the checks on the model, so this comes from "
        "askwhy's own search.",
        (
            "The model would predict {goal} for {row} if [cf_change*: {feature} were {value} instead of {at}].",
            "For {row}, the model would predict {goal} if [cf_change*: {feature} were {value} instead of {at}].",
        ),
        "The probability of {cf_probability.cls} would then be {cf_probability} instead of {goal_probability}.",
        "The model would predict {cf_estimate} for {row} instead of {before_estimate} if [cf_change*: {feature} were "
        "{value} instead of "
        "{at}].",
        "Another way is [cf_change_2*: {feature} {value} instead of {at}], for a probability of {cf_probability_2}.",
        "Another way is [cf_change_2*: {feature} {value} instead of {at}], for a prediction of {cf_estimate_2}.",
        "A third is [cf_change_3*: {feature} {value} instead of {at}], for a probability of {cf_probability_3}.",
        "A third is [cf_change_3*: {feature} {value} instead of {at}], for a prediction of {cf_estimate_3}.",
        "A fourth is [cf_change_4*: {feature} {value} instead of {at}], for a probability of {cf_probability_4}.",
        "A fourth is [cf_change_4*: {feature} {value} instead of {at}], for a prediction of {cf_estimate_4}.",
        "A fifth is [cf_change_5*: {feature} {value} instead of {at}], for a probability of {cf_probability_5}.",
        "A fifth is [cf_change_5*: {feature} {value} instead of {at}], for a prediction of {cf_estimate_5}.",
        "DiCE proposed {dice_made} {dice_made:one set/sets} of changes; checked on the model, these were dropped: "
        "[dice_failed*: {value} for {group}].",
        "DiCE proposed {dice_all} {dice_all:one set/sets} of changes, and {dice_all:one it/each of them} passed the "
        "checks on the model.",
        "Only {options} of the {wanted} ways asked for {options:one was/were} found.",
        "No number was named, so the goal is {assumed_goal}, a quartile of the model's predictions for this data.",
        "The model already predicts {already} for {row}, with a probability of {probability}.",
        "The model already predicts {already_estimate} for {row}, which meets the goal of {goal_number}.",
        "None of the {none_found} changes tried makes the model predict {unreached} for {row}.",
        "None of the {none_found} changes tried brings the prediction for {row} from {before_estimate} to "
        "{goal_number}.",
        "What stands in the way is [would_allow*: {feature}, {value}]; freeing "
        "{allow_count:one it would do/any one of them would do}.",
        "Only freeing [would_allow_together*: {feature}, {value}] at the same time would do.",
        "Freeing every feature, another {nothing_helps} changes tried, does not help either.",
        "All {all_free} {all_free:one feature/features} {all_free:one was/were} free to change within what the data "
        "shows.",
        "[kept*: {feature}] {kept_count:one is/are} left as {kept_count:one it is/they are}.",
    ),
)
def counterfactual(
    view: View,
    cls: ClassName | None = None,
    keep: tuple[FeatureName, ...] = (),
    only: tuple[FeatureName, ...] = (),
    k: Annotated[int, Field(ge=1, le=5)] = 1,
    number: float | None = None,
    direction: Direction | None = None,
    method: Method = "auto",
) -> Evidence:
    """The smallest changes to one row that make the model predict something else: `cls`, or for a regression at least
    or at most `number`. `keep` lists features that must not change, `only` those that may; `k` different ways.

    `method`: `search` (also `auto`) is askwhy's own; `dice` takes what DiCE proposes and passes the same checks."""
    wish = wished(view, cls, number, direction)
    if wish.goal.met(view.outputs)[0]:
        return Evidence(facts=already_facts(view, wish), method="direct evaluation")
    given = domains(view, keep, only)
    space = Space.of(view.schema, view.subject.data)
    search = Search(view.subject, view.rows, given, wish.goal, view.evaluate, space)
    proposed = _proposed(search, k, view.seed) if method == "dice" else None
    by_dice = proposed is not None and bool(proposed.found)
    if proposed is not None and by_dice:
        found, valid, needed = proposed.found, [True] * len(proposed.found), [1.0] * len(proposed.found)
    else:
        found = search.run(k) if given else []
        valid, needed = _checked(search, found) if found else ([], [])
    kept = [*_kept(view, keep), *_told(view, proposed)]
    if not any(valid):
        relaxed = relax(view, wish, given, keep, only, space)
        facts = [*_none(view, wish, search.tried, relaxed), *kept]
        return Evidence(facts=tuple(facts), method=_METHOD, estimand="model output")
    found = [one for one, holds in zip(found, valid, strict=True) if holds]
    needed = [share for share, holds in zip(needed, valid, strict=True) if holds]
    quality, caveats = _judged(view, wish, search, found, needed)
    facts = [*goal_facts(view, wish, "prediction"), *_options(view, wish, found, k), *kept]
    return Evidence(
        facts=tuple(facts),
        method=_BY_DICE if by_dice else _METHOD,
        estimand="model output",
        quality=quality,
        caveats=caveats,
        table=_table(view, found),
    )


_METHOD = "search over allowed changes (single features, nearest unlike rows, pairs), each checked on the model"
_BY_DICE = (
    "DiCE (random, then genetic), each proposal checked on the model: it holds, keeps the rules, needs every change"
)

_FAILURES = ("missing the goal", "breaking a constraint", "changing more than is needed")
_PROPOSALS = 20
_GENETIC = 5
"""DiCE's genetic search asks the model about ten times as many rows in every generation."""


@dataclass(frozen=True)
class _Proposed:
    """What DiCE proposed: how many sets of changes, the best of those that stand, and how many failed which check."""

    made: int = 0
    found: list[Found] = field(default_factory=list)
    failed: tuple[int, ...] = (0, 0, 0)


def _proposed(search: Search, k: int, seed: int) -> _Proposed:
    """The results of DiCE's random search that pass our checks; of its genetic one, where none does."""
    tried: tuple[tuple[Algorithm, int], ...] = (("random", max(_PROPOSALS, 10 * k)), ("genetic", max(_GENETIC, k)))
    result = _Proposed()
    for algorithm, count in tried:
        made = proposals(search, count, seed, algorithm)
        result = _passed(search, made, k, result) if made else result
        if result.found:
            break
    return result


def _passed(search: Search, made: list[Cells], k: int, before: _Proposed) -> _Proposed:
    """Proposals that reach the goal on the model, keep the constraints and change nothing that is not needed."""
    outputs = search.ask(made)
    results = [Found(cells, output, search.distance(cells)) for cells, output in zip(made, outputs, strict=True)]
    valid, needed = _checked(search, results)
    found, failed = [], list(before.failed)
    for one, holds, share in zip(results, valid, needed, strict=True):
        checks = (holds, all(_obeys(search.domains.get(j), cell) for j, cell in one.cells.items()), share == 1.0)
        if all(checks):
            found.append(one)
        else:
            failed[checks.index(False)] += 1
    return _Proposed(before.made + len(made), choose(found, k), tuple(failed))


def _told(view: View, proposed: _Proposed | None) -> list[Fact]:
    """How many of DiCE's proposals were dropped, and why."""
    if proposed is None:
        return []
    if not proposed.made:
        return [fact_of(view, "dice_nothing", 0, "count")]
    if not proposed.found:
        return [fact_of(view, "dice_none", proposed.made, "count")]
    if not any(proposed.failed):
        return [fact_of(view, "dice_all", proposed.made, "count")]
    failed = [(why, count) for why, count in zip(_FAILURES, proposed.failed, strict=True) if count]
    facts = [fact_of(view, "dice_failed", count, "count", group=why) for why, count in failed]
    return [fact_of(view, "dice_made", proposed.made, "count"), *facts]


def _options(view: View, wish: Wish, found: list[Found], k: int) -> list[Fact]:
    """Facts of every option; those of the second and later ones carry its number in their relation."""
    facts = []
    for number, one in enumerate(found, 1):
        suffix, group = ("" if number == 1 else f"_{number}"), f"option {number}"
        for j, cell in sorted(one.cells.items()):
            feature = view.schema.features[j]
            now, value = plain(view.rows[feature.name].iloc[0]), plain(cell)
            facts.append(
                fact_of(view, f"cf_change{suffix}", value, unit_of(feature), feature=feature.name, at=now, group=group)
            )
        output = float(one.output[wish.goal.column or 0])
        if wish.label is None:
            facts.append(fact_of(view, f"cf_estimate{suffix}", output, "output", group=group))
        else:
            facts.append(
                fact_of(view, f"cf_probability{suffix}", output, "probability", cls=wish.label.name, group=group)
            )
        facts.append(fact_of(view, f"changes_count{suffix}", len(one.cells), "count", group=group))
    if len(found) < k:
        facts += [fact_of(view, "options", len(found), "count"), fact_of(view, "wanted", k, "count")]
    return facts


def _kept(view: View, keep: tuple[str, ...]) -> list[Fact]:
    if not keep:
        return []
    facts = [fact_of(view, "kept_count", len(keep), "count")]
    for name in keep:
        feature = view.schema.feature(name)
        facts.append(fact_of(view, "kept", plain(view.rows[name].iloc[0]), unit_of(feature), feature=name))
    return facts


def _none(view: View, wish: Wish, tried: int, relaxed: Relaxed) -> list[Fact]:
    facts = [fact_of(view, "none_found", tried, "count")]
    if wish.label is None:
        facts += goal_facts(view, wish, "prediction")
    else:
        facts.append(fact_of(view, "unreached", wish.label.name, "class", cls=wish.label.name))
    facts += [fact_of(view, "would_allow", one.why, "", feature=one.feature) for one in relaxed.alone]
    if relaxed.alone:
        facts.append(fact_of(view, "allow_count", len(relaxed.alone), "count"))
    facts += [fact_of(view, "would_allow_together", one.why, "", feature=one.feature) for one in relaxed.together]
    if not relaxed.alone and not relaxed.together and relaxed.tried:
        facts.append(fact_of(view, "nothing_helps", relaxed.tried, "count"))
    if not relaxed.tried:
        facts.append(fact_of(view, "all_free", len(view.schema.features), "count"))
    return facts


def _checked(search: Search, found: list[Found]) -> tuple[list[bool], list[float]]:
    """Asked of the model once more: whether each result holds, and the share of its changes whose undoing loses it."""
    undone = [[{j: cell for j, cell in one.cells.items() if j != left} for left in one.cells] for one in found]
    met = search.goal.met(search.ask([*(one.cells for one in found), *(cells for each in undone for cells in each)]))
    starts = np.cumsum([len(found), *map(len, undone)])
    needed = [float((~met[start:end]).mean()) for start, end in itertools.pairwise(starts)]
    return [bool(one) for one in met[: len(found)]], needed


def _judged(
    view: View, wish: Wish, search: Search, found: list[Found], needed: list[float]
) -> tuple[tuple[Quality, ...], tuple[Caveat, ...]]:
    """The C14 measurements of every option, and a warning for an unusual one."""
    far, limit = _distances(view, wish, search, found)
    quality: list[Quality] = []
    caveats: list[Caveat] = []
    for i, one in enumerate(found):
        held = all(_obeys(search.domains.get(j), cell) for j, cell in one.cells.items())
        usual = bool(far[i] <= limit)
        measured = [
            ("validity", 1.0, True, ""),
            ("constraints", float(held), held, ""),
            ("minimality", needed[i], needed[i] == 1.0, ""),
            ("sparsity", float(len(one.cells)), True, ", features changed"),
            ("proximity", _proximity(view, one), True, ", MAD-scaled L1 distance"),
        ]
        if np.isfinite(limit):
            measured.append(("plausibility", float(far[i]), usual, f", distance; limit {limit:.4f}"))
        for check, value, passed, note in measured:
            quality.append(Quality(check=f"C14 {check}", value=value, passed=passed, note=f"option {i + 1}{note}"))
        caveats += [] if usual else [_unusual(view, wish, f"option {i + 1}" if len(found) > 1 else "")]
    return tuple(quality), tuple(caveats)


def _distances(view: View, wish: Wish, search: Search, found: list[Found]) -> tuple[Array, float]:
    """Distance of each changed case to rows of the wanted kind, and what is usual among them; infinite if unknown."""
    among = company(view, wish)
    if len(among) < 2:
        return np.zeros(len(found)), float("inf")
    changed = search.space.encode(composed(view.rows, [one.cells for one in found]))
    return unusual(search.space, changed, search.space.encode(view.subject.data.iloc[among]), view.rng)


def _unusual(view: View, wish: Wish, option: str) -> Caveat:
    who = "with such a value" if wish.label is None else f"that are {wish.label.label}"
    what = f"The changed case of {option}" if option else "The changed case"
    return Caveat(
        flag="unusual", text=f"{what} is unusual: hardly any {view.schema.entities} {who} are so unlike the others."
    )


def _obeys(domain: Domain | None, cell: Any) -> bool:
    return domain is not None and domain.feature.mutable and domain.allows(cell)


def _proximity(view: View, one: Found) -> float:
    """Sum of changes, numbers in median absolute deviations of the data, any other change as 1."""
    total = 0.0
    for j, cell in one.cells.items():
        feature = view.schema.features[j]
        now = view.rows[feature.name].iloc[0]
        if not feature.numeric or feature.categories or pd.isna(now):
            total += 1.0
            continue
        numbers: Array = np.asarray(view.subject.data[feature.name].dropna(), dtype=float)
        spread = float(np.median(np.abs(numbers - np.median(numbers)))) or float(numbers.std()) or 1.0
        total += abs(float(cell) - float(now)) / spread
    return total


def _table(view: View, found: list[Found]) -> Table:
    """The changed features: now, and in every option."""
    columns = sorted(set().union(*(one.changed for one in found)))
    rows = []
    for j in columns:
        feature = view.schema.features[j]
        now = view.rows[feature.name].iloc[0]
        rows.append(
            (feature.label, *(shown(feature, cell) for cell in (now, *(one.cells.get(j, now) for one in found))))
        )
    names = ("feature", "now", *(f"option {number}" for number in range(1, len(found) + 1)))
    return Table(columns=names, rows=tuple(rows))
