"""Domains of the question bank: a schema, and questions with the plans that they mean.

A domain is two files: NAME.toml, the schema (`schema_of`), and NAME.txt, conversations parted by blank lines. A turn is

    ? what would she get if she were five years older
    = what_if ; row 12 ; change age +5

`=` is one step, several make a compound plan; `~` is a step that is as good as the one before it. `= ask WHAT` stands
for a question back, `= no REASON` for a decline. Lines that begin with # are comments. The parts of a step:

    row 12                        the row; `row from 1`: the one that step 1 finds (an argument: `feature from 1`)
    text "..."                    the user's own text
    case age = 30, sex = female   the user's own case
    where age > 40 & sex = female | bmi >= 30      & parts groups, | the alternatives of one; `not` before a condition;
                                  @id, @predicted, @actual, @correct, @wrong; = != < <= > >=, contains, missing
    change age +5 | -5 | *1.1 | := 40;  change remove "w", change replace "a" -> "b", change insert "a" before "b"
    form, audience, length        how it is to be answered
    NAME VALUE                    an argument of the tool; commas part the items of a list
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.messages import ToolCall

from askwhy.agent.calls import BadCalls, outcome_of
from askwhy.agent.parser.actions import ASKS, DECLINES, arguments_of_tool
from askwhy.agent.plan import Clarify, Decline, Outcome, Plan, Ref
from askwhy.tools.errors import ToolError
from askwhy.tools.registry import tools
from askwhy.tools.schema import Category, ClassLabel, Feature, Schema, Target

_PARTS = re.compile(r';(?=(?:[^"]*"[^"]*")*[^"]*$)')
_COMMAS = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')
_AND = re.compile(r'\s&\s(?=(?:[^"]*"[^"]*")*[^"]*$)')
_OR = re.compile(r'\s\|\s(?=(?:[^"]*"[^"]*")*[^"]*$)')
_TEST = re.compile(r'(?P<what>"[^"]*"|.+?)\s*(?P<op>>=|<=|!=|=|>|<|\scontains\s|\smissing$)\s*(?P<value>.*)')
_OPS = {">=": "ge", "<=": "le", "!=": "ne", "=": "eq", ">": "gt", "<": "lt"}
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:e-?\d+)?")
_MOVED = re.compile(r"(?P<feature>.+?)\s*(?P<how>:=|[+*-](?=\d))\s*(?P<value>.+)")
_EDIT = re.compile(r'(?P<action>remove|replace|insert)\s+"(?P<first>[^"]*)"(?:\s*(?:->|before)\s*"(?P<second>[^"]*)")?')
_PLACEHOLDER = "1"


@dataclass(frozen=True)
class Asked:
    """A question and the outcomes that are right for it; the first is the one that was written."""

    question: str
    golds: tuple[Outcome, ...]
    line: int

    @property
    def gold(self) -> Outcome:
        """The outcome that was written."""
        return self.golds[0]


@dataclass(frozen=True)
class Domain:
    """A schema with its conversations, each a sequence of turns."""

    name: str
    schema: Schema
    conversations: tuple[tuple[Asked, ...], ...]

    @property
    def questions(self) -> tuple[Asked, ...]:
        """Every question, in order."""
        return tuple(asked for conversation in self.conversations for asked in conversation)


class BadBank(ValueError):
    """A line that is not in the notation or does not fit the schema."""


QUESTIONS = Path(__file__).parent / "questions"
"""The bank; its folder `held` is never trained on."""


def read_domain(path: Path) -> Domain:
    """The domain of NAME.toml and NAME.txt beside it. Raises BadBank with every faulty line."""
    domain, problems = legible_domain(path)
    if problems:
        raise BadBank("\n".join(problems))
    return domain


def later_domains() -> Iterator[Domain]:
    """Questions about schemas of the bank that were written after the weights that ship: QUESTIONS/later/NAME.txt."""
    for asked in sorted((QUESTIONS / "later").glob("*.txt")):
        domain, problems = legible_domain(QUESTIONS / f"{asked.stem}.toml", asked)
        if problems:
            raise BadBank("\n".join(problems))
        yield domain


def legible_domain(path: Path, asked: Path | None = None) -> tuple[Domain, tuple[str, ...]]:
    """What can be read of a domain, and what is wrong with its other lines. asked: the file of its questions."""
    schema = schema_of(path)
    lines = (asked or path.with_suffix(".txt")).read_text(encoding="utf-8").splitlines()
    problems: list[str] = []
    conversations = tuple(filter(None, (_conversation(block, schema, problems) for block in _blocks(lines))))
    return Domain(path.stem, schema, conversations), tuple(f"{path.stem}.txt:{problem}" for problem in problems)


def schema_of(path: Path) -> Schema:
    """The schema of a domain's TOML file."""
    notes = tomllib.loads(path.read_text(encoding="utf-8"))
    classes = tuple(
        ClassLabel(name=name, value=name, label=rest.pop("label", name), **rest)
        for name, rest in notes.pop("classes", {}).items()
    )
    target = notes.pop("target")
    column = target.pop("column")
    features = tuple(_feature(name, rest) for name, rest in notes.pop("features").items())
    return Schema(
        features=features,
        target=Target(name=column, label=target.pop("label", column), **target),
        task="regression" if not classes else "binary" if len(classes) == 2 else "multiclass",
        classes=classes,
        **notes,
    )


def _feature(name: str, notes: dict[str, Any]) -> Feature:
    kind = notes.setdefault("kind", "category" if "categories" in notes else "number")
    given: dict[str, list[str]] = notes.pop("categories", {})
    categories: list[Category] = []
    if kind == "boolean":
        sides = ((True, "yes", notes.pop("true", [])), (False, "no", notes.pop("false", [])))
        categories = [Category(name=str(value).lower(), value=value, label=label, aliases=aliases)
                      for value, label, aliases in sides]  # fmt: skip
    for value, words in given.items():
        categories.append(Category(name=value, value=value, label=(words or [value])[0], aliases=tuple(words[1:])))
    return Feature(name=name, label=notes.pop("label", name), categories=tuple(categories), **notes)


def _blocks(lines: list[str]) -> Iterator[list[tuple[int, str]]]:
    block: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("#"):
            continue
        if line.strip():
            block.append((number, line.strip()))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _conversation(block: list[tuple[int, str]], schema: Schema, problems: list[str]) -> tuple[Asked, ...]:
    turns: list[tuple[int, str, list[list[str]]]] = []
    for number, line in block:
        mark, rest = line[:1], line[1:].strip()
        if mark == "?":
            turns.append((number, rest, []))
        elif mark in "=~" and turns and (mark == "=" or turns[-1][2]):
            turns[-1][2].append([rest]) if mark == "=" else turns[-1][2][-1].append(rest)
        else:
            problems.append(f"{number}: not a line of the notation: {line[:60]!r}")
    found = []
    for number, question, steps in turns:
        try:
            found.append(Asked(question, read_golds(steps, schema), number))
        except (BadBank, BadCalls, ToolError, ValueError) as error:
            problems.append(f"{number}: {question[:60]!r}: {error}")
    return tuple(found)


def read_golds(steps: list[list[str]], schema: Schema) -> tuple[Outcome, ...]:
    """The outcomes that steps in the notation mean; each step is a list of equally good ones."""
    if not steps:
        raise BadBank("there is no = line")
    choices: list[list[list[str]]] = [[]]
    for alternatives in steps:
        choices = [[*chosen, _PARTS.split(one)] for one in alternatives for chosen in choices]
    return tuple(_outcome(chosen, schema) for chosen in choices)


def _outcome(steps: list[Any], schema: Schema) -> Outcome:
    head = steps[0][0].split()
    if head[0] == "ask":
        if len(head) < 2 or head[1].rstrip(":") not in ASKS:
            raise BadBank(f"ask one of {', '.join(ASKS)}")
        return Clarify(question=head[1].rstrip(":"), options=tuple(head[2:]))
    if head[0] == "no":
        if head[1:] not in [[reason] for reason in DECLINES]:
            raise BadBank(f"no one of {', '.join(DECLINES)}")
        return Decline(reason=head[1])
    read = [_call(number, [part.strip() for part in parts], schema) for number, parts in enumerate(steps)]
    plans = [outcome_of([call], schema) for call, _ in read]
    if not all(isinstance(plan, Plan) for plan in plans):
        raise BadBank("a step is no tool call")
    made = [plan.steps[0].referring(refs) for plan, (_, refs) in zip(plans, read, strict=True)]  # type: ignore[union-attr]
    return Plan(steps=tuple(made))


def _call(number: int, parts: list[str], schema: Schema) -> tuple[ToolCall, tuple[Ref, ...]]:
    tool, args, refs = parts[0], {}, []  # type: tuple[str, dict[str, Any], list[Ref]]
    made = tools().get(tool)
    if made is None or not made.fits(schema):
        raise BadBank(f"no tool {tool!r} for this schema")
    known = {one.name: one for one in arguments_of_tool(made)}
    for part in filter(None, parts[1:]):
        key, _, rest = part.partition(" ")
        rest = rest.strip()
        if earlier := re.fullmatch(r"from (\d)", rest):
            refs.append(Ref(into=key, step=int(earlier[1]), relation="any"))
            args[key] = _PLACEHOLDER if key == "row" else schema.names[0]
        elif key in ("row", "text"):
            args[key] = _plain(rest)
        elif key == "where":
            args["where"] = {"all": [{"any": [_test(one) for one in _OR.split(group)]} for group in _AND.split(rest)]}
        elif key == "case":
            args["case"] = [_cell(one) for one in _COMMAS.split(rest)]
        elif key == "change":
            args.setdefault("changes", []).append(_change(rest, schema))
        elif key in known and known[key].many:
            args[key] = [_plain(one.strip()) for one in _COMMAS.split(rest)]
        else:
            named = key in known and known[key].kind in ("text", "feature", "class")
            args[key] = _plain(rest) if named else _scalar(rest)
    return ToolCall(name=tool, args=args, id=f"call_{number}", type="tool_call"), tuple(refs)


def _test(text: str) -> dict[str, Any]:
    text = text.strip()
    negated = text.startswith("not ")
    text = text.removeprefix("not ").strip()
    if text in ("@correct", "@wrong"):
        return {"on": "correct", "value": (text == "@correct") != negated}
    found = _TEST.fullmatch(text)
    if found is None:
        raise BadBank(f"not a condition: {text!r}")
    what, op = _plain(found["what"].strip()), found["op"].strip()
    on = {"@id": "id", "@predicted": "predicted", "@actual": "actual"}.get(what, "feature")
    if what.startswith("@") and on == "feature":
        raise BadBank(f"{what} is none of @id, @predicted, @actual, @correct, @wrong")
    tested: dict[str, Any] = {"on": on, "op": _OPS.get(op, op)}
    if on == "feature":
        tested["feature"] = what
    if op != "missing":
        tested["value"] = _scalar(found["value"].strip())
    return tested | ({"negated": True} if negated else {})


def _cell(text: str) -> dict[str, Any]:
    name, mark, value = text.partition("=")
    if not mark:
        raise BadBank(f"not a cell: {text!r}")
    return {"feature": _plain(name.strip()), "value": _scalar(value.strip())}


def _change(text: str, schema: Schema) -> dict[str, Any]:
    if edit := _EDIT.fullmatch(text):
        action, first, second = edit["action"], edit["first"], edit["second"]
        if action == "insert":
            return {"action": action, "value": first} | ({"words": second} if second else {})
        return {"action": action, "words": first} | ({"value": second} if action == "replace" else {})
    found = _MOVED.fullmatch(text)
    if found is None or schema.modality == "text":
        raise BadBank(f"not a change: {text!r}")
    action = {":=": "set", "+": "increase", "-": "decrease", "*": "scale"}[found["how"]]
    return {"feature": _plain(found["feature"].strip()), "action": action, "value": _scalar(found["value"].strip())}


def _plain(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _scalar(text: str) -> bool | int | float | str:
    if text in ("true", "false"):
        return text == "true"
    if _NUMBER.fullmatch(text):
        return float(text) if any(mark in text for mark in ".e") else int(text)
    return _plain(text)
