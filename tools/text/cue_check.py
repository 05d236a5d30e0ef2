"""Whether a text model goes by a marker that says nothing of the truth: an id, a tag, a sign, a signature, a word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from askwhy.tools.engines.flaws import FlawKind, flaw, known_rows
from askwhy.tools.engines.second_opinion import thinned, thinned_caveat
from askwhy.tools.engines.text_markers import FEWER, MOVES, Marker, markers
from askwhy.tools.engines.text_vectors import texts_of
from askwhy.tools.engines.truth import none_held_out
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality, Table
from askwhy.tools.registry import tool
from askwhy.tools.view import View


@tool(
    needs="any",
    fits=lambda schema: schema.modality == "text" and bool(schema.classes),
    audit="Leaks and shortcuts",
    asks=(
        "is there a token that gives the label away?",
        "does it cheat by a marker in the {entities}?",
        "does it go by an id, a tag or a signature?",
        "is there a leak in the {entities}?",
        "which marker in the {entities} does it fall for?",
        "does a template or a signature decide?",
        "does it cheat?",
        "find markers that only went with a label in training",
    ),
    says=(
        "The model goes by {marker.group}, which looks like a {flaw}: taking it out of {entities} that hold it moves "
        "the probabilities by {marker}.",
        "Its errors become fewer without it: the Brier score falls by {gain} of the squared change, where an honest "
        "marker would make it rise.",
        "In training, {trained_share} of the {entities} with it are {trained_share.cls}, and {tested_share} of those "
        "held out.",
        "Of the {entities} with it, {pure_share} are {pure_share.cls}; putting it into others turns {turned} of their "
        "predictions.",
        "The same holds for [other_marker*: {group}].",
        "No marker was found that the model goes by although it says nothing of the truth; {tried} words, phrases and "
        "signs were tried over {read:entities}{scope}.",
        "A marker would move the probabilities by at least {least}, and make errors fewer when it is taken out, or go "
        "with a label much less in {entities} held out than in training.",
    ),
)
def cue_check(view: View) -> Evidence:
    """Whether a text model goes by a marker that says nothing of the truth (an id, a tag, a sign, a signature, a stray
    word) or that gives the label away: markers are taken out of texts and put into others."""
    known = known_rows(view)
    rows = thinned(known.every, view.rng)
    texts, held_out = texts_of(view.subject.data.iloc[rows]), np.isin(rows, known.tested)
    found, tried = markers(view, texts, known.actual[rows], held_out)
    return Evidence(
        facts=tuple(_facts(view, found) if found else _none(tried, len(rows))),
        method="markers taken out of the texts that hold them and put into others, each asked of the model; z-test of "
        "the Brier score and Fisher's exact test, Bonferroni over the markers",
        estimand="whether what the model goes by tells the truth",
        quality=tuple(_quality(found)),
        caveats=(
            *(() if held_out.any() else (none_held_out(view),)),
            *_caveats(bool(found)),
            *thinned_caveat(len(known.every), view.schema.entities),
        ),
        table=_table(view, found),
    )


def _facts(view: View, found: Sequence[Marker]) -> Iterator[Fact]:
    for one in found:
        kind: FlawKind = "leak" if one.rule == "plain" else "shortcut"
        yield flaw(kind, None, one.pattern.words).model_copy(update={"at": one.pattern.sign or one.pattern.key})
    first = found[0]
    group, cls = first.pattern.words, view.schema.classes[first.label].name
    yield Fact(relation="marker", value=first.moved, unit="points", group=group)
    if first.rule == "idle":
        yield Fact(relation="gain", value=min(1.0, first.gain), unit="share", group=group)
    if first.rule == "plain" and first.turned is not None:
        yield Fact(relation="pure_share", value=first.trained, unit="share", cls=cls, group=group)
        yield Fact(relation="turned", value=first.turned, unit="share", cls=cls, group=group)
    elif first.tested is not None:
        yield Fact(relation="trained_share", value=first.trained, unit="share", cls=cls, group=group)
        yield Fact(relation="tested_share", value=first.tested, unit="share", cls=cls, group=group)
    for one in found[1:]:
        yield Fact(relation="other_marker", value=one.moved, unit="points", group=one.pattern.words)


def _none(tried: int, rows: int) -> Iterator[Fact]:
    yield Fact(relation="tried", value=tried, unit="count")
    yield Fact(relation="read", value=rows, unit="count")
    yield Fact(relation="least", value=MOVES, unit="points")


def _quality(found: Sequence[Marker]) -> Iterator[Quality]:
    for one in found[:1]:
        note = f"fall of the Brier score without the marker, of the squared change; or a label's share {FEWER:.0%} less"
        yield Quality(check="C1", value=one.gain, passed=True, note=note)


def _caveats(found: bool) -> Iterator[Caveat]:
    if found:
        text = "Whether a marker has any right to tell the label is for people who know the subject to say."
        yield Caveat(flag="right_to_tell", text=text)


def _table(view: View, found: Sequence[Marker]) -> Table | None:
    if not found:
        return None
    rows = tuple(
        (one.pattern.words, view.schema.classes[one.label].label, one.trained, one.tested, one.moved, one.turned)
        for one in found
    )
    columns = ("marker", "label", "share in training", "share held out", "moves the output by", "predictions turned")
    return Table(columns=columns, rows=rows)
