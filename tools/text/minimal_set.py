"""The smallest set of words that a prediction hangs on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.engines.prediction import PREDICTION_SAYS, prediction_facts
from askwhy.tools.engines.text_choice import marginal
from askwhy.tools.engines.text_game import TextGame, ask_texts
from askwhy.tools.engines.text_minimal import Closeness, Minimal, Scores, smallest_set, word_scores
from askwhy.tools.engines.text_telling import others_as_one, quotable, quoted, text_game
from askwhy.tools.engines.text_units import UnitKind
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality, Table
from askwhy.tools.predictor import Outputs
from askwhy.tools.quality import direct_evaluation
from askwhy.tools.registry import ClassName, Says, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

REPLACED = 20
"""Ways to replace the words of the set, to see whether it is their absence or the gap that flips the prediction."""

_DUST = 1e-6
_UNITS: tuple[UnitKind, ...] = ("word", "phrase", "sentence")


def _of_units(pattern: str) -> Says:
    """The pattern for words, phrases and sentences: UNIT is the noun, NAME how one is quoted."""
    names = {"word": "“{at}”", "phrase": "“{at}”", "sentence": "the sentence “{at}”"}
    return tuple(pattern.replace("UNIT", unit).replace("NAME", names[unit]) for unit in _UNITS)


_SAYS: Says = (
    *PREDICTION_SAYS,
    *_of_units(
        "Without [UNIT_of_flip*: NAME], the model would predict {flipped} instead, with a probability of "
        "{flipped_probability}."
    ),
    *_of_units(
        "Without [UNIT_of_drop*: NAME], the probability of {drop.cls} would be {after} instead of {before}, "
        "{drop:size} lower."
    ),
    *_of_units("Without [UNIT_of_change*: NAME], the model would predict {after_value} instead of {before_value}."),
    *_of_units("No single UNIT does that: all {single_UNIT_tried} were tried."),
    *_of_units("No smaller set of UNITs does that: all {smaller_UNIT_tried} were tried."),
    *_of_units("No part of this set of UNITs does that on its own: {UNIT_parts} were tried."),
    "{same_size} {same_size:one other set of the same size does it too/other sets of the same size do it too}.",
    "{only_set:one One/No} other set of the same size does it.",
    "Put other words from the {entities} in their place rather than deleting them, and the prediction flips in "
    "{replaced} of {draws} tries.",
    "Put other words from the {entities} in their place rather than deleting them, and it comes to as much in "
    "{replaced_drop} of {draws} tries.",
    *_of_units(
        "No set of at most {most_UNIT} UNITs was found whose deletion flips the prediction: {tried} were tried."
    ),
    *_of_units(
        "No set of at most {short_UNIT} UNITs was found whose deletion moves the prediction by the {wanted} asked for: "
        "{tried} were tried."
    ),
    *_of_units(
        "What comes closest is to delete [UNIT_of_most*: NAME]: the probability of {most_drop.cls} would then be "
        "{after} instead of {before}."
    ),
    *_of_units(
        "What comes closest is to delete [UNIT_of_most_value*: NAME]: the model would then predict {after_value}."
    ),
    "Even an empty text is predicted {empty.cls}, with a probability of {empty}.",
)


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "text",
    asks=(
        "what is the smallest set of words that makes this decision?",
        "what is the smallest set of words that the prediction for {row} hangs on?",
        "which words must be removed to flip the prediction for {row}?",
        "what is the fewest words I can delete to change the prediction for {text}?",
        "which minimal set of words decides {row}?",
        "which words are necessary for the prediction for {row}?",
        "explain {row} with FRED",
        ask("which sentences would have to go to flip {row}?", unit="sentence"),
        ask("which phrases must be deleted so that {row} is no longer {class}?", unit="phrase"),
        ask("which few words, when deleted, lower the probability by 20 points?", drop=0.2),
    ),
    says=_SAYS,
)
def minimal_set(
    view: View,
    unit: UnitKind = "word",
    cls: ClassName | None = None,
    drop: Annotated[float, Field(gt=0)] | None = None,
) -> Evidence:
    """The smallest set of words whose deletion flips the prediction for a text; no part of it does on its own.

    `drop`: instead of a flip, so large a fall of the probability of `cls` (0.2 is 20 points) or change of the number.
    """
    label = view.explained_class(cls)
    game, _, others = text_game(view, label, unit)
    goal = _Goal(view, label, cls is not None, drop)
    found = smallest_set(game, goal.closeness)
    scores = word_scores(game, view.rng)
    after = ask_texts(view, game.texts(_without(game, found)))[0]
    replaced = _replaced(game, found, unit, goal) if found.reached else None
    return Evidence(
        facts=(
            *prediction_facts(view, label),
            *_facts(game, found, goal, unit, after),
            *_more(found, unit, replaced, goal.drop is None),
        ),
        method="FRED: sets of growing size deleted from the text, proper subsets checked (Lopardo et al. 2023)",
        estimand=f"the smallest set of {unit}s whose deletion {goal.words}",
        quality=(_minimality(found), *direct_evaluation(found.tried, "shortened texts the model was asked about")),
        caveats=tuple(_caveats(game, found, scores, unit, others)),
        table=_table(game, found, scores, unit),
    )


class _Goal:
    """What deleting words should do to the output."""

    def __init__(self, view: View, label: ClassLabel | None, named: bool, drop: float | None) -> None:
        self.view, self.label, self.drop = view, label, drop
        if label is None and drop is None:
            self.drop = float(view.evaluate.all_outputs(view.subject)[:, 0].std())
            if self.drop <= 0:
                raise ToolError("The model predicts the same number for every text, so say how far it should move.")
        if label is not None and drop is None and named and label != view.predicted():
            raise ToolError(f"The model does not predict {label.label} here, so there is no such prediction to flip.")
        if label is not None and drop is not None and drop > float(view.output_of(view.outputs, label)[0]):
            raise ToolError(f"The probability of {label.label} is lower than that already; ask for a smaller drop.")

    @property
    def words(self) -> str:
        """What it does, after "deletion"."""
        if self.drop is None:
            return "flips the prediction"
        return f"moves the output by at least {self.drop:g}"

    @property
    def closeness(self) -> Closeness:
        """How close outputs come, 0 where the goal is reached."""
        own = self.view.output_of(self.view.outputs, self.label)[0]
        if self.label is None:
            return lambda outputs: np.asarray(np.abs(outputs[:, 0] - own) - (self.drop or 0.0))
        column = self.view.schema.classes.index(self.label)
        if self.drop is not None:
            return lambda outputs: np.asarray(own - outputs[:, column] - (self.drop or 0.0))
        return lambda outputs: _lead_of_others(outputs, column)


def _lead_of_others(outputs: Outputs, column: int) -> Outputs:
    """How far the best other class is ahead (n,); a tie goes to the earlier class, as in predictions."""
    lead = np.delete(outputs, column, axis=1).max(axis=1) - outputs[:, column]
    flipped = outputs.argmax(axis=1) != column
    return np.asarray(np.where(flipped, np.maximum(lead, 0.0), np.minimum(lead, -1e-12)))


def _without(game: TextGame, found: Minimal) -> Mask:
    mask = np.ones((1, game.count), dtype=bool)
    mask[0, list(found.terms)] = False
    return mask


def _replaced(game: TextGame, found: Minimal, unit: UnitKind, goal: _Goal) -> tuple[int, int] | None:
    """In how many of some ways to replace the set the goal is reached too; None where there is nothing to put in."""
    try:
        other = marginal(game, unit, REPLACED)
    except ToolError:
        return None
    outputs = ask_texts(game.view, other.texts(_without(game, found)))
    return int((goal.closeness(outputs) >= 0).sum()), REPLACED


def _facts(game: TextGame, found: Minimal, goal: _Goal, unit: UnitKind, after: Outputs) -> Iterator[Fact]:
    """The set, and what becomes of the prediction without it."""
    view, label, row = game.view, goal.label, game.view.row_id
    flips = found.reached and goal.drop is None
    kind = "flip" if flips else ("drop" if label is not None else "change")
    if not found.reached:
        kind = "most" if label is not None else "most_value"
        yield Fact(relation=f"{'most' if goal.drop is None else 'short'}_{unit}", value=found.largest, unit="count")
        yield Fact(relation="tried", value=found.tried, unit="count")
        yield from _empty(game, goal)
        if goal.drop is not None:
            yield Fact(relation="wanted", value=goal.drop, unit="points" if label is not None else "output")
    for position in found.terms:
        at = quotable(game.terms[position].text)
        yield Fact(relation=f"{unit}_of_{kind}", value=at, unit="text", at=at, row=row)
    if label is None:
        yield Fact(relation="before_value", value=float(view.outputs[0, 0]), unit="output", row=row)
        yield Fact(relation="after_value", value=float(after[0]), unit="output")
        return
    if flips:
        new = view.schema.classes[int(after.argmax())]
        yield Fact(relation="flipped", value=new.name, unit="class", cls=new.name, row=row)
        chance = float(after[int(after.argmax())])
        yield Fact(relation="flipped_probability", value=chance, unit="probability", cls=new.name)
        return
    old, new_chance = (float(view.output_of(one, label)[0]) for one in (view.outputs, after[None]))
    yield Fact(relation="before", value=old, unit="probability", cls=label.name, row=row)
    yield Fact(relation="after", value=new_chance, unit="probability", cls=label.name)
    relation = "drop" if found.reached else "most_drop"
    yield Fact(relation=relation, value=new_chance - old, unit="points", cls=label.name, row=row)


def _empty(game: TextGame, goal: _Goal) -> Iterator[Fact]:
    """What the model says of no words at all, where that is no flip either."""
    outputs = ask_texts(game.view, [""])
    if goal.drop is None and goal.label is not None and goal.closeness(outputs)[0] < 0:
        chance = float(game.view.output_of(outputs, goal.label)[0])
        yield Fact(relation="empty", value=chance, unit="probability", cls=goal.label.name)


def _more(found: Minimal, unit: UnitKind, replaced: tuple[int, int] | None, flips: bool) -> Iterator[Fact]:
    """How sure it is that the set is the smallest."""
    size = len(found.terms)
    if found.reached and found.every and size > 1:
        relation = f"single_{unit}_tried" if size == 2 else f"smaller_{unit}_tried"
        yield Fact(relation=relation, value=found.smaller, unit="count")
    elif found.reached and size > 1:
        yield Fact(relation=f"{unit}_parts", value=found.subsets, unit="count")
    if found.reached and found.twins is not None:
        yield Fact(relation="same_size" if found.twins else "only_set", value=found.twins, unit="count")
    if replaced is not None:
        yield Fact(relation="replaced" if flips else "replaced_drop", value=replaced[0], unit="count")
        yield Fact(relation="draws", value=replaced[1], unit="count")


def _minimality(found: Minimal) -> Quality:
    note = f"{found.subsets} proper subsets asked about, none of which does it; {found.tried} sets in all"
    if not found.reached:
        note = f"no set found among {found.tried}"
    return Quality(check="C15", value=float(found.subsets), passed=found.reached, note=note)


def _caveats(game: TextGame, found: Minimal, scores: Scores, unit: UnitKind, others: int) -> Iterator[Caveat]:
    yield from others_as_one(game, others, unit)
    if found.reached and not found.every:
        text = f"Not all smaller sets of {unit}s could be tried, so one of other {unit}s may exist."
        yield Caveat(flag="not_exhaustive", text=text)
    if not found.reached and not found.every:
        text = f"Not all sets of {unit}s could be tried, so there may be one."
        yield Caveat(flag="not_exhaustive", text=text)
    turned = [game.terms[position].text for position in _turned(game, found, scores)]
    if turned:
        many = len(turned) > 1
        text = f"{quoted(turned)} {'work' if many else 'works'} the other way when more of the text is missing."
        yield Caveat(flag="context", text=text)
    repeated = [game.terms[p].text for p in found.terms if game.terms[p].times > 1 and game.terms[p].text]
    if repeated and unit == "word":
        text = f"{quoted(repeated)} {'are' if len(repeated) > 1 else 'is'} deleted everywhere at once."
        yield Caveat(flag="repeated", text=text)


def _turned(game: TextGame, found: Minimal, scores: Scores) -> Iterator[int]:
    """Terms of the set whose score clearly points the other way than deleting them from the whole text does."""
    single = np.ones((len(found.terms), game.count), dtype=bool)
    single[np.arange(len(found.terms)), list(found.terms)] = False
    direct = game.output() - game.worth(single)
    for position, effect in zip(found.terms, direct, strict=True):
        score, error = float(scores.values[position]), float(scores.error[position])
        if abs(score) > 2 * error and score * float(effect) < 0 and abs(float(effect)) > _DUST:
            yield position


def _table(game: TextGame, found: Minimal, scores: Scores, unit: UnitKind) -> Table:
    order = np.argsort(-np.abs(scores.values), kind="stable")
    rows = tuple(
        (game.terms[int(p)].text, int(p) in found.terms, float(scores.values[p]), float(scores.error[p])) for p in order
    )
    note = "score: the mean output of random parts of the text with it, less that of those without"
    return Table(columns=(unit, "in the set", "score", "standard error"), rows=rows, note=note)
