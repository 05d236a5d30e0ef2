"""Checks of an answer to a question of several steps: what it has to say, and whether a told fact says it.

A fact is told where a sentence of the text rests on it (`Claim.facts`); one that stands in the evidence only is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from askwhy.agent.answer import Claim
from askwhy.agent.plan import Step
from askwhy.evals.agent_world import World, _with
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.scope import Argument, Change, Condition, Scalar, Scope, Where

_NEARLY = 0.85
"""A feature counts as the one that pushed most where its value is at least this share of the largest."""

_UNITS = ("points", "log-odds", "output", "probability", "")


@dataclass(frozen=True)
class Seen:
    """What an answer says: each told fact with the evidence it is from."""

    told: tuple[tuple[Evidence, Fact], ...]
    evidence: tuple[Evidence, ...] = ()

    @classmethod
    def of(cls, evidence: tuple[Evidence, ...], claims: Iterable[Claim]) -> Seen:
        """The facts of "STEP.FACT" references."""
        named = {name for claim in claims for name in claim.facts}
        told = (
            (one, fact)
            for number, one in enumerate(evidence, 1)
            for fact in one.facts
            if f"{number}.{fact.id}" in named
        )
        return cls(tuple(told), evidence)


@dataclass(frozen=True)
class Key:
    """One thing that a right answer says; `name` for the reader of a report."""

    name: str
    holds: Callable[[Seen], bool]


@dataclass(frozen=True)
class Gold:
    """The steps that answer a question, all values filled in, and what the answer has to say."""

    steps: tuple[Step, ...]
    keys: tuple[Key, ...]


def step(
    tool: str, row: str | None = None, where: Any = (), changes: Any = (), text: str | None = None, **given: Any
) -> Step:
    """A step of a plan."""
    conditions = (where,) if isinstance(where, Condition) else tuple(where)
    edits = (changes,) if isinstance(changes, Change) else tuple(changes)
    scope = Scope(row=row, where=Where.of(*conditions), changes=edits, text=text)
    return Step(tool=tool, arguments=tuple(Argument(name=n, value=v) for n, v in sorted(given.items())), scope=scope)


def at(feature: str, value: Scalar, op: Any = "eq") -> Condition:
    """A condition on a feature."""
    return Condition(feature=feature, op=op, value=value)


def said(cls: str) -> Condition:
    """Predicted so."""
    return Condition(on="predicted", value=cls)


def true(cls: str) -> Condition:
    """Really so."""
    return Condition(on="actual", value=cls)


WRONG = Condition(on="correct", value=False)


def change(feature: str | None, value: Scalar, action: Any = "set", words: str | None = None) -> Change:
    """A change of a row."""
    return Change(feature=feature, action=action, value=value, words=words)


def without(words: str) -> Change:
    """Words taken out of a text."""
    return Change(action="remove", words=words)


def rows(*ids: str) -> Key:
    """The answer speaks of these rows."""

    def holds(seen: Seen) -> bool:
        named = {str(fact.row) for _, fact in seen.told} | {str(one.scope.row) for one, _ in seen.told}
        return set(ids) <= named

    return Key(f"rows {', '.join(ids)}", holds)


def number(value: float, *, row: str | None = None, within: float = 1e-6, what: str = "number") -> Key:
    """A told fact has this value; of `row`, where one is given."""

    def holds(seen: Seen) -> bool:
        return any(
            abs(float(fact.value) - value) <= within
            for one, fact in seen.told
            if isinstance(fact.value, (int, float)) and row in (None, fact.row, one.scope.row)
        )

    return Key(f"{what} {value:.4g}", holds)


def named(*values: Scalar, relation: str = "", rank: int | None = None) -> Key:
    """A told fact is about one of these: a feature, a class, a category or a word."""

    def holds(seen: Seen) -> bool:
        wanted = {str(one).lower() for one in values}
        return any(
            wanted & {str(one).lower() for one in (fact.value, fact.feature, fact.at, fact.cls)}
            for _, fact in seen.told
            if relation in fact.relation and (rank is None or fact.rank in (None, rank))
        )

    return Key(f"one of {', '.join(map(str, values))}", holds)


def group(*words: str) -> Key:
    """A told fact names a group in whose words all of these stand."""

    def holds(seen: Seen) -> bool:
        return any(all(one.lower() in str(fact.group).lower() for one in words) for _, fact in seen.told)

    return Key(f"group {' '.join(words)}", holds)


def pushed(world: World, row: str, sign: int = 0, cls: str | None = None) -> Key:
    """The told feature with the largest share in a row's prediction is (nearly) the one with the largest Shapley value.

    sign: only those that raise (1) or lower (-1) the probability of `cls` (default: the class explained by default).
    """
    column = _column(world, row, cls)
    values = world.shapley(row, column)
    wanted = _largest(values, sign)

    def holds(seen: Seen) -> bool:
        told = {
            str(fact.feature): float(fact.value)
            for one, fact in seen.told
            if isinstance(fact.value, (int, float)) and fact.feature and one.scope.row == row
            and fact.unit in _UNITS and one.tool.startswith(("explain", "contrast"))
        }  # fmt: skip
        best = _largest(told, sign, only=True)
        return bool(best) and best <= wanted

    return Key(f"pushed by {', '.join(sorted(wanted))}", holds)


def pushed_word(world: World, row: str) -> Key:
    """A told word is among the two whose deletion moves the probability of the predicted class most."""
    values = world.deletions(row, int(world.out[world.place(row)].argmax()))
    wanted = set(sorted(values, key=lambda word: -abs(values[word]))[:2])

    def holds(seen: Seen) -> bool:
        told = {
            str(word).lower().strip(".,!?") for one, fact in seen.told if one.scope.row == row
            for word in (fact.at, fact.value) if isinstance(word, str)
        }  # fmt: skip
        return bool(told & wanted)

    return Key(f"word {' or '.join(sorted(wanted))}", holds)


def flips(world: World, row: str, cls: str | None = None, kept: tuple[str, ...] = ()) -> Key:
    """The told changes, put to the model, make it say another class (or `cls`), and leave alone what they should."""

    def holds(seen: Seen) -> bool:
        cells = _told_changes(seen, row)
        if not cells or set(cells) & set(kept):
            return False
        now = world.subject.schema.classes[int(world.changed(row, **cells).argmax())].name
        return now != world.label_of(row) and cls in (None, now)

    return Key(f"what flips {row}", holds)


def reaches(world: World, row: str, goal: float, *, above: bool, kept: tuple[str, ...] = ()) -> Key:
    """The told changes, put to the model, bring its number to a goal."""

    def holds(seen: Seen) -> bool:
        cells = _told_changes(seen, row)
        if not cells or set(cells) & set(kept):
            return False
        now = float(world.changed(row, **cells)[0])
        return now >= goal if above else now <= goal

    return Key(f"what brings {row} to {goal:g}", holds)


def rewrites(world: World, row: str) -> Key:
    """The text that the answer shows makes the model say another class."""

    def holds(seen: Seen) -> bool:
        texts = [
            fact.value
            for one in seen.evidence
            if one.scope.row == row
            for fact in one.facts
            if fact.relation in ("cf_text", "cf_long_text")
        ]
        old = world.label_of(row)
        told = any(fact.relation == "cf_edit" and one.scope.row == row for one, fact in seen.told)
        return told and any(_said_of(world, str(text)) != old for text in texts)

    return Key(f"what flips {row}", holds)


def changed_to(world: World, row: str, **cells: Any) -> Key:
    """The output after a change, as the model gives it (of the class predicted before)."""
    column = int(world.out[world.place(row)].argmax()) if not world.subject.regression else 0
    return number(float(world.changed(row, **cells)[column]), row=row, within=1e-9, what="after the change")


def reworded_to(world: World, row: str, text: str) -> Key:
    """The probability of the class predicted before, for another wording of a text."""
    column = int(world.out[world.place(row)].argmax())
    return number(float(world.reworded(text)[column]), row=row, within=1e-9, what="after the change")


def averaged(world: World, feature: str, value: Any, cls: str | None = None) -> Key:
    """The mean output over all rows with a feature set, as far as a sample of 500 of them can tell."""
    outputs = world.subject.predictor(_with(world.frame, {feature: value}))
    column = outputs[:, 0 if cls is None else world.subject.schema.class_index(cls)]
    error = 4 * float(column.std()) / float(np.sqrt(min(len(column), 500)))
    mean, place = float(column.mean()), value if isinstance(value, str) else float(value)

    def holds(seen: Seen) -> bool:
        return any(
            fact.feature == feature and abs(fact.number() - mean) <= max(error, 1e-9)
            for _, fact in seen.told
            if isinstance(fact.value, float) and fact.at is not None
            and (fact.at == place if isinstance(place, str) else float(fact.at) == place)
        )  # fmt: skip

    return Key(f"mean output with {feature} {value}", holds)


def _told_changes(seen: Seen, row: str) -> dict[str, Any]:
    return {
        str(fact.feature): fact.value
        for one, fact in seen.told
        if fact.relation == "cf_change" and one.scope.row == row
    }


def _said_of(world: World, text: str) -> str:
    return world.subject.schema.classes[int(world.reworded(text).argmax())].name


def _column(world: World, row: str, cls: str | None) -> int:
    if world.subject.regression:
        return 0
    if cls is not None:
        return world.subject.schema.class_index(cls)
    explained = world.subject.schema.explained
    if explained is not None:
        return world.subject.schema.classes.index(explained)
    return int(world.out[world.place(row)].argmax())


def _largest(values: dict[str, float], sign: int, *, only: bool = False) -> set[str]:
    """The names with nearly the largest size of a sign (0: either); `only`: the largest alone."""
    sizes = {name: abs(one) for name, one in values.items() if not sign or one * sign > 0}
    if not sizes:
        return set()
    most = max(sizes.values())
    return {name for name, size in sizes.items() if size >= (most if only else _NEARLY * most)}
