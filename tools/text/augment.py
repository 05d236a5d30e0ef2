"""New example texts, made from the data's own by small edits, with what the model makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from askwhy.tools.engines.text_edits import Edit, edited
from askwhy.tools.engines.text_game import ask_texts
from askwhy.tools.engines.text_source import Source
from askwhy.tools.engines.text_telling import one_line
from askwhy.tools.engines.text_units import Split, split_text
from askwhy.tools.engines.text_vectors import texts_of
from askwhy.tools.engines.text_words import vocabulary
from askwhy.tools.engines.truth import Array
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Table
from askwhy.tools.quality import direct_evaluation
from askwhy.tools.registry import ClassName, Says, ask, tool
from askwhy.tools.select import predicted_index
from askwhy.tools.view import View

Kind = Literal["any", "same", "other"]

_TRIES = 40
_MOST_EDITS = 3
_LONGEST = 400

_SAYS: Says = (
    "These texts are made up, and this is the model's output for them: [made_up*: “{at}” is predicted {cls} "
    "({value})].",
    "These texts are made up, and this is the model's output for them: [made_up_number*: “{at}” gets {value}].",
    "They were made from {sources:entities} of the data by up to {most_edits} edits of words each.",
    "Of {tried} edited texts that were tried, {fitting} {fitting:one is/are} predicted {wanted}.",
    "None of the {none_made} edited texts that were tried is predicted {unreached}.",
)


@tool(
    fits=lambda schema: schema.modality == "text",
    asks=(
        "make up {k} new {entities}",
        "give me new examples of {entities} predicted {class}",
        "generate {k} texts like {row}",
        "write some new texts that the model calls {class}",
        "augment the data with new {entities} {subset}",
        "create variations of {text} and predict them",
        ask("make up a text like {row} with another prediction", outcome="other"),
        ask("give me variations of {row} with the same prediction", outcome="same"),
    ),
    says=_SAYS,
)
def augment(
    view: View,
    cls: ClassName | None = None,
    outcome: Kind = "any",
    k: Annotated[int, Field(ge=1, le=10)] = 3,
) -> Evidence:
    """Make up `k` new texts by small edits of the selected ones, with the model's predictions: any, only those
    predicted `cls`, or only those with the same or another prediction than what they are made from (`outcome`)."""
    made = _made(view, k)
    if not made:
        raise ToolError(f"These {view.schema.entities} hold no words to make new ones from.")
    outputs = ask_texts(view, [one.text for one in made])
    fitting = np.flatnonzero(_wanted(view, made, outputs, cls, outcome))
    shown = _different(made, fitting, k)
    return Evidence(
        facts=tuple(_facts(view, made, outputs, fitting, shown, cls, outcome)),
        method="random edits of texts of the data by words that stand in like places, each asked of the model",
        estimand="model output",
        quality=direct_evaluation(len(made), "made-up texts asked about"),
        caveats=(Caveat(flag="made_up", text="Nobody wrote these texts, and what they really mean is not known."),),
        table=_table(view, made, outputs, shown),
    )


@dataclass(frozen=True)
class _Made:
    """A made-up text, the position among the view's rows of the one it is made from, and the edits."""

    text: str
    origin: int
    edits: tuple[Edit, ...]


def _made(view: View, k: int) -> list[_Made]:
    texts = texts_of(view.rows)
    known = frozenset(texts_of(view.subject.data)) | frozenset(texts)
    rng = view.rng
    some = [int(i) for i in rng.permutation(len(texts)) if texts[int(i)].strip()][: 2 * k + 2]
    splits = {i: split_text(texts[i]) for i in some}
    source = Source(vocabulary(view), frozenset(("replace", "remove", "insert")), neighbours=6)
    found: dict[str, _Made] = {}
    for number in range(_TRIES * k if some else 0):
        origin = some[number % len(some)]
        edits = _drawn(splits[origin], source, rng)
        text = edited(splits[origin], edits)
        if edits and text.strip() and text not in known:
            found.setdefault(text, _Made(text, origin, edits))
    return list(found.values())


def _drawn(split: Split, source: Source, rng: np.random.Generator) -> tuple[Edit, ...]:
    count = min(int(rng.integers(1, _MOST_EDITS + 1)), len(split.units))
    places = sorted(int(i) for i in rng.choice(len(split.units), count, replace=False))
    edits = []
    for place in places:
        offered = [edit for edit in source.edits(split, [place]) if edit.kind == "replace"] or [
            *source.edits(split, [place])
        ]
        if offered:
            edits.append(offered[int(rng.integers(len(offered)))])
    return tuple(edits)


def _wanted(view: View, made: list[_Made], outputs: Array, cls: str | None, outcome: Kind) -> Array:
    if view.subject.regression:
        if cls is not None or outcome != "any":
            raise ToolError("This model predicts a number; ask for made-up texts without naming an outcome.")
        return np.ones(len(made), dtype=bool)
    predicted = predicted_index(outputs)
    if cls is not None:
        return np.asarray(predicted == view.schema.class_index(cls))
    own = predicted_index(view.outputs)[[one.origin for one in made]]
    return np.asarray({"any": predicted >= 0, "same": predicted == own, "other": predicted != own}[outcome])


def _different(made: list[_Made], fitting: Array, k: int) -> list[int]:
    """Texts made from different ones first, short enough to be said."""
    short = [int(i) for i in fitting if len(made[int(i)].text) <= _LONGEST] or [int(i) for i in fitting]
    first: dict[int, int] = {}
    for i in short:
        first.setdefault(made[i].origin, i)
    return [*first.values(), *(i for i in short if i not in first.values())][:k]


def _facts(
    view: View, made: list[_Made], outputs: Array, fitting: Array, shown: list[int], cls: str | None, outcome: Kind
) -> Iterator[Fact]:
    classes = view.schema.classes
    words = view.schema.class_label(cls).label if cls is not None else {"same": "as before"}.get(outcome, "otherwise")
    if not shown:
        yield Fact(relation="none_made", value=len(made), unit="count")
        yield Fact(relation="unreached", value=words)
        return
    for i in shown:
        text = one_line(made[i].text)
        if classes:
            name = classes[int(outputs[i].argmax())].name
            yield Fact(relation="made_up", value=float(outputs[i].max()), unit="probability", at=text, cls=name)
            yield Fact(relation="made_up_class", value=name, unit="class", at=text, cls=name)
        else:
            yield Fact(relation="made_up_number", value=float(outputs[i, 0]), unit="output", at=text)
    yield Fact(relation="sources", value=len({made[i].origin for i in shown}), unit="count")
    yield Fact(relation="most_edits", value=_MOST_EDITS, unit="count")
    if cls is not None or outcome != "any":
        yield Fact(relation="tried", value=len(made), unit="count")
        yield Fact(relation="fitting", value=len(fitting), unit="count")
        yield Fact(relation="wanted", value=words)


def _table(view: View, made: list[_Made], outputs: Array, shown: list[int]) -> Table | None:
    if not shown:
        return None
    classes, texts = view.schema.classes, texts_of(view.rows)
    rows = []
    for i in shown:
        said = classes[int(outputs[i].argmax())].label if classes else None
        changed = "; ".join(f"{edit.before or '+'} > {edit.after or '-'}" for edit in made[i].edits)
        origin = made[i].origin
        rows.append((made[i].text, said, float(outputs[i].max()), str(view.rows.index[origin]), texts[origin], changed))
    columns = ("made-up text", "prediction", "output", view.schema.entity, "made from", "edits")
    return Table(columns=columns, rows=tuple(rows), note="made up; not part of the data")
