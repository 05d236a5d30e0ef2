"""TalkToModel's notation and askwhy's plans, brought to one typed form, so that they can be compared.

    filter age greater than 40 and change bmi decrease 5 and predict [E]

A parse is the set of its filters, changes, operations and arguments; "or" is one more element. Order does not count.
`Spelling` brings the ways that a schema has to name a thing to one; `written` writes a plan in the notation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from askwhy.agent.plan import Plan, Step
from askwhy.tools.schema import Category, Feature, Named, Schema
from askwhy.tools.scope import AnyOf, Change, Condition, Scope, Where

Item = tuple[str, ...]
Typed = frozenset[Item]

_COMPARISONS = {
    "greater than": "gt", "less than": "lt", "greater equal than": "ge", "less equal than": "le", "equal to": "eq",
    "not equal to": "ne",
}  # fmt: skip
_SPELT = {op: spelling for spelling, op in _COMPARISONS.items()}
_NUMBERS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "ten": "10", "twenty": "20"}
_TOOLS = {
    "count": "countdata", "data_summary": "data", "describe_model": "model", "interactions": "interact",
    "label": "label", "likelihood": "likelihood", "predict": "predict", "show": "show", "what_if": "predict",
    "abilities": "function",
}  # fmt: skip
_ALONE = frozenset(
    (
        "previousfilter", "previousoperation", "predict", "likelihood", "interact", "show", "label", "countdata",
        "data", "model", "function", "self", "followup",
    )
)  # fmt: skip
_EXPLAINED = frozenset(("features", "lime", "cfe"))
_MISTAKEN = frozenset(("typical", "sample", "count"))
_METRICS = {"rocauc": "roc", "": "default", "none": "default", "auto": "default"}
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


def steps_of(text: str) -> tuple[tuple[str, ...], bool]:
    """The steps of a line of the notation, and whether "or" joins some. Raises ValueError where there is none."""
    body = plain_parse(text)
    found = tuple(step.strip() for step in re.split(r" (?:and|or) ", body))
    if not all(found):
        raise ValueError("a step is empty")
    return found, " or " in body


def plain_parse(text: str) -> str:
    """A parse without its closing [E], in lower case with single spaces."""
    return " ".join(re.sub(r"\[e\]", " ", text.lower()).split())


def read_parse(text: str) -> Typed:
    """A line of the notation, with or without its closing [E]. Raises ValueError for what it does not know."""
    steps, either = steps_of(text)
    items = {read_step(step) for step in steps}
    return merged(frozenset(items | {("or",)} if either else items))


def typed_plan(plan: Plan, earlier: Where) -> Typed:
    """A plan in the same form; rows selected by `earlier`, which the turn before had, are `previousfilter`."""
    return merged(
        frozenset(item for step in plan.steps for item in (*scope_items(step.scope, earlier), *_of_tool(step)))
    )


def operations(typed: Typed) -> tuple[str, ...]:
    """The names of the operations, without filters and changes."""
    return tuple(sorted({item[0] for item in typed} - _FILTERS))


def slots(typed: Typed) -> Typed:
    """Filters and changes, and the arguments of operations without their names."""
    return frozenset(item if item[0] in _FILTERS else item[1:] for item in typed) - {()}


def parts(typed: Typed) -> int:
    """How many filters, changes and operations there are."""
    return len(typed - {("or",)})


def merged(items: Typed) -> Typed:
    """What one answer says counts as one operation: after a change the class and its probability (`what_if`), of one
    row its true label and whether it was predicted right (`label`)."""
    if any(item[:2] == ("filter", "id") for item in items):
        items = frozenset(("label",) if item == ("mistake", "sample") else item for item in items)
    if not any(item[0] == "change" for item in items):
        return items
    return frozenset(_OUTCOME if item in (("likelihood",), ("predict",)) else item for item in items)


def read_step(step: str) -> Item:
    """One step. Raises ValueError for what is not in the notation."""
    words = step.split()
    head, rest = words[0], words[1:]
    if head == "filter":
        return _read_filter(rest)
    if head in ("predictionfilter", "labelfilter") and rest:
        return (head, number("".join(rest)))
    if head == "change":
        return _read_change(rest)
    if head == "score" and len(rest) < 2:
        return ("score", _metric("".join(rest)))
    if head == "important":
        return ("important", *(_top(rest) if rest[:1] == ["topk"] else [folded("".join(rest)) or "all"]))
    if head == "explain" and rest[:1] and rest[0] in _EXPLAINED:
        return (head, rest[0])
    if head == "mistake" and (not rest or rest[0] in _MISTAKEN):
        return (head, rest[0] if rest else "sample")
    if head in ("statistic", "define"):
        return (head, folded("".join(rest)) or "target")
    if head in _ALONE and not rest:
        return (head,)
    raise ValueError(f"{step!r} is no step of the notation")


def _top(words: list[str]) -> list[str]:
    if len(words) < 2:
        raise ValueError("topk without a number")
    return ["topk", number(words[1])]


def _read_change(words: list[str]) -> Item:
    if len(words) == 2:
        return ("change", folded(words[0]), "set", number(words[1]))
    if len(words) < 3 or words[1] not in ("set", "increase", "decrease"):
        raise ValueError(f"a change without a value: {' '.join(words)!r}")
    return ("change", folded(words[0]), words[1], number("".join(words[2:])))


def _read_filter(words: list[str]) -> Item:
    if len(words) < 2:
        raise ValueError(f"a filter without a value: {' '.join(words)!r}")
    feature, rest = folded(words[0]), words[1:]
    if feature == "id":
        return ("filter", "id", number(rest[-1]))
    for spelling, op in _COMPARISONS.items():
        if " ".join(rest).startswith(f"{spelling} "):
            return ("filter", feature, op, number(rest[-1]))
    return ("filter", feature, "eq", number("".join(rest)))


def scope_items(scope: Scope, earlier: Where) -> Iterator[Item]:
    """What a step is about. The notation has no cases of one's own: it says their cells as filters."""
    if scope.row is not None:
        yield ("filter", "id", number(scope.row))
    for cell in scope.case:
        yield ("filter", folded(cell.feature), "eq", number(cell.value))
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


def _of_condition(condition: Condition) -> Item:
    value = number(condition.value)
    if condition.on == "previous":
        return ("previousfilter",)
    op = condition.op if not condition.negated else f"not {condition.op}"
    other = () if op == "eq" else (op,)
    if condition.on == "id":
        return ("filter", "id", value, *other)
    if condition.on in ("predicted", "actual"):
        return ("predictionfilter" if condition.on == "predicted" else "labelfilter", value, *other)
    return ("filter", folded(condition.feature or condition.on), {"not eq": "ne", "not ne": "eq"}.get(op, op), value)


def _of_change(change: Change) -> Item:
    return ("change", folded(change.feature), change.action, number(change.value))


def _of_tool(step: Step) -> Iterator[Item]:
    tool = step.tool
    if tool in ("explain", "explain_text"):
        yield ("explain", "lime" if step.argument("method") == "lime" else "features")
    elif tool in ("counterfactual", "counterfactual_text"):
        yield ("explain", "cfe")
    elif tool == "compare_features":
        yield from (("important", folded(step.argument(name))) for name in ("first", "second"))
    elif tool == "importance":
        yield from _of_importance(step)
    elif tool == "failure_slices":
        yield ("mistake", "typical")
    elif tool in ("statistic", "define"):
        yield (tool, folded(step.argument("feature") or "target"))
    else:
        yield plain_tool(step)


def plain_tool(step: Step) -> Item:
    """A tool that is called alike whatever the model reads."""
    if step.tool == "mistakes":
        return ("mistake", str(step.argument("what") or "sample"))
    if step.tool == "score":
        return ("score", _metric(step.argument("metric")))
    return (_TOOLS.get(step.tool, step.tool),)


def _metric(said: object) -> str:
    return _METRICS.get(folded(said), folded(said))


def _of_importance(step: Step) -> Iterator[Item]:
    features = step.argument("features")
    if isinstance(features, tuple) and features:
        yield from (("important", folded(name)) for name in features)
    elif step.argument("k") is not None:
        yield ("important", "topk", number(step.argument("k")))
    else:
        yield ("important", "all")


class Spelling:
    """One spelling for what a schema has several for: one-hot columns, values and classes by label, yes and true.

    "How good is it" and "what is the accuracy", and "who are you" and "what can you do", are one question each.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._features = {folded(word): one for one in schema.features for word in (one.label, one.name)}
        self._columns = dict(_columns(schema))
        self._classes = {word: folded(one.name) for one in schema.classes for word in _words(one, one.value)}

    def __call__(self, typed: Iterable[Item]) -> Typed:
        """The same in one spelling."""
        return frozenset(map(self.item, typed))

    def item(self, item: Item) -> Item:
        """One element in its one spelling."""
        if item[0] == "filter" and len(item) == 4:
            feature, op, value = self._test(item[1], item[2], item[3])
            return ("filter", feature, op, value)
        if item[0] == "change" and item[2] == "set":
            feature, op, value = self._test(item[1], "eq", item[3])
            return ("change", feature, "set" if op == "eq" else op, value)
        if item[0] in ("predictionfilter", "labelfilter"):
            return self._outcome(item)
        if item[0] in ("statistic", "define", "important") and len(item) == 2:
            return (item[0], self._feature(item[1]))
        return {("self",): ("function",), ("score", "accuracy"): ("score", "default")}.get(item, item)

    def _outcome(self, item: Item) -> Item:
        name = self._classes.get(item[1], item[1])
        if item[2:] == ("ne",) and len(self._schema.classes) == 2:
            return (item[0], next(folded(one.name) for one in self._schema.classes if folded(one.name) != name))
        return (item[0], name, *item[2:])

    def _feature(self, word: str) -> str:
        if word in self._columns:
            return folded(self._columns[word][0].name)
        return folded(self._features[word].name) if word in self._features else word

    def _test(self, word: str, op: str, value: str) -> tuple[str, str, str]:
        if word in self._columns and op in ("eq", "ne"):
            feature, category = self._columns[word]
            op = "eq" if (op == "eq") == (value in ("true", "1", "yes")) else "ne"
            value = folded(category.name)
        elif word in self._features:
            feature = self._features[word]
        else:
            return word, op, value
        named = {said: folded(one.name) for one in feature.categories for said in _words(one, one.value)}
        value = named.get(value, value)
        if op == "ne" and len(feature.categories) == 2 and value in named.values():
            op, value = "eq", next(one for one in named.values() if one != value)
        return folded(feature.name), op, value


def _columns(schema: Schema) -> Iterator[tuple[str, tuple[Feature, Category]]]:
    """One-hot columns by name, as the notation has them, each with the value it stands for."""
    for feature in schema.features:
        found = [folded(column) for column in feature.columns]
        for category in feature.categories:
            ends = [column for column in found if column.endswith(folded(category.name))]
            if ends:
                yield min(ends, key=len), (feature, category)


def _words(named: Named, value: object) -> Iterator[str]:
    """Every way to write a value or a class."""
    for word in (named.name, named.label, value, *named.aliases):
        yield from (folded(word), number(word))
    if value in (True, "yes", "Yes", "True", "1"):
        yield "true"
    if value in (False, "no", "No", "False", "0"):
        yield "false"


def written(plan: Plan, earlier: Where, schema: Schema, of_tool: Callable[[Step], Iterable[Item]] = _of_tool) -> str:
    """A plan as a parse, filters first; what the notation has no word for is written by the tool's own name."""
    said: dict[str, None] = {}
    for step in plan.steps:
        groups = (_either(group, earlier, schema) for group in step.scope.where.all)
        rest = scope_items(step.scope.model_copy(update={"where": Where()}), earlier)
        said |= dict.fromkeys(groups)
        said |= dict.fromkeys(_spelt(item, schema) for item in (*rest, *of_tool(step)))
    return " and ".join(said)


def _either(group: AnyOf, earlier: Where, schema: Schema) -> str:
    found = [item for item in scope_items(Scope(where=Where(all=(group,))), earlier) if item != ("or",)]
    return " or ".join(_spelt(item, schema) for item in found)


def _spelt(item: Item, schema: Schema) -> str:
    if item[0] == "score" and item[1:] == ("default",) and schema.modality == "table":
        return "score accuracy"
    if item[0] not in ("filter", "change") or len(item) != 4:
        return " ".join(item)
    feature = next((one for one in schema.features if folded(one.name) == item[1]), None)
    op, value = item[2:]
    if feature is not None and op in ("eq", "set", "ne"):
        for column, (owner, category) in _columns(schema):
            if owner == feature and folded(category.name) == value:
                return f"{item[0]} {column} {'false' if op == 'ne' else 'true'}"
        if feature.kind == "boolean":
            yes = next((folded(one.name) for one in feature.categories if "true" in _words(one, one.value)), "true")
            return f"{item[0]} {item[1]} {'true' if (value == yes) == (op != 'ne') else 'false'}"
        if feature.categories and op == "eq":
            return f"filter {item[1]} {value}"
    return " ".join((item[0], item[1], _SPELT.get(op, op), value))
