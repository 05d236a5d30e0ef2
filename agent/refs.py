"""What a step takes from an earlier one, as a chat model writes it: "@1" is what call 1 finds.

mistakes {"k": 1}, explain {"row": "@1"}            the row of the worst mistake
importance {"k": 1}, effect {"feature": "@1"}       the feature that matters most
worst_group {}, mistakes {"where": "@1"}            the rows of the worst group

In an investigation, where the facts are known, "@1.f3" and "@1.f3.row" name the fact and what is taken of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_type_hints

from askwhy.agent.groups import has_group, where_of_group
from askwhy.agent.plan import Ref, Step
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.registry import NameKind, Tool, find_tool
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Argument

ANY = "any"
"""The relation of a reference that takes the first fact which has what is wanted, those of a better rank first."""

_WRITTEN = re.compile(r"@(?P<step>\d{1,3})(?:\.(?P<fact>[a-z]\w{0,39})(?:\.(?P<take>[a-z]+))?)?")
_PLACEHOLDERS: dict[str, Any] = {"row": "1", "where": {"all": []}}


def written_refs(step: Step, made: Tool | None) -> dict[str, Any]:
    """The references of a step as values of its call."""
    return {ref.into: _several(made, ref.into, f"@{ref.step}") for ref in step.refs}


def read_refs(args: Mapping[str, Any], made: Tool, schema: Schema) -> tuple[dict[str, Any], tuple[Ref, ...]]:
    """The values of a call with a placeholder for every reference, and the references."""
    filled, refs = dict(args), []
    for name, value in args.items():
        match = pointed(value)
        kind = _kind(made, name)
        if match is None or match["fact"] or (name not in _PLACEHOLDERS and kind is None):
            continue
        refs.append(Ref(into=name, step=int(match["step"]), relation=ANY))
        known = schema.names if kind == "feature" else tuple(one.name for one in schema.classes)
        filled[name] = _PLACEHOLDERS.get(name) or known[0]
    return filled, tuple(refs)


def pointed(value: Any) -> re.Match[str] | None:
    """The parts of a value (alone or in a list of one) that points at an earlier step: step, fact and take."""
    alone = value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value
    return _WRITTEN.fullmatch(alone.strip()) if isinstance(alone, str) else None


def with_found(step: Step, found: Sequence[Evidence]) -> Step:
    """The step with its references replaced by what the earlier steps found. Raises ToolError if that is nothing."""
    made = find_tool(step.tool) if step.refs else None
    for ref in step.refs:
        scope, part = step.scope, part_of(ref, made)
        evidence, fact = referred(ref, part, found)
        if ref.into == "where":
            where = scope.where & where_of_group(evidence, fact)
            step = step.model_copy(update={"scope": scope.model_copy(update={"where": where})})
            continue
        value = getattr(fact, part)
        if ref.into == "row":
            step = step.model_copy(update={"scope": scope.model_copy(update={"row": str(value)})})
        else:
            kept = tuple(one for one in step.arguments if one.name != ref.into)
            given = Argument(name=ref.into, value=_several(made, ref.into, value, tuple))
            step = step.model_copy(update={"arguments": (*kept, given)})
    return step


def referred(ref: Ref, part: str, found: Sequence[Evidence]) -> tuple[Evidence, Fact]:
    """The fact that is meant, and the evidence it is in. Raises ToolError if there is none."""
    if not 1 <= ref.step <= len(found):
        raise ToolError(f"Step {ref.step} has not run, so nothing can be taken from it.")
    evidence = found[ref.step - 1]
    facts: tuple[Fact, ...] = evidence.all(ref.relation)
    if ref.relation == ANY:
        last = len(facts := evidence.facts) + 1
        ranked = sorted(facts, key=lambda fact: fact.rank if fact.rank is not None else last)
        facts = tuple(fact for fact in ranked if _is_there(part, fact, evidence))
    if not 1 <= ref.place <= len(facts) or not _is_there(part, facts[ref.place - 1], evidence):
        wanted = ref.into.replace("_", " ") if ref.relation == ANY else ref.relation
        raise ToolError(f"Step {ref.step} found no {wanted} to go on with.")
    return evidence, facts[ref.place - 1]


def _is_there(part: str, fact: Fact, evidence: Evidence) -> bool:
    return has_group(evidence, fact) if part == "group" else getattr(fact, part) is not None


def part_of(ref: Ref, made: Tool | None) -> str:
    """The field of a fact that the reference takes."""
    if ref.take is not None:
        return ref.take
    kinds: dict[NameKind | None, str] = {"feature": "feature", "class": "cls", None: "value"}
    return {"row": "row", "where": "group"}.get(ref.into) or kinds[_kind(made, ref.into)]


def _kind(made: Tool | None, name: str) -> NameKind | None:
    return dict(made.named).get(name) if made else None


def _several(made: Tool | None, name: str, value: Any, kind: type[list[Any]] | type[tuple[Any, ...]] = list) -> Any:
    """The value, in a list where the argument takes several."""
    hints = get_type_hints(made.function, include_extras=True) if made else {}
    return kind([value]) if "tuple[" in str(hints.get(name)) else value
