"""Actions as plans: what the network's writing means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import ToolCall

from askwhy.agent.calls import BadCalls, entries, outcome_of
from askwhy.agent.listing import feature_id
from askwhy.agent.parser.actions import OPS, Action, arguments_of_tool, plain_number
from askwhy.agent.parser.page import Page
from askwhy.agent.plan import Clarify, Decline, Outcome, Plan, Ref, Step
from askwhy.tools.registry import tools
from askwhy.tools.scope import Scalar, Scope

_PLACEHOLDER = "1"


def read(actions: Sequence[Action], page: Page) -> Outcome:
    """What complete actions of the grammar mean. Raises BadCalls where the plan is not one that can be run."""
    first = str(actions[0][1])
    if actions[0][0] == "G":
        what = first.split(":")[1]
        return Clarify(question=what) if first.startswith("ask:") else Decline(reason=what)
    reader = _Reader(actions, page)
    steps: list[Step] = []
    while reader.at < len(actions):
        steps.append(reader.step(steps))
    return Plan(steps=_distinct(steps))


def _distinct(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Every step once; what refers to a repeated one refers to the first."""
    found: dict[Step, int] = {}
    numbers: list[int] = []
    for step in steps:
        refs = tuple(ref.model_copy(update={"step": numbers[ref.step - 1]}) for ref in step.refs)
        numbers.append(found.setdefault(step.model_copy(update={"refs": refs}), len(found) + 1))
    return tuple(found)


class _Reader:
    """Reads actions in order."""

    def __init__(self, actions: Sequence[Action], page: Page) -> None:
        self.actions, self.page, self.at = actions, page, 0

    def step(self, earlier: Sequence[Step]) -> Step:
        """The next step."""
        _, tool = self._next()
        args: dict[str, Any] = {}
        refs: list[Ref] = []
        scope, groups = Scope(), []  # type: tuple[Scope, list[list[dict[str, Any]]]]
        known = {one.name: one for one in arguments_of_tool(tools()[tool])}
        while True:
            group, word = self._next()
            if word in ("next", "end") and group == "G":
                break
            if group == "A":
                self._argument(known[word], args, refs)
            elif word.startswith("from:"):
                refs.append(Ref(into="row", step=int(word[-1]), relation="any"))
                args["row"] = _PLACEHOLDER
            elif word in ("where", "and", "or"):
                self._selection(word, groups)
            elif word == "same":
                scope = earlier[-1].scope
                if rows := [ref for ref in earlier[-1].refs if ref.into == "row"]:
                    refs += rows
                    args["row"] = _PLACEHOLDER
            elif word == "before":
                scope = (self.page.before or Scope()).without_changes()
            elif word == "kept":
                args["changes"] = [one.model_dump(mode="json") for one in (self.page.before or Scope()).changes]
            elif ":" in word:
                name, _, value = word.partition(":")
                args[name] = value
            else:
                self._about(word, args)
        return self._checked(tool, args, scope, groups, refs)

    def _checked(
        self, tool: str, args: dict[str, Any], scope: Scope, groups: list[list[dict[str, Any]]], refs: list[Ref]
    ) -> Step:
        """The step through the same gate as every engine's calls."""
        inherited = scope.model_dump(mode="json", exclude_defaults=True)
        if groups or "where" in inherited:
            own = [{"any": group} for group in groups]
            inherited["where"] = {"all": [*(inherited.get("where") or {}).get("all", []), *own]}
        changes = [*inherited.pop("changes", []), *args.pop("changes", [])]
        args = inherited | args | ({"changes": changes} if changes else {})
        for entry in entries(args):  # by id, since a name may look like one
            if entry.get("feature") is not None:
                entry["feature"] = feature_id(self.page.schema, entry["feature"])
        outcome = outcome_of([ToolCall(name=tool, args=args, id="0", type="tool_call")], self.page.schema)
        if not isinstance(outcome, Plan):
            raise BadCalls("a step is no tool call")
        step = outcome.steps[0]
        return step.referring(tuple(refs)) if refs else step

    def _next(self) -> Action:
        self.at += 1
        return self.actions[self.at - 1]

    def _about(self, word: str, args: dict[str, Any]) -> None:
        if word == "row":
            args["row"] = self._id()
        elif word == "text":
            args["text"] = self._span()
        elif word == "case":
            args.setdefault("case", []).append(self._cell())
        else:
            args.setdefault("changes", []).append(self._change())

    def _argument(self, one: Any, args: dict[str, Any], refs: list[Ref]) -> None:
        if one.kind == "flag":
            args[one.name] = True
            return
        group, index = self._next()
        if group == "G":
            refs.append(Ref(into=one.name, step=int(index[-1]), relation="any"))
            args[one.name] = ["f0"] if one.many else "f0"
            return
        value = self._value(group, index, one.kind)
        if one.many:
            args.setdefault(one.name, []).append(value)
        else:
            args[one.name] = value

    def _value(self, group: str, index: Any, kind: str) -> Scalar:
        if group == "F":
            return f"f{index}"
        if group == "K":
            return f"c{index}"
        if group == "E":
            return str(index[1])
        if group == "C":
            return str(self.page.values[index][1].value)
        if group == "N":
            return self._as_row(index) if kind == "text" else self._number(index)
        return self._span(index)

    def _number(self, index: int) -> int | float:
        return plain_number(self.page.numbers[index].value)

    def _as_row(self, index: int) -> str:
        mention = self.page.numbers[index]
        plain = mention.raw.isdigit() or not float(mention.value).is_integer()
        return mention.raw if plain else str(int(mention.value))

    def _id(self) -> str:
        group, index = self._next()
        return self._as_row(index) if group == "N" else self._span(index)

    def _span(self, first: int | None = None) -> str:
        start = self._next()[1] if first is None else first
        return self.page.question.span(start, self._next()[1])

    def _cell(self) -> dict[str, Any]:
        group, index = self._next()
        if group == "C":
            owner, one = self.page.values[index]
            return {"feature": self.page.schema.names[owner], "value": one.value}
        return {"feature": self.page.schema.names[index], "value": self._number(self._next()[1])}

    def _selection(self, word: str, groups: list[list[dict[str, Any]]]) -> None:
        group, index = self._next()
        if group == "P":
            found = [one.model_dump(mode="json", exclude_defaults=True) for one in self.page.groups[index].any]
        else:
            found = [self._condition(group, index)]
        if word == "or" and groups:
            groups[-1] += found
        else:
            groups.append(found)

    def _condition(self, group: str, index: Any) -> dict[str, Any]:
        names = self.page.schema.names
        if group == "C":
            return self._equals(index, "eq")
        if group == "F":
            return {"on": "feature", "feature": names[index], **self._tested(self._next()[1])}
        if index in ("correct", "wrong"):
            return {"on": "correct", "value": index == "correct"}
        if index == "ne":
            return self._equals(self._next()[1], "ne")
        if index in ("contains", "lacks"):
            return {"on": "feature", "feature": names[0], **self._tested(index)}
        op = "eq"
        group, found = self._next()
        if group == "G":
            op, (group, found) = found, self._next()
        if index == "id":
            value: Scalar = self._as_row(found) if group == "N" else self._span(found)
        else:
            value = f"c{found}" if group == "K" else self._number(found)
        return {"on": index, "op": op, "value": value}

    def _equals(self, index: int, op: str) -> dict[str, Any]:
        owner, one = self.page.values[index]
        return {"on": "feature", "feature": self.page.schema.names[owner], "op": op, "value": one.value}

    def _tested(self, op: str) -> dict[str, Any]:
        if op in ("missing", "present"):
            return {"op": "missing", "negated": op == "present"}
        if op in OPS:
            return {"op": op, "value": self._id_or_number()}
        return {"op": "contains", "value": self._span(), "negated": op == "lacks"}

    def _id_or_number(self) -> Scalar:
        group, index = self._next()
        return self._number(index) if group == "N" else self._span(index)

    def _change(self) -> dict[str, Any]:
        group, index = self._next()
        if group == "C":
            owner, one = self.page.values[index]
            return {"feature": self.page.schema.names[owner], "action": "set", "value": one.value}
        if group == "G":
            return self._edit(index)
        action, value = self._next()[1], self._number(self._next()[1])
        if action.startswith("percent"):
            sign = 1 if action == "percent_up" else -1
            action, value = "scale", round(1 + sign * value / 100, 9)
        return {"feature": self.page.schema.names[index], "action": action, "value": value}

    def _edit(self, how: str) -> dict[str, Any]:
        if how == "remove":
            return {"action": "remove", "words": self._span()}
        if how == "insert":
            return {"action": "insert", "value": self._span()}
        first, second = self._span(), self._span()
        if how == "replace":
            return {"action": "replace", "words": first, "value": second}
        return {"action": "insert", "value": first, "words": second}
