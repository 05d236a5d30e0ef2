"""What speaks for and against trusting a prediction, measured; the judgement is left to the person."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from askwhy.tools.engines.honest import Near, foretelling, near_errors
from askwhy.tools.engines.metrics import LEVEL
from askwhy.tools.engines.neighbours import UNUSUAL, own_position, usual
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact
from askwhy.tools.registry import tool
from askwhy.tools.table.difficulty import lead_facts, near_facts
from askwhy.tools.table.likelihood import leads
from askwhy.tools.view import View


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "table",
    asks=(
        "should I trust this prediction?",
        "should I trust the prediction for {row}?",
        "can I trust the prediction for {row}?",
        "can I rely on what the model says about {row}?",
        "how reliable is the prediction for {row}?",
        "how trustworthy is the decision on {row}?",
        "how often is the model wrong about cases like {row}?",
        "what speaks against trusting the prediction for {row}?",
    ),
    says=(
        "Whether to trust it is for you to decide; this is what was measured.",
        "The model predicts {prediction} for {row}, with a probability of {probability}.",
        "The model predicts {estimate} for {row}.",
        "It is wrong about {near_wrong} of the {near} held-out {entities} most like it: {near_error}, with a {level} "
        "interval from {near_low} to {near_high}, against {overall_error} of all held-out {entities}.",
        "It is wrong about {near_wrong} of the {near_all} {entities} most like it: {near_error}, with a {level} "
        "interval from {near_low} to {near_high}, against {overall_error} of all {entities}.",
        "On the {near} held-out {entities} most like it, predictions are off by {near_off} on average, with a {level} "
        "interval from {near_low} to {near_high}, against {overall_off} on all held-out {entities}.",
        "On the {near_all} {entities} most like it, predictions are off by {near_off} on average, with a {level} "
        "interval from {near_low} to {near_high}, against {overall_off} on all {entities}.",
        "Next comes {runner_up.cls} with {runner_up}, so the lead is {margin}, larger than for {closer_share} of "
        "{compared:entities} with a known truth.",
        "It is further from its nearest training {entities} than {further_share} of {reference:entities} are from "
        "theirs.",
        "That makes it unusual: from {limit} on, a {entity} counts as unlike the data the model was trained on.",
    ),
)
def trust(view: View) -> Evidence:
    """What speaks for and against trusting one prediction: errors on similar held-out rows, the lead over the next
    class, and whether the row is like the training data. It gives no yes or no."""
    near = near_errors(view)
    quality, caveats = [near.quality], list(near.caveats)
    facts = [*_prediction(view), *near_facts(view, near), Fact(relation="level", value=LEVEL, unit="share")]
    if not view.subject.regression:
        facts += _lead(view, near)
        quality.append(foretelling(-leads(near.found.outputs), near.errors, view.rng, "small leads"))
    facts += likeness(view)
    if view.subject.predictor.hard:
        text = "The model gives no probabilities, only classes, so its lead means nothing."
        caveats.append(Caveat(flag="no_probabilities", text=text))
    return Evidence(
        facts=tuple(facts),
        method="errors on the most similar held-out rows (Gower 1971), lead over the next class, distance to the data",
        estimand="how reliable the model has been on cases like this one",
        quality=tuple(quality),
        caveats=tuple(caveats),
    )


def _prediction(view: View) -> Iterator[Fact]:
    if view.subject.regression:
        yield Fact(relation="estimate", value=float(view.outputs[0, 0]), unit="output", row=view.row_id)
    else:
        yield from lead_facts(view)


def _lead(view: View, near: Near) -> list[Fact]:
    every = leads(near.found.outputs)
    closer = float((every < leads(view.outputs)[0] - 1e-12).mean())
    return [
        Fact(relation="closer_share", value=closer, unit="share"),
        Fact(relation="compared", value=len(every), unit="count"),
    ]


def likeness(view: View) -> list[Fact]:
    """How far the instance is from the training rows, beside what is usual; nothing where there are too few of them."""
    try:
        known = usual(view)
    except ToolError:
        return []
    own = own_position(view)
    far = known.far(known.company.space.encode(view.rows), np.array([-1 if own is None else own]))
    share = float(known.shares(far)[0])
    facts = [
        Fact(relation="further_share", value=share, unit="share", row=view.row_id),
        Fact(relation="reference", value=len(known.own), unit="count"),
    ]
    if share >= UNUSUAL:
        facts.append(Fact(relation="limit", value=UNUSUAL, unit="share", row=view.row_id))
    return facts
