"""What speaks for and against trusting the prediction for a text, measured; the judgement is left to the person."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from askwhy.tools.engines.metrics import LEVEL, wilson
from askwhy.tools.engines.neighbours import own_position
from askwhy.tools.engines.text_vectors import neighbourhood, texts_of
from askwhy.tools.engines.text_words import folded_words
from askwhy.tools.engines.truth import actual_values, none_held_out
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality
from askwhy.tools.registry import Says, tool
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

_NEAR = 50
_FEWEST = 20

_SAYS: Says = (
    "Whether to trust it is for you to decide; this is what was measured.",
    "The model predicts {prediction} for {row}, with a probability of {probability}.",
    "Next comes {runner_up.cls} with {runner_up}, so the lead is {margin}.",
    "It is wrong about {near_wrong} of the {near} held-out {entities} most like it: {near_error}, with a {level} "
    "interval from {near_low} to {near_high}, against {overall_error} of all held-out {entities}.",
    "It is wrong about {near_wrong} of the {near_all} {entities} most like it: {near_error}, with a {level} interval "
    "from {near_low} to {near_high}, against {overall_error} of all {entities}.",
    "Likeness goes by {how}.",
    "Of its {own_words} different words, {unknown} {unknown:one stands/stand} in no other {entity} of the data.",
    "Each of its {known_words} different words stands in some other {entity} of the data.",
)


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "text" and bool(schema.classes),
    asks=(
        "should I trust this prediction?",
        "should I trust the prediction for {row}?",
        "can I rely on what the model says about {text}?",
        "how reliable is the prediction for {row}?",
        "how often is the model wrong about texts like {row}?",
        "what speaks against trusting the prediction for {text}?",
    ),
    says=_SAYS,
)
def trust_text(view: View) -> Evidence:
    """What speaks for and against trusting the prediction for one text: errors on similar held-out texts, the lead over
    the next class, and words the data never showed. It gives no yes or no."""
    subject = view.subject
    if subject.target is None:
        raise ToolError("The true values are not known, so it cannot be told how often the model is wrong.")
    wrong, known = _wrong(view)
    marked = bool((subject.held_out & known).any())
    among = (subject.held_out if marked else np.ones(len(known), dtype=bool)) & known
    own = own_position(view)
    if own is not None:
        among[own] = False
    if int(among.sum()) < _FEWEST:
        raise ToolError(f"Only {int(among.sum())} {view.schema.entities} have a known truth, too few to judge by.")
    text = texts_of(view.instance)[0]
    near = neighbourhood(view, among, [text])
    alike = near.likeness([text])[0].round(12)
    count = min(_NEAR, int((alike > 0).sum()))
    positions = near.positions[np.argsort(-alike, kind="stable")[:count]]
    facts = [*_own(view), Fact(relation="how", value=near.how), *_words(view, text)]
    caveats = [] if marked else [none_held_out(view)]
    quality: list[Quality] = []
    if count:
        facts += _near(wrong[positions], float(wrong[among].mean()), marked)
        quality.append(_tells(view, wrong[positions], wrong[among]))
    else:
        text = f"No {view.schema.entity} with a known truth has anything in common with it, so there is no telling."
        caveats.append(Caveat(flag="unlike", text=text))
    return Evidence(
        facts=tuple(facts),
        method=f"errors on the most similar texts by {near.how}, lead over the next class, unknown words",
        estimand="how reliable the model has been on texts like this one",
        quality=tuple(quality),
        caveats=tuple(caveats),
    )


def _wrong(view: View) -> tuple[Mask, Mask]:
    """Where the model is wrong, and where the truth is known, over the data."""
    subject = view.subject
    assert subject.target is not None
    actual = actual_values(view.schema, subject.target)
    predicted = predicted_index(view.evaluate.all_outputs(subject))
    return np.asarray(predicted != actual, dtype=bool), np.asarray(actual >= 0, dtype=bool)


def _own(view: View) -> Iterator[Fact]:
    order = np.argsort(-view.outputs[0], kind="stable")
    first, second = (view.schema.classes[int(i)] for i in order[:2])
    chances = view.outputs[0][order[:2]]
    row = view.row_id
    yield Fact(relation="prediction", value=first.name, unit="class", cls=first.name, row=row)
    yield Fact(relation="probability", value=float(chances[0]), unit="probability", cls=first.name, row=row)
    yield Fact(relation="runner_up", value=float(chances[1]), unit="probability", cls=second.name, row=row)
    yield Fact(relation="margin", value=float(chances[0] - chances[1]), unit="points", cls=first.name, row=row)


def _near(wrong: Mask, overall: float, marked: bool) -> Iterator[Fact]:
    count, total = int(wrong.sum()), len(wrong)
    low, high = wilson(count, total)
    yield Fact(relation="near" if marked else "near_all", value=total, unit="count")
    yield Fact(relation="near_wrong", value=count, unit="count")
    for relation, value in (("near_error", count / total), ("near_low", low), ("near_high", high)):
        yield Fact(relation=relation, value=value, unit="share")
    yield Fact(relation="overall_error", value=overall, unit="share")
    yield Fact(relation="level", value=LEVEL, unit="share")


def _words(view: View, text: str) -> Iterator[Fact]:
    """How many of the text's words the data never showed (the text itself, where it is of the data, left out)."""
    mine = dict.fromkeys(word for word in folded_words(text) if any(char.isalnum() for char in word))
    own = own_position(view)
    others = (one for place, one in enumerate(texts_of(view.subject.data)) if place != own)
    known: set[str] = set()
    for other in others:
        known.update(folded_words(other))
        if known.issuperset(mine):
            break
    unknown = sum(word not in known for word in mine)
    if mine:
        yield Fact(relation="own_words" if unknown else "known_words", value=len(mine), unit="count")
    if unknown:
        yield Fact(relation="unknown", value=unknown, unit="count")


def _tells(view: View, near: Mask, every: Mask) -> Quality:
    """Whether so many similar texts pin the error rate down: the width of its interval."""
    low, high = wilson(int(near.sum()), len(near))
    note = f"width of the interval of the error on {len(near)} similar texts; {every.mean():.2f} are wrong overall"
    return Quality(check="error interval", value=high - low, passed=high - low <= 0.3, note=note)
