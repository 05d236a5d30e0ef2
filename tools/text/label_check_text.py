"""Whether labels of texts are wrong, and for what kind of texts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from askwhy.tools.engines.doubtful import confident
from askwhy.tools.engines.flaws import flaw, known_rows
from askwhy.tools.engines.second_opinion import thinned, thinned_caveat
from askwhy.tools.engines.text_second import OddTexts, odd_texts, text_opinion
from askwhy.tools.engines.text_vectors import texts_of
from askwhy.tools.engines.truth import Array
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality, Table
from askwhy.tools.registry import tool
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

_NAMED, _SHOWN = 5, 30


@tool(
    needs="any",
    fits=lambda schema: schema.modality == "text" and bool(schema.classes),
    audit="Labels",
    asks=(
        "are some labels wrong?",
        "which {entities} have a wrong label?",
        "is there label noise?",
        "are there mislabelled {entities}?",
        "for what kind of {entities} are the labels wrong?",
        "can the labels be trusted?",
        "find labelling errors",
    ),
    says=(
        "Labels look wrong for {entities} with {noise_inside.group}, which is {flaw}: there the labels contradict a "
        "second model for {noise_inside} of {noise_rows:entities}, against {noise_outside} elsewhere.",
        "Labels look swapped for {entities} with {swap_inside.group}, which is a {flaw}: there the labels contradict a "
        "second model for {swap_inside} of {swap_rows:entities}, against {swap_outside} elsewhere.",
        "Of {checked_labels:entities}{scope}, {doubtful} have a label that a second model confidently contradicts.",
        "The most doubtful are: [doubt*: {row}].",
        "No kind of {entities} was found in which wrong labels are more than close cases explain; {tried} words, "
        "phrases, lengths and signs were compared.",
    ),
)
def label_check_text(view: View) -> Evidence:
    """Whether some labels of texts are wrong: which of them a second model confidently contradicts, and for what kind
    of texts (words, phrases, lengths, signs) they are more than elsewhere. On training texts."""
    known = known_rows(view)
    rows = thinned(known.trained, view.rng)
    actual, texts = known.actual[rows], texts_of(view.subject.data.iloc[rows])
    opinion = text_opinion(texts, actual, len(view.schema.classes), view.rng)
    errors = (opinion.argmax(axis=1) != actual).astype(float)
    odd, (doubtful, suggested) = odd_texts(texts, errors, opinion), confident(opinion, actual)
    doubt = opinion.max(axis=1) - opinion[np.arange(len(actual)), actual]
    order = _order(doubtful, doubt)
    return Evidence(
        facts=(
            *_odd_facts(odd),
            Fact(relation="checked_labels", value=len(rows), unit="count"),
            Fact(relation="doubtful", value=int(doubtful.sum()), unit="count"),
            *_named(view, rows, order),
        ),
        method="confident learning (Northcutt et al. 2021) with a regression on words out of fold; excess of "
        "contradicted labels among texts with each pattern, z-test with Bonferroni's correction",
        estimand="labels that the texts contradict, beyond what close cases explain",
        quality=tuple(_quality(odd)),
        caveats=(*_caveats(doubtful), *thinned_caveat(len(known.trained), view.schema.entities)),
        table=_table(view, rows, actual, suggested, doubt, order),
    )


def _odd_facts(odd: OddTexts) -> Iterator[Fact]:
    region, pattern = odd.region, odd.pattern
    if region is None or pattern is None:
        yield Fact(relation="tried", value=odd.tried, unit="count")
        return
    yield flaw("reversal" if region.turned else "label noise", None, pattern.words)
    kind = "swap" if region.turned else "noise"
    yield Fact(relation=f"{kind}_rows", value=region.rows, unit="count", group=pattern.words)
    yield Fact(relation=f"{kind}_inside", value=region.inside, unit="share", group=pattern.words)
    yield Fact(relation=f"{kind}_outside", value=region.outside, unit="share")


def _order(doubtful: Mask, doubt: Array) -> list[int]:
    places = np.flatnonzero(doubtful)
    return [int(one) for one in places[np.argsort(-doubt[places], kind="stable")]]


def _named(view: View, rows: Array, order: list[int]) -> Iterator[Fact]:
    for rank, place in enumerate(order[:_NAMED], 1):
        row = view.subject.row_ids[rows[place]]
        yield Fact(relation="doubt", value=row, unit="id", row=row, rank=rank)


def _quality(odd: OddTexts) -> Iterator[Quality]:
    if odd.region is not None:
        note = "standard errors of the excess of contradicted labels"
        yield Quality(check="C10", value=odd.region.z, passed=True, note=note)


def _caveats(doubtful: Mask) -> Iterator[Caveat]:
    if doubtful.any():
        text = "A doubtful label may be right: an unusual text, or one that words alone do not explain, looks the same."
        yield Caveat(flag="doubt", text=text)


def _table(view: View, rows: Array, actual: Array, suggested: Array, doubt: Array, order: list[int]) -> Table:
    labels = [one.label for one in view.schema.classes]
    cells = tuple(
        (view.subject.row_ids[rows[i]], labels[actual[i]], labels[suggested[i]], float(doubt[i]))
        for i in order[:_SHOWN]
    )
    columns = (view.schema.entity, "true value", "expected by a second model", "doubt")
    return Table(columns=columns, rows=cells, note="doubt: difference of probabilities")
