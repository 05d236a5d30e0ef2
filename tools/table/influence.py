"""Which training rows a prediction rests on, approximately; checked by fitting the model again without them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.engines.neighbours import training_caveats
from askwhy.tools.engines.pull import Pull, pull
from askwhy.tools.engines.refit import MOST_ROWS, Trained, trained
from askwhy.tools.engines.truth import Array
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality, Table, Unit
from askwhy.tools.registry import ClassName, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.view import View

_REMOVED = 0.05
_RANDOM = 19  # the fewest with which a p-value of 0.05 can be reached
_SAME = 0.02
_LEAST = 40


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "table",
    asks=(
        "which training rows are responsible for the prediction for {row}?",
        "which training {entities} influenced the prediction for {row} most?",
        "which {entities} taught the model to predict {class} for {row}?",
        "what in the training data led to the prediction for {row}?",
        "which {k} training rows matter most for {row}?",
        "which training rows speak against {class} for {row}?",
    ),
    says=(
        "The model gives {row} a probability of {explained.cls} of {explained}.",
        "The model predicts {estimate} for {row}.",
        "This is an approximation: {how}.",
        "The training {entities} that pull it up most are [pull_up*: {row} ({value} of the whole pull)].",
        "The training {entities} that pull it down most are [pull_down*: {row} ({value} of the whole pull)].",
        "Fitted again without the {removed} training {entities} that pull it up most, the model gives {without} "
        "instead of {refitted}; without as many drawn at random, it gives {without_random} on average.",
    ),
)
def influence(
    view: View,
    cls: ClassName | None = None,
    k: Annotated[int, Field(ge=1, le=20)] = 3,
) -> Evidence:
    """Which training rows a prediction rests on, approximately: those that pull the probability of `cls` (default: the
    predicted class) or the predicted number up or down, checked by fitting the model again without them."""
    model = trained(view.subject)
    if model is None:
        raise ToolError(
            "Training rows can only be named for a scikit-learn model with probabilities and known true values."
        )
    if len(model.rows) < _LEAST:
        raise ToolError(f"Only {len(model.rows)} training {view.schema.entities} are known, too few to compare.")
    label = view.explained_class(cls)
    found = _pull(view, model, label)
    checked = _check(view, model, label, found)
    return Evidence(
        facts=(*_own(view, label), *_listed(view, model, found, label, k), *checked.facts),
        method=found.how,
        estimand="approximate effect of leaving a training row out on this prediction",
        quality=checked.quality,
        caveats=(*checked.caveats, *training_caveats(view)),
        table=_table(view, model, found, k),
    )


def _pull(view: View, model: Trained, label: ClassLabel | None) -> Pull:
    output = float(view.output_of(view.outputs, label)[0])
    fitted = view.output_of(view.evaluate.all_outputs(view.subject), label)[model.positions]
    truth = model.actual.astype(float)
    if label is not None:
        truth = (model.actual == view.schema.classes.index(label)).astype(float)
    return pull(model, view.rows, output, fitted, truth)


def _unit(label: ClassLabel | None) -> Unit:
    return "output" if label is None else "probability"


def _own(view: View, label: ClassLabel | None) -> Iterator[Fact]:
    output = float(view.output_of(view.outputs, label)[0])
    if label is None:
        yield Fact(relation="estimate", value=output, unit="output", row=view.row_id)
    else:
        yield Fact(relation="explained", value=output, unit="probability", cls=label.name, row=view.row_id)


def _listed(view: View, model: Trained, found: Pull, label: ClassLabel | None, k: int) -> Iterator[Fact]:
    yield Fact(relation="how", value=found.how)
    whole = float(np.abs(found.scores).sum()) or 1.0
    for relation, signed in (("pull_up", found.scores), ("pull_down", -found.scores)):
        for rank, place in enumerate(_top(signed, k), 1):
            share, row = float(signed[place]) / whole, view.subject.row_ids[int(model.positions[place])]
            yield Fact(relation=relation, value=share, unit="share", row=row, rank=rank)


def _top(scores: Array, count: int) -> list[int]:
    """Places of the largest positive scores, largest first."""
    order = np.argsort(-scores.round(15), kind="stable")[:count]
    return [int(place) for place in order if scores[place] > 0]


@dataclass(frozen=True)
class _Checked:
    facts: tuple[Fact, ...] = ()
    quality: tuple[Quality, ...] = ()
    caveats: tuple[Caveat, ...] = ()


def _check(view: View, model: Trained, label: ClassLabel | None, found: Pull) -> _Checked:
    """Whether leaving the top rows out lowers the output more than leaving out as many random ones."""
    top = np.array(_top(found.scores, max(1, round(_REMOVED * len(model.rows)))))
    if len(model.rows) > MOST_ROWS or not len(top):
        return _unchecked(
            f"With {len(model.rows):,} training {view.schema.entities}, this was not checked by fitting again."
        )

    def fitted(places: Array) -> float | None:
        outputs = model.outputs_without(places, view.rows)
        return None if outputs is None else float(view.output_of(outputs, label)[0])

    again = fitted(np.array([], dtype=int))
    here = float(view.output_of(view.outputs, label)[0])
    spread = 1.0 if label is not None else float(np.ptp(view.evaluate.all_outputs(view.subject)[:, 0])) or 1.0
    if again is None or abs(again - here) > _SAME * spread:
        return _unchecked("Fitting the model again did not give the same prediction, so this could not be checked.")
    rng = view.rng
    drawn = [fitted(rng.choice(len(model.rows), len(top), replace=False)) for _ in range(_RANDOM)]
    without, random = fitted(top), np.array([one for one in drawn if one is not None])
    if without is None or len(random) < _RANDOM:
        return _unchecked("Fitting the model again without some rows did not work, so this could not be checked.")
    return _verdict(label, len(top), again, without, random)


def _verdict(label: ClassLabel | None, removed: int, again: float, without: float, random: Array) -> _Checked:
    unit, cls = _unit(label), None if label is None else label.name
    fall, chance = again - without, again - random
    p = (1 + int((chance >= fall).sum())) / (len(random) + 1)
    named = {"refitted": again, "without": without, "without_random": float(random.mean())}
    facts = [Fact(relation=name, value=value, unit=unit, cls=cls) for name, value in named.items()]
    facts.append(Fact(relation="removed", value=removed, unit="count"))
    note = f"fall of the output without the top {removed} rows; p {p:.3f} against {len(random)} random removals"
    passed = p <= 0.05
    caveats: tuple[Caveat, ...] = ()
    if not passed:
        text = (
            "Leaving these rows out lowered the prediction no more than leaving out random ones, "
            "so they cannot be called responsible."
        )
        caveats = (Caveat(flag="not_responsible", text=text),)
    return _Checked(tuple(facts), (Quality(check="removal", value=fall, passed=passed, note=note),), caveats)


def _unchecked(text: str) -> _Checked:
    return _Checked(caveats=(Caveat(flag="unchecked", text=text),))


def _table(view: View, model: Trained, found: Pull, k: int) -> Table:
    regression = view.subject.regression
    whole = float(np.abs(found.scores).sum()) or 1.0
    rows = []
    for sign in (1.0, -1.0):
        for place in _top(sign * found.scores, k):
            truth = model.actual[place]
            word = float(truth) if regression else view.schema.classes[int(truth)].label
            row = view.subject.row_ids[int(model.positions[place])]
            rows.append((row, word, float(found.scores[place]) / whole))
    return Table(columns=(view.schema.entity, "truth", "share of the whole pull"), rows=tuple(rows))
