"""What a method or a measure is, and how an answer is computed: for tables and for texts."""

from __future__ import annotations

from collections.abc import Iterator

from askwhy.tools.errors import UnknownName
from askwhy.tools.evidence import Evidence, Fact, Table
from askwhy.tools.glossary import TermName, find_term, glossary, terms_of
from askwhy.tools.how import meanings, purpose
from askwhy.tools.registry import ask, tool, tools
from askwhy.tools.view import View


@tool(
    needs="nothing",
    asks=(
        ask("what is SHAP?", term="SHAP"),
        ask("what are Shapley values?", term="SHAP"),
        ask("how does LIME work?", term="LIME"),
        ask("what is a counterfactual?", term="counterfactual"),
        ask("what is permutation importance?", term="permutation importance"),
        ask("what does fidelity mean?", term="fidelity"),
        ask("what are standard errors?", term="standard error"),
        ask("what does AUC stand for?", term="AUC"),
        ask("explain what partial dependence is", term="partial dependence"),
        ask("how do you compute importance?", tool="importance"),
        "how did you compute that?",
        "which technique did you use?",
        "what does this bar mean?",
        "which terms can you explain?",
    ),
    says=(
        "{method_used}",
        "{measured}",
        "{asked}",
        "{tool_purpose}",
        "{meaning}",
        "{second_meaning}",
        "{picture}",
        "{series}",
        "{whiskers}",
        "{purpose}",
        "It is behind {used:one this kind/these kinds} of answer: [user*: “{value}”].",
        "{paper}",
        "{terms_known} methods and measures can be explained here, and every answer can say how it was computed; the "
        "table lists them.",
    ),
)
def method_help(view: View, term: TermName | None = None, tool: str | None = None) -> Evidence:
    """What a method or measure such as SHAP, AUC or a counterfactual is, and how a kind of answer is computed.

    `term`: the method or measure. `tool`: the kind of answer; for one answer, repeat its call, with `form` method."""
    facts: list[Fact] = []
    if tool is not None:
        facts += _about_tool(tool)
    if term is not None:
        facts += _about_term(view, term)
    return Evidence(
        facts=tuple(facts) or (Fact(relation="terms_known", value=len(glossary()), unit="count"),),
        method="glossary of methods and measures",
        table=None if facts else _listing(),
    )


def _about_tool(name: str) -> Iterator[Fact]:
    made = tools().get(name)
    if made is None:
        raise UnknownName("kind of answer", name, tools())
    yield from purpose(made, "tool_purpose")
    yield from meanings(terms_of(made.name, made.description))


def _about_term(view: View, name: str) -> Iterator[Fact]:
    found = find_term(name)
    yield from meanings((found,))
    users = [one for one in found.tools if one in tools(view.schema)]
    if users:
        yield Fact(relation="used", value=len(users), unit="count")
        yield from (Fact(relation="user", value=one) for one in users)


def _listing() -> Table:
    rows = tuple((one.term, one.meaning.partition(". ")[0].rstrip(".") + ".", one.paper) for one in glossary())
    return Table(columns=("term", "in short", "paper"), rows=rows)
