"""Questions about the words of an answer, "what is SHAP?": the terms of the glossary need no model to be read."""

from __future__ import annotations

import re

from askwhy.agent.embedded.english import pattern
from askwhy.agent.embedded.mentions import sketch
from askwhy.agent.plan import Step
from askwhy.tools.glossary import Term, known_term
from askwhy.tools.how import TOOL
from askwhy.tools.registry import tools
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Argument

_NAMED = re.compile(r"\b[FCKTO]\d")


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
    if TOOL not in names or TOOL not in tools(schema):
        return None
    term = asked_term(question)
    if term is None or _NAMED.search(sketch(question, schema).text):
        return None
    return Step(tool=TOOL, arguments=(Argument(name="term", value=term.term),))
