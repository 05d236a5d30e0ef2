"""How good the model is on rows it was not trained on."""

from __future__ import annotations

from typing import Literal

import numpy as np

from askwhy.tools.engines import metrics
from askwhy.tools.engines.truth import SMALL_N, Scored, scored
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Series, Table, Unit
from askwhy.tools.registry import ClassName, ask, tool
from askwhy.tools.view import View

Metric = Literal[
    "accuracy", "balanced_accuracy", "precision", "recall", "sensitivity", "specificity", "f1", "roc_auc", "ppv", "npv",
    "log_loss", "brier", "confusion", "rmse", "mae", "r2",
]  # fmt: skip

_SAME = {"sensitivity": "recall", "ppv": "precision"}
MEASURE_WORDS: dict[str, tuple[str, Unit]] = {
    "accuracy": ("accuracy", "share"),
    "balanced_accuracy": ("balanced accuracy", "share"),
    "precision": ("precision", "share"),
    "ppv": ("positive predictive value", "share"),
    "npv": ("negative predictive value", "share"),
    "recall": ("recall", "share"),
    "sensitivity": ("sensitivity", "share"),
    "specificity": ("specificity", "share"),
    "f1": ("F1 score", "score"),
    "roc_auc": ("area under the ROC curve", "score"),
    "log_loss": ("log loss", "score"),
    "brier": ("Brier score", "score"),
    "rmse": ("root mean squared error", "output"),
    "mae": ("mean absolute error", "output"),
    "r2": ("R²", "score"),
}
"""What a measure is called, and its unit."""

REGRESSION = ("rmse", "mae", "r2")
NEEDS_PROBABILITIES = ("roc_auc", "log_loss", "brier")


@tool(
    audit="How well it does",
    asks=(
        "how good is the model?",
        "how well does the model perform?",
        "how accurate is the model for {entities} with {subset}?",
        "can I trust the model?",
        ask("what is the accuracy?", metric="accuracy"),
        ask("how often is the model right?", metric="accuracy"),
        ask("how accurate is the model on {entities} with {feature} {category}?", metric="accuracy"),
        ask("what is the balanced accuracy?", metric="balanced_accuracy"),
        ask("what is the precision for {class}?", metric="precision"),
        ask("what is the recall for {class}?", metric="recall"),
        ask("how many of the {class} does it find?", metric="recall"),
        ask("what is the sensitivity?", metric="sensitivity"),
        ask("what is the specificity?", metric="specificity"),
        ask("what is the f1 score?", metric="f1"),
        ask("what is the AUC?", metric="roc_auc"),
        ask("what is the positive predictive value?", metric="ppv"),
        ask("what is the negative predictive value?", metric="npv"),
        ask("what is the log loss?", metric="log_loss"),
        ask("what is the brier score?", metric="brier"),
        ask("show the confusion matrix", metric="confusion"),
        ask("what is the RMSE?", metric="rmse"),
        ask("how far off are the predictions on average?", metric="mae"),
        ask("what is the r squared?", metric="r2"),
    ),
    says=(
        (
            "Over {held_out:entities}{scope}, held out from training, the {score.group} is {score}, with a {level} "
            "interval from {score_low} to {score_high}.",
            "The {score.group} is {score} over {held_out:entities}{scope}, held out from training, with a {level} "
            "interval from {score_low} to {score_high}.",
        ),
        (
            "Over {scored:entities}{scope}, the {score.group} is {score}, with a {level} interval from {score_low} to "
            "{score_high}.",
            "The {score.group} is {score} over {scored:entities}{scope}, with a {level} interval from {score_low} to "
            "{score_high}.",
        ),
        "Over {held_out:entities}{scope}, held out from training, the {bare_score.group} is {bare_score}.",
        "Over {scored:entities}{scope}, the {bare_score.group} is {bare_score}.",
        "The model is right for {right} of them; always saying {baseline.cls} would be right for {baseline}.",
        "The positive class is {positive}.",
        "It is the plain mean over {averaged} classes: [class_score*: {value} for {cls}].",
        "The other measures: [also*: {group} {value}].",
        "Over {held_out:entities}{scope}, held out from training, the counts are [confusion*: {value} {group} and "
        "predicted {cls}].",
        "Over {scored:entities}{scope}, the counts are [confusion*: {value} {group} and predicted {cls}].",
    ),
)
def score(view: View, metric: Metric | None = None, cls: ClassName | None = None) -> Evidence:
    """How good the model is on held-out rows: accuracy, precision, recall, AUC, RMSE and others, with a 95% interval.
    `cls` is the positive class of precision, recall, specificity, F1 and predictive values."""
    _check(view, metric)
    found = scored(view)
    name = metric or ("mae" if view.subject.regression else "accuracy")
    facts = [found.count_fact()]
    if name == "confusion":
        return _confusion(view, found)
    one = _positive(view, name, cls)
    main = metrics.measure(_SAME.get(name, name), found.actual, found.outputs, one, view.rng)
    facts += _score_facts(view, name, main, one)
    facts += _company(view, name, found, one)
    if metric is None:
        facts += _also(view, found, name)
    table = None if view.subject.regression else _table(view, found)
    return Evidence(
        facts=tuple(facts),
        method=f"{MEASURE_WORDS[name][0]}, {main.interval} interval",
        caveats=(*found.caveats, *_few(view, found, name, main)),
        table=table,
    )


def _check(view: View, metric: str | None) -> None:
    if metric is None:
        return
    if (metric in REGRESSION) != view.subject.regression:
        fit = "rmse, mae or r2" if view.subject.regression else "accuracy, precision, recall, f1 or roc_auc"
        what = "predicts a number" if view.subject.regression else "predicts classes"
        raise ToolError(f"This model {what}, so it has no {metric.replace('_', ' ')}; ask for {fit}.")
    if view.subject.predictor.hard and metric in NEEDS_PROBABILITIES:
        raise ToolError(f"The model gives no probabilities, so it has no {metric.replace('_', ' ')}.")


def _positive(view: View, name: str, cls: str | None) -> int | None:
    """The positive class's position; None where every class counts alike."""
    if _SAME.get(name, name) not in metrics.FRACTIONS:
        return None
    label = view.schema.explained if cls is None else view.schema.class_label(cls)
    return None if label is None else view.schema.classes.index(label)


def _score_facts(view: View, name: str, main: metrics.Score, one: int | None) -> list[Fact]:
    words, unit = MEASURE_WORDS[name]
    cls = None if one is None else view.schema.classes[one].name
    # A bootstrap of rows that all agree has no width; calling that an interval would claim certainty.
    ranged = bool(np.isfinite(main.low) and np.isfinite(main.high) and main.low < main.high)
    relation = "score" if ranged else "bare_score"
    facts = [Fact(relation=relation, value=float(main.value), unit=unit, group=words, cls=cls)]
    if ranged:
        facts += [
            Fact(relation="score_low", value=main.low, unit=unit, group=words, cls=cls),
            Fact(relation="score_high", value=main.high, unit=unit, group=words, cls=cls),
            Fact(relation="level", value=metrics.LEVEL, unit="share"),
        ]
    if cls is not None:
        facts.append(Fact(relation="positive", value=cls, unit="class", cls=cls))
    return facts


def _company(view: View, name: str, found: Scored, one: int | None) -> list[Fact]:
    """What puts the score into proportion."""
    classes = view.schema.classes
    if name == "accuracy":
        counts = np.bincount(found.actual, minlength=len(classes))
        top = int(counts.argmax())
        return [
            Fact(relation="right", value=int((~found.wrong).sum()), unit="count"),
            Fact(relation="baseline", value=float(counts[top] / counts.sum()), unit="share", cls=classes[top].name),
        ]
    metric = _SAME.get(name, name)
    if one is not None or metric not in metrics.FRACTIONS:
        return []
    table = metrics.confusion(found.actual, found.predicted, len(classes))
    present = [i for i in range(len(classes)) if table[i].sum() + table[:, i].sum()]
    unit = MEASURE_WORDS[name][1]
    each = [(classes[i].name, metrics.of_class(metric, table, i)) for i in present]
    return [
        Fact(relation="averaged", value=len(present), unit="count"),
        *(Fact(relation="class_score", value=float(np.nan_to_num(value)), unit=unit, cls=cls) for cls, value in each),
    ]


def _also(view: View, found: Scored, name: str) -> list[Fact]:
    """The company that the first metric usually keeps, where it is defined on these rows."""
    others = REGRESSION if view.subject.regression else ("balanced_accuracy", "roc_auc")
    facts = []
    for other in others:
        if other == name or (view.subject.predictor.hard and other in NEEDS_PROBABILITIES):
            continue
        value = metrics.WHOLE[other](found.actual, found.outputs)
        if np.isfinite(value):
            words, unit = MEASURE_WORDS[other]
            facts.append(Fact(relation="also", value=value, unit=unit, group=words))
    return facts


def _confusion(view: View, found: Scored) -> Evidence:
    classes = view.schema.classes
    table = metrics.confusion(found.actual, found.predicted, len(classes))
    facts = [found.count_fact()]
    for i, actual in enumerate(classes):
        for j, predicted in enumerate(classes):
            facts.append(
                Fact(
                    relation="confusion",
                    value=int(table[i, j]),
                    unit="count",
                    cls=predicted.name,
                    group=f"truly {actual.label}",
                )
            )
    names = tuple(label.label for label in classes)
    rows = tuple(
        Series(name=label.label, x=names, y=tuple(float(n) for n in table[i])) for i, label in enumerate(classes)
    )
    figure = Figure(kind="matrix", title="Confusion matrix", x_label="predicted", y_label="truth", series=rows)
    return Evidence(
        facts=tuple(facts), method="confusion matrix", caveats=found.caveats, figure=figure, table=_table(view, found)
    )


def _table(view: View, found: Scored) -> Table:
    classes = view.schema.classes
    table = metrics.confusion(found.actual, found.predicted, len(classes))
    columns = ("truth", *(f"predicted {label.label}" for label in classes))
    rows = tuple((label.label, *(int(n) for n in table[i])) for i, label in enumerate(classes))
    return Table(columns=columns, rows=rows, note="counts of rows")


def _few(view: View, found: Scored, name: str, main: metrics.Score) -> tuple[Caveat, ...]:
    """A warning where the score's denominator is small although there are rows enough."""
    if main.basis >= SMALL_N or len(found.rows) < SMALL_N:
        return ()
    noun = view.schema.entity if main.basis == 1 else view.schema.entities
    text = f"The {MEASURE_WORDS[name][0]} rests on only {main.basis} {noun}, so it is very uncertain."
    return (Caveat(flag="small_n", text=text),)
