"""Which words tell some texts from the others: of the data, not of the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from askwhy.tools.engines.text_keywords import Keyword, distinctive_words
from askwhy.tools.engines.text_vectors import texts_of
from askwhy.tools.engines.truth import actual_values
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Quality, Series, Table
from askwhy.tools.registry import ClassName, Says, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

By = Literal["predicted", "actual"]

_LEVEL = 0.05
_SHOWN = 20

_SAYS: Says = (
    "The words that most set {inside:entities}{scope} apart from the other {outside} are "
    "[keyword*: “{at}” (in {value} of them)].",
    "The words that most set the {inside_predicted:entities} predicted {keyword_predicted.cls} apart from the other "
    "{outside} are [keyword_predicted*: “{at}” (in {value} of them)].",
    "The words that most set the {inside_actual:entities} that are really {keyword_actual.cls} apart from the other "
    "{outside} are [keyword_actual*: “{at}” (in {value} of them)].",
    "No word clearly sets {no_keyword:entities}{scope} apart from the other {outside}.",
    "No word clearly sets the {no_keyword_predicted:entities} predicted {no_keyword_predicted.cls} apart from the "
    "other {outside}.",
    "No word clearly sets the {no_keyword_actual:entities} that are really {no_keyword_actual.cls} apart from the "
    "other {outside}.",
    "Words of the others are [other_keyword 3: “{at}” (in {value} of them)].",
    "This describes the texts; whether the model uses these words is another question.",
)


@tool(
    fits=lambda schema: schema.modality == "text",
    asks=(
        "what are the keywords of {entities} {subset}?",
        "which words are typical of {entities} {subset}?",
        "which words set {entities} {subset} apart from the others?",
        "what are the keywords?",
        ask("what are the keywords of {entities} predicted {class}?", by="predicted"),
        ask("which words are frequent in {entities} that are really {class}?", by="actual"),
        ask("what distinguishes the texts of {class} from the others?", by="actual"),
        "name {k} distinctive words of {entities} {subset}",
    ),
    says=_SAYS,
)
def keywords(
    view: View, cls: ClassName | None = None, by: By = "predicted", k: Annotated[int, Field(ge=1, le=20)] = 5
) -> Evidence:
    """Keywords: words that set the selected texts apart from the others, or texts predicted (or, with `by`, really of)
    `cls` from the rest. A description of the data, not of the model."""
    sides = _sides(view, cls, by)
    found = distinctive_words(sides.inside, sides.outside)
    named = [one for one in found if one.z > 0 and one.p <= _LEVEL][:k]
    others = [one for one in reversed(found) if one.z < 0 and one.p <= _LEVEL][:k]
    p = max((one.p for one in named), default=min((one.p for one in found), default=1.0))
    return Evidence(
        facts=tuple(_facts(sides, named, others)),
        method="log-odds of words with an informative Dirichlet prior (Monroe et al. 2008)",
        estimand="how much more frequent a word is in these texts than in the others",
        quality=(
            Quality(
                check="C10",
                value=p,
                passed=bool(named),
                note=f"largest adjusted p-value of the words named (Benjamini-Hochberg, up to {_LEVEL})",
            ),
        ),
        caveats=_caveats(view, sides),
        figure=_figure(found),
        table=_table(sides, found),
    )


@dataclass(frozen=True)
class _Sides:
    """The texts in question and the others; `role`: what the facts are called; `label`: the class they are of."""

    inside: list[str]
    outside: list[str]
    role: str
    label: ClassLabel | None


def _sides(view: View, cls: str | None, by: By) -> _Sides:
    if cls is None and not view.chosen.all() and view.chosen.any():
        rest = view.subject.data[~view.chosen]
        return _Sides(texts_of(view.rows), texts_of(rest), "", None)
    label = view.explained_class(cls)
    if label is None:
        if view.subject.regression:
            raise ToolError("Say which texts you mean, for instance those with a prediction above a number.")
        label = view.schema.classes[0]
    mask = _of_class(view, label, by)
    if not mask.any() or mask.all():
        which = "All" if mask.all() else "None"
        raise ToolError(f"{which} of these {view.schema.entities} are {label.label}, so there is nothing to compare.")
    texts = np.array(texts_of(view.rows), dtype=object)
    return _Sides(list(texts[mask]), list(texts[~mask]), f"_{by}", label)


def _of_class(view: View, label: ClassLabel, by: By) -> Mask:
    place = view.schema.classes.index(label)
    if by == "predicted":
        return np.asarray(predicted_index(view.outputs) == place, dtype=bool)
    if view.targets is None:
        raise ToolError("The true classes are not known here; ask by the predicted class.")
    return np.asarray(actual_values(view.schema, view.targets) == place, dtype=bool)


def _facts(sides: _Sides, named: list[Keyword], others: list[Keyword]) -> Iterator[Fact]:
    cls, role = None if sides.label is None else sides.label.name, sides.role
    yield Fact(relation="outside", value=len(sides.outside), unit="count")
    yield Fact(relation=f"{'inside' if named else 'no_keyword'}{role}", value=len(sides.inside), unit="count", cls=cls)
    for rank, one in enumerate(named, 1):
        yield Fact(relation=f"keyword{role}", value=one.inside, unit="count", at=one.word, cls=cls, rank=rank)
        yield Fact(relation="keyword_score", value=one.z, unit="score", at=one.word, rank=rank)
    for rank, one in enumerate(others, 1):
        yield Fact(relation="other_keyword", value=one.outside, unit="count", at=one.word, rank=rank)


def _caveats(view: View, sides: _Sides) -> tuple[Caveat, ...]:
    if min(len(sides.inside), len(sides.outside)) >= 30:
        return ()
    text = f"One of the sides has only {min(len(sides.inside), len(sides.outside))} {view.schema.entities}."
    return (Caveat(flag="small_n", text=text),)


def _figure(found: tuple[Keyword, ...]) -> Figure:
    shown = [*found[: _SHOWN // 2], *found[len(found) - _SHOWN // 2 :]] if len(found) > _SHOWN else list(found)
    series = Series(name="z-score", x=tuple(one.word for one in shown), y=tuple(one.z for one in shown))
    return Figure(kind="bars", title="Distinctive words", x_label="word", y_label="z-score", series=(series,))


def _table(sides: _Sides, found: tuple[Keyword, ...]) -> Table:
    shown = [*found[:_SHOWN], *found[max(_SHOWN, len(found) - _SHOWN) :]]
    rows = tuple((one.word, one.z, one.p, one.inside, one.outside) for one in shown)
    columns = ("word", "z-score", "adjusted p", "texts with it", "other texts with it")
    return Table(columns=columns, rows=rows, note="positive z-scores: more frequent in the texts asked about")
