"""Would a model that learnt nothing give the same explanation? Twins trained on shuffled outcomes tell."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.attribution import class_explained, column_of, quantity
from askwhy.tools.engines.discoveries import adjusted
from askwhy.tools.engines.noise import COLUMNS, replies_with_noise
from askwhy.tools.engines.refit import Trained, trained
from askwhy.tools.engines.truth import Array, known_truth
from askwhy.tools.engines.twins import Alike, Questions, Twins, raise_twins, twin_p_values
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Quality, Series, Table
from askwhy.tools.registry import ClassName, tool
from askwhy.tools.says import Brief
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

MOST_TWINS = 500

NAMED = 3
"""C9: among so many features no noise may be, or among as many as pass."""

_FEWEST_TWINS = 49
_LISTED = 8

Rate = Annotated[float, Field(gt=0, lt=1)]
TwinCount = Annotated[int, Field(ge=20, le=MOST_TWINS)]


@dataclass(frozen=True)
class _Compared:
    """The model's importances (features,) beside those of its twins (twins, features), and how alike they rank.

    noisy: importances of the model trained again with columns of noise (features + 2,); None where that is not so.
    """

    own: Array
    twins: Array
    p: Array
    corrected: Array
    alike: Alike
    by_loss: bool
    rows: int
    noisy: Array | None = None

    def first(self, q: float) -> int:
        """How many features count as named: those that pass, or the first three where none does."""
        passing = int((self.corrected <= q).sum())
        return passing or min(NAMED, len(self.own))

    @property
    def noise_place(self) -> int | None:
        """The rank of the more important column of noise among all columns, 1 = most; None if it was not tried."""
        if self.noisy is None:
            return None
        best = float(self.noisy[-COLUMNS:].max())
        return 1 + int((self.noisy[:-COLUMNS] > best).sum())


@tool(
    fits=lambda schema: schema.modality == "table",
    asks=(
        "would a random model give the same explanation?",
        "would a model that learnt nothing give the same explanation?",
        "would a random model give the same explanation for {row}?",
        "is the explanation of {row} better than chance?",
        "could these importances come from noise?",
        "compare the explanation with one of a model trained on shuffled labels",
        "null control of the feature importance",
        "is the importance of the features more than an artefact?",
    ),
    says=(
        "The model was trained again {twins} times on shuffled outcomes; such twins have learnt nothing real.",
        "At a false discovery rate of at most {rate}, these features matter more to the model than to its twins: "
        "[beyond*: {feature} (adjusted p {value})].",
        "At a false discovery rate of at most {rate}, this feature matters more to the model than to its twins: "
        "{beyond_one.feature} (adjusted p {beyond_one}).",
        "At a false discovery rate of at most {rate}, none of the {none_beyond} features matters more to the model "
        "than to its twins.",
        Brief("These features matter more to the model than to twins that have learnt nothing: [beyond*: {feature}]."),
        Brief("This feature matters more to the model than to twins that have learnt nothing: {beyond_one.feature}."),
        Brief("None of the {none_beyond} features matters more to the model than to twins that have learnt nothing."),
        "That is not shown for [within*: {feature} ({value})].",
        "That is not shown for the other {others} features, among them [within_some 5: {feature} ({value})].",
        "This is about how much worse the predictions for {questioned:entities} get when a feature is replaced.",
        "This is about how far the output moves when a feature is replaced, for {moved:entities}.",
        "With {noise_columns} columns of random numbers added, the model was trained once more: the more important of "
        "them has rank {noise_behind} of {columns}, so noise is not among the first {first}.",
        "With {noise_columns} columns of random numbers added, the model was trained once more: the more important of "
        "them has rank {noise_among} of {columns}, so noise gets among the first {first}.",
        "Ranked by how far each feature moves the output, the model and its twins have a mean rank correlation of "
        "{unlike}, at most {unlike_high} with {level} confidence, so a model that learnt nothing would rank them "
        "otherwise.",
        "Ranked by how far each feature moves the output, the model and its twins have a mean rank correlation of "
        "{alike}, up to {alike_high} with {level} confidence, so this ranking would look much the same for a model "
        "that learnt nothing.",
        "The attributions of the model and of its twins have a mean rank correlation of {unlike_here}, at most "
        "{unlike_here_high} with {level} confidence, so a model that learnt nothing would give another explanation.",
        "The attributions of the model and of its twins have a mean rank correlation of {alike_here}, up to "
        "{alike_here_high} with {level} confidence, so this explanation would look much the same for a model that "
        "learnt nothing.",
        "Twins trained on shuffled outcomes: {no_twins}.",
    ),
)
def null_control(view: View, q: Rate = 0.1, twins: TwinCount | None = None, cls: ClassName | None = None) -> Evidence:
    """Whether a model that learnt nothing would give the same explanation, by training twins on shuffled outcomes.

    For importances over rows or the attribution of one row. `q`: false discovery rate. `twins`: how many to train.
    """
    model = trained(view.subject)
    if model is None:
        return _cannot("The model cannot be trained again here, as only its predictions are at hand.")
    if len(view.subject.data) < 3:
        raise ToolError(f"With so few {view.schema.entities}, there is nothing to compare with.")
    needed = math.ceil(len(view.schema.features) / q) - 1
    count = twins if twins is not None else min(MOST_TWINS, max(_FEWEST_TWINS, needed))
    among, actual = _truth(view)
    questions = Questions.of(view, among)
    truth = None if actual is None else actual[questions.chosen]
    raised = raise_twins(view, model, questions, np.zeros(questions.shape[0]) if truth is None else truth, count)
    if raised is None:
        return _cannot("The model did not let itself be trained again on shuffled outcomes.")
    label = class_explained(view, cls)
    column = column_of(view, label)
    noisy = None if view.scope.has_instance else _with_noise(view, model, questions, truth, column)
    found = replace(_compared(view, questions, truth, raised, column), noisy=noisy)
    return Evidence(
        facts=tuple(_facts(view, found, q)),
        method=f"{len(found.twins)} twins trained on permuted outcomes; features replaced from other rows; "
        "Benjamini-Hochberg",
        estimand=f"{_what(view, found)}, against models that learnt nothing; ranks: {quantity(view, label)}",
        quality=tuple(_quality(found, q)),
        caveats=tuple(_caveats(view, found, raised, q)),
        figure=_figure(view, found),
        table=_table(view, found),
    )


def _cannot(reason: str) -> Evidence:
    text = f"{reason} Ask which features matter significantly instead: that needs no training."
    return Evidence(
        facts=(Fact(relation="no_twins", value=0, unit="count"),),
        method="twins trained on permuted outcomes",
        estimand="the explanation, against models that learnt nothing",
        caveats=(Caveat(flag="not_refittable", text=text),),
    )


def _truth(view: View) -> tuple[Mask, Array | None]:
    """Which rows to ask about, and the truth of the view's rows: held-out ones where there are any. None if unknown."""
    everyone = np.ones(len(view.rows), dtype=bool)
    if view.scope.has_instance or view.scope.changes:
        return everyone, None
    try:
        actual, known = known_truth(view)
    except ToolError:  # these rows have no truth, though the training rows have one
        return everyone, None
    marked = view.held_out & known
    return (marked if marked.any() else known), actual


def _what(view: View, found: _Compared) -> str:
    loss = "squared error" if view.subject.regression else "log loss"
    return f"increase of the {loss} when a feature is replaced" if found.by_loss else "mean size of the change"


def _compared(view: View, questions: Questions, truth: Array | None, raised: Twins, column: int) -> _Compared:
    """Importances by the loss where the truth is known; an instance's explanations are compared with their signs."""
    own, twins = questions.replies(view.evaluate.outputs(questions.frame)), raised.replies
    sizes, twin_sizes = own.sizes(column), np.array([twin.sizes(column) for twin in twins])
    if view.scope.has_instance:
        first = own.attributions(column)[0]
        alike = Alike.of(first, np.array([twin.attributions(column)[0] for twin in twins]))
    else:
        alike = Alike.of(sizes, twin_sizes)
    if truth is not None:
        sizes = own.losses(truth)
        twin_sizes = np.array([twin.losses(told) for twin, told in zip(twins, raised.truths, strict=True)])
    p = twin_p_values(sizes, twin_sizes)
    return _Compared(sizes, twin_sizes, p, adjusted(p), alike, truth is not None, questions.shape[0])


def _with_noise(view: View, model: Trained, questions: Questions, truth: Array | None, column: int) -> Array | None:
    """Importances (features + 2,) of the model trained again with columns of noise."""
    replies = replies_with_noise(view, model, questions)
    if replies is None:
        return None
    return replies.sizes(column) if truth is None else replies.losses(truth)


def _order(found: _Compared) -> list[int]:
    return [int(one) for one in np.lexsort((-found.own, found.corrected))]


def _facts(view: View, found: _Compared, q: float) -> Iterator[Fact]:
    order = _order(found)
    beyond = [one for one in order if found.corrected[one] <= q]
    within = [one for one in order if found.corrected[one] > q]
    yield Fact(relation="twins", value=len(found.twins), unit="count")
    yield Fact(relation="rate", value=q, unit="share")
    if not beyond:
        yield Fact(relation="none_beyond", value=len(order), unit="count")
    listed = (
        ("beyond_one" if len(beyond) == 1 else "beyond", beyond, 1),
        ("within_some" if len(within) > _LISTED else "within", within, len(beyond) + 1),
    )
    for relation, group, start in listed:
        for rank, one in enumerate(group, start):
            name = view.schema.names[one]
            yield Fact(relation=relation, value=float(found.corrected[one]), unit="score", feature=name, rank=rank)
    if len(within) > _LISTED:
        yield Fact(relation="others", value=len(within), unit="count")
    if not view.scope.has_instance:
        yield Fact(relation="questioned" if found.by_loss else "moved", value=found.rows, unit="count")
    yield from _noise_facts(found, q)
    yield from found.alike.facts("_here" if view.scope.has_instance else "")


def _noise_facts(found: _Compared, q: float) -> Iterator[Fact]:
    place, first = found.noise_place, found.first(q)
    if place is None:
        return
    yield Fact(relation="noise_columns", value=COLUMNS, unit="count")
    yield Fact(relation="noise_behind" if place > first else "noise_among", value=place, unit="count")
    yield Fact(relation="columns", value=len(found.own) + COLUMNS, unit="count")
    yield Fact(relation="first", value=first, unit="count")


def _quality(found: _Compared, q: float) -> Iterator[Quality]:
    yield found.alike.quality()
    smallest, needed = 1 / (len(found.twins) + 1), q / len(found.own)
    note = f"smallest p-value that so many twins can give; {needed:.3g} or less is needed for a single discovery"
    yield Quality(check="C9", value=smallest, passed=smallest <= needed + 1e-12, note=note)
    place, first = found.noise_place, found.first(q)
    if place is not None:
        note = f"rank of the more important of {COLUMNS} columns of noise; it must be beyond the first {first}"
        yield Quality(check="C9", value=place, passed=place > first, note=note)


def _caveats(view: View, found: _Compared, raised: Twins, q: float) -> Iterator[Caveat]:
    count, place = len(found.twins), found.noise_place
    if place is not None and place <= found.first(q):
        text = "A column of random numbers would be named among the most important features, so that list says little."
        yield Caveat(flag="noise_named", text=text)
    if 1 / (count + 1) > q / len(found.own) + 1e-12:
        text = f"With {count} twins, no single feature could pass on its own; a failure to pass says little."
        yield Caveat(flag="coarse", text=text)
    if raised.thinned:
        text = f"The twins were trained on a sample of the training {view.schema.entities}."
        yield Caveat(flag="thinned", text=text)


def _figure(view: View, found: _Compared) -> Figure:
    order = sorted(range(len(found.own)), key=lambda one: -found.own[one])[:20]
    labels = tuple(view.schema.features[one].label for one in order)
    typical = np.quantile(found.twins, 0.95, axis=0)
    return Figure(
        kind="bars",
        title="Importance for the model and for twins",
        x_label="feature",
        series=(
            Series(name="model", x=labels, y=tuple(float(found.own[one]) for one in order)),
            Series(name="95 % of twins are below", x=labels, y=tuple(float(typical[one]) for one in order)),
        ),
    )


def _table(view: View, found: _Compared) -> Table:
    rows = tuple(
        (
            view.schema.features[one].label,
            float(found.own[one]),
            float(found.twins[:, one].mean()),
            float(found.p[one]),
            float(found.corrected[one]),
        )
        for one in _order(found)
    )
    columns = ("feature", "importance", "mean of twins", "p", "adjusted p")
    return Table(columns=columns, rows=rows, note=f"importance: {_what(view, found)}")
