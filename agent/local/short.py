"""What a small model that was tuned for one task reads: much less than `prompt.py` shows to any model.

What is the same for all questions about a subject comes first, so that it is read once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from langchain_core.messages import ToolCall

from askwhy.agent.listing import clean, variables
from askwhy.agent.local.examples import nearest, written
from askwhy.agent.local.prompt import Said
from askwhy.agent.skeleton import Skeleton
from askwhy.prompts import load
from askwhy.tools.registry import tools
from askwhy.tools.schema import Schema

LIKELY = 6
"""Tools that are named after a question: those of the example questions that share the most telling words with it."""

_CLIP, _MOST_FEATURES, _MOST_VALUES, _MOST_QUESTION = 30, 40, 6, 600


def short_plan(question: str, schema: Schema, before: tuple[str, Sequence[ToolCall]] | None = None) -> Said:
    """Messages that ask for the calls that a question means. before: the turn before, as question and calls."""
    known = variables(schema)
    system = load("short_plan").render(
        entity=known["entity"], target=json.dumps(clean(schema.target.label, _CLIP), ensure_ascii=False),
        features=_features(schema), classes=_classes(schema),
    )  # fmt: skip
    said = [{"role": "system", "content": system}]
    if before is not None:
        said += [{"role": "user", "content": clean(before[0], _MOST_QUESTION)}]
        said += [{"role": "assistant", "content": written(before[1])}]
    asked = clean(question, _MOST_QUESTION)
    likely = [one.tool for one in nearest(asked, schema, tools(schema), LIKELY)]
    return [*said, {"role": "user", "content": f"{asked}\n{json.dumps(likely)}"}]


def short_rephrase(bones: Skeleton) -> Said:
    """Messages that ask for other words for a text with placeholders."""
    return [{"role": "system", "content": load("short_rephrase").render()}, {"role": "user", "content": bones.text}]


def _features(schema: Schema) -> str:
    lines = []
    for number, one in enumerate(schema.features[:_MOST_FEATURES]):
        values = [clean(category.label, _CLIP) for category in one.categories[:_MOST_VALUES]]
        shown = f" {json.dumps(values, ensure_ascii=False)}" if values and one.kind != "boolean" else ""
        lines.append(f"f{number} {json.dumps(clean(one.label, _CLIP), ensure_ascii=False)}{shown}")
    return "\n".join(lines)


def _classes(schema: Schema) -> str:
    labels = (json.dumps(clean(one.label, _CLIP), ensure_ascii=False) for one in schema.classes)
    return "\n".join(f"c{number} {label}" for number, label in enumerate(labels)) or "no classes"
