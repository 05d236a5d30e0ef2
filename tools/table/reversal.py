"""Whether outputs, or labels, go the wrong way in one group."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from askwhy.tools.engines.flaws import Known, group_flaw, known_rows
from askwhy.tools.engines.reversals import ELSEWHERE, Reversed, reversed_group
from askwhy.tools.engines.second_opinion import numbers_of, out_of_fold, thinned, thinned_caveat
from askwhy.tools.engines.truth import Array, none_held_out
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality
from askwhy.tools.registry import tool
from askwhy.tools.view import View


@tool(
    needs="any",
    fits=lambda schema: schema.modality == "table",
    audit="Groups",
    asks=(
        "is there a group for which it gets everything backwards?",
        "is the model systematically wrong for one group?",
        "are the labels flipped for some group?",
        "is the relation reversed for any group of {entities}?",
        "does the model have it the wrong way round for some {entities}?",
        "is there a reversed subgroup?",
        "were the labels swapped anywhere?",
    ),
    says=(
        "For {entities} with {flaw.group} the model has it the wrong way round, which is a {flaw}: within these "
        "{model_rows:entities} its outputs and the truth have a rank correlation of {model_inside}, against "
        "{model_outside} elsewhere.",
        "For {entities} with {flaw.group} the labels go the other way, which is a {flaw}: within these "
        "{label_rows:entities} what a second model expects of them and the truth have a rank correlation of "
        "{label_inside}, against {label_outside} elsewhere.",
        "No group was found in which the outputs or the labels go the wrong way: {tried} groups of one or two "
        "conditions were compared over {judged:entities}{scope} and the training {entities}.",
        "A reversed group would be one of enough {entities} in which the correlation is surely below zero, where it is "
        "at least {least} elsewhere.",
    ),
)
def reversal(view: View) -> Evidence:
    """Whether there is a group in which the relation is reversed: the model has it the wrong way round there, or the
    labels of training rows contradict what holds for all others (labels flipped for one category, say)."""
    known = known_rows(view)
    trained, judged = thinned(known.trained, view.rng), thinned(known.judged, view.rng)
    outputs = view.evaluate.all_outputs(view.subject)
    model, tried = _found(view, known, judged, outputs[judged])
    expected = _expected(view, known, trained)
    labels, more = _found(view, known, trained, expected)
    facts = list(_facts(view, known, judged, outputs[judged], "model", model)) if model else []
    if labels and not model:
        facts = list(_facts(view, known, trained, expected, "label", labels))
    if not facts:
        facts = [
            Fact(relation="tried", value=tried + more, unit="count"),
            Fact(relation="judged", value=len(judged), unit="count"),
            Fact(relation="least", value=ELSEWHERE, unit="score"),
        ]
    return Evidence(
        facts=tuple(facts),
        method="rank correlation of outputs with the truth within every group of one or two conditions, permutation z "
        "with Bonferroni's correction; for labels, outputs of a second model out of fold",
        estimand="correlation of outputs with the truth within a group",
        quality=tuple(_quality(model or labels)),
        caveats=(
            *(() if len(known.tested) else (none_held_out(view),)),
            *_caveats(model, labels),
            *thinned_caveat(max(len(known.trained), len(known.judged)), view.schema.entities),
        ),
    )


def _expected(view: View, known: Known, rows: Array) -> Array:
    read, _ = numbers_of(view.schema, view.subject.data.iloc[rows])
    return out_of_fold(read, known.actual[rows], len(view.schema.classes), "smooth", view.rng)


def _found(view: View, known: Known, rows: Array, outputs: Array) -> tuple[Reversed | None, int]:
    return reversed_group(view.schema, view.subject.data.iloc[rows], outputs, known.actual[rows])


def _facts(view: View, known: Known, rows: Array, outputs: Array, source: str, found: Reversed) -> Iterator[Fact]:
    actual = known.actual[rows]
    number = not view.schema.classes
    event = np.abs(outputs[:, 0] - actual) if number else (outputs.argmax(axis=1) != actual).astype(float)
    accused = list(group_flaw("reversal", found.rule, view.subject.data.iloc[rows], event))
    yield from accused
    group = accused[0].group
    yield Fact(relation=f"{source}_rows", value=found.rows, unit="count", group=group)
    yield Fact(relation=f"{source}_inside", value=found.inside, unit="score", group=group)
    yield Fact(relation=f"{source}_outside", value=found.outside, unit="score")


def _quality(found: Reversed | None) -> Iterator[Quality]:
    if found is not None:
        yield Quality(check="C10", value=found.z, passed=True, note="permutation z of the correlation in the group")


def _caveats(model: Reversed | None, labels: Reversed | None) -> Iterator[Caveat]:
    if labels is not None and model is None:
        text = "A relation that is honestly the other way round in this group looks the same as flipped labels."
        yield Caveat(flag="honest_reversal", text=text)
