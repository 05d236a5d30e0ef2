"""Which of several readings is right, and how sure that is: the network's probability beside what can be checked.

The network writes word by word and does not look back: a number may be left over, a column named in the question not
be spoken of. Readings are weighed by such signs in a conditional logit model (McFadden 1974) with one more choice, that
none of them is right; its weights are fitted on questions that the network was not trained on.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from askwhy.agent.embedded.english import pattern
from askwhy.agent.embedded.words import SMALL
from askwhy.agent.parser.actions import Action
from askwhy.agent.parser.batch import Read
from askwhy.agent.parser.decoding import Reading
from askwhy.agent.parser.followup import NAMED_SIGNS, named_signs
from askwhy.agent.parser.impossible import IMPOSSIBLE
from askwhy.agent.parser.items import IN_RANGE, LIKE, OUT_OF_RANGE, WHOLE
from askwhy.agent.parser.kept import KEPT_SIGNS, kept_signs
from askwhy.agent.parser.measure import measured
from askwhy.agent.parser.question import SPOKEN
from askwhy.agent.plan import Clarify, Outcome, Plan

SIGNS = (
    "log_probability", "numbers_left", "numbers_twice", "numbers_unsaid", "more_steps", "names_left", "values_left",
    "names_unsaid", "names_said", "values_unsaid", "in_range", "out_of_range", "classes_left", "classes_unsaid",
    "back_unsaid", "back_left", "ask", "decline", "measures_unsaid", "words_left", "words_said",
    *KEPT_SIGNS, *NAMED_SIGNS,
)  # fmt: skip
"""What is weighed, each a number of a reading. *_left: said but not used; *_unsaid: used but not said; back_*: what the
turn before was about; measures_unsaid: a number is of something called by another name; words_*: words that are like
names, of anything that is used or only of other things; then what is kept of the turn before."""

NONE = "none"
UNFITTED = {"log_probability": 1.0, NONE: -4.0}
"""Weights by name, where none were fitted."""

_MOST = 3.0
_NEARLY = 0.1
"""A word may be meant for everything that it is nearly as like as the likest."""
_MISNAMED = 0.85
"""The most that a reading is believed where a number is of something that nothing in the schema is called."""

_OPEN = ("numbers_left", "numbers_unsaid", "names_unsaid", "values_unsaid")
_ASK_FEATURE, _ASK_NUMBER, _ASK_MODEL = ("G", "ask:feature"), ("G", "ask:number"), ("G", "ask:model")
_ASK_ROWS = ("G", "ask:rows")
_OF_MODELS = ("compare_models", "contrast_models")
_HOW_MANY = re.compile(r"how many (?:(?P<of>[\w ]+?) )?are there(?: in (?:all|total|the data(?:set)?))?\W*")
_BOTH = re.compile(r"\b(?:two|both|2|these) models\b", re.IGNORECASE)
_BEFORE = frozenset((("G", "before"), ("G", "kept")))
_DATA = re.compile(r"\b(?:this|these|that|the same) (?:data|dataset|table|model)\b")
_COMPARED = frozenset(("lt", "le", "gt", "ge", "eq", "set"))


def judged(found: Sequence[Reading], one: Read, weights: Mapping[str, float]) -> list[Reading]:
    """The readings of a question, likeliest first, each with the chance that it is right.

    weights: by the name of the sign, and of NONE. Readings of the same outcome become one.
    """
    several = weighable(found, one)
    if not several:
        return []
    chances = chances_of(
        [signs(reading, one) for reading in several], [weights.get(name, 0.0) for name in (*SIGNS, NONE)]
    )
    made = [
        replace(reading, probability=min(float(at), _MISNAMED if _misnamed(reading, one) else 1.0))
        for reading, at in zip(several, chances, strict=False)
    ]
    return sorted(made, key=lambda reading: -reading.probability)


def weighable(found: Sequence[Reading], one: Read) -> Sequence[Reading]:
    """The readings among which is chosen: each outcome once, without those that nobody means."""
    return _settled(_possible(merged(found), one), one)


def _misnamed(reading: Reading, one: Read) -> bool:
    """Whether a number is of something that the question calls by a name which the schema does not have.

    The network has seldom seen questions about what is not there, and links "a salary over 3000" to any amount.
    """
    return any(
        noun is not None and one.like[noun].max(initial=0.0) < LIKE
        for _, at in _compared(reading.actions, one)
        for noun in [measured(one.page.question, at)]
    )


def chances_of(several: Sequence[Sequence[float]], weights: Any) -> Any:
    """The chance of each reading by its signs, then that of none of them, (readings + 1,)."""
    weights = np.asarray(weights)
    scores = np.append(np.asarray(several) @ weights[:-1], weights[-1])
    chances = np.exp(scores - scores.max())
    return chances / chances.sum()


def signs(reading: Reading, one: Read) -> tuple[float, ...]:
    """SIGNS of one reading; its probability is the network's."""
    actions = reading.actions
    probability = math.log(max(reading.probability, 1e-9))
    found: dict[str, float] = {}
    if actions[0][0] == "G":
        found["ask" if str(actions[0][1]).startswith("ask:") else "decline"] = 1
    else:
        columns = {(item.group, item.place): at for at, item in enumerate(one.items)}
        found |= _numbers(actions, one) | _names(frozenset(actions), columns, one) | _ranges(actions, columns, one)
        found |= _back(actions, one) | _words(frozenset(actions), columns, one)
        found["more_steps"] = sum(action == ("G", "next") for action in actions)
    found |= kept_signs(reading.outcome, one.page, probability) | named_signs(reading.outcome, one)
    return (probability, *(min(float(found.get(name, 0)), _MOST) for name in SIGNS[1:]))


def merged(found: Sequence[Reading]) -> list[Reading]:
    """Readings that come to the same outcome as one."""
    several: dict[Outcome, Reading] = {}
    for one in found:
        known = several.get(one.outcome)
        total = one.probability + (known.probability if known else 0.0)
        several[one.outcome] = Reading(one.outcome, total, known.actions if known else one.actions)
    return list(several.values())


def _possible(several: Sequence[Reading], one: Read) -> Sequence[Reading]:
    """The readings without those that `IMPOSSIBLE` rules out; unless there is no other plan."""
    for unlikely in IMPOSSIBLE:
        dropped = [
            reading for reading in several if isinstance(reading.outcome, Plan) and unlikely(reading.outcome, one)
        ]
        others = any(isinstance(reading.outcome, Plan) for reading in several if reading not in dropped)
        several = _without(several, dropped) if dropped and others else several
    return several


def _without(several: Sequence[Reading], dropped: Sequence[Reading]) -> Sequence[Reading]:
    """The other readings, which share what the dropped ones had of the probability."""
    left = 1 - min(sum(reading.probability for reading in dropped), 0.999)
    rest = (reading for reading in several if reading not in dropped)
    return [replace(reading, probability=min(reading.probability / left, 1.0)) for reading in rest]


def _settled(several: Sequence[Reading], one: Read) -> Sequence[Reading]:
    """The readings without a question back about a feature or a number where a plan leaves nothing open: it names
    features and values as the question does, and uses every number; without any where all rows are to be counted.
    Which model is meant is no question if there are but two.
    """
    if len(one.page.schema.rivals) == 1 and any(_compares_models(reading.outcome) for reading in several):
        idle = {_ASK_MODEL, _ASK_ROWS} if _BOTH.search(one.page.question.text) else {_ASK_MODEL}
        several = _without(several, [reading for reading in several if reading.actions[0] in idle])
    if _counts_all(one) and any(_is_plain_count(reading.outcome) for reading in several):
        return _without(several, [reading for reading in several if isinstance(reading.outcome, Clarify)])
    back = {_ASK_FEATURE, _ASK_NUMBER} if one.page.question.numbers else {_ASK_FEATURE}
    asks = [reading for reading in several if reading.actions[0] in back]
    if not asks or not any(_leaves_nothing(reading, one) for reading in several):
        return several
    return _without(several, asks)


def _counts_all(one: Read) -> bool:
    """Whether it is asked how many rows there are, and nothing else."""
    found = _HOW_MANY.fullmatch(one.page.question.text.lower())
    schema = one.page.schema
    return found is not None and found["of"] in (None, "rows", schema.entity.lower(), schema.entities.lower())


def _is_plain_count(outcome: Outcome) -> bool:
    return isinstance(outcome, Plan) and all(step.tool == "count" and not step.scope.where for step in outcome.steps)


def _compares_models(outcome: Outcome) -> bool:
    return isinstance(outcome, Plan) and any(step.tool in _OF_MODELS for step in outcome.steps)


def _leaves_nothing(reading: Reading, one: Read) -> bool:
    if reading.actions[0][0] == "G":
        return False
    found = dict(zip(SIGNS, signs(reading, one), strict=True))
    return found["names_said"] > 0 and not any(found[name] for name in _OPEN)


def _numbers(actions: Sequence[Action], one: Read) -> dict[str, int]:
    """Numbers of the question that are not used, used twice, and used numbers that it does not say."""
    numbers = one.page.numbers
    times = Counter(index for group, index in actions if group == "N")
    said = Counter(numbers[index].word for index in times if numbers[index].way in SPOKEN)
    spans = [(int(a[1]), int(b[1])) for a, b in itertools.pairwise(actions) if a[0] == b[0] == "W"]
    there = {mention.word for mention in one.page.question.numbers}
    quoted = {word for word in there for first, last in spans if first <= word <= last}
    return {
        "numbers_left": len(there - set(said) - quoted),
        "numbers_twice": sum(count - 1 for count in times.values()),
        "numbers_unsaid": sum(numbers[index].way not in SPOKEN for index in times),
    }


def _words(used: frozenset[Action], columns: dict[tuple[str, int], int], one: Read) -> dict[str, int]:
    """Words of the question that are like the name of something, by whether any such thing is used."""
    like: Any = one.like
    if not like.size:
        return {}
    pointed = {columns[action] for action in used if action in columns}
    owners = {("F", one.items[at].owner) for at in pointed if one.items[at].group == "C"}
    places = sorted(pointed | {columns[owner] for owner in owners if owner in columns})
    counts = Counter(
        bool((like[at, places] >= max(LIKE, like[at].max() - _NEARLY)).any())
        for at, word in enumerate(one.page.question.words)
        if word.kind == "word" and len(word.low) > 1 and word.low not in SMALL and like[at].max() >= LIKE
    )
    return {"words_left": counts[False], "words_said": counts[True]}


def _names(used: frozenset[Action], columns: dict[tuple[str, int], int], one: Read) -> dict[str, int]:
    """Features and values by whether the question says their names."""
    matched: Any = one.matched
    best = matched[:, :, :IN_RANGE].max(axis=0, initial=0.0) if matched.size else np.zeros((len(one.items), IN_RANGE))
    values = {at: item.owner for (group, _), at in columns.items() if group == "C" for item in [one.items[at]]}
    pointed = {columns[action] for action in used if action in columns}
    owners = {("F", values[at]) for at in pointed if at in values}
    spoken = pointed | {columns[owner] for owner in owners if owner in columns}
    features, classes = ([at for (group, _), at in columns.items() if group == kind] for kind in "FK")
    return {
        "names_left": sum(best[at, WHOLE] > 0 for at in features if at not in spoken),
        "values_left": sum(best[at, WHOLE] > 0 for at in values if at not in pointed),
        "names_unsaid": sum(best[at].max() < LIKE for at in features if at in pointed),
        "names_said": sum(best[at, WHOLE] > 0 for at in features if at in pointed),
        "values_unsaid": sum(best[at].max() < LIKE for at in values if at in pointed),
        "classes_left": sum(best[at, WHOLE] > 0 for at in classes if at not in pointed),
        "classes_unsaid": sum(best[at].max() < LIKE for at in classes if at in pointed),
    }


def _back(actions: Sequence[Action], one: Read) -> dict[str, int]:
    """Whether what the turn before was about is used though nothing points at it, or is not though something does."""
    if not one.page.earlier:
        return {}
    asked = _DATA.sub(" ", one.page.question.text.lower())
    used = any(action in _BEFORE or action[0] == "P" for action in actions)
    return {
        "back_unsaid": int(used and not pattern("pointing_back").search(asked)),
        "back_left": int(not used and bool(pattern("their").search(asked))),
    }


def _compared(actions: Sequence[Action], one: Read) -> list[tuple[Action, int]]:
    """Features with the places of the words for the numbers that they are compared with or set to."""
    pairs = [(first, last) for first, word, last in zip(actions, actions[1:], actions[2:], strict=False)
             if word[1] in _COMPARED]  # fmt: skip
    return [
        (feature, one.page.numbers[int(number[1])].word)
        for feature, number in (*pairs, *itertools.pairwise(actions))
        if feature[0] == "F" and number[0] == "N" and one.page.numbers[int(number[1])].word >= 0
    ]


def _ranges(actions: Sequence[Action], columns: dict[tuple[str, int], int], one: Read) -> dict[str, int]:
    """Numbers that features are compared with or set to, in and out of the range that the features have; and those
    that measure something of another name."""
    inside = outside = other = 0
    for feature, at in _compared(actions, one):
        if feature in columns:
            inside += int(one.matched[at, columns[feature], IN_RANGE] > 0)
            outside += int(one.matched[at, columns[feature], OUT_OF_RANGE] > 0)
            noun = measured(one.page.question, at)
            other += int(noun is not None and one.like[noun, columns[feature]] < LIKE)
    return {"in_range": inside, "out_of_range": outside, "measures_unsaid": other}
