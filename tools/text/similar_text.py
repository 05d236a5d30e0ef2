"""Which texts a text is most like, which of them the model decides otherwise, and whether the text is a usual one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from askwhy.tools.engines.metrics import wilson
from askwhy.tools.engines.neighbours import own_position, training, training_caveats
from askwhy.tools.engines.prediction import prediction_facts
from askwhy.tools.engines.text_units import fold
from askwhy.tools.engines.text_vectors import Neighbourhood, cosines, neighbourhood, texts_of
from askwhy.tools.engines.text_words import folded_words
from askwhy.tools.engines.truth import Array
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality, Table
from askwhy.tools.registry import Says, ask, tool
from askwhy.tools.select import predicted_index
from askwhy.tools.table.similar import outcome_gap, same_outcome, truth_facts
from askwhy.tools.view import View

Outcome = Literal["any", "same", "other"]

_CHECKED = 500
_UNUSUAL = 0.05
_SHARED = 5

_SAYS: Says = (
    "The model predicts {prediction} for {row}, with a probability of {probability}.",
    "The model predicts {estimate} for {row}.",
    "The most similar training {entities} are [similar*: {row} (predicted {cls}, likeness {value})].",
    "The most similar training {entities} that are also predicted {same_class.cls} are "
    "[same_outcome*: {row} (likeness {value})].",
    "The most similar training {entities} with another prediction are "
    "[other_outcome*: {row} (predicted {cls}, likeness {value})].",
    "The most similar training {entities} are [similar_number*: {row} (likeness {value})].",
    "The most similar training {entities} with a prediction within {same_within} of it are "
    "[same_number*: {row} (likeness {value})].",
    "The most similar training {entities} with a prediction more than {other_beyond} away are "
    "[other_number*: {row} (likeness {value})].",
    "The model predicts [neighbour_estimate*: {value} for {row}].",
    "The first of them reads {nearest_text}.",
    "It shares [shared_word*: {value}] with it.",
    "Likeness goes by {how}.",
    "In truth, [truth*: {value} of them {value:one is/are} {cls}].",
    "None of the {none_alike} training {entities} is like it at all.",
    "No training {entity} that is like it at all has {none_such}.",
    "For comparison, {unlike_share} of the training {entities} are less like the one nearest to them.",
    "That makes it {unusual} for this data.",
)


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "text",
    asks=(
        "which {entities} is {row} most like?",
        "which texts are similar to {row}?",
        "find {k} {entities} similar to {text}",
        "has the model seen a text like {row} before?",
        "is {row} a typical text or an unusual one?",
        ask("which similar {entities} got the other outcome?", outcome="other"),
        ask("show texts like {row} that were predicted differently", outcome="other"),
        ask("which similar {entities} got the same prediction as {row}?", outcome="same"),
    ),
    says=_SAYS,
)
def similar_text(view: View, outcome: Outcome = "any", k: Annotated[int, Field(ge=1, le=20)] = 3) -> Evidence:
    """Which training texts are most like a text, by shared words or the network's own vectors. `outcome`: only those
    with the same or with another prediction; `k`: how many to list."""
    text = texts_of(view.instance)[0]
    if not text.strip():
        raise ToolError("The text is empty, so it is like no other.")
    mask = training(view.subject).copy()
    own = own_position(view)
    if own is not None:
        mask[own] = False
    mask &= np.array([bool(one.strip()) for one in texts_of(view.subject.data)], dtype=bool)
    if not mask.any():
        raise ToolError(f"There is no other {view.schema.entity} to compare with.")
    near = neighbourhood(view, mask, [text])
    nearest = _nearest(view, near)
    found = _found(view, near, nearest, text, outcome, k)
    return Evidence(
        facts=tuple(_facts(view, near, found, outcome)),
        method=f"nearest training texts by {near.how}",
        estimand="likeness of the texts, whatever the model makes of them",
        quality=_alike(view, near, nearest),
        caveats=(*_caveats(view, found), *training_caveats(view)),
        table=_table(view, found),
    )


@dataclass(frozen=True)
class _Found:
    """The neighbours: positions in the data and likeness, most alike first; `gap`: what counts as another number."""

    positions: Array
    likeness: Array
    text: str
    gap: float
    unlike: float | None


def _found(view: View, near: Neighbourhood, nearest: _Nearest, text: str, outcome: Outcome, k: int) -> _Found:
    gap = outcome_gap(view)
    same = same_outcome(view, gap)[near.positions]
    wanted = {"any": np.ones(len(same), dtype=bool), "same": same, "other": ~same}[outcome]
    alike = near.likeness([text])[0].clip(0.0, 1.0).round(12)
    order = [int(i) for i in np.argsort(-alike, kind="stable") if wanted[i] and alike[i] > 0][:k]
    return _Found(near.positions[order], alike[order], text, gap, nearest.unlike(float(alike.max())))


@dataclass(frozen=True)
class _Nearest:
    """For some training texts (`which`): the member most like each, and how like it is. Empty for too few texts."""

    which: Array
    first: Array
    likeness: Array

    def unlike(self, own: float) -> float | None:
        """The share of the training texts whose nearest one is less like them; None for too few texts."""
        return float((self.likeness < own - 1e-9).mean()) if len(self.which) else None


def _nearest(view: View, near: Neighbourhood) -> _Nearest:
    some = np.arange(len(near.positions))
    if len(some) < 20:
        return _Nearest(some[:0], some[:0], np.empty(0))
    if len(some) > _CHECKED:
        some = np.sort(view.rng.choice(some, _CHECKED, replace=False))
    alike = cosines(near.vectors[some], near.vectors)
    alike[np.arange(len(some)), some] = -1.0
    return _Nearest(some, alike.argmax(axis=1), alike.max(axis=1))


def _facts(view: View, near: Neighbourhood, found: _Found, outcome: Outcome) -> Iterator[Fact]:
    regression, ids = view.subject.regression, view.subject.row_ids
    outputs = view.evaluate.all_outputs(view.subject)
    yield from prediction_facts(view)
    yield Fact(relation="how", value=near.how, unit="")
    if not len(found.positions):
        if outcome == "any":
            yield Fact(relation="none_alike", value=len(near.positions), unit="count")
        else:
            yield Fact(
                relation="none_such", value="another prediction" if outcome == "other" else "the same prediction"
            )
        return
    if outcome != "any" and regression:
        yield Fact(relation="same_within" if outcome == "same" else "other_beyond", value=found.gap, unit="output")
    elif outcome == "same":
        name = view.predicted().name
        yield Fact(relation="same_class", value=name, unit="class", cls=name)
    ending = "number" if regression else "outcome"
    role = f"{outcome}_{ending}" if outcome != "any" else "similar_number" if regression else "similar"
    for rank, (position, likeness) in enumerate(zip(found.positions, found.likeness, strict=True), 1):
        cls = None if regression else view.schema.classes[int(outputs[position].argmax())].name
        yield Fact(relation=role, value=float(likeness), unit="share", row=ids[position], cls=cls, rank=rank)
        if cls is not None:
            yield Fact(relation="neighbour_class", value=cls, unit="class", cls=cls, row=ids[position])
    for position in found.positions if regression else ():
        yield Fact(relation="neighbour_estimate", value=float(outputs[position, 0]), unit="output", row=ids[position])
    yield from _nearest_facts(view, found)
    if found.unlike is not None:
        yield Fact(relation="unlike_share", value=found.unlike, unit="share", row=view.row_id)
        if found.unlike <= _UNUSUAL and outcome == "any":
            yield Fact(relation="unusual", value="unusual", row=view.row_id)


def _nearest_facts(view: View, found: _Found) -> Iterator[Fact]:
    """What the nearest text says, which rarer words it shares, and what the listed ones are in truth."""
    first = texts_of(view.subject.data.iloc[found.positions[:1]])[0]
    yield Fact(relation="nearest_text", value=first, unit="text", row=view.subject.row_ids[int(found.positions[0])])
    mine, others = dict.fromkeys(folded_words(found.text)), frozenset(folded_words(first))
    shared = [word for word in mine if word in others]
    held = {word: sum(word in fold(text) for text in texts_of(view.subject.data.iloc[:500])) for word in shared}
    for word in sorted(shared, key=lambda one: (held[one], one))[:_SHARED]:
        yield Fact(relation="shared_word", value=word, unit="text")
    yield from truth_facts(view, found.positions)


def _alike(view: View, near: Neighbourhood, nearest: _Nearest) -> tuple[Quality, ...]:
    """How often a training text is predicted like the one most like it, against pairs drawn at random."""
    if not len(nearest.which) or view.subject.regression:
        return ()
    predicted = predicted_index(view.evaluate.all_outputs(view.subject)[near.positions])
    same = int((predicted[nearest.which] == predicted[nearest.first]).sum())
    chance = float(((np.bincount(predicted) / len(predicted)) ** 2).sum())
    low, _ = wilson(same, len(nearest.which))
    note = f"share of texts predicted like their nearest one; {chance:.2f} for random pairs"
    return (Quality(check="likeness", value=same / len(nearest.which), passed=low > chance, note=note),)


def _caveats(view: View, found: _Found) -> Iterator[Caveat]:
    if len(found.likeness) and found.likeness[0] < 0.2:
        yield Caveat(flag="unlike", text="Even the nearest of these has little in common with it.")


def _table(view: View, found: _Found) -> Table | None:
    if not len(found.positions):
        return None
    outputs = view.evaluate.all_outputs(view.subject)
    classes, ids = view.schema.classes, view.subject.row_ids

    def said(output: Array) -> str | float:
        return classes[int(output.argmax())].label if classes else float(output[0])

    rows: list[tuple[str, float, str | float, str]] = [(view.row_id, 1.0, said(view.outputs[0]), found.text)]
    texts = texts_of(view.subject.data.iloc[found.positions])
    for position, likeness, text in zip(found.positions, found.likeness, texts, strict=True):
        rows.append((ids[int(position)], float(likeness), said(outputs[position]), text))
    names = (view.schema.entity, "likeness", "prediction", "text")
    return Table(columns=names, rows=tuple(rows), note="the first line is the one asked about")
