"""Question templates, read once: from the TOML files beside this one, and from the example questions of every tool.

A template is a line with (choices|parted by bars), which may be nested or empty, and {slots}. It stands below a tool
and the arguments that it fixes, `sign=against, cls={class}`; a slot as a value takes what was put into that slot.
`@classes` and `@regression` limit templates to such models. Instead of a tool there may be "ask row" or "no unsafe".
"""

from __future__ import annotations

import functools
import random
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from askwhy.agent.parser.actions import arguments_of_tool
from askwhy.evals.generate_words import patterns
from askwhy.tools.registry import Tool, tools

_FILES = ("main", "crowd", "score", "why", "rare", "rarest", "texts", "asked")
INSTANCE = frozenset(("row", "id", "case", "id's"))
CLAIMED = frozenset(("they_do", "they_do_class", "about_rows"))
"""Slots for rows of which it is said that they are of a class."""
GROUPS = frozenset(("rows", "some", "on", "who", "who_id", "pred", "truly")) | CLAIMED
CHANGES = frozenset(("were", "had", "imp", "ger", "cut", "old", "new", "add", "before"))
_INSTEAD_OF_CLASS = frozenset(("does", "do", "they_do_class"))


class Slot(str):
    """A place to fill."""

    __slots__ = ()


Nodes = tuple[Any, ...]
"""Strings, slots, and tuples of alternatives, each of them nodes again."""


@dataclass(frozen=True)
class Form:
    """A template: `fixed` has values of arguments, or the slot that holds one; `only` the kind of model."""

    tool: str
    nodes: Nodes
    fixed: tuple[tuple[str, Any], ...] = ()
    only: str = ""
    slots: frozenset[str] = field(default_factory=frozenset)
    text: str = ""


def rendered(nodes: Nodes, rng: random.Random, fill: Callable[[str], str]) -> str:
    """The template with one of every choice and its slots filled, from left to right."""
    found = []
    for node in nodes:
        kind = type(node)
        if kind is str:
            found.append(node)
        elif kind is Slot:
            found.append(fill(node))
        else:
            found.append(rendered(node[int(rng.random() * len(node))], rng, fill))
    return "".join(found)


def parsed(line: str) -> Nodes:
    """The nodes of a template."""
    nodes, at = _sequence(line, 0, inside=False)
    if at != len(line):
        raise ValueError(f"a bracket too many in {line!r}")
    return nodes


def _sequence(line: str, at: int, inside: bool) -> tuple[Nodes, int]:
    nodes: list[Any] = []
    text = ""
    while at < len(line):
        mark = line[at]
        if mark == "{":
            end = line.index("}", at)
            nodes += [*([text] if text else []), Slot(line[at + 1 : end])]
            text, at = "", end + 1
        elif mark == "(":
            choices = []
            while line[at] != ")":
                choice, at = _sequence(line, at + 1, inside=True)
                choices.append(choice)
            nodes += [*([text] if text else []), tuple(choices)]
            text, at = "", at + 1
        elif inside and mark in "|)":
            break
        else:
            text, at = text + mark, at + 1
    return (*nodes, *([text] if text else [])), at


def _slots(nodes: Nodes) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, Slot):
            yield str(node)
        elif isinstance(node, tuple):
            for choice in node:
                yield from _slots(choice)


@functools.cache
def forms() -> tuple[Form, ...]:
    """Every template."""
    return (*_written(), *_examples())


def _written() -> Iterator[Form]:
    for name in _FILES:
        path = Path(__file__).with_name(f"generate_{name}.toml")
        for tool, sections in tomllib.loads(path.read_text(encoding="utf-8")).items():
            for head, lines in sections.items():
                spec, _, only = head.partition("@")
                fixed = tuple(_fixed(part) for part in spec.split(",") if part.strip())
                only = only.strip() or ("text" if name == "texts" else "")
                yield from (form(tool, line, fixed, only) for line in lines.splitlines() if line.strip())


def form(tool: str, line: str, fixed: tuple[tuple[str, Any], ...], only: str = "") -> Form:
    """A template of a tool. Raises ValueError if an argument takes a slot that the line lacks."""
    nodes = parsed(line.strip())
    slots = frozenset(_slots(nodes))
    filled = slots | ({"class"} if slots & _INSTEAD_OF_CLASS else frozenset())
    filled |= {"twins"} if "twin" in slots else frozenset()
    lacking = [value for _, value in fixed if isinstance(value, Slot) and value not in filled]
    if lacking:
        raise ValueError(f"{tool}: {line!r} has no slot {lacking[0]}")
    return Form(tool, nodes, fixed, only, slots, line.strip())


def _fixed(part: str) -> tuple[str, Any]:
    name, _, value = part.strip().partition("=")
    if value.startswith("{"):
        return name, Slot(value[1:-1])
    if value in ("true", "false"):
        return name, value == "true"
    return name, int(value) if value.isdigit() else value


_KIND = {"effect": "num", "policy": "num", "group_compare": "cat", "flip_rate": "cat", "explanation_gap": "cat"}
_CLASS_MEASURES = frozenset({
    "accuracy", "balanced_accuracy", "precision", "recall", "sensitivity", "specificity", "f1", "roc_auc", "ppv", "npv",
    "log_loss", "brier", "confusion", "false_positives", "false_negatives", "log-odds",
})  # fmt: skip
_WHOLE = ("what_if", "counterfactual", "count", "concept_test")
_KNOWN = {
    "row",
    "text",
    "rows",
    "feature",
    "feature2",
    "class",
    "class2",
    "k",
    "entity",
    "entities",
    "word",
    "word2",
    "other",
}


def _examples() -> Iterator[Form]:
    for tool in tools().values():
        for one in tool.asks:
            skipped = one.text.startswith(patterns().get(f"unlike {tool.name}", ("\0",)))
            if skipped or (
                tool.name in _WHOLE and "{" in one.text.replace("{row}", "").replace("{class}", "").replace("{k}", "")
            ):
                continue
            made = _example(tool, one.text.rstrip("?"), tuple(one.arguments))
            if made is not None:
                yield made


def _example(tool: Tool, text: str, fixed: tuple[tuple[str, Any], ...]) -> Form | None:
    """A tool's example question as a template; one without the instance that the tool needs is to be asked back."""
    for said, slot in (
        ("{entities} with {subset}", "{rows}"), ("{entities} {subset}", "{rows}"), ("another {entity}", "{other}"),
        ("(", ""), (")", ""),
    ):  # fmt: skip
        text = text.replace(said, slot)
    for name in ("class", "word"):
        text = text.replace(f"{{{name}}}", "\0", 1).replace(f"{{{name}}}", f"{{{name}2}}").replace("\0", f"{{{name}}}")
    slots = set(_slots(parsed(text)))
    if slots - _KNOWN or "|" in text:
        return None
    if tool.needs == "instance" and not slots & {"row", "text"}:
        text_only = "text" if tool.name.endswith("_text") or tool.name == "minimal_set" else "table"
        shared = tool.name in ("certainty", "explanation_quality")
        return (
            form("ask row", text.replace("{class}", "{anyclass}"), (), "" if shared else text_only)
            if not slots - {"class"}
            else None
        )
    arguments = _arguments(tool, text, slots, dict(fixed))
    if arguments is None or any(not isinstance(value, (str, int, float, tuple, bool)) for value in arguments.values()):
        return None
    kind = _KIND.get(tool.name) or {"most_common": "cat", "distribution": ""}.get(dict(fixed).get("measure", ""), "num")
    if "feature" in slots and kind and tool.name in (*_KIND, "statistic"):
        text = text.replace("{feature}", f"{{{kind}}}")
        arguments = {name: Slot(kind) if value == "feature" else value for name, value in arguments.items()}
    only = "text" if "text" in slots or "_text" in tool.name else "classes" if "class" in slots else ""
    if (not only and set(map(str, dict(fixed).values())) & _CLASS_MEASURES) or "flip" in text:
        only = only or "classes"
    if set(map(str, dict(fixed).values())) & {"rmse", "mae", "r2", "higher", "lower"}:
        only = "regression"
    if tool.name in ("label", "show"):
        text = text.replace("{row}", "{id}").replace("{text}", "{id}")
    return form(tool.name, text.replace("{text}", "{row}"), tuple(_items(arguments)), only)


def _items(arguments: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in arguments.items():
        yield from ((name, one) for one in (value if isinstance(value, tuple) else (value,)))


def _arguments(tool: Tool, text: str, slots: set[str], fixed: dict[str, Any]) -> dict[str, Any] | None:
    """The arguments that an example's slots fill; None if one has no place."""
    has = tool.arguments.model_fields
    found: dict[str, Any] = {
        name: Slot(value[1:-1]) if str(value).startswith("{") else value for name, value in fixed.items()
    }
    if "class" in slots and "cls" not in found:
        rather = "instead" in has and (" not " in text) and "class2" not in slots
        name = "never" if "never" in has else "instead" if rather else "cls"
        if name not in has:
            return None
        found[name] = Slot("class")
    if "class2" in slots:
        if "instead" not in has:
            return None
        found["instead"] = Slot("class2")
    if "feature" in slots and not _features(slots, has, found):
        return None
    if "other" in slots:
        found["other"] = Slot("other")
    for name in ("k", "word"):
        argument = "words" if name == "word" else name
        if name in slots:
            if argument not in has:
                return None
            found[argument] = (Slot("word"), Slot("word2")) if "word2" in slots else Slot(name)
    required = {name for name, one in has.items() if one.is_required()}
    return found if required <= found.keys() else None


def _features(slots: set[str], has: Any, found: dict[str, Any]) -> bool:
    both = "feature2" in slots
    if "first" in has and both:
        found |= {"first": Slot("feature"), "second": Slot("feature2")}
    elif "features" in has:
        found["features"] = (Slot("feature"), Slot("feature2")) if both else Slot("feature")
    elif "feature" in has and not both:
        found["feature"] = Slot("feature")
    else:
        return False
    return True


@functools.cache
def listed_arguments(tool: str) -> frozenset[str]:
    """The arguments of a tool that hold several values."""
    return frozenset(one.name for one in arguments_of_tool(registered()[tool]) if one.many)


@functools.cache
def limits(tool: str, argument: str) -> tuple[int, int]:
    """The smallest and the largest value of a number that a tool takes."""
    entry = registered()[tool].arguments.model_json_schema()["properties"].get(argument, {})
    for one in (entry, *entry.get("anyOf", ())):
        if "maximum" in one or "minimum" in one:
            return int(one.get("minimum", 1)), int(one.get("maximum", 30))
    return 1, 30


@functools.cache
def registered() -> dict[str, Tool]:
    """Every tool by name, looked up once."""
    return tools()
