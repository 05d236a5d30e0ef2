"""How a question was understood, in one line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, get_origin, get_type_hints

from askwhy.agent.plan import Plan, Step
from askwhy.agent.refs import ANY
from askwhy.agent.scope_words import case_words, changes_words, instance_words, where_words
from askwhy.agent.wording import cell, class_name, clean, feature_name, joined, known_feature, quoted
from askwhy.tools.errors import ToolError
from askwhy.tools.registry import Ask, Tool, find_tool, names_kind
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Scalar

_SLOT = re.compile(r"\{(\w+)\}")
_ANOTHER = "another {entity}"
_FORMS = {"numbers": "the raw numbers of this", "method": "how this was computed", "letter": "a letter about this"}
_AUDIENCES = {"customer": "for a customer", "colleague": "for a colleague", "expert": "for an expert"}
_LENGTHS = {"sentence": "in one sentence", "short": "in short", "full": "in full detail"}


def understood(plan: Plan, schema: Schema) -> str:
    """The plan as a line without closing period: "why was applicant 12 predicted this way (method: lime)".

    The words are those of the tool's own example question that says most of the step, and what it leaves open is added;
    a tool without a fitting example is named by its description.
    """
    return "; then ".join(_Reading(step, find_tool(step.tool), schema).words() for step in plan.steps)


def question_of(plan: Plan, schema: Schema) -> str:
    """The same as a question that the reader can choose."""
    return f"{understood(plan, schema)}?"


@dataclass(frozen=True)
class _Wording:
    """One way to say a step, and what it leaves unsaid."""

    text: str
    said: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Reading:
    """A step and how it may be said."""

    step: Step
    tool: Tool
    schema: Schema

    def words(self) -> str:
        """The wording that says most, and the rest."""
        found = [wording for ask in self.tool.asks if (wording := self._from_ask(ask)) is not None]
        if self.tool.needs == "changes":
            found.insert(0, self._what_if())
        best = min(found, key=lambda wording: len(self._parts() - wording.said), default=self._from_description())
        left = self._parts() - best.said
        text = best.text
        if "instance" in left:
            text += f", for {self._instance()}"
        if "where" in left:
            text += f", for {clean(self.schema.entities)} {where_words(self.step.scope.where, self.schema)}"
        if "changes" in left:
            text += f", with {changes_words(self.step.scope.changes, self.schema)}"
        if grouped := next((ref.step for ref in self.step.refs if ref.into == "where"), None):
            text += f", for the group found in step {grouped}"
        rest = [
            f"{'class' if name == 'cls' else _spaced(name)}: {words}"
            for name, words in self._given().items()
            if name in left
        ]
        manner = (_AUDIENCES.get(self.step.audience or ""), _LENGTHS.get(self.step.length or ""))
        rest += [words for words in manner if words]
        text = f"{text} ({'; '.join(rest)})" if rest else text
        return f"{_FORMS[self.step.form]}: {text}" if self.step.form in _FORMS else text

    def _parts(self) -> frozenset[str]:
        """What has to be said: the parts of the scope that are set, and the names of the arguments given."""
        scope = self.step.scope
        instance = scope.has_instance or any(ref.into == "row" for ref in self.step.refs)
        parts = {"instance": instance, "where": scope.where and not instance, "changes": scope.changes}
        return frozenset({name for name, there in parts.items() if there} | self._given().keys())

    def _given(self) -> dict[str, str]:
        """Arguments that are not at their default, in words."""
        fields = self.tool.arguments.model_fields
        given = {
            one.name: self._argument(one.name, one.value)
            for one in self.step.arguments
            if one.value not in (None, ()) and (one.name not in fields or one.value != fields[one.name].default)
        }
        return given | self._taken()

    def _taken(self) -> dict[str, str]:
        """Arguments that come from earlier steps, in words."""
        refs = (ref for ref in self.step.refs if ref.into not in ("row", "where"))
        return {ref.into: self._ref(ref.relation, ref.step) for ref in refs}

    def _argument(self, name: str, value: Scalar | tuple[Scalar, ...] | None) -> str:
        if isinstance(value, tuple):
            return joined([self._argument(name, one) for one in value])
        kind = names_kind(get_type_hints(self.tool.function, include_extras=True).get(name))
        if kind == "class":
            return class_name(str(value), self.schema)
        if kind == "feature":
            known = known_feature(str(value), self.schema)
            try:
                return feature_name((known or self.schema.feature(str(value))).name, self.schema)
            except ToolError:
                return clean(value)
        return cell(value, None, constant=True)

    def _ref(self, relation: str, step: int) -> str:
        return f"the {_spaced(relation)} found in step {step}" if relation != ANY else f"what step {step} finds"

    def _instance(self) -> str | None:
        for ref in self.step.refs:
            if ref.into == "row":
                what = f" ({_spaced(ref.relation)})" if ref.relation != ANY else ""
                return f"the {clean(self.schema.entity)} found in step {ref.step}{what}"
        words = instance_words(self.step.scope, self.schema, changes=False)
        if self.step.scope.case:
            return f"{words} ({case_words(self.step.scope, self.schema)})"
        return f"{words} {quoted(self.step.scope.text)}" if self.step.scope.text is not None else words

    def _what_if(self) -> _Wording:
        changed = changes_words(self.step.scope.changes, self.schema, "if")
        return _Wording(f"what if {changed}", frozenset({"changes"}))

    def _from_description(self) -> _Wording:
        first = re.split(r"[.:](?:\s|$)", self.tool.description, maxsplit=1)[0]
        words = clean(first) or _spaced(self.tool.name)
        return _Wording(words[:1].lower() + words[1:] if words[1:2].islower() else words)

    def _from_ask(self, ask: Ask) -> _Wording | None:
        """The example question filled with this step, None where it asks for something else."""
        if any(self._value_of(name) != wanted for name, wanted in ask.arguments):
            return None
        names = _SLOT.findall(ask.text)
        filled = self._fillings("subset" in names)
        if not filled.keys() >= set(names) or len(set(names)) != len(names):
            return None
        said = {name for name, _ in ask.arguments}.union(*(filled[name].said for name in names))
        if "subset" in names and not _fits(ask.text, filled["subset"].text):
            return None
        text = _SLOT.sub(lambda match: filled[match[1]].text, ask.text).replace("with with ", "with ")
        if _ANOTHER in ask.text and (other := self._given().get("other")):
            text = text.replace(f"another {filled['entity'].text}", f"{filled['entity'].text} {other}")
            said.add("other")
        return _Wording(text.rstrip("?. "), frozenset(said))

    def _value_of(self, name: str) -> Any:
        """An argument as given, or its default."""
        given = self.step.argument(name)
        field = self.tool.arguments.model_fields.get(name)
        return given if given is not None or field is None or field.is_required() else field.default

    def _fillings(self, has_subset: bool) -> dict[str, _Wording]:
        """Words for the slots of an example question, each with the parts of the step that it says."""
        entities, subset = clean(self.schema.entities), ""
        filled = {"entity": _Wording(clean(self.schema.entity)), "entities": _Wording(entities)}
        if "where" in self._parts():
            subset = where_words(self.step.scope.where, self.schema)
            filled["subset"] = _Wording(subset, frozenset({"where"}))
        if subset and not has_subset:
            filled["entities"] = _Wording(f"{entities} {subset}", frozenset({"where"}))
        instance = self._instance()
        if instance is not None:
            slot = "row" if self.step.scope.text is None else "text"
            filled[slot] = _Wording(instance, frozenset({"instance"}))
        return self._argument_slots() | filled

    def _argument_slots(self) -> dict[str, _Wording]:
        """Words for the slots that arguments fill: features and classes by what they name, others by their own name."""
        filled: dict[str, _Wording] = {}
        hints = get_type_hints(self.tool.function, include_extras=True)
        features = 0
        lists = [name for name in hints if get_origin(hints[name]) is tuple and names_kind(hints[name]) == "feature"]
        for name in self.tool.arguments.model_fields:
            kind = names_kind(hints[name])
            value = self._taken().get(name) or self._value_of(name)
            if name in lists and len(lists) > 1:
                continue  # features to keep and features to change would read alike in a question's slot
            for one in value if isinstance(value, tuple) and kind == "feature" else (value,):
                if one is None or isinstance(one, tuple):
                    continue
                features += kind == "feature"
                slot = f"feature{features if features > 1 else ''}" if kind == "feature" else kind or name
                words = one if name in self._taken() else self._argument(name, one)
                filled.setdefault(slot, _Wording(words, frozenset({name})))
        return filled


def _spaced(name: str) -> str:
    return clean(name.replace("_", " "))


def _fits(question: str, selection: str) -> bool:
    """Whether a selection ("older than 40", "with sex female", ...) reads well where the question has its slot."""
    before = question.partition("{subset}")[0].rstrip().rpartition(" ")[2].lower()
    if before in ("are", "is", "were", "being"):
        return not selection.startswith(("with ", "that "))
    if before == "with":
        return selection.startswith("with ")
    return before not in ("whose", "where", "have", "has")
