"""Tools as a chat model sees them, and its calls as steps.

A tool's parameters are its own arguments, the fields of `Scope` and the form of the answer, closed. What the last two
mean is said once in the prompt, not in every tool. `clarify` and `decline` are offered beside the tools. What comes
back is untrusted: every name is resolved, every value checked, nothing else is called.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any, Literal, TypeVar, get_args, get_type_hints

from langchain_core.messages import ToolCall
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from askwhy.agent.listing import class_id, clean, feature_id, find_class, find_feature, find_value
from askwhy.agent.parameters import bare, function, parameters_of
from askwhy.agent.plan import Audience, Check, Clarify, Decline, Form, Length, Outcome, Plan, Step
from askwhy.agent.refs import read_refs, written_refs
from askwhy.tools.errors import ToolError
from askwhy.tools.registry import Tool, names_kind, tools
from askwhy.tools.schema import Feature, Schema
from askwhy.tools.scope import AnyOf, Assignment, Change, Condition, Scalar, Scope, Where, arguments_of

MAX_STEPS = 6
MAX_OPTIONS = 4
_SPOKEN = 300
_LINK = re.compile(r"\w+://\S*|www\.\S*|[<>`\[\]|]")

Entry = TypeVar("Entry", Change, Assignment)

Reason = Literal["out_of_scope", "no_such_tool", "not_about_the_model", "unsafe"]
REASONS: dict[str, str] = {
    "out_of_scope": "That is not a question about this model or its data.",
    "no_such_tool": "That cannot be computed here.",
    "not_about_the_model": "That is a question about the world; only what the model does can be answered.",
    "unsafe": "That cannot be done here.",
}


class BadCalls(Exception):
    """Tool calls that cannot be used; `problems` says what is wrong, for the model to put right."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class _Clarify(BaseModel):
    """Ask the user back, when something needed is missing or the question has two readings."""

    model_config = ConfigDict(extra="forbid")
    question: str = Field(description="a short question to the user, ending in a question mark")
    options: tuple[str, ...] = Field((), description="up to 4 full questions that the user can pick from")


class _Decline(BaseModel):
    """Say that no tool answers the question."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason = Field(description="why")
    nearest: str | None = Field(None, description="the nearest question that can be answered")


class _Check(BaseModel):
    """Check statements that somebody else made (a letter, a report, another program's answer), sentence by sentence,
    against the model. For "is this true: ..." and "check this letter about row 12: ...".
    """

    model_config = ConfigDict(extra="forbid")
    text: str = Field(description="the statements, copied word for word from the user's message")
    row: str | None = Field(None, description="id of the row that they are about, where the user says it")


_MANNER: dict[str, tuple[Any, str]] = {
    "form": (
        Form,
        "leave it out for an answer in words; to follow up on an answer, repeat its call with numbers (raw numbers, "
        "JSON, an export) or with method (how it was computed, what its picture shows); letter: a letter to the person",
    ),
    "audience": (Audience, "for whom it is worded, where the user says: a customer, a colleague or an expert"),
    "length": (Length, "where the user says: one sentence, short, or in full detail"),
}
"""How a step is answered: each a field of `Step` with the values it can have and what they mean."""

PSEUDO: dict[str, type[BaseModel]] = {"clarify": _Clarify, "decline": _Decline, "check": _Check}
"""What is offered beside the tools; each must be the only call."""


def tool_schemas(schema: Schema) -> list[dict[str, Any]]:
    """Every tool that fits the schema, then clarify, decline and check, in the OpenAI tool format."""
    scope = {name: bare(entry) for name, entry in shared_parameters().items()}
    offered = [_offered(made, scope) for made in tools(schema).values()]
    return offered + [function(name, model.__doc__ or "", parameters_of(model)) for name, model in PSEUDO.items()]


def shared_parameters() -> dict[str, Any]:
    """What every tool takes beside its own arguments, described: the scope, and how the answer is told."""
    manner = {
        name: {"type": "string", "enum": list(get_args(allowed)), "description": said}
        for name, (allowed, said) in _MANNER.items()
    }
    return {**parameters_of(Scope)["properties"], **manner}


def _offered(made: Tool, scope: dict[str, Any]) -> dict[str, Any]:
    own = parameters_of(made.arguments)
    taken = own["properties"].keys() & scope.keys()
    if taken:
        raise ValueError(
            f"tool {made.name}: an argument may not be called {', '.join(sorted(taken))}, as the scope has it"
        )
    hints = get_type_hints(made.function, include_extras=True)
    for name, entry in own["properties"].items():
        if kind := names_kind(hints[name]):
            entry["description"] = f"{kind} id, such as {kind[0]}0"
    own["properties"] |= scope
    examples = " / ".join(one.text for one in made.asks[:4])
    return function(made.name, f"{made.description}\nAnswers questions such as: {examples}", own)


def calls_of(outcome: Outcome, schema: Schema) -> list[ToolCall]:
    """The calls that mean this outcome, for the model to see what earlier questions were taken to mean."""
    if isinstance(outcome, Clarify):
        return [_call(0, "clarify", {"question": outcome.question, "options": list(outcome.options)})]
    if isinstance(outcome, Check):
        about = {"row": outcome.row} if outcome.row is not None else {}
        return [_call(0, "check", {"text": outcome.text, **about})]
    if isinstance(outcome, Decline):
        code = next((code for code, said in REASONS.items() if said == outcome.reason), "out_of_scope")
        return [_call(0, "decline", {"reason": code, **({"nearest": outcome.nearest} if outcome.nearest else {})})]
    return [_call(number, step.tool, _written(step, schema)) for number, step in enumerate(outcome.steps)]


def _call(number: int, name: str, args: dict[str, Any]) -> ToolCall:
    return ToolCall(name=name, args=args, id=f"call_{number}", type="tool_call")


def _written(step: Step, schema: Schema) -> dict[str, Any]:
    """A step's arguments and scope with ids for names, as a model is asked to write them."""
    made = tools(schema).get(step.tool)
    hints = get_type_hints(made.function, include_extras=True) if made else {}
    own = {one.name: _ids(schema, names_kind(hints.get(one.name)), one.value) for one in step.arguments}
    scope = step.scope.model_dump(mode="json", exclude_defaults=True)
    for entry in entries(scope):
        if entry.get("feature"):
            entry["feature"] = feature_id(schema, entry["feature"])
    manner = step.model_dump(include=set(_MANNER), exclude_defaults=True)
    return own | scope | written_refs(step, made) | manner


def _ids(schema: Schema, kind: str | None, value: Any) -> Any:
    if kind is None or value is None:
        return list(value) if isinstance(value, tuple) else value
    if isinstance(value, tuple):
        return [_ids(schema, kind, one) for one in value]
    return feature_id(schema, value) if kind == "feature" else class_id(schema, value)


def entries(scope: dict[str, Any]) -> list[dict[str, Any]]:
    """Every condition, change and assignment of a dumped scope."""
    groups = (scope.get("where") or {}).get("all") or ()
    conditions = [condition for group in groups for condition in group["any"]]
    return [*conditions, *(scope.get("changes") or ()), *(scope.get("case") or ())]


def is_about_rows(step: Step) -> bool:
    """Whether a step is about rows, be it all of them; what a word means or what can be asked is not."""
    made = tools().get(step.tool)
    return made is None or made.needs != "nothing"


def outcome_of(calls: Sequence[ToolCall], schema: Schema, previous: Scope | None = None) -> Outcome:
    """What the calls mean. `previous` is the scope of the turn before. Raises BadCalls."""
    if not calls:
        raise BadCalls("there is no tool call in the reply")
    if len(calls) > MAX_STEPS:
        raise BadCalls(f"{len(calls)} calls are too many; {MAX_STEPS} are allowed")
    if any(call["name"] in PSEUDO for call in calls):
        if len(calls) > 1:
            raise BadCalls("clarify, decline and check must be the only call")
        return _pseudo(calls[0])
    steps, problems = [], []
    for number, call in enumerate(calls, 1):
        try:
            steps.append(_step(number, call, schema, previous))
        except (ToolError, ValidationError, BadCalls) as error:
            problems += [f"call {number} ({clean(call['name'])}): {problem}" for problem in _said(error)]
    if problems:
        raise BadCalls(*problems)
    # References count the steps, so none of them is dropped where there are any.
    return Plan(steps=tuple(steps if any(step.refs for step in steps) else dict.fromkeys(steps)))


def _said(error: ToolError | ValidationError | BadCalls) -> list[str]:
    if isinstance(error, ValidationError):
        return [f"{'.'.join(map(str, one['loc'])) or 'scope'}: {one['msg']}" for one in error.errors()[:5]]
    return list(error.problems) if isinstance(error, BadCalls) else [str(error)]


def _pseudo(call: ToolCall) -> Clarify | Decline | Check:
    try:
        given = PSEUDO[call["name"]].model_validate(call["args"])
    except ValidationError as error:
        raise BadCalls(*(f"{call['name']}: {problem}" for problem in _said(error))) from None
    if isinstance(given, _Clarify):
        options = tuple(filter(None, map(_questions, given.options)))[:MAX_OPTIONS]
        return Clarify(question=_questions(given.question) or "What would you like to know?", options=options)
    if isinstance(given, _Check):
        return Check(text=given.text, row=given.row)
    assert isinstance(given, _Decline)
    return Decline(reason=REASONS[given.reason], nearest=_questions(given.nearest or "") or None)


def _questions(text: str) -> str:
    """The questions in a model's free text, on one short line without links or markup.

    Statements are left out: no evidence bears them out.
    """
    line = clean(_LINK.sub("", text), _SPOKEN)
    return " ".join(question.strip() for question in re.findall(r"[^.!?]+(?:\.\d[^.!?]*)*\?", line))


def _step(number: int, call: ToolCall, schema: Schema, previous: Scope | None) -> Step:
    made = tools(schema).get(call["name"])
    if made is None:
        raise BadCalls(f"there is no such tool; there are: {', '.join(tools(schema))}, {', '.join(PSEUDO)}")
    given = {name: value for name, value in call["args"].items() if value not in (None, "", [])}
    manner = {name: given.pop(name) for name in _MANNER if name in given}
    for name, value in manner.items():
        if value not in get_args(_MANNER[name][0]):
            raise BadCalls(f"{name}: it is one of {', '.join(get_args(_MANNER[name][0]))}")
    given, refs = read_refs(given, made, schema)
    if any(ref.step >= number for ref in refs):
        raise BadCalls("only what an earlier call finds can be taken")
    scope = _scope({name: given.pop(name) for name in Scope.model_fields if name in given}, schema, previous)
    hints = get_type_hints(made.function, include_extras=True)
    own = {name: _named(schema, hints.get(name), value) for name, value in given.items()}
    checked = made.checked(schema, own)
    _needed(made, scope)
    arguments = arguments_of({name: checked[name] for name in own})
    step = Step(tool=made.name, arguments=arguments, scope=scope, **manner)
    return step.referring(refs) if refs else step


def _named(schema: Schema, annotation: Any, value: Any) -> Any:
    """An argument with ids replaced by names; one name where several are taken is made a list."""
    kind = names_kind(annotation)
    if kind is None:
        return value
    several = isinstance(value, (list, tuple))
    find = find_feature if kind == "feature" else find_class
    found = tuple(find(schema, str(one)).name for one in (value if several else (value,)))
    return found if several or "tuple[" in str(annotation) else found[0]


def _needed(made: Tool, scope: Scope) -> None:
    if made.needs == "instance" and not scope.has_instance:
        raise BadCalls("it needs one instance: give row, case or text, or call clarify if the user named none")
    if made.needs == "changes" and not scope.changes:
        raise BadCalls("it needs changes: what should be different, and by how much")


def _scope(given: dict[str, Any], schema: Schema, previous: Scope | None) -> Scope:
    if isinstance(given.get("row"), (int, float)):
        given["row"] = f"{given['row']:g}" if isinstance(given["row"], float) else str(given["row"])
    raw = Scope.model_validate_json(_json(given))
    where = _resolved_where(raw.where, schema, previous)
    changes = tuple(_resolved(schema, change) for change in raw.changes)
    case = tuple(_resolved(schema, cell) for cell in raw.case)
    found = raw.model_copy(update={"where": where, "changes": changes, "case": case})
    # One instance is not a selection: the conditions would be said in the answer but not be used.
    return found.model_copy(update={"where": Where()}) if found.has_instance else found


def _json(given: dict[str, Any]) -> str:
    try:
        return json.dumps(given, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadCalls(f"the scope is not JSON: {error}") from None


def _resolved_where(where: Where, schema: Schema, previous: Scope | None) -> Where:
    groups: list[AnyOf] = []
    for group in where.all:
        if all(condition.on != "previous" for condition in group.any):
            groups.append(AnyOf(any=tuple(_condition(schema, condition) for condition in group.any)))
        elif len(group.any) > 1 or group.any[0].negated:
            raise BadCalls("a condition on previous must stand alone in its group")
        else:
            groups += _selection(previous)
    return Where(all=tuple(dict.fromkeys(groups)))


def _selection(previous: Scope | None) -> tuple[AnyOf, ...]:
    """The rows of the turn before, as conditions of their own."""
    if previous is None:
        raise BadCalls("there is no earlier turn, so previous means nothing; call clarify")
    if previous.row is not None:
        return Where.of(Condition(on="id", value=previous.row)).all
    return previous.where.all


def _condition(schema: Schema, condition: Condition) -> Condition:
    if condition.on == "feature":
        return _on_feature(schema, condition)
    if condition.on == "id":
        return condition.model_copy(update={"value": str(condition.value)})
    if condition.on in ("predicted", "actual") and schema.classes and condition.value is not None:
        return condition.model_copy(update={"value": find_class(schema, condition.value).name})
    return condition


def _on_feature(schema: Schema, condition: Condition) -> Condition:
    if schema.modality == "text":
        return condition.model_copy(update={"feature": schema.names[0]})
    feature = find_feature(schema, str(condition.feature))
    if condition.op in ("lt", "le", "gt", "ge") and not (feature.numeric or feature.kind == "date"):
        raise BadCalls(f"{clean(feature.label)} is not a number, so it cannot be compared with {condition.op}")
    value = condition.value if condition.op == "contains" else _value(feature, condition.value)
    return condition.model_copy(update={"feature": feature.name, "value": value})


def _resolved(schema: Schema, entry: Entry) -> Entry:
    """A change or assignment with the feature's own name and a value that the feature can have."""
    if schema.modality == "text":
        return entry
    if entry.feature is None:
        raise BadCalls("a change needs a feature")
    feature = find_feature(schema, entry.feature)
    return entry.model_copy(update={"feature": feature.name, "value": _value(feature, entry.value)})


def _value(feature: Feature, value: Scalar | None) -> Scalar | None:
    if value is None:
        return None
    if feature.categories:
        return find_value(feature, value)
    if feature.numeric:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise BadCalls(f"{clean(feature.label)} is a number, not {clean(value)!r}")
        return int(number) if number.is_integer() and not isinstance(value, float) else number
    return value
