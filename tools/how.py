"""How an answer was computed, told from its evidence: what was done, what that means, and what the picture shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from askwhy.tools.evidence import Evidence, Fact, Figure, Quality
from askwhy.tools.glossary import Term, terms_of
from askwhy.tools.registry import Tool, find_tool
from askwhy.tools.scope import Scope, arguments_of

TOOL = "method_help"
"""The tool whose patterns say it."""


def how_computed(evidence: Evidence) -> Evidence:
    """The evidence of `method_help` about another answer: its method, in the words of the tool and the glossary."""
    made = find_tool(evidence.tool)
    terms = terms_of(made.name, evidence.method)
    told = [*_done(evidence), *_picture(evidence.figure), *purpose(made), *meanings(terms)]
    helper = find_tool(TOOL)
    return Evidence(
        facts=tuple(fact.model_copy(update={"id": f"f{number}"}) for number, fact in enumerate(told, 1)),
        method=evidence.method,
        estimand=evidence.estimand,
        quality=evidence.quality,
        tool=helper.name,
        arguments=arguments_of({"tool": made.name}),
        scope=Scope(),
        seed=evidence.seed,
        subject=evidence.subject,
        code=helper.code,
    )


def sentence(relation: str, text: str) -> Fact:
    """Words to be said as they stand."""
    return Fact(relation=relation, value=text, unit="")


def purpose(made: Tool, relation: str = "purpose") -> Iterator[Fact]:
    """What a tool is for, from its docstring: the sentences of it that do not speak of single arguments."""
    first, *others = " ".join(made.description.split()).rstrip(".").split(". ")
    if "`" in first:
        first = re.sub(r"\s*[^,;:.]*$", "", first.partition("`")[0]).rstrip(",;: ") or first.replace("`", "")
        first = first if first.count("(") == first.count(")") else first.rpartition("(")[0].rstrip(",;: ")
    text = ". ".join((first, *takewhile(lambda one: "`" not in one, others)))
    lowered = text[:1].lower() + text[1:] if text[1:2].islower() or text[:2] == "A " else text
    yield sentence(relation, f"The kind of answer called “{made.name}” is for this: {lowered}.")


def meanings(terms: tuple[Term, ...]) -> Iterator[Fact]:
    """What the first two of these mean, and the papers they come from."""
    terms = terms[:2]
    for relation, term in zip(("meaning", "second_meaning"), terms, strict=False):
        yield sentence(relation, term.meaning)
    papers = dict.fromkeys(term.paper for term in terms if term.paper)
    if papers:
        word = "paper" if len(papers) == 1 and ";" not in "".join(papers) else "papers"
        yield sentence("paper", f"To read on about it, see the {word}: {'; '.join(papers)}.")


def _done(evidence: Evidence) -> Iterator[Fact]:
    method = evidence.method.replace(": ", ", ", 1)
    yield sentence("method_used", f"This is how it was computed: {method}.")
    if evidence.estimand:
        yield sentence("measured", f"What it measures or rests on: {evidence.estimand}.")
    asked = next((one for one in evidence.quality if one.check == "C19"), None)
    if asked is not None:
        yield sentence("asked", _asked(asked))


def _asked(quality: Quality) -> str:
    return f"The model itself was asked for it: {quality.value:,.0f} {quality.note}."


def _picture(figure: Figure | None) -> Iterator[Fact]:
    if figure is None:
        return
    x, y = figure.x_label or "thing named beside it", figure.y_label or figure.title[:1].lower() + figure.title[1:]
    shown = {
        "bars": f"In the picture, each bar stands for one {x}, and its length is the {y}.",
        "line": f"In the picture, the height of a line is the {y} at the value of {x} below it.",
    }
    yield sentence("picture", shown.get(figure.kind, f"In the picture, the colour of a field is the {y}."))
    names = tuple(dict.fromkeys(one.name for one in figure.series))
    if len(names) > 1:
        yield sentence("series", f"It shows these side by side: {', '.join(names)}.")
    if any(one.error is not None for one in figure.series):
        yield sentence("whiskers", "The thin lines in it reach one standard error to either side.")
