"""Whether a text model reacts to cues that should not matter: names, gender words, length, punctuation, capitals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from askwhy.tools.engines.concept_bets import Moved, flips, measured
from askwhy.tools.engines.concept_facts import move_facts
from askwhy.tools.engines.discoveries import adjusted
from askwhy.tools.engines.metrics import LEVEL
from askwhy.tools.engines.text_concept_bets import readable
from askwhy.tools.engines.text_cues import CUES, Cue
from askwhy.tools.engines.text_game import ask_texts
from askwhy.tools.engines.text_vectors import network_of
from askwhy.tools.engines.truth import Array
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Quality, Series, Table, Unit
from askwhy.tools.quality import direct_evaluation
from askwhy.tools.registry import ClassName, Says, ask, tool
from askwhy.tools.view import View

Rate = Annotated[float, Field(gt=0, lt=1)]
CueName = Literal["gender words", "names", "punctuation", "exclamation marks", "capitals", "length", "numbers"]

FEWEST = 5
"""Where an edit changes fewer texts, nothing is said of its mean."""

_TEXTS, _SLOW_TEXTS = 200, 40


def _clear_says() -> Iterator[str]:
    """Two sentences for every cue, one for probabilities and one for numbers, and the same for a single text."""
    for cue in CUES:
        key, doing = cue.key, cue.doing[:1].upper() + cue.doing[1:]
        yield (
            f"{doing} in {{{key}_rows:entities}} changes the probability of {{{key}.cls}} by {{{key}:signed}} on "
            f"average, with a {{level}} interval from {{{key}_low:signed}} to {{{key}_high:signed}}, and flips "
            f"{{{key}_flips}} of the predictions."
        )
        yield (
            f"{doing} in {{{key}_output_rows:entities}} changes the output by {{{key}_output:signed}} on average, with "
            f"a {{level}} interval from {{{key}_low:signed}} to {{{key}_high:signed}}."
        )
        yield f"{doing} changes the probability of {{{key}_one.cls}} for {{row}} by {{{key}_one:signed}}."
        yield (
            f"{doing} changes the probability of {{{key}_turn.cls}} for {{row}} by {{{key}_turn:signed}}, and the "
            f"prediction becomes {{{key}_becomes}}."
        )
        yield f"{doing} changes the output for {{row}} by {{{key}_one_output:signed}}."


_SAYS: Says = (
    "Of {cue_count} edits that should not matter, {clear_count} {clear_count:one changes/change} the model's output "
    "clearly on average, at a false discovery rate of at most {q}.",
    "Of {cue_count_none} edits that should not matter, none changes the model's output clearly on average, at a false "
    "discovery rate of at most {q}.",
    "This is tried on {tried:entities}{scope}.",
    *_clear_says(),
    "No clear change on average, though single predictions may flip: [unclear*: {group} (flips {value})].",
    "No clear change on average: [unclear_output*: {group}].",
    "No change of any output at all: [still*: {group}].",
    "These change nothing in {row}, so they cannot matter there: [absent*: {group}].",
    "These change no text, as what they would change does not occur: [none_have*: {group}].",
    "Too few texts have what these would change: [few*: {group} (in {value} {value:one text/texts})].",
)


@tool(
    fits=lambda schema: schema.modality == "text",
    audit="Stability",
    asks=(
        ask("does it react to gender words?", cues=("gender words",)),
        ask("does it react to punctuation?", cues=("punctuation",)),
        ask("does it react to the length of a text?", cues=("length",)),
        ask("does it react to names of people?", cues=("names",)),
        ask("does it react to capitals?", cues=("capitals",)),
        ask("would it decide otherwise if he became she?", cues=("gender words",)),
        "does it react to spurious cues?",
        ask("does it react to gender words, length or punctuation?", cues=("gender words", "length", "punctuation")),
        "which shortcuts does the model take?",
        "does the model go by things that should not matter?",
        "what superficial features of a text change the probability of {class}?",
        "is {row} decided by spurious cues?",
    ),
    says=_SAYS,
)
def spurious_check(view: View, cues: tuple[CueName, ...] = (), q: Rate = 0.1, cls: ClassName | None = None) -> Evidence:
    """Whether the model reacts to cues that should not matter: texts are edited, and the changes of the output told.

    `cues`: gender words, names, punctuation, exclamation marks, capitals, length or numbers; all of them by default.
    `q`: false discovery rate. `cls`: for predicting this class.
    """
    if view.scope.changes:
        raise ToolError("Cues are tried on texts as they are; ask without changes.")
    chosen = [cue for cue in CUES if not cues or cue.name in cues]
    texts, before = readable(view)
    if not texts:
        raise ToolError(f"There is nothing to read in these {view.schema.entities}.")
    some = _drawn(view, len(texts))
    texts, before = [texts[int(i)] for i in some], before[some]
    found = [_edited(view, cue, texts, before, cls) for cue in chosen]
    if view.scope.has_instance:
        facts = tuple(_single(view, found))
    else:
        passed = _passed(found, q)
        facts = tuple(_facts(view, found, passed, len(texts), q))
    return Evidence(
        facts=facts,
        method="edits of the texts that should not matter, each asked of the model; Student's t test of the mean "
        "change, Benjamini-Hochberg over the edits",
        estimand="mean change of the output when only the cue is edited",
        quality=(*_quality(view, found), *direct_evaluation(view.evaluate.asked, "texts asked about")),
        caveats=tuple(_caveats(view, found)),
        figure=_figure(found),
        table=_table(view, found),
    )


@dataclass(frozen=True)
class _Edited:
    """What one edit does to the texts it changes. column: of the output that is told; p: of its mean change; size: mean
    of its absolute change; becomes: the prediction of the first text afterwards."""

    cue: Cue
    count: int
    column: int
    move: Moved | None
    p: float
    size: float
    becomes: int

    @property
    def tested(self) -> bool:
        """Whether enough texts were changed to speak of a mean."""
        return self.count >= FEWEST


def _drawn(view: View, count: int) -> Array:
    most = _TEXTS if network_of(view) is None else _SLOW_TEXTS
    return np.arange(count) if count <= most else np.sort(view.rng.choice(count, most, replace=False))


def _edited(view: View, cue: Cue, texts: Sequence[str], outputs: Array, cls: str | None) -> _Edited:
    pairs = [(i, new) for i, text in enumerate(texts) if (new := cue.edit(text)) != text]
    if not pairs:
        return _Edited(cue, 0, 0, None, 1.0, 0.0, 0)
    before, after = outputs[[i for i, _ in pairs]], ask_texts(view, [new for _, new in pairs])
    change = after - before
    change = np.where(np.abs(change) <= 1e-12 * max(1.0, float(np.abs(before).max())), 0.0, change)
    label = view.explained_class(cls)
    column = view.schema.classes.index(label) if label is not None else int(np.abs(change.mean(axis=0)).argmax())
    choices = 1 if label is not None or view.subject.regression else change.shape[1]
    return _Edited(
        cue=cue,
        count=len(pairs),
        column=column,
        move=measured(change, before, flips(view, before, after[:, None])),
        p=min(1.0, choices * _p_value(change[:, column])),
        size=float(np.abs(change[:, column]).mean()),
        becomes=int(after[0].argmax()),
    )


def _p_value(change: Array) -> float:
    """Two-sided p of a mean of zero; a change that is the same in all texts is no chance."""
    from scipy.stats import ttest_1samp

    if not change.any() or len(change) < FEWEST:
        return 1.0
    return 0.0 if np.ptp(change) == 0 else float(ttest_1samp(change, 0.0).pvalue)


def _passed(found: Sequence[_Edited], q: float) -> list[bool]:
    tested = [one for one in found if one.tested]
    p_values = dict(zip((one.cue.key for one in tested), adjusted(np.array([one.p for one in tested])), strict=True))
    return [bool(p_values.get(one.cue.key, 1.0) <= q) for one in found]


def _facts(view: View, found: Sequence[_Edited], passed: Sequence[bool], tried: int, q: float) -> Iterator[Fact]:
    tested, clear = sum(one.tested for one in found), sum(passed)
    if not tested:
        names = ", ".join(dict.fromkeys(one.cue.name for one in found))
        raise ToolError(f"Too few of these {view.schema.entities} have what an edit would change: {names}.")
    if tested > 1:
        yield Fact(relation="cue_count" if clear else "cue_count_none", value=tested, unit="count")
        yield Fact(relation="clear_count", value=clear, unit="count")
    yield Fact(relation="q", value=q, unit="share")
    yield Fact(relation="tried", value=tried, unit="count")
    yield Fact(relation="level", value=LEVEL, unit="share")
    for one, good in zip(found, passed, strict=True):
        if not one.count:
            yield Fact(relation="none_have", value=0, unit="count", group=one.cue.doing)
        elif not one.tested:
            yield Fact(relation="few", value=one.count, unit="count", group=one.cue.doing)
        elif one.size == 0:
            yield Fact(relation="still", value=one.count, unit="count", group=one.cue.doing)
        elif good:
            yield from _clear(view, one)
        elif one.move is not None and one.move.flips is not None:
            yield Fact(relation="unclear", value=one.move.flips, unit="share", group=one.cue.doing)
        else:
            yield Fact(relation="unclear_output", value=one.count, unit="count", group=one.cue.doing)


def _clear(view: View, one: _Edited) -> Iterator[Fact]:
    if one.move is not None:
        label = None if view.subject.regression else view.schema.classes[one.column]
        yield from move_facts(one.cue.key, one.move, view, label, one.column)


def _single(view: View, found: Sequence[_Edited]) -> Iterator[Fact]:
    unit: Unit = "output" if view.subject.regression else "points"
    for one in found:
        if one.move is None:
            yield Fact(relation="absent", value=0, unit="count", group=one.cue.doing, row=view.row_id)
        elif one.size == 0:
            yield Fact(relation="still", value=1, unit="count", group=one.cue.doing, row=view.row_id)
        else:
            turned = bool(one.move.flips)
            kind = "one_output" if view.subject.regression else "turn" if turned else "one"
            cls = None if view.subject.regression else view.schema.classes[one.column].name
            change = float(one.move.change[one.column])
            key = one.cue.key
            yield Fact(relation=f"{key}_{kind}", value=change, unit=unit, cls=cls, row=view.row_id)
            if turned:
                name = view.schema.classes[one.becomes].name
                yield Fact(relation=f"{key}_becomes", value=name, unit="class", cls=name, row=view.row_id)


def _quality(view: View, found: Sequence[_Edited]) -> Iterator[Quality]:
    tested = [one for one in found if one.tested]
    if tested and not view.scope.has_instance:
        p = float(min(adjusted(np.array([one.p for one in tested]))))
        yield Quality(check="C10", value=p, passed=True, note="smallest adjusted p of a mean change")


def _caveats(view: View, found: Sequence[_Edited]) -> Iterator[Caveat]:
    if any(one.cue.key == "gender" and one.count for one in found):
        text = "Swaps go by lists of English words, so a swapped text may read oddly."
        yield Caveat(flag="word_lists", text=text)
    if any(one.cue.key == "padded" and one.count for one in found):
        text = "Padding also thins out the words that say something, which a model may well be right to react to."
        yield Caveat(flag="padding", text=text)


def _figure(found: Sequence[_Edited]) -> Figure | None:
    shown = [(one.cue.doing, one.move, one.column) for one in found if one.tested and one.move is not None]
    if not shown:
        return None
    series = Series(
        name="mean change",
        x=tuple(doing for doing, _, _ in shown),
        y=tuple(float(move.change[column]) for _, move, column in shown),
        error=tuple(float(move.error[column]) for _, move, column in shown),
    )
    return Figure(
        kind="bars", title="Mean change of the output", x_label="edit", y_label="mean change", series=(series,)
    )


def _table(view: View, found: Sequence[_Edited]) -> Table:
    rows = []
    for one in found:
        cells: tuple[float | None, ...] = (None, None, None, None)
        if one.move is not None:
            low, high = one.move.interval(one.column)
            cells = (float(one.move.change[one.column]), low, high, one.move.flips)
        told = "output" if view.subject.regression else view.schema.classes[one.column].label
        rows.append((one.cue.doing, told, one.count, *cells, one.size))
    columns = ("edit", "of", "texts", "mean change", "low", "high", "share of flips", "mean size of change")
    return Table(columns=columns, rows=tuple(rows), note="over the texts that the edit changes")
