"""Whether a feature gives the outcome away: a leak."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from askwhy.tools.engines.flaws import Known, flaw, known_rows
from askwhy.tools.engines.leaks import ALONE, DROP, Suspect, suspects
from askwhy.tools.engines.second_opinion import strength, thinned, thinned_caveat
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Quality, Series, Table
from askwhy.tools.registry import tool
from askwhy.tools.view import View

_SHOWN = 20


@tool(
    needs="any",
    fits=lambda schema: schema.modality == "table",
    audit="Leaks and shortcuts",
    asks=(
        "is there a leak?",
        "is there target leakage?",
        "does a feature give the outcome away?",
        "does any feature leak the {target}?",
        "is one of the features too good to be true?",
        "is a column derived from the outcome?",
        "does it know the answer from one of the features?",
        "check the data for leakage",
    ),
    says=(
        "{leak_auc.feature} gives the outcome away, which looks like a {flaw}: alone, it tells the outcome of "
        "{checked_rows:entities}{scope} with an AUC of {leak_auc}, while all other features together reach {rest_auc}.",
        "{leak_r2.feature} gives the outcome away, which looks like a {flaw}: alone, it explains {leak_r2} of the "
        "variance of the truth of {checked_rows:entities}{scope}, while all other features together explain {rest_r2}.",
        "It is {pair_leak.group} that gives the outcome away.",
        "Alone, it tells {pure_share} of the {entities} of one class without error.",
        "With its values shuffled, the model's AUC falls from {model_auc} to {shuffled_auc}.",
        "With its values shuffled, the share of variance that the model explains falls from {model_r2} to "
        "{shuffled_r2}.",
        "No leak was found among {unleaked} {unleaked:one feature/features} of {checked_rows:entities}{scope}; the "
        "strongest alone is {strongest_auc.feature}, with an AUC of {strongest_auc}.",
        "No leak was found among {unleaked} {unleaked:one feature/features} of {checked_rows:entities}{scope}; the "
        "strongest alone is {strongest_r2.feature}, which explains {strongest_r2} of the variance.",
        "{unused.feature} gives the outcome away as well, but the model hardly uses it.",
        "A leak would have an AUC of at least {least_auc} alone, or tell much of one class without error, far beyond "
        "all other features together, and the model would rely on it.",
        "A leak would explain at least {least_r2} of the variance alone, far beyond all other features together, and "
        "the model would rely on it.",
    ),
)
def leak_check(view: View) -> Evidence:
    """Whether a feature gives the outcome away (target leakage): it tells the truth almost alone, far beyond all the
    others together, and the model collapses without it. Differences of two numbers are tried as well."""
    known = known_rows(view)
    rows = thinned(known.every, view.rng)
    frame, actual = view.subject.data.iloc[rows], known.actual[rows]
    every, found = suspects(view.schema, frame, actual, view.rng, tested=bool(len(known.tested)))
    relied = [(one, used) for one in found if (used := _relied(view, known, one)) is not None]
    leaks = [(one, used) for one, used in relied if used.before - used.after >= DROP]
    facts = list(_leak_facts(view, leaks) if leaks else _none(view, every))
    facts += [
        Fact(relation="unused", value=one.alone, unit="score", feature=one.features[0])
        for one, used in relied
        if used.before - used.after < DROP
    ]
    return Evidence(
        facts=(*facts, Fact(relation="checked_rows", value=len(rows), unit="count")),
        method="small trees on single columns, out of fold, against a second model on all the others; shuffling",
        estimand="how well one column tells the truth without the others",
        quality=tuple(_quality(leaks)),
        caveats=(*_caveats(bool(leaks)), *thinned_caveat(len(known.every), view.schema.entities)),
        figure=_figure(view, every),
        table=_table(view, every, found),
    )


@dataclass(frozen=True)
class _Used:
    """The model's strength on the judged rows as they are, and with the suspect's values shuffled."""

    before: float
    after: float


def _relied(view: View, known: Known, one: Suspect) -> _Used | None:
    rows = thinned(known.judged, view.rng)
    frame, actual = view.subject.data.iloc[rows], known.actual[rows]
    source = np.repeat(np.arange(len(rows), dtype=np.int64)[:, None], frame.shape[1], axis=1)
    order = view.rng.permutation(len(rows))
    for name in one.features:
        source[:, view.schema.names.index(name)] = order
    classes = len(view.schema.classes)
    before, after = view.evaluate.outputs(frame), view.evaluate.mixed(frame, source)
    return _Used(strength(actual, before, classes), strength(actual, after, classes))


def _told(view: View, relation: str, value: float, feature: str | None = None) -> Fact:
    """A strength as the AUC or the share of variance that a reader knows."""
    if view.schema.classes:
        return Fact(relation=f"{relation}_auc", value=(value + 1) / 2, unit="score", feature=feature)
    return Fact(relation=f"{relation}_r2", value=min(1.0, max(0.0, value)), unit="share", feature=feature)


def _leak_facts(view: View, leaks: list[tuple[Suspect, _Used]]) -> Iterator[Fact]:
    for place, (one, used) in enumerate(leaks):
        words = _words(view, one)
        yield flaw("leak", one.features[0], words)
        if place:
            continue
        yield _told(view, "leak", one.alone, one.features[0])
        yield _told(view, "rest", one.rest)
        yield _told(view, "model", used.before)
        yield _told(view, "shuffled", used.after)
        if len(one.features) > 1:
            yield Fact(relation="pair_leak", value=one.alone, unit="score", feature=one.features[1], group=words)
        if one.pure > 0:
            yield Fact(relation="pure_share", value=one.pure, unit="share", feature=one.features[0])


def _words(view: View, one: Suspect) -> str:
    labels = [view.schema.feature(name).label for name in one.features]
    return labels[0] if len(labels) == 1 else f"the difference of {labels[0]} and {labels[1]}"


def _none(view: View, every: list[Suspect]) -> Iterator[Fact]:
    yield Fact(relation="unleaked", value=len(every), unit="count")
    if every:
        best = max(every, key=lambda one: one.alone)
        yield _told(view, "strongest", max(0.0, best.alone), best.features[0]).model_copy(update={"rank": 1})
    yield _told(view, "least", ALONE)


def _quality(leaks: list[tuple[Suspect, _Used]]) -> Iterator[Quality]:
    for one, used in leaks[:1]:
        note = "what the model loses without the column, of its strength (2 AUC - 1, or R squared)"
        yield Quality(check="C1", value=used.before - used.after, passed=True, note=f"{note}: {one.features[0]}")


def _caveats(found: bool) -> Iterator[Caveat]:
    if found:
        text = (
            "Nothing in the data says when a value becomes known: a feature that is known before the outcome and "
            "settles it honestly looks the same."
        )
        yield Caveat(flag="when_known", text=text)


def _figure(view: View, every: list[Suspect]) -> Figure | None:
    shown = every[:_SHOWN]
    if not shown:
        return None
    names = tuple(view.schema.feature(one.features[0]).label for one in shown)
    title = "How well each feature tells the outcome alone"
    series = Series(name="strength alone", x=names, y=tuple(one.alone for one in shown))
    return Figure(kind="bars", title=title, x_label="feature", y_label="2 AUC - 1, or R squared", series=(series,))


def _table(view: View, every: list[Suspect], found: list[Suspect]) -> Table:
    rest = {one.features: one.rest for one in found}
    pairs = [one for one in found if len(one.features) > 1]
    rows = tuple((_words(view, one), one.alone, one.pure, rest.get(one.features)) for one in (*pairs, *every))
    columns = ("feature", "alone", "share of a class told without error", "all others together")
    kept = len(columns) if rest else -1  # the others are only measured against a column that is suspected
    return Table(
        columns=columns[:kept],
        rows=tuple(row[:kept] for row in rows),
        note="strengths: 2 AUC - 1 for classes, R squared for numbers; out of fold",
    )
