"""For what kind of texts the model is wrong more often than elsewhere, tested on texts the search did not see."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from askwhy.tools.engines.flaws import flaw
from askwhy.tools.engines.metrics import LEVEL
from askwhy.tools.engines.subgroups import newcombe
from askwhy.tools.engines.text_patterns import FALSE_DISCOVERIES, Described, Description, describe
from askwhy.tools.engines.text_second import enough, odd_texts, text_opinion
from askwhy.tools.engines.text_vectors import texts_of
from askwhy.tools.engines.truth import Scored, scored
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence, Fact, Quality, Table
from askwhy.tools.registry import Says, tool
from askwhy.tools.view import View

_FEWEST_ROWS = 20
_MOST = 3

_SAYS: Says = (
    "The model fails most on texts with {slice_rate.group}: it is wrong about {slice_wrong} of {slice_rows:entities}, "
    "which is {slice_rate}, against {rest_rate} of the others.",
    "The difference is {slice_gap:size}, with a {level} interval from {gap_low} to {gap_high}.",
    "Also more often wrong than elsewhere: [other_slice*: texts with {group} ({value})].",
    "Among {entities}{scope}, no kind of text was found with more mistakes than chance allows: none of the "
    "{none_of_tested} patterns tested on {confirmed:entities} that the search had not seen held up.",
    "This holds for {confirmed:entities} that the search had not seen; {tested} patterns were tested on them.",
    "With {region_rate.group}, mistakes are more than close cases explain, which is a {flaw}: the model is wrong about "
    "{region_rate} of {region_rows:entities}, where {region_expected} were to be expected.",
    "No weak region was found: for none of {regions} words, phrases, lengths and signs are mistakes far more than "
    "close cases explain.",
    "Over all {held_out:entities}{scope} held out from training, the model is wrong about {overall}.",
    "Over all {scored:entities}{scope}, the model is wrong about {overall}.",
)


@tool(
    fits=lambda schema: schema.modality == "text" and bool(schema.classes),
    audit="Groups",
    asks=(
        "for what kind of texts does the model fail most?",
        "where does it fail most, and how would you describe those {entities}?",
        "which words do the mistakes have in common?",
        "is the model worse on long {entities}?",
        "find the weak spots of the model",
        "in which {entities} are the errors concentrated?",
        "does it make more mistakes on {entities} {subset}?",
    ),
    says=_SAYS,
)
def failure_texts(view: View) -> Evidence:
    """For what kind of texts (words, phrases, lengths, punctuation) the model is wrong more often than elsewhere: found
    on one half of the held-out texts and tested on the other."""
    truth = scored(view)
    if len(truth.rows) < _FEWEST_ROWS:
        raise ToolError(
            f"Looking for kinds of texts needs at least {_FEWEST_ROWS} {view.schema.entities} with a known truth; "
            f"here there are {len(truth.rows)}. Ask for the mistakes instead."
        )
    found = describe(texts_of(truth.rows), truth.wrong, _MOST, view.rng)
    overall = Fact(relation="overall", value=float(truth.wrong.mean()), unit="share")
    return Evidence(
        facts=(*_facts(found), truth.count_fact(), overall, *_region_facts(view, truth), *_rules(view, found)),
        method="patterns found on one half of the texts, Fisher's exact test on the other, false discoveries held at "
        f"{FALSE_DISCOVERIES:.0%}",
        estimand="error rate of texts with a pattern against the others",
        quality=_quality(found),
        caveats=truth.caveats,
        table=_table(found),
    )


def _facts(found: Description) -> Iterator[Fact]:
    yield Fact(relation="confirmed", value=len(found.unseen), unit="count")
    yield Fact(relation="tested" if found.patterns else "none_of_tested", value=found.tested, unit="count")
    for rank, one in enumerate(_worst(found), 1):
        if rank > 1:
            words = one.pattern.words
            yield Fact(relation="other_slice", value=one.precision, unit="share", group=words, rank=rank)
            continue
        yield from _first(one, len(found.unseen))


def _region_facts(view: View, truth: Scored) -> Iterator[Fact]:
    """The kind of texts with surely and far more mistakes than a second model leads to expect."""
    if not enough(truth.actual) or view.scope.changes:
        return
    texts = texts_of(truth.rows)
    opinion = text_opinion(texts, truth.actual, len(view.schema.classes), view.rng)
    odd = odd_texts(texts, truth.wrong.astype(float), opinion)
    if odd.region is None or odd.pattern is None:
        yield Fact(relation="regions", value=odd.tried, unit="count")
        return
    words = odd.pattern.words
    yield flaw("reversal" if odd.region.turned else "weak region", None, words)
    yield Fact(relation="region_rows", value=odd.region.rows, unit="count", group=words)
    yield Fact(relation="region_rate", value=odd.region.inside, unit="share", group=words)
    yield Fact(relation="region_expected", value=odd.region.expected, unit="share", group=words)


def _rules(view: View, found: Description) -> Iterator[Fact]:
    """The words and phrases by which the kinds of texts that are named can be selected."""
    for one in _worst(found):
        pattern = one.pattern
        if pattern.kind in ("word", "phrase"):
            column = view.schema.names[0]
            yield Fact(relation="rule_contains", value=pattern.key, unit="text", feature=column, group=pattern.words)


def _worst(found: Description) -> list[Described]:
    return sorted(found.patterns, key=lambda one: (-one.precision, one.pattern.words))


def _first(one: Described, total: int) -> Iterator[Fact]:
    words, rest, missed = one.pattern.words, total - one.matched, one.wanted - one.hits
    low, high = newcombe(one.hits, one.matched, missed, rest)
    yield Fact(relation="slice_rate", value=one.precision, unit="share", group=words)
    yield Fact(relation="slice_wrong", value=one.hits, unit="count", group=words)
    yield Fact(relation="slice_rows", value=one.matched, unit="count", group=words)
    yield Fact(relation="rest_rate", value=missed / rest, unit="share")
    yield Fact(relation="slice_gap", value=one.precision - missed / rest, unit="points", group=words)
    yield Fact(relation="gap_low", value=low, unit="points", group=words)
    yield Fact(relation="gap_high", value=high, unit="points", group=words)
    yield Fact(relation="level", value=LEVEL, unit="share")


def _quality(found: Description) -> tuple[Quality, ...]:
    if not found.patterns:
        return ()
    p = max(one.p for one in found.patterns)
    note = f"largest adjusted p of the patterns named, on texts the search had not seen; up to {FALSE_DISCOVERIES}"
    return (Quality(check="C10", value=p, passed=p <= FALSE_DISCOVERIES, note=note),)


def _table(found: Description) -> Table | None:
    if not found.patterns:
        return None
    base = float(np.mean(found.wanted))
    rows = tuple((one.pattern.words, one.matched, one.hits, one.precision, base, one.p) for one in _worst(found))
    columns = ("texts with", "texts", "wrong", "error rate", "error rate of all", "adjusted p")
    return Table(columns=columns, rows=rows, note="measured on the half of the texts that the search did not see")
