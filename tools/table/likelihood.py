"""How likely a class is, how sure the model is, and how close it came to saying something else."""

from __future__ import annotations

import numpy as np

from askwhy.tools.engines.truth import Array, actual_values
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, DerivedFact, Evidence, Fact
from askwhy.tools.predictor import Outputs
from askwhy.tools.registry import ClassName, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.view import View

COVERAGE = 0.9
"""Share of the held-out rows, at least, that the stated error of a regression covers."""


@tool(
    asks=(
        "how sure are you about {row}?",
        "how certain is the prediction for {row}?",
        "how confident is the model about {row}?",
        "how likely is {row} to be {class}?",
        "what is the probability of {class} for {row}?",
        "what are the chances that {row} is {class}?",
        "what are the probabilities for {row}?",
        "how close is {row} to the decision boundary?",
        "how close was it for {row}?",
        "was {row} a borderline case?",
        "what is the average probability of {class} for {entities} with {subset}?",
        "how likely is {class} on average?",
        "how likely is {class} among {entities} with {feature} {category}?",
        "how sure is the model in general?",
        "what is the score of {row}?",
    ),
    says=(
        (
            "The probability that {row} is {probability.cls} is {probability}, and that is what the model predicts.",
            "The model predicts {probability.cls} for {row}, with a probability of {probability}.",
        ),
        "The probability that {row} is {other_probability.cls} is {other_probability}; the model predicts "
        "{prediction} instead.",
        "Next comes {runner_up.cls} with {runner_up}, so the lead is {margin}.",
        "The lead over {runner_up_plain.cls} is {margin}.",
        "Of all {compared:entities}, {closer_share} have a smaller lead.",
        "On average over {total:entities}{scope}, the probability of {mean_probability.cls} is {mean_probability}, "
        "ranging from {low_probability} to {high_probability}.",
        "Averaged over {total:entities}{scope}, the probabilities are [class_mean*: {value} for {cls}].",
        "The model predicts {estimate} for {row}.",
        "On {checked} held-out {entities}, predictions are off by {typical_error} on average, and {coverage} of them "
        "are within "
        "{error_bound} of the truth.",
        "On all {checked_all:entities}, predictions are off by {typical_error} on average, and {coverage} of them "
        "are within "
        "{error_bound} of the truth.",
    ),
)
def likelihood(view: View, cls: ClassName | None = None) -> Evidence:
    """How sure the model is: the probability of a class (default: the predicted one) for a row and its lead over the
    next class, or the mean probability over many rows; for a regression, how far predictions usually are off."""
    caveats: tuple[Caveat, ...] = ()
    if view.subject.regression:
        facts, caveats = _errors(view)
    elif view.scope.has_instance:
        facts = _one(view, cls)
    else:
        facts = _many(view, cls)
    if view.subject.predictor.hard:
        text = "The model gives no probabilities, only classes, so 100% only means that it chose this class."
        caveats = (*caveats, Caveat(flag="no_probabilities", text=text))
    return Evidence(facts=tuple(facts), method="direct evaluation", estimand="model output", caveats=caveats)


def _one(view: View, cls: str | None) -> list[Fact]:
    row, chosen = view.row_id, view.predicted()
    wanted = chosen if cls is None else view.schema.class_label(cls)
    order = np.argsort(-view.outputs[0], kind="stable")
    first, second = (view.schema.classes[int(one)] for one in order[:2])
    facts = (
        []
        if wanted == chosen
        else [Fact(relation="prediction", value=chosen.name, unit="class", cls=chosen.name, row=row)]
    )
    said = "probability" if wanted == chosen else "other_probability"
    facts.append(_chance(view, said, wanted, said))
    if wanted != first:
        facts.append(_chance(view, "top_probability", first, "top"))
    relation = "runner_up" if wanted == chosen else "runner_up_plain"
    facts.append(_chance(view, relation, second, "second"))
    lead = float(view.outputs[0, order[0]] - view.outputs[0, order[1]])
    sources = (said if wanted == first else "top", "second")
    facts.append(
        DerivedFact(
            id="lead",
            relation="margin",
            value=lead,
            unit="points",
            cls=first.name,
            row=row,
            formula="difference",
            sources=sources,
        )
    )
    return facts + _compared(view, lead)


def _chance(view: View, relation: str, label: ClassLabel, name: str) -> Fact:
    chance = float(view.output_of(view.outputs, label)[0])
    return Fact(id=name, relation=relation, value=chance, unit="probability", cls=label.name, row=view.row_id)


def _compared(view: View, lead: float) -> list[Fact]:
    """How usual such a lead is in the data: a measured stand-in for words such as "borderline"."""
    every = leads(view.evaluate.all_outputs(view.subject))
    share = float((every < lead - 1e-12).mean()) if len(every) else 0.0
    return [
        Fact(relation="closer_share", value=share, unit="share"),
        Fact(relation="compared", value=len(every), unit="count"),
    ]


def leads(outputs: Outputs) -> Array:
    """The lead of the most likely class over the next, row by row."""
    ordered = np.sort(outputs, axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2])


def _many(view: View, cls: str | None) -> list[Fact]:
    facts = [Fact(relation="total", value=len(view.rows), unit="count")]
    label = view.explained_class(cls)
    if label is None:
        means = view.outputs.mean(axis=0)
        return facts + [
            Fact(relation="class_mean", value=float(mean), unit="probability", cls=one.name)
            for one, mean in zip(view.schema.classes, means, strict=True)
        ]
    chances = view.output_of(view.outputs, label)
    named = {"mean_probability": chances.mean(), "low_probability": chances.min(), "high_probability": chances.max()}
    return facts + [
        Fact(relation=name, value=float(value), unit="probability", cls=label.name) for name, value in named.items()
    ]


def _errors(view: View) -> tuple[list[Fact], tuple[Caveat, ...]]:
    """How far a regression is off where the truth is known: the only honest measure of its certainty here."""
    subject = view.subject
    if subject.target is None:
        raise ToolError("This model gives no probabilities, and without true values its errors cannot be measured.")
    actual = actual_values(view.schema, subject.target)
    marked = bool(subject.held_out.any())
    use = np.isfinite(actual) & (subject.held_out if marked else True)
    if not use.any():
        raise ToolError("This model gives no probabilities, and no held-out true values to measure its errors on.")
    off = np.abs(view.evaluate.all_outputs(subject)[use, 0] - actual[use])
    bound = float(np.quantile(off, COVERAGE, method="higher"))
    facts = []
    if view.scope.has_instance:
        facts.append(Fact(relation="estimate", value=float(view.outputs[0, 0]), unit="output", row=view.row_id))
    facts += [
        Fact(relation="checked" if marked else "checked_all", value=int(use.sum()), unit="count"),
        Fact(relation="typical_error", value=float(off.mean()), unit="output"),
        Fact(relation="error_bound", value=bound, unit="output"),
        Fact(relation="coverage", value=float((off <= bound).mean()), unit="share"),
    ]
    text = "Nothing marks held-out rows; if the model was trained on these, its real errors are larger."
    return facts, () if marked else (Caveat(flag="no_held_out", text=text),)
