"""Where the model is wrong: how often, for which rows, and what they have in common."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from askwhy.tools.engines.enriched import FALSE_DISCOVERIES, Group, enriched
from askwhy.tools.engines.listing import outcome_columns, shown
from askwhy.tools.engines.truth import Array, Scored, scored
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence, Fact, Table
from askwhy.tools.registry import ClassName, ask, tool
from askwhy.tools.view import View

Kind = Literal["any", "false_positives", "false_negatives"]
What = Literal["count", "sample", "typical"]

_NAMED = 3


@tool(
    audit="How well it does",
    asks=(
        ask("how many mistakes does the model make?", what="count"),
        ask("how often is the model wrong?", what="count"),
        ask("how many errors are there for {entities} with {subset}?", what="count"),
        ask("show me cases it gets wrong", what="sample"),
        ask("show me some mistakes", what="sample"),
        ask("what mistakes does the model make for {entities} with {subset}?", what="sample"),
        ask("show {k} mistakes", what="sample"),
        ask("which {entities} are misclassified?", what="sample"),
        ask("where is the model wrong?", what="sample"),
        ask("what are its worst mistakes?", what="sample"),
        ask("what are the largest errors?", what="sample"),
        ask("how many false positives are there?", what="count", kind="false_positives"),
        ask("how many false negatives are there?", what="count", kind="false_negatives"),
        ask("show false positives", what="sample", kind="false_positives"),
        ask("show false negatives", what="sample", kind="false_negatives"),
        ask("how many {entities} are wrongly predicted {class}?", what="count", kind="false_positives"),
        ask("what do the mistakes have in common?", what="typical"),
        ask("what are typical mistakes?", what="typical"),
        ask("what are common mistakes for {entities} with {subset}?", what="typical"),
        ask("for which {entities} is the model usually wrong?", what="typical"),
        ask("where does the model fail most?", what="typical"),
    ),
    says=(
        "The model is wrong about {wrong} of {held_out:entities}{scope} held out from training, which is {share}.",
        "The model is wrong about {wrong} of {scored:entities}{scope}, which is {share}.",
        "Among {held_out:entities}{scope} held out from training, there {false_positives:one is/are} {false_positives} "
        "false {false_positives:one positive/positives}: predicted {false_positives.cls}, but in truth not.",
        "Among {scored:entities}{scope}, there {false_positives:one is/are} {false_positives} false "
        "{false_positives:one positive/positives}: predicted {false_positives.cls}, but in truth not.",
        "Among {held_out:entities}{scope} held out from training, there {false_negatives:one is/are} {false_negatives} "
        "false {false_negatives:one negative/negatives}: in truth {false_negatives.cls}, but not predicted so.",
        "Among {scored:entities}{scope}, there {false_negatives:one is/are} {false_negatives} false "
        "{false_negatives:one negative/negatives}: in truth {false_negatives.cls}, but not predicted so.",
        "Among {held_out:entities}{scope} held out from training, there {involving:one is/are} {involving} "
        "{involving:one mistake/mistakes} that {involving:one has/have} to do with {involving.cls}.",
        "Among {scored:entities}{scope}, there {involving:one is/are} {involving} {involving:one mistake/mistakes} "
        "that {involving:one has/have} to do with {involving.cls}.",
        "The model makes no mistake among {no_mistake:entities}{scope}.",
        "There are no {none_of.group} for {none_of.cls} among {none_of:entities}{scope}.",
        "The clearest of them, by the model's confidence in the wrong class: [mistake*: {row} (predicted {cls} with "
        "{value})].",
        "Over {held_out:entities}{scope}, held out from training, predictions are off by {mean_error} on average.",
        "Over {scored:entities}{scope}, predictions are off by {mean_error} on average.",
        "The largest errors: [largest_error*: {row} ({value:signed})].",
        "Mistakes are more common than elsewhere for [typical*: {group} (by {value:size})].",
        "With {first_wrong.group}, {first_wrong} of {first_rows:entities} {first_wrong:one is/are} such "
        "{first_wrong:one a mistake/mistakes}.",
        "Errors are larger than elsewhere for [typical_error*: {group}, by {value:size}].",
        "Of the {tested} groups of {entities} compared, none has more mistakes than chance allows.",
        "Of the {tested_errors} groups of {entities} compared, none has larger errors than chance allows.",
    ),
)
def mistakes(
    view: View,
    what: What = "sample",
    kind: Kind = "any",
    cls: ClassName | None = None,
    k: Annotated[int, Field(ge=1, le=100)] = 5,
) -> Evidence:
    """Where the model is wrong on held-out rows: how many mistakes, examples, or what mistakes have in common.
    `kind` narrows to false positives or false negatives of `cls`; `k` is how many examples to show."""
    found = scored(view)
    if view.subject.regression:
        if kind != "any":
            raise ToolError(
                "This model predicts a number, so it has no false positives or negatives; ask for its largest errors."
            )
        return _errors(view, found, what, k)
    wrong, named = _wrong(view, found, kind, cls)
    facts = [found.count_fact(), *_counted(found, wrong, named)]
    order = np.flatnonzero(wrong)
    order = order[np.argsort(-found.outputs[order].max(axis=1), kind="stable")][:k]
    if what == "sample":
        facts += _examples(view, found, order)
    if what == "typical" and wrong.any():
        facts += _typical(view, found, wrong)
    caveats = found.caveats
    return Evidence(
        facts=tuple(facts),
        method=_METHODS[what],
        caveats=caveats,
        table=_table(view, found, order) if len(order) else None,
    )


_METHODS = {
    "count": "predictions compared with the truth",
    "sample": "predictions compared with the truth, most confident mistakes first",
    "typical": f"mistakes by feature value, Fisher's exact test, false discoveries held at {FALSE_DISCOVERIES:.0%}",
}


def _wrong(view: View, found: Scored, kind: Kind, cls: str | None) -> tuple[Array, Fact | None]:
    """Which rows count as mistakes, and the fact that names the kind, without its count."""
    if kind == "any" and cls is None:
        return found.wrong, None
    label = view.schema.explained if cls is None else view.schema.class_label(cls)
    if label is None:
        names = ", ".join(one.label for one in view.schema.classes)
        raise ToolError(f"Say for which class: {names}.")
    one = view.schema.classes.index(label)
    if kind == "any":
        about = found.wrong & ((found.actual == one) | (found.predicted == one))
        # With two classes every mistake is about both.
        several = len(view.schema.classes) > 2
        return about, Fact(relation="involving", value=0, unit="count", cls=label.name) if several else None
    side = found.predicted if kind == "false_positives" else found.actual
    return found.wrong & (side == one), Fact(relation=kind, value=0, unit="count", cls=label.name)


def _counted(found: Scored, wrong: Array, named: Fact | None) -> list[Fact]:
    count, total = int(wrong.sum()), len(found.rows)
    if not count and named is not None:
        group = "mistakes" if named.relation == "involving" else named.relation.replace("_", " ")
        return [named.model_copy(update={"relation": "none_of", "value": total, "group": group})]
    if not count:
        return [Fact(relation="no_mistake", value=total, unit="count")]
    share = Fact(relation="share", value=count / total, unit="share")
    if named is None:
        return [Fact(relation="wrong", value=count, unit="count"), share]
    return [named.model_copy(update={"value": count}), share]


def _examples(view: View, found: Scored, order: Array) -> list[Fact]:
    classes = view.schema.classes
    return [
        Fact(
            relation="mistake",
            value=float(found.outputs[i].max()),
            unit="probability",
            row=found.ids[i],
            cls=classes[int(found.predicted[i])].name,
            rank=rank,
        )
        for rank, i in enumerate(order, 1)
    ]


def _typical(view: View, found: Scored, wrong: Array) -> list[Fact]:
    groups, tested = enriched(view.schema, found.rows, wrong.astype(int))
    if not groups:
        return [Fact(relation="tested", value=tested, unit="count")]
    facts = [_group_fact("typical", group, rank, regression=False) for rank, group in enumerate(groups[:_NAMED], 1)]
    first = groups[0]
    return [
        *facts,
        facts[0].model_copy(update={"relation": "first_wrong", "value": round(first.inside * first.rows), **_COUNT}),
        facts[0].model_copy(update={"relation": "first_rows", "value": first.rows, **_COUNT}),
    ]


_COUNT = {"unit": "count", "rank": None, "error": None}


def _group_fact(relation: str, group: Group, rank: int, *, regression: bool) -> Fact:
    return Fact(
        relation=relation,
        value=group.gap,
        unit="output" if regression else "points",
        feature=group.feature,
        at=group.value,
        group=group.words,
        rank=rank,
        error=group.error,
    )


def _errors(view: View, found: Scored, what: What, k: int) -> Evidence:
    off = found.outputs[:, 0] - found.actual
    size = np.abs(off)
    facts = [found.count_fact(), Fact(relation="mean_error", value=float(size.mean()), unit="output")]
    order = np.argsort(-size, kind="stable")[:k]
    if what == "sample":
        facts += [
            Fact(relation="largest_error", value=float(off[i]), unit="output", row=found.ids[i], rank=rank)
            for rank, i in enumerate(order, 1)
        ]
    if what == "typical":
        groups, tested = enriched(view.schema, found.rows, size)
        named = [
            _group_fact("typical_error", one, rank, regression=True) for rank, one in enumerate(groups[:_NAMED], 1)
        ]
        facts += named or [Fact(relation="tested_errors", value=tested, unit="count")]
    return Evidence(
        facts=tuple(facts),
        method="absolute errors of the predictions",
        caveats=found.caveats,
        table=_table(view, found, order),
    )


def _table(view: View, found: Scored, order: Array) -> Table:
    features = view.schema.features
    rows = found.rows.iloc[order]
    assert view.targets is not None
    targets = view.targets[view.targets.index.isin(rows.index)].reindex(rows.index)
    outcome = outcome_columns(view, found.outputs[order], targets)
    columns = [[shown(one, cell) for cell in rows[one.name]] for one in features]
    cells = zip([str(name) for name in rows.index], *outcome.values(), *columns, strict=True)
    return Table(columns=(view.schema.entity, *outcome, *(one.label for one in features)), rows=tuple(cells))
