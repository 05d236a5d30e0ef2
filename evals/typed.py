"""When two readings of a question are the same: steps without their order, selections without theirs, no defaults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping

from pydantic.fields import FieldInfo

from askwhy.agent.plan import Outcome, Plan, Step
from askwhy.tools.glossary import is_term, known_term
from askwhy.tools.registry import tools
from askwhy.tools.scope import Argument, Condition, Scalar, Scope, opposite


def typed(outcome: Outcome) -> Hashable:
    """What a reading comes down to; equal where it makes no difference to the answer.

    Questions back are all alike, and so are declines: what is said in them is not scored.
    """
    if not isinstance(outcome, Plan):
        return outcome.kind
    steps = [_step(step) for step in outcome.steps]
    if any(step.refs for step in outcome.steps):
        return tuple(steps)
    return frozenset(Counter(steps).items())


def same(outcome: Outcome, golds: Iterable[Outcome]) -> bool:
    """Whether a reading is one of those that are right."""
    found = typed(outcome)
    return any(found == typed(gold) for gold in golds)


def slots(outcome: Outcome) -> Hashable:
    """The reading without its tools: selections, instances, changes and arguments."""
    if not isinstance(outcome, Plan):
        return outcome.kind
    return frozenset(Counter(_step(step)[1:] for step in outcome.steps).items())


def operations(outcome: Outcome) -> Hashable:
    """The tools of a reading, or its kind."""
    if not isinstance(outcome, Plan):
        return outcome.kind
    return frozenset(Counter(step.tool for step in outcome.steps).items())


def _step(step: Step) -> tuple[Hashable, ...]:
    return (
        step.tool,
        _arguments(step),
        _scope(step.scope),
        (step.form, step.audience, step.length),
        frozenset((ref.into, ref.step) for ref in step.refs),
    )


def _arguments(step: Step) -> Hashable:
    fields = tools()[step.tool].arguments.model_fields
    given = ((one.name, _value(_termed(one, fields))) for one in step.arguments if one.value is not None)
    kept = frozenset(
        (name, value) for name, value in given if name not in fields or value != _value(fields[name].default)
    )
    # Accuracy is what "how good is it" asks for where classes are predicted.
    return kept - {("metric", "accuracy")} if step.tool == "score" else kept


def _termed(one: Argument, fields: Mapping[str, FieldInfo]) -> object:
    """The value; of a term of the glossary its entry, however it was called."""
    named = isinstance(one.value, str) and one.name in fields and is_term(fields[one.name].annotation)
    known = known_term(str(one.value)) if named else None
    return known.term if known else one.value


def _value(value: object) -> Hashable:
    if isinstance(value, (tuple, list)):
        return frozenset(_value(one) for one in value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return round(float(value), 9)
    return value.casefold() if isinstance(value, str) else value


def _scope(scope: Scope) -> Hashable:
    where = frozenset(frozenset(_condition(one) for one in group.any) for group in scope.where.all)
    changes = frozenset((one.feature, one.action, _value(one.value), _value(one.words or "")) for one in scope.changes)
    case = frozenset((one.feature, _value(one.value)) for one in scope.case)
    return where, scope.row, case, _text(scope.text), changes


def _condition(one: Condition) -> Hashable:
    op, negated = one.op, one.negated
    if one.on == "correct":
        return "correct", bool(one.value is None or one.value) != negated
    if negated and (turned := opposite(op)):
        op, negated = turned, False
    return one.on, one.feature, op, _number_or_text(one.value), negated


def _number_or_text(value: Scalar | None) -> Hashable:
    if isinstance(value, str):
        try:
            return round(float(value), 9)
        except ValueError:
            return value.casefold()
    return _value(value)


def _text(text: str | None) -> str | None:
    return None if text is None else " ".join(text.casefold().split())
