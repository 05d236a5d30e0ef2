"""Questions about the last answer and its words: "the raw numbers", "how did you compute that?", "what is SHAP?"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin, get_type_hints

from askwhy.agent.embedded.english import listed, pattern
from askwhy.agent.embedded.mentions import Reading, sketch
from askwhy.agent.embedded.retrieve import argument_kinds, takes_term
from askwhy.agent.plan import Form, Step
from askwhy.tools.glossary import Term, known_term
from askwhy.tools.registry import Tool, tools
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Argument

_CODE = re.compile(r"\b[A-Z]\d+\b")


def asked_term(question: str) -> Term | None:
    """The entry of the glossary that a question wants to have explained, if it is about nothing else."""
    said = " ".join(question.lower().replace("\u2019", "'").split()).rstrip(" ?.!")
    for name in ("term_meant", "term_named"):
        match = pattern(name).fullmatch(said)
        if match is not None and (found := known_term(match["term"])) is not None:
            # "the accuracy" is this model's; "accuracy" is what it is called.
            return found if name == "term_meant" or not (match["the"] and found.tools) else None
    return None


def term_step(question: str, schema: Schema, names: frozenset[str]) -> Step | None:
    """The step that explains a method or measure; None where the question names none, or something of the schema."""
    term = asked_term(question)
    helper: Tool | None = next((one for one in tools(schema).values() if one.name in names and takes_term(one)), None)
    if term is None or helper is None or re.search(r"\b[FCKTO]\d", sketch(question, schema).text):
        return None
    return Step(tool=helper.name, arguments=(Argument(name="term", value=term.term),))


def asked_form(question: str) -> tuple[Form, str, bool]:
    """In which form an answer is wanted, the rest of the question, and whether that may be a question of its own."""
    ways: Sequence[tuple[str, Form, bool]] = (
        ("as_numbers", "numbers", True),
        ("in_numbers", "numbers", False),
        ("how_computed", "method", False),
    )
    for name, form, whole in ways:
        rest, found = pattern(name).subn(" ", question)
        if found:
            return form, " ".join(rest.split()), whole
    return "words", question, False


def points_back(reading: Reading) -> bool:
    """Whether a question says nothing of its own: at most for which rows it wants the last answer again."""
    words = re.findall(r"[^\W_]+(?:'\w+)?", _CODE.sub(" ", reading.text))
    return all(word in listed("pointing") for word in words)


def carried(tool: Tool, given: dict[str, Any], steps: Sequence[Step], text: str) -> dict[str, Any]:
    """The arguments with the class and the method of the last explanation, where a question is about the same one."""
    if not steps or not (steps[-1].tool == tool.name or pattern("about_explanation").search(text)):
        return given
    kinds, hints = argument_kinds(tool), get_type_hints(tool.function, include_extras=True)
    last = argument_kinds(tools()[steps[-1].tool]) if steps[-1].tool in tools() else {}
    for one in steps[-1].arguments:
        kind = kinds.get(one.name, ("", False))[0]
        fits = kind == "class" == last.get(one.name, ("", False))[0] or one.value in _choices(hints.get(one.name))
        if one.name not in given and fits:
            given = given | {one.name: one.value}
    return given


def _choices(annotation: Any) -> tuple[Any, ...]:
    """The values of a Literal; none of anything else."""
    return get_args(annotation) if get_origin(annotation) is Literal else ()
