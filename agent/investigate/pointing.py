"""The references of a call (see `askwhy.agent.refs`), followed to the facts that earlier steps found."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from askwhy.agent.calls import BadCalls, entries
from askwhy.agent.groups import where_of_group
from askwhy.agent.listing import class_id, clean, feature_id
from askwhy.agent.plan import Ref, Take
from askwhy.agent.refs import ANY, part_of, pointed, referred
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.registry import Tool, tools
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Where


@dataclass(frozen=True)
class Pointed:
    """The arguments of a call with values in the place of pointers, and the references that these are."""

    args: dict[str, Any]
    refs: tuple[Ref, ...]


def pointer(step: int, fact: Fact, take: Take) -> str:
    """How a call points at a fact of a step."""
    return f"@{step}.{fact.id}.{take}"


def follow(name: str, args: dict[str, Any], found: Sequence[Evidence], schema: Schema) -> Pointed:
    """The arguments with every pointer followed. Raises BadCalls, ToolError where one leads nowhere."""
    given, refs, made = dict(args), [], tools(schema).get(name)
    for into, value in args.items():
        match = pointed(value)
        if match is None or made is None:
            continue
        ref, fact = _ref(into, match, made, found)
        taken = _written(ref, fact, found[ref.step - 1], schema)
        given[into] = [taken] if isinstance(value, list) else taken
        refs.append(ref)
    return Pointed(given, tuple(refs))


def _ref(name: str, match: re.Match[str], made: Tool, found: Sequence[Evidence]) -> tuple[Ref, Fact]:
    step = int(match["step"])
    ref = Ref(into=name, step=step, relation=ANY)
    said = match["take"] or part_of(ref, made)
    take: Any = "cls" if said == "class" else said
    if not 1 <= step <= len(found):
        raise BadCalls(f"{name}: there is no step {step} yet")
    if take not in get_args(Take) or (name == "where") != (take == "group"):
        raise BadCalls(f"{name}: {clean(said)} cannot be taken; row, feature, class, value, and group for where can")
    if match["fact"] is None:
        fact: Fact | None = referred(ref, take, found)[1]
    else:
        fact = next((one for one in found[step - 1].facts if one.id == match["fact"]), None)
    if fact is None or getattr(fact, take) is None:
        raise BadCalls(f"{name}: step {step} has no {said} in {match['fact']}")
    place = found[step - 1].all(fact.relation).index(fact) + 1
    return Ref(into=name, step=step, relation=fact.relation, take=take, place=place), fact


def _written(ref: Ref, fact: Fact, evidence: Evidence, schema: Schema) -> Any:
    """What is taken, as a call writes it."""
    if ref.into == "where":
        return where_written(where_of_group(evidence, fact), schema)
    value = getattr(fact, ref.take or "value")
    if ref.take == "feature" and value in schema.names:
        return feature_id(schema, value)
    return class_id(schema, value) if ref.take == "cls" and schema.classes else value


def where_written(where: Where, schema: Schema) -> dict[str, Any]:
    """A selection as a call writes it, with ids for names."""
    dumped: dict[str, Any] = json.loads(where.model_dump_json(exclude_defaults=True))
    for condition in entries({"where": dumped}):
        if condition.get("feature"):
            condition["feature"] = feature_id(schema, condition["feature"])
    return dumped
