"""Which training texts a prediction rests on, approximately: how like they are, times how the model missed them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from askwhy.tools.attribution import column_of
from askwhy.tools.engines.neighbours import own_position, training, training_caveats
from askwhy.tools.engines.text_vectors import neighbourhood, texts_of
from askwhy.tools.engines.truth import Array, actual_values
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality, Table
from askwhy.tools.registry import ClassName, Says, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.view import View

_LEAST = 40
_EXACT = 0.02

_SAYS: Says = (
    "The model gives {row} a probability of {explained.cls} of {explained}.",
    "The model predicts {estimate} for {row}.",
    "This is an approximation: {how}.",
    "The training {entities} that pull it up most are [pull_up*: {row} ({value} of the whole pull)].",
    "The training {entities} that pull it down most are [pull_down*: {row} ({value} of the whole pull)].",
    "The first of those that pull it up reads {up_text}.",
    "The {listed} named make up {listed_share} of the whole pull.",
    "No training {entity} has anything in common with it, so {no_pull} pulls it up or down.",
)


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "text",
    asks=(
        "which training texts are responsible for the prediction for {row}?",
        "which training {entities} influenced the prediction for {text} most?",
        "which {entities} taught the model to predict {class} for {row}?",
        "what in the training texts led to the prediction for {row}?",
        "which {k} training texts matter most for {row}?",
    ),
    says=_SAYS,
)
def influence_text(view: View, cls: ClassName | None = None, k: Annotated[int, Field(ge=1, le=20)] = 3) -> Evidence:
    """Which training texts a prediction rests on, approximately: those that pull the probability of `cls` (default: the
    predicted class) or the predicted number up or down."""
    label = view.explained_class(cls)
    found = _pull(view, label)
    return Evidence(
        facts=tuple(_facts(view, found, label, k)),
        method=found.how,
        estimand="approximate share of each training text in this prediction",
        quality=found.quality,
        caveats=(*found.caveats, *training_caveats(view)),
        table=_table(view, found, k),
    )


@dataclass(frozen=True)
class _Pull:
    """Scores of the training texts at `positions` of the data: positive ones pull the output up."""

    positions: Array
    scores: Array
    how: str
    quality: tuple[Quality, ...] = ()
    caveats: tuple[Caveat, ...] = ()

    def top(self, sign: float, count: int) -> list[int]:
        """Places of the largest scores of a sign, largest first."""
        order = np.argsort(-(sign * self.scores).round(15), kind="stable")[:count]
        return [int(i) for i in order if sign * self.scores[i] > 0]


def _pull(view: View, label: ClassLabel | None) -> _Pull:
    subject = view.subject
    if subject.target is None:
        raise ToolError("The true values are not known, so it cannot be told what a training text taught the model.")
    actual = actual_values(view.schema, subject.target)
    known = np.isfinite(actual) if subject.regression else actual >= 0
    mask = np.asarray(training(subject) & known, dtype=bool)
    if int(mask.sum()) < _LEAST:
        raise ToolError(f"Only {int(mask.sum())} training {view.schema.entities} are known, too few to compare.")
    column = column_of(view, label)
    truth = actual.astype(float) if label is None else (actual == column).astype(float)
    missed = truth - view.evaluate.all_outputs(subject)[:, column]
    text = texts_of(view.instance)[0]
    exact = None if label is None else _representers(view, label, text, mask, missed)
    return exact if exact is not None else _alike(view, text, mask, missed)


def _representers(view: View, label: ClassLabel, text: str, mask: Array, missed: Array) -> _Pull | None:
    """The very terms that a linear model with a ridge penalty sums up: C (truth - fitted) x'z (Yeh et al. 2018).

    Two classes only, where the log odds are a sum over the training texts; None for any other model, and where the
    terms do not add up to the model's own log odds.
    """
    pipeline = _estimator(view)
    last = getattr(pipeline, "steps", [("", None)])[-1][1]
    if type(last).__name__ != "LogisticRegression" or getattr(last, "coef_", np.empty((0, 0))).shape[0] != 1:
        return None
    positions = np.flatnonzero(mask)
    members = texts_of(view.subject.data.iloc[positions])
    read = pipeline[:-1].transform
    cells, here = read(members), read([text])
    close = np.asarray((cells @ here.T).todense()).ravel() if hasattr(cells, "todense") else np.asarray(cells @ here.T)
    scores = float(last.C) * missed[positions] * close.ravel()
    sign = 1.0 if str(last.classes_[1]) == str(label.value) else -1.0
    whole = sign * float(np.asarray(here @ last.coef_[0]).ravel()[0])
    gap = abs(float(scores.sum()) - whole)
    if gap > _EXACT * max(1.0, float(np.abs(scores).sum())):
        return None
    note = "gap between the sum over the training texts and the model's own log odds without its constant"
    return _Pull(
        positions,
        scores,
        "each training text's term in the log odds of the linear model, its likeness times how far the model misses it",
        (Quality(check="C2", value=gap, passed=True, note=note),),
        (_not_refitted(),),
    )


def _alike(view: View, text: str, mask: Array, missed: Array) -> _Pull:
    """Likeness of the texts times how far the model misses them."""
    mask = mask.copy()
    own = own_position(view)
    if own is not None:
        mask[own] = False
    near = neighbourhood(view, mask, [text])
    scores = near.likeness([text])[0].clip(0.0, None) * missed[near.positions]
    how = f"likeness of the texts ({near.how}) times how far the model misses the training text"
    weak = Caveat(
        flag="unchecked", text="It was not checked by fitting the model again, so these texts cannot be called causes."
    )
    return _Pull(near.positions, scores, how, (), (weak,))


def _not_refitted() -> Caveat:
    text = "Without one of these texts the model would have been fitted differently, which this leaves out."
    return Caveat(flag="unchecked", text=text)


def _estimator(view: View) -> Any:
    """The scikit-learn pipeline behind the model, None where there is none."""
    function = getattr(view.subject.predictor.call, "function", view.subject.predictor.call)
    return getattr(function, "__self__", None)


def _facts(view: View, found: _Pull, label: ClassLabel | None, k: int) -> Iterator[Fact]:
    output = float(view.output_of(view.outputs, label)[0])
    if label is None:
        yield Fact(relation="estimate", value=output, unit="output", row=view.row_id)
    else:
        yield Fact(relation="explained", value=output, unit="probability", cls=label.name, row=view.row_id)
    whole = float(np.abs(found.scores).sum())
    if not whole:
        yield Fact(relation="no_pull", value="none")
        return
    yield Fact(relation="how", value=found.how)
    ids, named = view.subject.row_ids, []
    for relation, sign in (("pull_up", 1.0), ("pull_down", -1.0)):
        for rank, place in enumerate(found.top(sign, k), 1):
            named.append(place)
            share = abs(float(found.scores[place])) / whole
            row = ids[int(found.positions[place])]
            yield Fact(relation=relation, value=share, unit="share", row=row, rank=rank)
    first = found.top(1.0, 1)
    if first:
        position = int(found.positions[first[0]])
        text = texts_of(view.subject.data.iloc[position : position + 1])[0]
        yield Fact(relation="up_text", value=text, unit="text", row=ids[position])
    yield Fact(relation="listed", value=len(named), unit="count")
    share = float(np.abs(found.scores[named]).sum()) / whole
    yield Fact(relation="listed_share", value=min(1.0, share), unit="share")


def _table(view: View, found: _Pull, k: int) -> Table:
    whole = float(np.abs(found.scores).sum()) or 1.0
    rows = []
    assert view.subject.target is not None
    for sign in (1.0, -1.0):
        for place in found.top(sign, max(k, 10)):
            position = int(found.positions[place])
            text = texts_of(view.subject.data.iloc[position : position + 1])[0]
            truth = str(view.subject.target.iloc[position])
            rows.append((view.subject.row_ids[position], truth, float(found.scores[place]) / whole, text))
    return Table(columns=(view.schema.entity, "truth", "share of the whole pull", "text"), rows=tuple(rows))
