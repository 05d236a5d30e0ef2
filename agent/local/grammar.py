"""The grammar of tool calls: a JSON list of {"name": ..., "arguments": {...}} that follows the tools' closed schemas.

Where the subject is known the grammar holds what `askwhy.agent.calls.outcome_of` demands beyond JSON: ids are those
that exist, values are of the feature's kind, an instance or changes are there where the tool needs them, there is one
instance at most, and clarify, decline and check stand alone. In an investigation rows, groups and features are taken
from what was found before, rows and texts are found or typed, and `finish` stands alone and names steps that ran.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from askwhy.agent.calls import MAX_OPTIONS, MAX_STEPS
from askwhy.agent.investigate.notebook import FINISH
from askwhy.agent.listing import MAX_FEATURES, clean, find_value
from askwhy.agent.local.pointers import Pointers
from askwhy.agent.local.rules import MOST_ITEMS, Rules, Slot
from askwhy.tools.errors import UnknownName
from askwhy.tools.registry import Tool, tools
from askwhy.tools.schema import Feature, Schema
from askwhy.tools.scope import Scope

ALONE = ("clarify", "decline", "check")
"""Tools that must be the only call."""

_ORDER = ("eq", "ne", "lt", "le", "gt", "ge")
_SPOKEN = 120
_MOST_CASE = 8
_MOST_CATEGORIES = 100
_TEXT = r"[^{\[](?s:.)*"


def calls_grammar(
    offered: Sequence[dict[str, Any]],
    schema: Schema | None = None,
    *,
    previous: bool = False,
    prose: bool = False,
    found: Pointers | None = None,
) -> str:
    """The grammar of replies that call these tools, given in the OpenAI format.

    schema: the subject that they are about. previous: whether a turn before was about rows. prose: whether a reply may
    be a text instead, one that does not begin like JSON. found: what calls can be about in an investigation.
    """
    rules = Rules()
    pieces = _Pieces(rules, schema, previous, found) if schema else None
    alone: list[str] = []
    steps: list[str] = []
    for one in offered:
        function = one["function"]
        arguments = _arguments(rules, function, pieces)
        if arguments is not None:
            call = f"{_literal(function['name'])} {arguments} {_CLOSE}"
            (alone if function["name"] in (*ALONE, FINISH) else steps).append(rules.rule(call))
    whole = [rules.array(rules.choice(steps), MAX_STEPS)] if steps else []
    whole += [rules.array(rules.choice(alone), 1)] if alone else []
    whole += [rules.terminal(_TEXT)] if prose or not whole else []
    return rules.grammar(rules.choice(whole))


_CLOSE = '"}"'


def _literal(name: str) -> str:
    return json.dumps(f'{{"name": {json.dumps(name)}, "arguments": ')


def _arguments(rules: Rules, function: dict[str, Any], pieces: _Pieces | None) -> str | None:
    """The object of a call's arguments; None where the subject has nothing to give one that is needed."""
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    if pieces is None:
        return rules.value(parameters)
    if function["name"] == "clarify":
        options = rules.array(rules.string(_SPOKEN, r"\?"), MAX_OPTIONS)
        asked = Slot(rules.pair("question", rules.string(_SPOKEN, r"\?")), required=True)
        return rules.object([asked, Slot(rules.pair("options", options))])
    if function["name"] == FINISH:
        return pieces.finish()
    if pieces.found and function["name"] in pieces.found.spent:
        return None
    made = tools(pieces.schema).get(function["name"])
    return rules.value(parameters) if made is None else pieces.arguments(made, parameters)


class _Pieces:
    """Parts of the grammar that a subject's schema decides."""

    def __init__(self, rules: Rules, schema: Schema, previous: bool, found: Pointers | None = None) -> None:
        self.rules, self.schema, self.previous, self.found = rules, schema, previous, found
        self._ids = [(f"f{number}", one) for number, one in enumerate(schema.features[:MAX_FEATURES])]
        self._numbers = [name for name, one in self._ids if one.numeric and not one.categories]
        self._choices = [(name, known) for name, one in self._ids if (known := _values(one))]
        self._dates = [name for name, one in self._ids if one.kind == "date" and not one.categories]
        self._free = [
            name for name, one in self._ids if not (one.numeric or one.kind == "date" or one.categories)
        ]  # fmt: skip
        self._word = rules.string(40)

    def arguments(self, made: Tool, parameters: dict[str, Any]) -> str | None:
        """The arguments of a registered tool: its own, what it is about, changes, and the form of the answer."""
        required = parameters.get("required", ())
        slots: list[Slot | None] = []
        for name, one in parameters["properties"].items():
            if name not in Scope.model_fields:
                value = self._own(made, name, one)
                if value is not None:
                    slots.append(Slot(self.rules.pair(name, value), name in required))
                elif name in required:
                    return None
            elif name == "where" and made.needs != "nothing":
                about = self._about(made.needs == "instance")
                if about is None:
                    return None
                slots.append(about)
            elif name == "changes" and made.needs != "nothing":
                found = self._changes(made.needs == "changes")
                if found is None and made.needs == "changes":
                    return None
                slots.append(found)
        return self.rules.object([one for one in slots if one])

    def _own(self, made: Tool, name: str, one: dict[str, Any]) -> str | None:
        kind = dict(made.named).get(name)
        if kind is None:
            return self.rules.value(one)
        known = [name for name, _ in self._ids] if kind == "feature" else self._classes()
        if not known:
            return None
        pointed = self.found.features if self.found and kind == "feature" else ()
        single = self.rules.constants([*known, *pointed])
        if one.get("type") != "array":
            return single
        several = [self.rules.array(self.rules.constants(known), min(len(known), MOST_ITEMS))]
        several += [self.rules.array(self.rules.constants(pointed), 1)] if pointed else []
        return self.rules.choice(several)

    def _classes(self) -> list[str]:
        return [f"c{number}" for number in range(len(self.schema.classes))]

    def finish(self) -> str | None:
        """The arguments of `finish`; None while there is nothing to tell."""
        if self.found is None or not self.found.steps:
            return None
        steps = self.rules.constants(range(1, self.found.steps + 1))
        return self._object(steps=self.rules.array(steps, self.found.steps))

    def _about(self, instance: bool) -> Slot | None:
        """What a call is about: one instance, or rows that conditions select; None where there is nothing to name."""
        found = self._instances() if self.found is None else self._known_instances(self.found)
        if not instance:
            found.append(self.rules.pair("where", self._where()))
        if not instance and self.found and self.found.groups:
            found.append(self.rules.pair("where", self.rules.constants(self.found.groups)))
        return Slot(self.rules.choice(found), required=instance) if found else None

    def _instances(self) -> list[str]:
        """An instance that the user names in some way."""
        found = [self.rules.pair("row", self._word)]
        if self.schema.modality == "text":
            found.append(self.rules.pair("text", self.rules.string(_SPOKEN)))
        elif cells := self._cells():
            found.append(self.rules.pair("case", self.rules.array(cells, min(len(self._ids), _MOST_CASE))))
        return found

    def _known_instances(self, known: Pointers) -> list[str]:
        """An instance that was found by an earlier step, or typed."""
        named = {"row": [*known.rows, *known.typed], "text": known.texts if self.schema.modality == "text" else ()}
        return [self.rules.pair(name, self.rules.constants(values)) for name, values in named.items() if values]

    def _object(self, **pairs: str) -> str:
        return self.rules.object([Slot(self.rules.pair(name, one), required=True) for name, one in pairs.items()])

    def _each(self, number: dict[str, str], date: dict[str, str], fixed: dict[str, str]) -> list[str]:
        """An object for each kind of feature: `feature`, then the pairs of its kind, then `value`."""
        constants = self.rules.constants
        found = []
        if self._numbers:
            found.append(self._object(feature=constants(self._numbers), **number, value=self.rules.number()))
        for name, known in self._choices:
            found.append(self._object(feature=constants([name]), **fixed, value=constants(known)))
        if self._dates:
            found.append(self._object(feature=constants(self._dates), **date, value=self._date()))
        if self._free:
            found.append(self._object(feature=constants(self._free), **fixed, value=self._word))
        return found

    def _date(self) -> str:
        return self.rules.terminal(r'"[12][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"')

    def _cells(self) -> str | None:
        found = self._each({}, {}, {})
        return self.rules.choice(found) if found else None

    def _changes(self, required: bool) -> Slot | None:
        constants = self.rules.constants
        if self.schema.modality == "text":
            found = [
                self._object(action=constants(["remove"]), words=self._word),
                self._object(action=constants(["replace"]), value=self._word, words=self._word),
                self._object(action=constants(["insert"]), value=self._word),
            ]
        else:
            put = {"action": constants(["set"])}
            found = self._each({"action": constants(["set", "increase", "decrease", "scale"])}, put, put)
        if not found:
            return None
        return Slot(self.rules.pair("changes", self.rules.array(self.rules.choice(found), 3)), required)

    def _where(self) -> str:
        condition = self.rules.choice([*self._on_features(), *self._on_outcomes()])
        groups = [self._object(any=self.rules.array(condition, 2))]
        if self.previous:
            alone = self._object(on=self.rules.constants(["previous"]))
            groups.append(self._object(any=self.rules.array(alone, 1)))
        return self._object(all=self.rules.array(self.rules.choice(groups), 3))

    def _on_features(self) -> list[str]:
        constants = self.rules.constants
        names = [name for name, _ in self._ids]
        contains = {"op": constants(["contains"])}
        if self.schema.modality == "text":
            return [self._object(feature=constants(names[:1]), **contains, value=self._word)]
        same = {"op": constants(_ORDER[:2])}
        ordered = {"op": constants(_ORDER)}
        found = self._each(ordered, ordered, same)
        if lacking := [name for name, one in self._ids if one.has_missing]:
            found.append(self._object(feature=constants(lacking), op=constants(["missing"])))
        if self._free:
            found.append(self._object(feature=constants(self._free), **contains, value=self._word))
        return found

    def _on_outcomes(self) -> list[str]:
        constants = self.rules.constants
        outcome = constants(["predicted", "actual"])
        found = [self._object(on=constants(["id"]), value=self._word)]
        if not self.schema.classes:
            return [*found, self._object(on=outcome, op=constants(_ORDER), value=self.rules.number())]
        same = constants(_ORDER[:2])
        found.append(self._object(on=outcome, op=same, value=constants(self._classes())))
        return [*found, self._object(on=constants(["correct"]), value=constants([False, True]))]


def _values(feature: Feature) -> list[Any]:
    """The values of a category as they are listed to a model; those that would not be understood are left out."""
    categories = feature.categories[:_MOST_CATEGORIES]
    shown = [one.value if isinstance(one.value, bool) else clean(one.label) for one in categories]
    return [one for one in shown if one != "" and _understood(feature, one)]


def _understood(feature: Feature, value: Any) -> bool:
    try:
        find_value(feature, value)
    except UnknownName:
        return False
    return True
