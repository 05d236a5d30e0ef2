"""Questions to offer: where something is missing, where nothing is near, and where nothing was asked yet."""

from __future__ import annotations

from collections.abc import Sequence

from askwhy.agent.embedded.english import common
from askwhy.agent.embedded.mentions import Reading
from askwhy.agent.embedded.retrieve import Match, filled
from askwhy.tools.schema import Schema

_NEAR = 0.4


def nearest(matches: Sequence[Match], reading: Reading) -> str:
    """The example that is nearest, where one is near enough to be what was meant; else what most people ask."""
    best = matches[0]
    meant = min(best.nearness, best.score) > _NEAR and best.ask.text.endswith("?")
    return filled(best.ask.text if meant else common(reading.schema.modality)[0], reading.schema, reading)


def examples_of(schema: Schema) -> tuple[str, ...]:
    """Common questions, filled, `{row}` left for a row that exists."""
    return tuple(filled(example, schema, Reading(schema, "")) for example in common(schema.modality))


def half_of(reading: Reading) -> tuple[str, ...]:
    """The first change alone, as a question."""
    first = reading.changes[0]
    said = {"set": "were {0}", "increase": "were {0} higher", "decrease": "were {0} lower"}.get(first.action)
    if said is None or first.feature is None:
        return ()
    return (f"what if {reading.schema.feature(first.feature).label} {said.format(first.value)}?",)


def options_of(examples: Sequence[str], reading: Reading) -> tuple[str, ...]:
    said = (filled(example, reading.schema, reading) for example in examples)
    return tuple(dict.fromkeys(one if one.endswith("?") else f"{one}?" for one in said))[:3]
