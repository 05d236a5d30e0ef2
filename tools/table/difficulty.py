"""Whether a case is a hard one: how close the model's call is, how mixed its company, how often it errs nearby."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from askwhy.tools.engines.honest import Near, foretelling, near_errors
from askwhy.tools.engines.neighbours import company, own_position, training
from askwhy.tools.engines.truth import SMALL_N, actual_values
from askwhy.tools.evidence import Caveat, DerivedFact, Evidence, Fact, Quality
from askwhy.tools.registry import tool
from askwhy.tools.table.likelihood import leads
from askwhy.tools.view import View


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "table",
    asks=(
        "is {row} a hard case?",
        "is {row} an easy case?",
        "how difficult is {row} for the model?",
        "is {row} hard to predict?",
        "was {row} a clear case?",
        "how hard is it to get {row} right?",
        "would a new {entity} with {feature} {number} be a hard case?",
    ),
    says=(
        "The model predicts {prediction} for {row}, with a probability of {probability}.",
        "Next comes {runner_up.cls} with {runner_up}, so the lead is {margin}.",
        "The lead is smaller, so the call is harder, for {closer_share} of {compared:entities} with a known truth.",
        "The model predicts {estimate} for {row}.",
        "Of the {training_neighbours} training {entities} most like it, {disagreeing} {disagreeing:one is/are} truly "
        "of another class than {disagreeing.cls}, which is {disagreement}.",
        "The true values of the {training_neighbours} training {entities} most like it have a standard deviation of "
        "{local_spread}, against {spread} over all.",
        "The model is wrong about {near_wrong} of the {near} held-out {entities} most like it, which is {near_error}, "
        "against {overall_error} of all held-out {entities}.",
        "The model is wrong about {near_wrong} of the {near_all} {entities} most like it, which is {near_error}, "
        "against {overall_error} of all {entities}.",
        "On the {near} held-out {entities} most like it, predictions are off by {near_off} on average, "
        "against {overall_off} on all held-out {entities}.",
        "On the {near_all} {entities} most like it, predictions are off by {near_off} on average, "
        "against {overall_off} on all {entities}.",
    ),
)
def difficulty(view: View) -> Evidence:
    """Whether one row is a hard case: the model's lead, how far similar training rows disagree in truth, and how
    often the model errs on similar held-out rows, each beside what is usual."""
    near = near_errors(view)
    quality, caveats = [near.quality], list(near.caveats)
    facts = [*_call(view, near), *_disagreement(view), *near_facts(view, near)]
    if not view.subject.regression:
        ahead = leads(near.found.outputs)
        quality.append(foretelling(-ahead, near.errors, view.rng, "small leads"))
        caveats += _unforetold(quality)
    return Evidence(
        facts=tuple(facts),
        method="lead, disagreeing neighbours (kDN: Smith, Martinez & Giraud-Carrier 2014), held-out errors nearby",
        estimand="how hard such cases have been",
        quality=tuple(quality),
        caveats=tuple(caveats),
    )


def _unforetold(quality: list[Quality]) -> Iterator[Caveat]:
    if not quality[-1].passed:
        text = "On this data, a small lead could not be shown to go with more mistakes."
        yield Caveat(flag="weak_lead", text=text)


def _call(view: View, near: Near) -> Iterator[Fact]:
    """The prediction and, for classes, how its lead compares."""
    if view.subject.regression:
        yield Fact(relation="estimate", value=float(view.outputs[0, 0]), unit="output", row=view.row_id)
        return
    yield from lead_facts(view)
    lead = float(leads(view.outputs)[0])
    closer = float((leads(near.found.outputs) < lead - 1e-12).mean())
    yield Fact(relation="closer_share", value=closer, unit="share")
    yield Fact(relation="compared", value=len(near.found.rows), unit="count")


def lead_facts(view: View) -> Iterator[Fact]:
    """The predicted class, its probability and its lead over the next."""
    order = np.argsort(-view.outputs[0], kind="stable")
    first, second = (view.schema.classes[int(one)] for one in order[:2])
    yield Fact(relation="prediction", value=first.name, unit="class", cls=first.name, row=view.row_id)
    for relation, label in {"probability": first, "runner_up": second}.items():
        chance = float(view.output_of(view.outputs, label)[0])
        yield Fact(id=relation, relation=relation, value=chance, unit="probability", cls=label.name, row=view.row_id)
    yield DerivedFact(
        id="lead",
        relation="margin",
        value=float(leads(view.outputs)[0]),
        unit="points",
        cls=first.name,
        row=view.row_id,
        formula="difference",
        sources=("probability", "runner_up"),
    )


def _disagreement(view: View) -> Iterator[Fact]:
    """How mixed the truth is among the nearest training rows: kDN for classes, the spread for numbers."""
    subject = view.subject
    assert subject.target is not None  # near_errors has refused otherwise
    truth = actual_values(view.schema, subject.target)
    known = np.isfinite(truth) if subject.regression else truth >= 0
    inside = company(view, training(subject) & known).without(own_position(view))
    if len(inside) < 4:
        return
    places, _ = inside.nearest(inside.space.encode(view.rows)[0], min(SMALL_N, len(inside) // 4))
    around = truth[inside.positions[places]]
    if subject.regression and len(places) < 3:
        return
    yield Fact(relation="training_neighbours", value=len(places), unit="count")
    if subject.regression:
        yield Fact(relation="local_spread", value=float(around.std(ddof=1)), unit="output")
        yield Fact(relation="spread", value=float(truth[inside.positions].std(ddof=1)), unit="output")
        return
    label = view.predicted()
    other = around != view.schema.classes.index(label)
    yield Fact(relation="disagreeing", value=int(other.sum()), unit="count", cls=label.name)
    yield Fact(relation="disagreement", value=float(other.mean()), unit="share", cls=label.name)


def near_facts(view: View, near: Near) -> Iterator[Fact]:
    """The errors of the held-out rows most like the instance, with their interval, beside those of all."""
    regression, rate = view.subject.regression, near.rate
    unit = "output" if regression else "share"
    name, whole = ("near_off", "overall_off") if regression else ("near_error", "overall_error")
    yield Fact(relation="near" if near.found.marked else "near_all", value=len(near.places), unit="count")
    if not regression:
        yield Fact(relation="near_wrong", value=int(near.near.sum()), unit="count")
    yield Fact(relation=name, value=rate.value, unit=unit)
    yield Fact(relation=whole, value=float(near.errors.mean()), unit=unit)
    if np.isfinite(rate.low) and rate.low < rate.high:
        yield Fact(relation="near_low", value=rate.low, unit=unit)
        yield Fact(relation="near_high", value=rate.high, unit=unit)
