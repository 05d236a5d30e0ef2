"""TalkToModel's notation and askwhy's plans, brought to one typed form, so that they can be compared.

    filter age greater than 40 and change bmi decrease 5 and predict [E]

A parse is the set of its filters, changes, operations and arguments; "or" is one more element. Order does not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from askwhy.agent.plan import Plan, Step
from askwhy.tools.scope import Change, Condition, Where

Item = tuple[str, ...]
Typed = frozenset[Item]

_COMPARISONS = {
    "greater than": "gt", "less than": "lt", "greater equal than": "ge", "less equal than": "le", "equal to": "eq",
    "not equal to": "ne",
}  # fmt: skip
_NUMBERS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "ten": "10", "twenty": "20"}
_TOOLS = {
    "count": "countdata", "data_summary": "data", "describe_model": "model", "interactions": "interact",
    "label": "label", "likelihood": "likelihood", "predict": "predict", "show": "show", "what_if": "predict",
}  # fmt: skip
_FILTERS = frozenset({"filter", "predictionfilter", "labelfilter", "previousfilter", "change", "or"})
_OUTCOME = ("predict",)


def folded(name: object) -> str:
    """A name as the notation writes it: lower case, letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def number(text: object) -> str:
    """A number in one spelling; other words as they are."""
    word = str(text).lower()
    word = _NUMBERS.get(word, word)
    try:
        return f"{float(word):g}"
    except ValueError:
        return folded(word)


def read_parse(text: str) -> Typed:
    """A line of the notation, with or without its closing [E]. Raises ValueError for what it does not know."""
    body = text.replace("[E]", " ").replace("[e]", " ").strip().lower()
    items = {item for step in re.split(r" (?:and|or) ", body) for item in [_read_step(step.strip())]}
    if re.search(r" or ", body):
        items.add(("or",))
    return _merged(frozenset(items))


def typed_plan(plan: Plan, earlier: Where) -> Typed:
    """A plan in the same form; rows selected by `earlier`, which the turn before had, are `previousfilter`."""
    return _merged(frozenset(item for step in plan.steps for item in _of_step(step, earlier)))


def operations(typed: Typed) -> tuple[str, ...]:
    """The names of the operations, without filters and changes."""
    return tuple(sorted({item[0] for item in typed} - _FILTERS))


def _merged(items: Typed) -> Typed:
    """After a change, the class and its probability count as one operation, as `what_if` answers with both."""
    if not any(item[0] == "change" for item in items):
        return items
    return frozenset(_OUTCOME if item in (("likelihood",), ("predict",)) else item for item in items)


def _read_step(step: str) -> Item:
    words = step.split()
    head, rest = words[0], words[1:]
    if head == "filter":
        return _read_filter(rest)
    if head in ("predictionfilter", "labelfilter"):
        return (head, number(" ".join(rest)))
    if head == "change":
        if rest[1] in ("true", "false"):
            return ("change", rest[0], "set", rest[1])
        return ("change", rest[0], rest[1], number(rest[2]))
    if head == "score":
        return ("score", "default" if rest in ([], ["default"], ["accuracy"]) else rest[0])
    if head == "important":
        return ("important", "topk", number(rest[1])) if rest[:1] == ["topk"] else ("important", *(rest or ["all"]))
    if head in ("explain", "mistake", "statistic", "define"):
        return (head, *rest)
    return (head,)


def _read_filter(words: list[str]) -> Item:
    feature, rest = words[0], words[1:]
    if feature == "id":
        return ("filter", "id", number(rest[0]))
    for spelling, op in _COMPARISONS.items():
        if " ".join(rest).startswith(f"{spelling} "):
            return ("filter", feature, op, number(rest[-1]))
    if not rest:
        raise ValueError(f"a filter without a value: {' '.join(words)!r}")
    return ("filter", feature, "eq", number("".join(rest)))


def _of_step(step: Step, earlier: Where) -> Iterator[Item]:
    scope = step.scope
    if scope.row is not None:
        yield ("filter", "id", number(scope.row))
    for group in scope.where.all:
        if group in earlier.all:
            yield ("previousfilter",)
            continue
        if len(group.any) > 1:
            yield ("or",)
        for condition in group.any:
            yield _of_condition(condition)
    for change in scope.changes:
        yield _of_change(change)
    yield from _of_tool(step)


def _of_condition(condition: Condition) -> Item:
    value = number(condition.value)
    if condition.on == "previous":
        return ("previousfilter",)
    if condition.on == "id":
        return ("filter", "id", value)
    if condition.on in ("predicted", "actual"):
        return ("predictionfilter" if condition.on == "predicted" else "labelfilter", value)
    op = condition.op if not condition.negated else f"not {condition.op}"
    return ("filter", folded(condition.feature or condition.on), op, value)


def _of_change(change: Change) -> Item:
    return ("change", folded(change.feature), change.action, number(change.value))


def _of_tool(step: Step) -> Iterator[Item]:
    tool = step.tool
    if tool in ("explain", "explain_text"):
        yield ("explain", "lime" if step.argument("method") == "lime" else "features")
    elif tool == "counterfactual":
        yield ("explain", "cfe")
    elif tool == "compare_features":
        yield from (("important", folded(step.argument(name))) for name in ("first", "second"))
    elif tool == "importance":
        yield from _of_importance(step)
    elif tool == "mistakes":
        yield ("mistake", str(step.argument("what") or "sample"))
    elif tool == "score":
        metric = step.argument("metric")
        yield ("score", "default" if metric in (None, "auto", "accuracy") else folded(metric))
    elif tool in ("statistic", "define"):
        yield (tool, folded(step.argument("feature") or "target"))
    else:
        yield (_TOOLS.get(tool, tool),)


def _of_importance(step: Step) -> Iterator[Item]:
    features = step.argument("features")
    if isinstance(features, tuple) and features:
        yield from (("important", folded(name)) for name in features)
    elif step.argument("k") is not None:
        yield ("important", "topk", number(step.argument("k")))
    else:
        yield ("important", "all")
