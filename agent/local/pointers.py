"""What a call of an investigation can be about: what earlier steps found, and what the user named."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from askwhy.agent.investigate.notebook import FINISH, Found
from askwhy.agent.investigate.pointing import pointer
from askwhy.agent.investigate.script import Kind, heard, names
from askwhy.tools.schema import Schema

MOST_POINTERS = 8
"""Of one kind, from one step."""

_ID = re.compile(r"[\w.-]*\d[\w-]*")
_QUOTED = re.compile(r"“([^”]+)”|\"([^\"]+)\"|(?<!\w)['‘]([^'’]+)['’](?!\w)")
_MOST_TYPED, _MOST_TEXT = 8, 300


@dataclass(frozen=True)
class Pointers:
    """Values that exist at one moment of an investigation.

    steps: how many have been run. spent: tools that were called twice in the same way, as a third time is of no use.
    rows, groups, features: pointers at what their facts are about. typed: words of the question that may be ids of
    rows. texts: what it has in quotation marks.
    """

    steps: int = 0
    spent: frozenset[str] = frozenset()
    rows: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


def pointers(messages: Sequence[BaseMessage], schema: Schema) -> Pointers:
    """What the next call can be about, after this conversation."""
    found = {one.step: one for one in heard(messages).values() if one.step}
    said = next((str(one.text) for one in messages if isinstance(one, HumanMessage)), "")
    quoted = ("".join(groups)[:_MOST_TEXT] for groups in _QUOTED.findall(said))
    rows, groups, features = (
        tuple(one for step in sorted(found) for one in _of(found[step], kind, schema))
        for kind in ("row", "group", "feature")
    )
    return Pointers(
        steps=len(found), spent=_spent(messages), rows=rows, groups=groups, features=features,
        typed=tuple(dict.fromkeys(_ID.findall(said)))[:_MOST_TYPED], texts=tuple(dict.fromkeys(quoted))[:_MOST_TYPED],
    )  # fmt: skip


def is_investigation(offered: Sequence[dict[str, Any]]) -> bool:
    """Whether these tools, given in the OpenAI format, are those of an investigation."""
    return any(one["function"]["name"] == FINISH for one in offered)


def _spent(messages: Sequence[BaseMessage]) -> frozenset[str]:
    """The tools that were called twice with the same arguments."""
    calls = [one for message in messages if isinstance(message, AIMessage) for one in message.tool_calls]
    often = Counter((one["name"], json.dumps(one["args"], sort_keys=True, default=str)) for one in calls)
    return frozenset(name for (name, _), times in often.items() if times > 1)


def _of(found: Found, kind: Kind, schema: Schema) -> Iterator[str]:
    """A pointer at each row, group or feature of a step, by the first fact that names it."""
    seen: set[str] = set()
    evidence = found.evidence
    for fact in evidence.facts if evidence else ():
        named = getattr(fact, kind)
        if evidence is None or named is None or named in seen or len(seen) == MOST_POINTERS:
            continue
        if names(evidence, fact, kind) and (kind != "feature" or named in schema.names):
            seen.add(named)
            yield pointer(found.step, fact, kind)
