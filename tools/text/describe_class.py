"""What kind of texts the model responds to: a description whose precision and recall are measured on unseen texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.engines.metrics import LEVEL, wilson
from askwhy.tools.engines.text_game import ask_texts
from askwhy.tools.engines.text_patterns import FALSE_DISCOVERIES, Described, Description, describe
from askwhy.tools.engines.text_vectors import texts_of
from askwhy.tools.engines.truth import Array
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality, Table
from askwhy.tools.quality import direct_evaluation
from askwhy.tools.registry import ClassName, Says, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.select import predicted_index
from askwhy.tools.view import View

_MOST_TEXTS = 6000
_FEWEST = 20
_EDITED = 60
_CLEAR = 1.96
_SURE = 0.95

_SAYS: Says = (
    "The model tends to predict {described.cls} for texts with [pattern*: {group}].",
    "On {unseen:entities}{scope} that the search had not seen, [precision*: {value} of those with {group} are "
    "predicted {cls}], against {base_rate} of them all.",
    "Of those predicted {recall.cls}, [recall*: {value} have {group}].",
    "Nearly all of those with [nearly_all*: {group}] are predicted {nearly_all.cls}.",
    "Together the patterns cover {joint_recall} of those predicted {joint_recall.cls}, and {joint_precision} of the "
    "texts they cover are so predicted.",
    "Putting it in at the end of other texts, [put_in*: {group} {value:word raises/lowers} the probability of {cls} by "
    "{value:size}].",
    "In texts that have it, [taken_out*: taking out {group} {value:word raises/lowers} the probability of {cls} by "
    "{value:size}].",
    "For [no_effect*: {group}], putting it in or taking it out makes no clear difference to the model's output, so the "
    "model may not respond to it as such.",
    "No kind of text was found for which {none_described.cls} is predicted more often than chance allows: "
    "{none_of_tested} patterns were tested.",
)


@tool(
    fits=lambda schema: schema.modality == "text" and bool(schema.classes),
    asks=(
        "what kind of texts does the model respond to?",
        "what kind of texts does the model predict as {class}?",
        "describe the texts that the model calls {class}",
        "what do {entities} predicted {class} have in common?",
        "what is the model looking for when it says {class}?",
        "which patterns make a text {class}?",
        "does the model go by length or punctuation?",
        "describe {class} as the model sees it with {k} patterns",
        ask("when does the model say {class}?"),
    ),
    says=_SAYS,
)
def describe_class(view: View, cls: ClassName | None = None, k: Annotated[int, Field(ge=1, le=10)] = 3) -> Evidence:
    """What kind of texts the model predicts as `cls`: `k` words, phrases, lengths or signs of punctuation, with the
    precision and recall of each on texts not used to find it, and what putting it in or taking it out does."""
    about = _about(view, cls)
    found = describe(about.texts, about.wanted, k, view.rng)
    effects = [_effects(view, about, found, one) for one in found.patterns]
    asked = sum(one.asked for one in effects)
    return Evidence(
        facts=tuple(_facts(view, about, found, effects)),
        method="patterns found on one half of the texts, tested on the other (Fisher's exact test, "
        f"Benjamini-Hochberg at {FALSE_DISCOVERIES:.0%}), and put in and taken out",
        estimand=f"P(predicted {about.label.label} | pattern) and P(pattern | predicted {about.label.label})",
        quality=(*_quality(found), *(direct_evaluation(asked, "edited texts asked about") if asked else ())),
        caveats=tuple(_caveats(view, about)),
        table=_table(found, effects),
    )


@dataclass(frozen=True)
class _About:
    """The texts looked at, which of them are predicted as the class, and their outputs for it."""

    label: ClassLabel
    texts: list[str]
    wanted: Array
    chance: Array
    total: int


def _about(view: View, cls: str | None) -> _About:
    label = view.explained_class(cls) or view.schema.classes[int(np.bincount(predicted_index(view.outputs)).argmax())]
    place = view.schema.classes.index(label)
    texts = texts_of(view.rows)
    some = np.array([i for i, text in enumerate(texts) if text.strip()], dtype=np.int64)
    if len(some) > _MOST_TEXTS:
        some = np.sort(view.rng.choice(some, _MOST_TEXTS, replace=False))
    if len(some) < _FEWEST:
        raise ToolError(
            f"Describing the texts of a class takes at least {_FEWEST} of them; here there are {len(some)}. "
            f"Ask about more {view.schema.entities}."
        )
    wanted = predicted_index(view.outputs)[some] == place
    if not wanted.any() or wanted.all():
        which = "All" if wanted.all() else "None"
        raise ToolError(f"{which} of these {view.schema.entities} are predicted {label.label}; there is no contrast.")
    return _About(label, [texts[int(i)] for i in some], wanted, view.outputs[some, place], len(texts))


@dataclass(frozen=True)
class _Effect:
    """Mean change of the class's probability (standard error, texts) when a pattern is put in, and taken out."""

    put_in: tuple[float, float, int] | None
    taken_out: tuple[float, float, int] | None

    @property
    def asked(self) -> int:
        """How many edited texts this rests on."""
        return sum(one[2] for one in (self.put_in, self.taken_out) if one is not None)

    @property
    def clear(self) -> bool:
        """Whether either interval excludes zero."""
        return any(abs(one[0]) > _CLEAR * one[1] for one in (self.put_in, self.taken_out) if one is not None)


def _effects(view: View, about: _About, found: Description, one: Described) -> _Effect:
    """Measured on the unseen texts: put into some that lack it, taken out of some that have it."""
    sides = []
    for mask, edit in ((~one.inside, one.pattern.put_in), (one.inside, one.pattern.taken_out)):
        drawn = view.rng.permutation(found.unseen[mask])[:_EDITED]
        pairs = [(int(i), text) for i in drawn if (text := edit(about.texts[int(i)])) is not None]
        sides.append(_change(view, about, pairs))
    return _Effect(*sides)


def _change(view: View, about: _About, pairs: list[tuple[int, str]]) -> tuple[float, float, int] | None:
    if len(pairs) < 2:
        return None
    place = view.schema.classes.index(about.label)
    moved = ask_texts(view, [text for _, text in pairs])[:, place] - about.chance[[i for i, _ in pairs]]
    return float(moved.mean()), float(moved.std(ddof=1) / np.sqrt(len(moved))), len(moved)


def _facts(view: View, about: _About, found: Description, effects: list[_Effect]) -> Iterator[Fact]:
    cls = about.label.name
    yield Fact(relation="unseen", value=len(found.unseen), unit="count")
    yield Fact(relation="base_rate", value=float(found.wanted.mean()), unit="share", cls=cls)
    if not found.patterns:
        yield Fact(relation="none_described", value=cls, unit="class", cls=cls)
        yield Fact(relation="none_of_tested", value=found.tested, unit="count")
        return
    yield Fact(relation="described", value=cls, unit="class", cls=cls)
    yield Fact(relation="tested", value=found.tested, unit="count")
    for rank, one in enumerate(found.patterns, 1):
        given = {"group": one.pattern.words, "cls": cls}
        yield Fact(relation="pattern", value=one.pattern.key, unit="text", rank=rank, **given)
        low, _ = wilson(one.hits, one.matched)
        yield Fact(relation="precision", value=one.precision, unit="share", **given)
        yield Fact(relation="precision_low", value=low, unit="share", **given)
        yield Fact(relation="recall", value=one.recall, unit="share", **given)
        if low >= _SURE:
            yield Fact(relation="nearly_all", value=one.precision, unit="share", **given)
    if len(found.patterns) > 1:
        hits = found.joint & found.wanted
        yield Fact(relation="joint_recall", value=float(hits.sum() / found.wanted.sum()), unit="share", cls=cls)
        yield Fact(relation="joint_precision", value=float(hits.sum() / found.joint.sum()), unit="share", cls=cls)
    yield from _effect_facts(cls, found, effects)
    yield Fact(relation="level", value=LEVEL, unit="share")


def _effect_facts(cls: str, found: Description, effects: list[_Effect]) -> Iterator[Fact]:
    for one, effect in zip(found.patterns, effects, strict=True):
        words = one.pattern.words
        for relation, moved in (("put_in", effect.put_in), ("taken_out", effect.taken_out)):
            if moved is not None:
                value, error, _ = moved
                yield Fact(relation=relation, value=value, unit="points", cls=cls, group=words, error=error)
        if effect.asked and not effect.clear:
            yield Fact(relation="no_effect", value=0, unit="count", cls=cls, group=words)


def _quality(found: Description) -> Iterator[Quality]:
    """C21: precision and recall of what is said, on texts that were not used to find it."""
    if not found.patterns:
        return
    hits = float((found.joint & found.wanted).sum())
    precision, base = hits / float(found.joint.sum()), float(found.wanted.mean())
    yield Quality(check="C21 precision", value=precision, passed=precision > base, note=f"base rate {base:.2f}")
    note = "share of the texts with the output that the description covers"
    yield Quality(check="C21 recall", value=hits / float(found.wanted.sum()), passed=True, note=note)
    p = max(one.p for one in found.patterns)
    yield Quality(check="C10", value=p, passed=p <= FALSE_DISCOVERIES, note="largest adjusted p of the patterns named")


def _caveats(view: View, about: _About) -> Iterator[Caveat]:
    if len(about.texts) < about.total:
        text = f"The search used {len(about.texts):,} of the {about.total:,} {view.schema.entities}, drawn at random."
        yield Caveat(flag="sampled", text=text)
    if len(about.texts) < 200:
        text = f"With only {len(about.texts)} {view.schema.entities}, few patterns can be told from chance."
        yield Caveat(flag="small_n", text=text)


def _table(found: Description, effects: list[_Effect]) -> Table | None:
    if not found.patterns:
        return None
    rows = []
    for one, effect in zip(found.patterns, effects, strict=True):
        low, high = wilson(one.hits, one.matched)
        moved = [
            cell for side in (effect.put_in, effect.taken_out) for cell in ((None, None) if side is None else side[:2])
        ]
        rows.append((one.pattern.words, one.matched, one.precision, low, high, one.recall, one.p, *moved))
    columns = (
        "texts with", "matched", "precision", "low", "high", "recall", "adjusted p", "effect of putting in",
        "its error",
        "effect of taking out", "its error ",
    )  # fmt: skip
    return Table(columns=columns, rows=tuple(rows), note="measured on texts that were not used to find the patterns")
