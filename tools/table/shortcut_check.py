"""Whether the model takes a shortcut: leans on a feature that does not tell the outcome where it was not trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from askwhy.tools.engines.cues import IDLE, Cue, Lean, cues, strongest
from askwhy.tools.engines.flaws import flaw, known_rows
from askwhy.tools.engines.second_opinion import thinned, thinned_caveat
from askwhy.tools.engines.truth import none_held_out
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Quality, Series, Table
from askwhy.tools.registry import tool
from askwhy.tools.view import View


@tool(
    needs="any",
    fits=lambda schema: schema.modality == "table",
    audit="Leaks and shortcuts",
    asks=(
        "does it cheat?",
        "does the model cheat?",
        "does the model take a shortcut?",
        "does it rely on a spurious feature?",
        "is it right for the wrong reasons?",
        "does it lean on something that only went with the outcome in training?",
        "is there a feature that misleads the model?",
        "is it a clever hans?",
    ),
    says=(
        "The model leans on {flaw.feature}, which looks like a {flaw}: shuffling its values moves the output "
        "by {lean}.",
        "Alone, it tells the outcome of training {entities} with an AUC of {trained_auc}, and of {entities} held out "
        "with one of {tested_auc}.",
        "Alone, it explains {trained_r2} of the variance in training {entities}, and {tested_r2} in {entities} held "
        "out.",
        "Shuffling it costs only {idle_cost} of what it would cost if the outcome went with it as the model believes.",
        "It holds names, the other features together tell the outcome as well, and yet the model goes by it more than "
        "by any other: a {plain} association in these {entities} need not hold elsewhere.",
        "In {against:entities} it points to another outcome than the true one; there the model is wrong about "
        "{missed}, and about {others} elsewhere.",
        "The same holds for [other_cue*: {feature}].",
        "No shortcut was found among {tried} {tried:one feature/features} of {judged:entities}{scope}; the model leans "
        "most on {top_lean.feature}: shuffling its values moves the output by {top_lean}.",
        "The output does not change with any of {unmoved} {unmoved:one feature/features}, so there is no shortcut.",
        "A shortcut would be a feature that the model leans on although shuffling it costs less than {least_cost} of "
        "what it should, or that tells much less of the outcome in {entities} held out than in training.",
    ),
)
def shortcut_check(view: View) -> Evidence:
    """Whether the model takes a shortcut: leans on a cue (a site, a device, a template) that went with the outcome in
    training but does not tell it elsewhere, so that it errs where the cue contradicts the truth."""
    known = known_rows(view)
    trained, tested = thinned(known.trained, view.rng), thinned(known.tested, view.rng)
    found, every = cues(view, trained, tested, known.actual)
    judged = Fact(relation="judged", value=len(tested if len(tested) else trained), unit="count")
    size = len(known.every)
    return Evidence(
        facts=(*(_facts(view, found) if found else _none(view, every)), judged),
        method="shuffling each feature: what it moves and what it costs (Brier score or squared error); single columns "
        "learnt on training rows and tested on the others",
        estimand="whether what the model leans on tells the outcome in rows it was not trained on",
        quality=tuple(_quality(found)),
        caveats=(
            *(() if len(tested) else (none_held_out(view),)),
            *_caveats(bool(found)),
            *thinned_caveat(size, view.schema.entities),
        ),
        figure=_figure(view, every),
        table=_table(view, every),
    )


def _size(view: View, lean: Lean) -> float:
    """The root mean square change in the output's own unit."""
    if view.schema.classes:
        return lean.size
    assert view.subject.target is not None  # known_rows has refused otherwise
    return lean.size * float(np.std(np.asarray(view.subject.target.dropna(), dtype=float)))


def _facts(view: View, found: Sequence[Cue]) -> Iterator[Fact]:
    for one in found:
        yield flaw("shortcut", one.feature, view.schema.feature(one.feature).label)
    first = found[0]
    unit = "points" if view.schema.classes else "output"
    yield Fact(relation="lean", value=_size(view, first.lean), unit=unit, feature=first.feature)
    if first.rule == "lost" and first.tested is not None:
        for relation, value in (("trained", first.trained), ("tested", first.tested)):
            yield _told(view, relation, value, first.feature)
    elif first.rule == "idle":
        yield Fact(relation="idle_cost", value=min(1.0, max(0.0, first.lean.cost)), unit="share", feature=first.feature)
    else:
        yield Fact(relation="plain", value="strong", feature=first.feature)
    if first.missed is not None and first.others is not None:
        yield Fact(relation="against", value=first.against, unit="count", feature=first.feature)
        yield Fact(relation="missed", value=first.missed, unit="share", feature=first.feature)
        yield Fact(relation="others", value=first.others, unit="share", feature=first.feature)
    for one in found[1:]:
        yield Fact(relation="other_cue", value=_size(view, one.lean), unit=unit, feature=one.feature)


def _told(view: View, relation: str, value: float, feature: str) -> Fact:
    value = max(0.0, value)
    if view.schema.classes:
        return Fact(relation=f"{relation}_auc", value=(value + 1) / 2, unit="score", feature=feature)
    return Fact(relation=f"{relation}_r2", value=value, unit="share", feature=feature)


def _none(view: View, every: Sequence[Lean]) -> Iterator[Fact]:
    place = strongest(every)
    if every[place].size == 0:
        yield Fact(relation="unmoved", value=len(every), unit="count")
        return
    yield Fact(relation="tried", value=len(every), unit="count")
    unit = "points" if view.schema.classes else "output"
    name = view.schema.names[place]
    yield Fact(relation="top_lean", value=_size(view, every[place]), unit=unit, feature=name, rank=1)
    yield Fact(relation="least_cost", value=IDLE, unit="share")


def _quality(found: Sequence[Cue]) -> Iterator[Quality]:
    for one in found[:1]:
        note = "cost of shuffling the column, of what it should be; an honest one is near 1"
        yield Quality(check="C1", value=one.lean.cost, passed=True, note=f"{note}: {one.feature}")


def _caveats(found: bool) -> Iterator[Caveat]:
    if found:
        text = "Whether a feature has any right to tell the outcome is for people who know the subject to say."
        yield Caveat(flag="right_to_tell", text=text)


def _figure(view: View, every: Sequence[Lean]) -> Figure:
    order = sorted(range(len(every)), key=lambda i: -every[i].size)[:20]
    names = tuple(view.schema.feature(view.schema.names[i]).label for i in order)
    series = (
        Series(name="moves the output by", x=names, y=tuple(every[i].size for i in order)),
        Series(name="of that, borne out", x=names, y=tuple(_borne_out(every[i]) for i in order)),
    )
    return Figure(
        kind="bars", title="What the model leans on, and what the truth bears out", x_label="feature", series=series
    )


def _borne_out(lean: Lean) -> float:
    return lean.size * float(np.clip(lean.cost, 0.0, 1.0)) if np.isfinite(lean.cost) else 0.0


def _table(view: View, every: Sequence[Lean]) -> Table:
    rows = tuple(
        (view.schema.feature(name).label, one.size, one.cost if np.isfinite(one.cost) else None)
        for name, one in zip(view.schema.names, every, strict=True)
    )
    columns = ("feature", "moves the output by", "cost of shuffling, of what it should be")
    return Table(columns=columns, rows=rows, note="root mean square; numbers in standard deviations of the truth")
