"""What a test of a concept of texts found, as facts, checks and caveats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from askwhy.tools.engines.betting import Outcome
from askwhy.tools.engines.concept_bets import Moved
from askwhy.tools.engines.concept_facts import bet_facts, false_alarms, move_facts
from askwhy.tools.engines.metrics import LEVEL
from askwhy.tools.engines.text_concept_bets import LocalText, Probe, TextPopulation, WordSpace
from askwhy.tools.engines.text_concept_network import RANDOM_DIRECTIONS, Tcav
from askwhy.tools.engines.text_concepts import ShapeConcept, TextConcept, WordConcept
from askwhy.tools.engines.text_vectors import network_of
from askwhy.tools.engines.truth import Array
from askwhy.tools.evidence import Caveat, Fact, Quality, Table, Unit
from askwhy.tools.schema import ClassLabel
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

DETERMINED = 0.9
"""Where the rest of a text tells so much of the concept's variance, there is little left to test."""

RANDOM_SHARE = 0.1
"""Of the sets of random words, at most this share may do as much as a concept that is told apart from them."""

_SHOWN = 5
_ALPHA = 0.05


@dataclass(frozen=True)
class FoundText:
    """Both global tests, what putting the concept in and taking it out does, the random words, and the probe."""

    associated: Outcome
    used: Outcome
    ignored: int
    into: Moved
    out: Moved | None
    random: Array
    told: float
    false_alarms: tuple[int, int]
    probe: Probe
    tcav: Tcav | None

    def shows(self, column: int) -> bool:
        """Whether either edit changes the output on average."""
        return self.into.shows(column) or (self.out is not None and self.out.shows(column))

    def as_random(self, column: int) -> int:
        """How many sets of random words change the output at least as much as the concept's."""
        return int(np.sum(np.abs(self.random) >= abs(float(self.into.change[column]))))


def side_facts(about: TextConcept, mask: Mask, chosen: bool) -> Iterator[Fact]:
    """How many texts are compared; `chosen`: those with the concept are the ones that were selected."""
    degree = isinstance(about, ShapeConcept) and about.limit > 0
    inside = "selected" if chosen else "much" if degree else "inside"
    yield Fact(relation=inside, value=int(mask.sum()), unit="count", group=about.called)
    yield Fact(relation="others" if chosen else "outside", value=int((~mask).sum()), unit="count")


def found_facts(
    view: View, about: TextConcept, found: FoundText, label: ClassLabel | None, column: int, alpha: float
) -> Iterator[Fact]:
    """Both tests, both edits, random words, directions, and what they mean together."""
    yield from bet_facts("associated", found.associated)
    if found.ignored:
        yield Fact(relation="ignored", value=found.ignored, unit="count")
    else:
        yield from bet_facts("used", found.used)
    yield from _edit_facts(view, found, label, column)
    if len(found.random):
        yield Fact(relation="random_sets", value=len(found.random), unit="count")
        yield Fact(relation="random_as_much", value=found.as_random(column), unit="count")
    yield from _tcav_facts(view, about, found.tcav, label)
    yield Fact(relation=f"verdict_{_verdict(found, column)}", value=found.used.rejected, group=about.called)
    yield from _constants(view, alpha)


def _edit_facts(view: View, found: FoundText, label: ClassLabel | None, column: int) -> Iterator[Fact]:
    if found.into.change.any() or (found.out is not None and found.out.change.any()):
        yield from move_facts("into", found.into, view, label, column)
        if found.out is not None:
            yield from move_facts("out", found.out, view, label, column)
    elif found.out is None:
        yield Fact(relation="into_only_still", value=found.into.rows, unit="count")
    else:
        yield Fact(relation="into_still", value=found.into.rows, unit="count")
        yield Fact(relation="out_still", value=found.out.rows, unit="count")


def _constants(view: View, alpha: float) -> Iterator[Fact]:
    yield Fact(relation="space", value=WordSpace(view).how, unit="")
    yield Fact(relation="alpha", value=alpha, unit="share")
    yield Fact(relation="level", value=LEVEL, unit="share")


def defined_facts(about: TextConcept) -> Iterator[Fact]:
    """The first words of a concept that its name does not list."""
    if isinstance(about, WordConcept) and "“" not in about.called:
        yield Fact(relation="about_words", value=len(about.words), unit="count", group=about.called)
        for word in about.words[:_SHOWN]:
            yield Fact(relation="word", value=word, unit="text", group=about.called)


def _tcav_facts(view: View, about: TextConcept, found: Tcav | None, label: ClassLabel | None) -> Iterator[Fact]:
    if found is None or not found.known:
        return
    network = network_of(view)
    assert network is not None  # there are no directions without one
    role = "tcav_open" if found.p > _ALPHA else "tcav" if label is not None else "tcav_output"
    cls = None if label is None else label.name
    yield Fact(relation=role, value=found.positive, unit="share", cls=cls, group=about.called)
    yield Fact(relation="layer", value=found.layer, unit="count")
    yield Fact(relation="layers", value=len(network.layers), unit="count")
    yield Fact(relation="directions", value=RANDOM_DIRECTIONS, unit="count")
    yield Fact(relation="directions_beyond", value=found.beyond, unit="count")
    yield Fact(relation="tcav_p", value=found.p, unit="share")
    yield Fact(relation="tcav_mean", value=found.mean, unit="score")


def _verdict(found: FoundText, column: int) -> str:
    """What decision and effect mean together."""
    effect = found.shows(column)
    if found.ignored:
        return "unused"
    if not found.used.rejected:
        return "effect" if effect else "association" if found.associated.rejected else "open"
    if not effect:
        return "cancels"
    return "as_random" if found.as_random(column) > RANDOM_SHARE * len(found.random) else "used"


def found_quality(found: FoundText, alpha: float, people: TextPopulation) -> Iterator[Quality]:
    """C12: false alarms on random concepts, and how well the concept is recognised."""
    yield false_alarms("association", found.false_alarms[0], alpha)
    yield false_alarms("use beyond the rest of the text", found.false_alarms[1], alpha)
    known = found.probe.p <= _ALPHA
    note = f"held-out AUC of recognising the concept in {WordSpace(people.view).how}"
    yield Quality(check="C12", value=found.probe.auc, passed=known, note=note)
    note = "Kendall's tau between two probes of the concept, each fitted to half of the texts"
    yield Quality(check="C12", value=found.probe.tau, passed=found.probe.tau > 0, note=note)
    if found.tcav is not None:
        note = f"held-out AUC of the concept's direction in layer {found.tcav.layer}"
        yield Quality(check="C12", value=found.tcav.auc, passed=found.tcav.known, note=note)


def found_caveats(about: TextConcept, found: FoundText) -> Iterator[Caveat]:
    """What must be said of a test that says little."""
    if found.associated.rejected and not found.used.rejected:
        text = "Association alone says little: words go together, so nearly any concept shows some."
        yield Caveat(flag="association", text=text)
    if found.told > DETERMINED and not found.ignored:
        text = f"The rest of the text all but settles {about.called}, so there is little left to test use beyond it on."
        yield Caveat(flag="determined", text=text)
    if found.tcav is not None and not found.tcav.known:
        text = "The concept is not recognised in that layer better than by chance, so no direction of it was tested."
        yield Caveat(flag="not_recognised", text=text)
    if found.probe.p > _ALPHA:
        text = "By the other words around it the concept is not recognised better than by chance; it is told by its "
        yield Caveat(flag="only_by_words", text=f"{text}defining words or signs alone.")
    if not about.removable:
        text = f"Here {about.called} is only added, by saying a text twice: to take it out would take out what is said."
        yield Caveat(flag="only_added", text=text)


def found_table(found: FoundText, label: ClassLabel | None, column: int) -> Table:
    """Both edits."""
    name = "output" if label is None else label.label
    rows = [
        (move, one.rows, float(one.change[column]), *one.interval(column), one.flips)
        for move, one in (("put in", found.into), ("taken out", found.out))
        if one is not None
    ]
    columns = ("edit", "texts", f"mean change of {name}", "low", "high", "share of flips")
    return Table(columns=columns, rows=tuple(rows), note="mean changes of the model's output on edited texts")


def local_facts(
    view: View, about: TextConcept, text: str, found: LocalText, people: TextPopulation, alpha: float
) -> Iterator[Fact]:
    """What of the concept stands in the text, the test, the edit, and random words taken out instead."""
    column, label, row = people.columns[0], people.label, view.row_id
    if isinstance(about, WordConcept):
        yield Fact(relation="present", value=True, group=about.called, row=row)
        for word in dict.fromkeys(one.lower() for one in about.found(text)):
            yield Fact(relation="standing", value=word, unit="text", row=row)
    else:
        yield Fact(relation="written", value=True, group=about.called, row=row)
    change = float(np.round(found.change[column], 12))
    if not change and not found.test.rejected:
        yield Fact(relation="local_same", value=found.test.rounds, unit="count", row=row)
    else:
        yield from bet_facts("local", found.test)
        yield from _local_effect(view, change, found, label)
    if len(found.others) and change:
        as_much = int(np.sum(np.abs(found.others[:, column]) >= abs(change)))
        yield Fact(relation="other_draws", value=len(found.others), unit="count")
        yield Fact(relation="other_as_much", value=as_much, unit="count")
    yield Fact(relation="alpha", value=alpha, unit="share")


def _local_effect(view: View, change: float, found: LocalText, label: ClassLabel | None) -> Iterator[Fact]:
    unit: Unit = "output" if label is None else "points"
    cls = None if label is None else label.name
    role = "local_output" if label is None else "local_effect" if found.flips else "local_kept"
    yield Fact(relation=role, value=change, unit=unit, cls=cls, row=view.row_id)
    if label is None:
        return
    after = view.schema.classes[int((view.outputs[0] + found.change).argmax())]
    yield Fact(
        relation="flipped_to" if found.flips else "stays", value=after.name, unit="class", cls=after.name,
        row=view.row_id,
    )  # fmt: skip
