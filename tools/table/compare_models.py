"""Which of two models is better on the same rows, where they disagree, and what each relies on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from askwhy.tools.engines import metrics
from askwhy.tools.engines.truth import Array, Scored, scored
from askwhy.tools.engines.two_models import Lead, lead_on, score_of
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Table
from askwhy.tools.permutation import FEWEST_ROWS, Importance, Metric, permutation_importance
from askwhy.tools.quality import direct_evaluation, order_caveats
from askwhy.tools.registry import Says, ask, tool
from askwhy.tools.table.importance import MEASURE_SAYS, measure_facts
from askwhy.tools.table.score import MEASURE_WORDS, NEEDS_PROBABILITIES, REGRESSION
from askwhy.tools.view import View

Measure = Literal["accuracy", "balanced_accuracy", "roc_auc", "log_loss", "brier", "rmse", "mae", "r2"]

_NAMED = 3
_LEADS = "with a {level} interval of the difference from {lead_low:signed} to {lead_high:signed}"
_SAYS: Says = (
    "Over {held_out:entities}{scope}, held out from training, the {measure} is {own_score} for this model and "
    "{rival_score} for {rival_score.group}.",
    "Over {scored:entities}{scope}, the {measure} is {own_score} for this model and {rival_score} for "
    "{rival_score.group}.",
    f"So {{better.group}} is better by {{better:size}}, {_LEADS}.",
    f"So {{ahead.group}} is ahead by {{ahead:size}}, {_LEADS}; as it includes zero, these rows cannot tell which of "
    "the two is better.",
    f"That is no difference, {_LEADS}, so these rows cannot tell this model and {{no_lead}} apart.",
    "The difference of {bare_lead:size} rests on too few rows for an interval, so it cannot tell which is better.",
    "In the other measures, [also*: {group} {value}].",
    "They predict the same class for {agreement} of them.",
    "Where they disagree ({disagreements:entities}), this model is right for {own_right} and {rival_right.group} for "
    "{rival_right}.",
    "Their predictions differ by {apart} on average, and this model is nearer to the truth for {own_nearer} of them.",
    "This model relies most on [own_relies*: {feature} ({value})].",
    "{rival_relies.group} relies most on [rival_relies*: {feature} ({value})].",
    "No feature could be shown to matter to {own_relies_none}.",
    "No feature could be shown to matter to {rival_relies_none}.",
    *MEASURE_SAYS,
    "Of the {top_count} most important features of each, they share {shared}.",
)


@tool(
    needs="rows",
    fits=lambda schema: schema.modality == "table" and bool(schema.rivals),
    asks=(
        "which model is more accurate?",
        "which of these models is better?",
        "which of the two models should I use?",
        "is the new model better than the old one?",
        "compare the two models",
        "how does the other model compare?",
        "is the other model more accurate for {entities} with {subset}?",
        "how often do the two models agree?",
        "where do the models disagree, and which one is right?",
        "do the two models rely on the same features?",
        "which of these models uses sensible features?",
        ask("which model has the higher AUC?", measure="roc_auc"),
        ask("which model has the lower log loss?", measure="log_loss"),
        ask("which model has the smaller error?"),
    ),
    says=_SAYS,
)
def compare_models(
    view: View,
    model: Annotated[str | None, Field(description="name of the other model")] = None,
    measure: Measure | None = None,
) -> Evidence:
    """Which of two models is more accurate on held-out rows, with an interval for the difference, how often they agree
    and who is right where they do not, and which features each relies on. `model`: the name of the other model."""
    pair = _Pair.of(view, model)
    name = measure or ("mae" if view.subject.regression else "accuracy")
    _check(pair, name)
    before = view.evaluate.asked
    relied = _Relied.of(pair) if len(pair.own.rows) >= FEWEST_ROWS else None
    lead = lead_on(name, pair.own.actual, pair.own.outputs, pair.rival.outputs, view.rng)
    asked = 2 * len(pair.own.rows) + view.evaluate.asked - before
    called = MEASURE_WORDS[name][0]
    return Evidence(
        facts=tuple(_facts(pair, name, lead, relied)),
        method=f"both models on the same rows; {called}, {lead.interval} interval of the difference"
        + ("" if relied is None else f"; {relied.own.method}"),
        estimand=f"difference of {called}" + ("" if relied is None else f"; {relied.own.estimand}"),
        quality=direct_evaluation(asked, "rows asked of the two models"),
        caveats=(*pair.caveats, *(relied.caveats() if relied else ())),
        table=_table(pair, relied),
    )


@dataclass(frozen=True)
class _Pair:
    """The same rows with the truth and both models' outputs."""

    view: View
    other: View
    name: str
    own: Scored
    rival: Scored

    @classmethod
    def of(cls, view: View, model: str | None) -> _Pair:
        """Ask both models about the held-out rows of the scope. ToolError where no truth is known."""
        rival = view.subject.rival(model)
        if view.scope.changes:
            raise ToolError("The truth about changed rows is not known; compare the models on the rows as they are.")
        other = view.seen_by(rival)
        return cls(view, other, rival.name, scored(view), scored(other))

    @property
    def right(self) -> tuple[Array, Array]:
        """Which rows each model gets right; of numbers, where it is nearer than the other."""
        if not self.view.subject.regression:
            return ~self.own.wrong, ~self.rival.wrong
        first, second = (np.abs(one.predicted - one.actual) for one in (self.own, self.rival))
        return first < second, second < first

    @property
    def hard(self) -> bool:
        """Whether one of them gives no probabilities."""
        return self.view.subject.predictor.hard or self.other.subject.predictor.hard

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """What is taken for granted."""
        if not self.own.marked:
            return self.own.caveats
        text = f"It is taken for granted that {self.name} was not trained on the held-out rows either."
        return (*self.own.caveats, Caveat(flag="rival_training", text=text))


def _check(pair: _Pair, name: str) -> None:
    regression = pair.view.subject.regression
    if (name in REGRESSION) != regression:
        fit = "rmse, mae or r2" if regression else "accuracy, balanced_accuracy, roc_auc, log_loss or brier"
        what = "predict a number" if regression else "predict classes"
        raise ToolError(f"These models {what}, so they have no {name.replace('_', ' ')}; ask for {fit}.")
    if pair.hard and name in NEEDS_PROBABILITIES:
        raise ToolError(f"One of the models gives no probabilities, so it has no {name.replace('_', ' ')}.")
    if not np.isfinite(score_of(name, pair.own.actual, pair.own.outputs)):
        raise ToolError(
            f"The {MEASURE_WORDS[name][0]} is undefined on these {len(pair.own.rows)} rows; ask about more."
        )


@dataclass(frozen=True)
class _Relied:
    """What each model relies on, measured alike."""

    pair: _Pair
    own: Importance
    rival: Importance

    @classmethod
    def of(cls, pair: _Pair) -> _Relied:
        """Shuffle every feature, for each model with the same shuffles."""
        metric: Metric = "accuracy" if pair.hard else "auto"
        own, rival = (permutation_importance(one, None, metric) for one in (pair.view, pair.other))
        return cls(pair, own, rival)

    def top(self, found: Importance) -> list[int]:
        """The most important features that are told from zero."""
        nothing = 1e-9 * float(np.abs(found.values).max(initial=0.0))
        return [one for one in found.ranked()[:_NAMED] if found.interval(one)[0] > nothing]

    def caveats(self) -> Iterator[Caveat]:
        """Uncertain orders, and whose judgement it is what is sensible."""
        features = self.pair.view.schema.features
        for found, name in ((self.own, "this model"), (self.rival, self.pair.name)):
            order, top = found.ranked(), self.top(found)
            labels, sizes = [features[one].label for one in order], [float(found.values[one]) for one in order]
            for one in order_caveats(labels, sizes, [found.error_of(at) for at in order], set(range(len(top)))):
                yield Caveat(flag=one.flag, text=f"For {name}: {one.text[0].lower()}{one.text[1:]}")
        text = "This says what each model uses; whether that is sensible is for people who know the matter to judge."
        yield Caveat(flag="no_verdict", text=text)


def _facts(pair: _Pair, name: str, lead: Lead, relied: _Relied | None) -> Iterator[Fact]:
    words, unit = MEASURE_WORDS[name]
    yield pair.own.count_fact()
    yield Fact(relation="measure", value=words)
    for relation, found, who in (("own_score", pair.own, None), ("rival_score", pair.rival, pair.name)):
        yield Fact(relation=relation, value=score_of(name, found.actual, found.outputs), unit=unit, group=who)
    yield from _verdict(pair, name, lead)
    yield from _also(pair, name)
    yield from _numbers_apart(pair) if pair.view.subject.regression else _disagreement(pair)
    if relied is not None:
        yield from _reliance(relied)


def _verdict(pair: _Pair, name: str, lead: Lead) -> Iterator[Fact]:
    """Who is ahead, and whether the interval of the difference excludes zero."""
    unit = MEASURE_WORDS[name][1]
    unit = "points" if unit == "share" else unit
    ahead = "this model" if lead.value > 0 else pair.name
    if not (np.isfinite(lead.low) and np.isfinite(lead.high) and lead.low < lead.high):
        yield Fact(relation="bare_lead", value=lead.value, unit=unit)
        return
    if lead.value == 0:
        yield Fact(relation="no_lead", value=pair.name)
    else:
        yield Fact(relation="better" if lead.clear else "ahead", value=abs(lead.value), unit=unit, group=ahead)
    # The interval is told for the one that is ahead.
    low, high = (lead.low, lead.high) if lead.value >= 0 else (-lead.high, -lead.low)
    yield Fact(relation="level", value=metrics.LEVEL, unit="share")
    yield Fact(relation="lead_low", value=low, unit=unit)
    yield Fact(relation="lead_high", value=high, unit=unit)


def _also(pair: _Pair, name: str) -> Iterator[Fact]:
    """Both models in other measures that are defined on these rows."""
    others = ("rmse", "r2") if pair.view.subject.regression else ("accuracy", "roc_auc", "log_loss")
    for other in others:
        if other == name or (pair.hard and other in NEEDS_PROBABILITIES):
            continue
        words, unit = MEASURE_WORDS[other]
        for found, who in ((pair.own, "this model"), (pair.rival, pair.name)):
            value = score_of(other, found.actual, found.outputs)
            if np.isfinite(value):
                yield Fact(relation="also", value=value, unit=unit, group=f"{words} of {who}")


def _disagreement(pair: _Pair) -> Iterator[Fact]:
    same = pair.own.predicted == pair.rival.predicted
    yield Fact(relation="agreement", value=float(same.mean()), unit="share")
    if same.all():
        return
    first, second = pair.right
    yield Fact(relation="disagreements", value=int((~same).sum()), unit="count")
    yield Fact(relation="own_right", value=int((first & ~same).sum()), unit="count")
    yield Fact(relation="rival_right", value=int((second & ~same).sum()), unit="count", group=pair.name)


def _numbers_apart(pair: _Pair) -> Iterator[Fact]:
    yield Fact(relation="apart", value=float(np.abs(pair.own.predicted - pair.rival.predicted).mean()), unit="output")
    yield Fact(relation="own_nearer", value=float(pair.right[0].mean()), unit="share")


def _reliance(relied: _Relied) -> Iterator[Fact]:
    """The most important features of each model, told from zero."""
    view = relied.pair.view
    tops = []
    for relation, found, who in (
        ("own_relies", relied.own, "this model"),
        ("rival_relies", relied.rival, relied.pair.name),
    ):
        top = relied.top(found)
        tops.append(set(top))
        for rank, one in enumerate(top, 1):
            value, name = float(found.values[one]), view.schema.names[one]
            yield Fact(
                relation=relation, value=value, unit=found.unit, feature=name, rank=rank, error=found.error_of(one),
                group=who,
            )  # fmt: skip
        if not top:
            yield Fact(relation=f"{relation}_none", value=who)
    yield from (one for one in measure_facts(view, relied.own) if one.relation != "feature_count")
    if all(tops):
        yield Fact(relation="top_count", value=min(_NAMED, len(view.schema.features)), unit="count")
        yield Fact(relation="shared", value=len(tops[0] & tops[1]), unit="count")


def _table(pair: _Pair, relied: _Relied | None) -> Table | None:
    """What shuffling each feature costs either model."""
    if relied is None:
        return None
    rows = tuple(
        (pair.view.schema.features[one].label, float(relied.own.values[one]), float(relied.rival.values[one]))
        for one in relied.own.ranked()
    )
    return Table(columns=("feature", "this model", pair.name), rows=rows, note=relied.own.estimand)
