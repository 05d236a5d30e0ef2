"""How robust a prediction is to small changes of the text: typing errors, capitals, punctuation, similar words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from askwhy.tools.attribution import quantity
from askwhy.tools.engines.metrics import LEVEL, wilson
from askwhy.tools.engines.prediction import prediction_facts
from askwhy.tools.engines.text_game import ask_texts
from askwhy.tools.engines.text_noise import NOISE, NoiseKind, Noisy, noisy
from askwhy.tools.engines.text_units import Split, split_text
from askwhy.tools.engines.text_vectors import network_of
from askwhy.tools.engines.text_words import vocabulary
from askwhy.tools.engines.truth import Array
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality, Table
from askwhy.tools.registry import Says, tool
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import plain
from askwhy.tools.view import View

Kind = Literal["all", "typos", "case", "punctuation", "synonyms"]

_COPIES, _SLOW_COPIES = 200, 40
_SHARE = 0.1
_STEADY = 0.05
_QUOTED = 80
_WORDS = {
    "typos": "typing errors",
    "case": "other capitals",
    "punctuation": "other punctuation",
    "synonyms": "similarly used words",
}
_CHARACTERS = 4_000_000

_SAYS: Says = (
    "The model predicts {prediction} for {row}, with a probability of {probability}.",
    "The model predicts {estimate} for {row}.",
    "It keeps that class for {kept} of {copies} slightly changed copies of the text, which is {kept_share}, with a "
    "{level} interval from {kept_low} to {kept_high}.",
    "It keeps that class for every one of {steady} slightly changed copies of the text, so at {level} confidence it "
    "would for at least {steady_low} of such copies.",
    "The share that keeps the class is [kind_kept*: {value} with {group}].",
    "On {output_copies} slightly changed copies of the text, the prediction moves by {moved_output:size} on average "
    "and by {most_output:size} at most.",
    "The probability of {moved.cls} moves by {moved:size} on average, and by {most:size} at most.",
    "One copy that flips it differs from the text in {flip_words} {flip_words:one word/words} only: "
    "[flip_edit*: “{at}” becomes {value}].",
    "A change of {flip_kind} alone flips it.",
    "That copy reads {flip_text}, and the model's output for it is {flip_class}, with a probability of "
    "{flip_probability}.",
)


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "text",
    asks=(
        "how robust is the prediction for {row} to typos?",
        "how robust is this prediction to small changes of the wording?",
        "would a typo flip the prediction for {row}?",
        "how stable is the prediction for {text} if it is misspelt?",
        "does the prediction for {row} survive spelling mistakes and synonyms?",
        "how easily can {text} be made to fool the model?",
        "does it matter whether {row} is written in capitals?",
    ),
    says=_SAYS,
)
def robustness_text(view: View, kind: Kind = "all") -> Evidence:
    """How robust one prediction is to small changes of the text: how many copies with typing errors, other capitals or
    punctuation, or similarly used words (or only one `kind` of these) keep the class, and a small change that flips
    it."""
    split = split_text(str(plain(view.instance.iloc[0, 0]) or ""))
    if not split.units:
        raise ToolError("The text is empty, so there is nothing in it to change.")
    kinds = NOISE if kind == "all" else (kind,)
    copies = _copies(view, split, kinds)
    if not copies:
        raise ToolError(f"There is nothing in the text that could be changed by {_of(kinds)}.")
    found = _Asked(view, copies, ask_texts(view, [one.text for one in copies]))
    facts = [*prediction_facts(view), *(_moved(found) if view.subject.regression else _kept(found, kinds))]
    return Evidence(
        facts=tuple(facts),
        method=f"direct evaluation of copies with {_of(kinds)}: about {_SHARE:.0%} of the words, at least one",
        estimand="the model's output for slightly changed copies of the text",
        quality=(_quality(found),),
        caveats=tuple(_caveats(copies)),
        table=_table(found),
    )


def _of(kinds: Sequence[NoiseKind]) -> str:
    words = [_WORDS[kind] for kind in kinds]
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _copies(view: View, split: Split, kinds: Sequence[NoiseKind]) -> list[Noisy]:
    """Different copies, as many of each kind, and for each word one typing error alone."""
    words, rng = vocabulary(view), view.rng
    most = _COPIES if network_of(view) is None and view.subject.predictor.most_rows is None else _SLOW_COPIES
    each = max(5, min(most, _CHARACTERS // max(1, len(split.text))) // len(kinds))
    found: dict[str, Noisy] = {}
    for kind in kinds:
        for number in range(each):
            share = 0.0 if number % 2 else _SHARE  # half of them change one word only
            one = noisy(split, kind, rng, words, share)
            if one is not None and one.text != split.text:
                found.setdefault(one.text, one)
    return list(found.values())


@dataclass(frozen=True)
class _Asked:
    """The copies and the model's outputs (copies, width) for them."""

    view: View
    copies: list[Noisy]
    outputs: Array

    @property
    def kept(self) -> Array:
        """Which copies keep the class."""
        return np.asarray(predicted_index(self.outputs) == predicted_index(self.view.outputs)[0])

    @property
    def moved(self) -> Array:
        """How far each copy moves the probability of the predicted class, or the predicted number."""
        column = 0 if self.view.subject.regression else int(predicted_index(self.view.outputs)[0])
        return np.asarray(np.abs(self.outputs[:, column] - self.view.outputs[0, column]))

    def smallest(self) -> int | None:
        """The copy that flips with the fewest words changed, of equal ones the clearest."""
        flips = np.flatnonzero(~self.kept)
        if not len(flips):
            return None
        return int(min(flips, key=lambda i: (len(self.copies[i].changed) or 99, -round(float(self.moved[i]), 9))))


def _kept(found: _Asked, kinds: Sequence[NoiseKind]) -> Iterator[Fact]:
    view, total, kept = found.view, len(found.copies), int(found.kept.sum())
    low, high = wilson(kept, total)
    name = view.predicted().name
    if kept == total:
        yield Fact(relation="steady", value=total, unit="count", row=view.row_id)
        yield Fact(relation="steady_low", value=low, unit="share")
    else:
        yield Fact(relation="kept", value=kept, unit="count", row=view.row_id)
        yield Fact(relation="copies", value=total, unit="count")
        yield Fact(relation="kept_share", value=kept / total, unit="share", row=view.row_id)
        yield Fact(relation="kept_low", value=low, unit="share")
        yield Fact(relation="kept_high", value=high, unit="share")
        yield from _by_kind(found, kinds)
    yield Fact(relation="level", value=LEVEL, unit="share")
    yield _mean(found, "moved", "points", name)
    yield Fact(relation="most", value=float(found.moved.max()), unit="points", cls=name, row=view.row_id)
    yield from _flip(found)


def _by_kind(found: _Asked, kinds: Sequence[NoiseKind]) -> Iterator[Fact]:
    for kind in kinds if len(kinds) > 1 else ():
        mine = np.array([one.kind == kind for one in found.copies])
        if mine.any():
            yield Fact(relation="kind_kept", value=float(found.kept[mine].mean()), unit="share", group=_WORDS[kind])


def _flip(found: _Asked) -> Iterator[Fact]:
    """The smallest change that flips, with the very text that was asked about."""
    place = found.smallest()
    if place is None:
        return
    one, output, view = found.copies[place], found.outputs[place], found.view
    label = view.schema.classes[int(output.argmax())]
    if one.changed:
        yield Fact(relation="flip_words", value=len(one.changed), unit="count", row=view.row_id)
        for before, after in one.changed:
            yield Fact(relation="flip_edit", value=after, unit="text", at=before, row=view.row_id)
    else:
        kind = {"case": "capitals", "punctuation": "punctuation"}[one.kind]
        yield Fact(relation="flip_kind", value=kind, unit="", row=view.row_id)
    quotable = len(one.text) <= _QUOTED and one.kind != "case"  # the reader's check folds the case
    yield Fact(relation="flip_text" if quotable else "flip_long_text", value=one.text, unit="text", row=view.row_id)
    yield Fact(relation="flip_class", value=label.name, unit="class", cls=label.name, row=view.row_id)
    yield Fact(relation="flip_probability", value=float(output.max()), unit="probability", cls=label.name)


def _moved(found: _Asked) -> Iterator[Fact]:
    yield Fact(relation="output_copies", value=len(found.copies), unit="count")
    yield _mean(found, "moved_output", "output", None)
    yield Fact(relation="most_output", value=float(found.moved.max()), unit="output", row=found.view.row_id)


def _mean(found: _Asked, relation: str, unit: Literal["points", "output"], cls: str | None) -> Fact:
    moved = found.moved
    error = float(moved.std(ddof=1) / np.sqrt(len(moved))) if len(moved) > 1 else None
    return Fact(relation=relation, value=float(moved.mean()), unit=unit, cls=cls, row=found.view.row_id, error=error)


def _quality(found: _Asked) -> Quality:
    """C7's tolerance, on the prediction: how many small changes move it out of its class, or by over two per cent."""
    if found.view.subject.regression:
        limit = 0.02 * float(np.ptp(found.view.evaluate.all_outputs(found.view.subject)[:, 0]))
        moved = float((found.moved > limit).mean())
        note = "share of changed copies that move the prediction by over 2 % of the range of all predictions"
    else:
        moved, note = float((~found.kept).mean()), "share of changed copies that flip the prediction"
    return Quality(check="C7", value=moved, passed=moved <= _STEADY, note=note)


def _caveats(copies: list[Noisy]) -> Iterator[Caveat]:
    if any(one.kind == "synonyms" for one in copies):
        text = "Similarly used words stand in like places of the data's texts, but some of them alter the sense."
        yield Caveat(flag="synonyms", text=text)


def _table(found: _Asked) -> Table:
    """The copies that move the output most."""
    view, classes = found.view, found.view.schema.classes
    order = np.argsort(-found.moved.round(9), kind="stable")[:20]
    column = 0 if view.subject.regression else int(predicted_index(view.outputs)[0])
    label = None if view.subject.regression else classes[column]
    rows = []
    for i in order:
        one, output = found.copies[int(i)], found.outputs[int(i)]
        said = None if label is None else classes[int(output.argmax())].label
        changed = "; ".join(f"{before} > {after}" for before, after in one.changed) or None
        rows.append((_WORDS[one.kind], changed, one.text, said, float(output[column])))
    columns = ("change", "words", "text", "prediction", quantity(view, label))
    return Table(columns=columns, rows=tuple(rows), note="the copies that move the output most")
