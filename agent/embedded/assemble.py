"""From a read question to an outcome: which tools, and their arguments by type."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, get_origin, get_type_hints

from askwhy.agent.embedded.answered import asked_form, carried, points_back, term_step
from askwhy.agent.embedded.asking import examples_of, half_of, nearest, options_of
from askwhy.agent.embedded.conditions import plain_values, said_of, where_of
from askwhy.agent.embedded.english import common, listed, pattern
from askwhy.agent.embedded.mentions import Reading
from askwhy.agent.embedded.retrieve import (
    EXACT,
    Match,
    argument_kinds,
    filled,
    index,
    plain_words,
    ranked,
    read,
    takes_number,
)
from askwhy.agent.embedded.values import accepted, literal, literals, rival_named
from askwhy.agent.embedded.words import SMALL, VOCABULARY, canonical, folded, stem
from askwhy.agent.plan import Clarify, Decline, Form, Outcome, Plan, Step
from askwhy.tools.registry import Tool
from askwhy.tools.schema import Schema
from askwhy.tools.scope import AnyOf, Assignment, Condition, Scope, Where, arguments_of

UNKNOWN_BELOW = 0.2
"""Score under which a question is declined."""
UNFAMILIAR_BELOW = 0.34
"""Share of known words under which a question that names nothing of the schema is declined."""
CLOSE = 0.05
"""Two tools nearer than this in score are two readings, unless the better one is near to its example."""
FAMILIAR_FROM = 0.33
"""Score from which a question is about the model however many of its words are new."""
STRANGE_FROM = 0.5
"""The same where every one of its words is new."""
_CLEAR = 0.6
_CLAUSE = 0.3

_DIRECTIONS = {"lt": "lower", "le": "lower", "gt": "higher", "ge": "higher"}
_HALF_CHANGED = "Only a part of these changes is clear. Which feature should change, and to what?"
OUT_OF_SCOPE = "That is not a question about this model or its data."


@dataclass(frozen=True)
class Context:
    """The turn before, if there was one: its steps, and the instance under discussion (an empty scope if none)."""

    steps: tuple[Step, ...] = ()
    focus: Scope = field(default_factory=Scope)


@dataclass(frozen=True)
class Found:
    """An outcome and how sure the reading is, 0..1."""

    outcome: Outcome
    confidence: float


def outcome_of_question(question: str, schema: Schema, names: frozenset[str], context: Context) -> Found:
    """What a question that asks for no check means with these tools on offer, after the turn before."""
    if (step := term_step(question, schema, names)) is not None:
        return Found(Plan(steps=(step,)), 1.0)
    form, rest, whole = asked_form(question)
    if form != "words":
        reading = read(rest, schema)
        if points_back(reading):
            return _in_form(form, reading, context)
        if whole:
            found = _meant(rest, schema, names, context)
            steps = (step.model_copy(update={"form": form}) for step in getattr(found.outcome, "steps", ()))
            return replace(found, outcome=Plan(steps=tuple(steps))) if found.outcome.kind == "plan" else found
    return _meant(question, schema, names, context)


def _in_form(form: Form, reading: Reading, context: Context) -> Found:
    """The last answer in another form."""
    from askwhy.agent.embedded.follow import repeated

    if context.steps:
        return Found(Plan(steps=repeated(reading, context, form)), 0.9)
    options = options_of(common(reading.schema.modality), reading)
    return Found(Clarify(question="There is no answer yet. What would you like to know?", options=options), 0.5)


def _meant(question: str, schema: Schema, names: frozenset[str], context: Context) -> Found:
    """What a question means that is answered in words."""
    from askwhy.agent.embedded.follow import follow_up, unlinked

    reading = read(question, schema)
    if pattern("all").search(reading.text):
        context = replace(context, focus=Scope())
    if reading.unsure:
        return _which_value(question, reading)
    if pattern("half_changed").search(reading.text):
        return Found(Clarify(question=_HALF_CHANGED, options=half_of(reading)), 0.5)
    if not reading.changes and pattern("unnamed_change").search(reading.text):
        return Found(Clarify(question="Which feature should be changed, and by how much?"), 0.5)
    if context.steps and (steps := follow_up(reading, names, context)):
        return Found(Plan(steps=steps), 0.8)
    if context.steps and unlinked(reading):
        return Found(Clarify(question=f"Which {schema.entities} do you mean?", options=examples_of(schema)), 0.5)
    if not names:
        return Found(Decline(reason="There are no tools."), 1.0)
    instance = _instance(reading, context)
    clauses = _clauses(reading, names, instance.has_instance or context.focus.has_instance)
    best = clauses[0][1][0]
    if _foreign(reading, best, context):
        return Found(
            Decline(reason=OUT_OF_SCOPE, nearest=nearest(clauses[0][1], reading)), 1 - max(0.0, min(1.0, best.score))
        )
    steps_found: list[Step] = []
    for text, matches in clauses:
        if (unclear := _unclear(matches, reading, text, instance, context)) is not None:
            return Found(unclear, matches[0].score)
        steps_found += _steps(matches[0], reading, text, instance, context)
    confidence = min(matches[0].score for _, matches in clauses)
    return Found(Plan(steps=tuple(dict.fromkeys(steps_found))), max(0.0, min(1.0, confidence)))


def _foreign(reading: Reading, best: Match, context: Context) -> bool:
    if best.nearness > EXACT:
        return False
    named = {code[0] for code in reading.slots} & set("FCKTO")
    points = context.focus.has_instance and pattern("it").search(reading.text) is not None
    about = bool(named or reading.rows or reading.changes or reading.quoted or points)
    if best.score < (UNKNOWN_BELOW / 2 if about else UNKNOWN_BELOW) or not (about or _asks_something(reading.text)):
        return True
    familiar = index(reading.schema).familiar(reading.text)
    return not about and familiar < UNFAMILIAR_BELOW and best.score < (FAMILIAR_FROM if familiar else STRANGE_FROM)


def _which_value(question: str, reading: Reading) -> Found:
    return Found(
        Clarify(
            question="Which of these do you mean?",
            options=tuple(f"{question.rstrip(' ?')}, meaning {value}?" for value in reading.unsure[:4]),
        ),
        0.5,
    )


def _clauses(reading: Reading, names: frozenset[str], row: bool) -> list[tuple[str, list[Match]]]:
    """The sketch as one question, or as two where both halves ask for something different."""
    whole = ranked(reading, reading.text, names, row)
    best: list[tuple[str, list[Match]]] = [(reading.text, whole)]
    if whole[0].nearness > 0.9 or pattern("contrasted").search(reading.text):
        return best
    highest = whole[0].score - 0.1
    for boundary in pattern("boundary").finditer(reading.text):
        parts = (reading.text[: boundary.start()], reading.text[boundary.end() :])
        if not all(_asks_something(part) for part in parts):
            continue
        found = [ranked(reading, part, names, row) for part in parts]
        scores = [matches[0].score for matches in found]
        apart = 0.15 if "?" in boundary[0] or pattern("asking").search(parts[1]) else 0.0
        if found[0][0].tool is not found[1][0].tool and min(scores) > _CLAUSE and sum(scores) / 2 + apart > highest:
            best, highest = list(zip(parts, found, strict=True)), sum(scores) / 2 + apart
    return best


def unknown_group(reading: Reading, text: str) -> str | None:
    """The word that says which rows or feature are meant and that nothing here is called: "for astronauts"."""
    schema = reading.schema
    known = index(schema).vocabulary | VOCABULARY | {*folded(schema.name), *folded(schema.target.label)}
    for match in pattern("about_what").finditer(text):
        word = match["word"]
        if word not in SMALL | listed("empty") and canonical(word) not in known and stem(word) not in known:
            return word
    return None


def _asks_something(text: str) -> bool:
    return any(word not in SMALL and not word.startswith("slot") for word in plain_words(text))


def _instance(reading: Reading, context: Context) -> Scope:
    """The instance that the question itself names, or points to with "it"; an empty scope if none."""
    if reading.rows:
        return Scope(row=reading.rows[0])
    if reading.quoted is not None:
        return Scope(text=reading.quoted)
    if case := _case(reading):
        return Scope(case=case)
    pointed = pattern("it").search(reading.text) and not re.search(r"\b[ES]\d+", reading.text)
    if context.focus.has_instance and (pointed or reading.changes or reading.previous):
        return context.focus.without_changes()
    return Scope()


def _case(reading: Reading) -> tuple[Assignment, ...]:
    """A case the user describes: "a 35 year old woman with credit amount 2000"."""
    from askwhy.agent.embedded.mentions import sketch

    first = sketch(reading.question, reading.schema).text
    conditions = plain_values(where_of(reading, reading.text))
    if not conditions or not pattern("described").search(first) or re.search(r"\bE\d+", first) or "how many" in first:
        return ()
    if all(isinstance(one.value, (str, bool)) for one in conditions):
        return ()  # "women who want a loan for a car" are many
    return tuple(Assignment(feature=str(one.feature), value=one.value) for one in conditions)


def _unclear(matches: list[Match], reading: Reading, text: str, instance: Scope, context: Context) -> Clarify | None:
    """A question back, where an instance or an argument is missing or two readings are close."""
    best = matches[0]
    schema = reading.schema
    known = instance.has_instance or context.focus.has_instance
    if not known and not reading.selections and not reading.previous and _needs_row(best, reading):
        options = [example.text for example in best.tool.asks if "{row}" in example.text and example.text.endswith("?")]
        return Clarify(question=f"Which {schema.entity} do you mean?", options=options_of(options, reading))
    if reading.previous and not context.steps:
        return Clarify(question=f"Which {schema.entities} do you mean?", options=options_of([best.ask.text], reading))
    if best.nearness < EXACT and (strange := unknown_group(reading, text)):
        question = f"Which {schema.entities} do you mean by {strange}?"
        return Clarify(question=question, options=options_of([best.ask.text], reading))
    if pattern("loose_number").search(text) and not reading.changes and not takes_number(best.tool):
        question = "Which feature does the number belong to?"
        return Clarify(question=question, options=options_of([best.ask.text], reading))
    if instance.has_instance and (beside := _beside(best, reading, text)):
        return Clarify(question=beside, options=options_of([best.ask.text], reading))
    if best.tool.needs == "changes" and not reading.changes:
        return Clarify(question="What should be changed, and to what?", options=options_of([best.ask.text], reading))
    if _lacking(best.tool, reading, text) and not _earlier_features(context):
        options = [
            filled(best.ask.text, schema.model_copy(update={"features": schema.features[n:]}), reading)
            for n in range(3)
            if n < len(schema.features)
        ]
        return Clarify(question="Which feature do you mean?", options=options_of(options, reading))
    close = [match for match in matches[1:3] if best.score - match.score < CLOSE]
    if close and best.nearness < _CLEAR and not reading.changes:
        options = [match.ask.text for match in (best, *close)]
        return Clarify(question="What would you like to know?", options=options_of(options, reading))
    return None


def _beside(best: Match, reading: Reading, text: str) -> str | None:
    """A question back where conditions stand beside an instance and the tool has no use for them."""
    if "{subset}" in best.ask.text or best.tool.needs == "nothing":
        return None
    aims = _aims(best.tool, reading, text)
    left = [one for one in where_of(reading, text).conditions() if one.on == "feature" or one.op in _DIRECTIONS]
    if not left or len(aims) == 1 == len(left) or _case(reading):
        return None
    return f"Is this about one {reading.schema.entity}, or about the {reading.schema.entities} you describe?"


def _needs_row(best: Match, reading: Reading) -> bool:
    """Whether the tool works on one row only, or the question points at one without naming it: "explain it"."""
    if best.tool.needs == "instance":
        return True
    if reading.changes or re.search(r"\b[ES]\d+", reading.text):
        return False
    points = bool(pattern("it").search(reading.text)) and not reading.left("F") and "{row}" in _asks(best.tool)
    return (points or "{row}" in best.ask.text) and not best.rowless


def _lacking(tool: Tool, reading: Reading, text: str) -> bool:
    required = sum(kind in ("feature", "features") and needed for kind, needed in argument_kinds(tool).values())
    return required > len(_features(tool, reading, text))


def _features(tool: Tool, reading: Reading, text: str) -> list[str]:
    """The features that the clause names, or the question; "only sex" restricts the tools that can be restricted."""
    own = [reading.feature(code).name for code in dict.fromkeys(re.findall(r"\bF\d+", text) or reading.left("F"))]
    return own or ([] if "only" in argument_kinds(tool) else [feature.name for feature in reading.only])


def _earlier_features(context: Context) -> list[str]:
    return [str(one.value) for step in context.steps for one in step.arguments if one.name in ("feature", "first")]


def _steps(match: Match, reading: Reading, text: str, instance: Scope, context: Context) -> list[Step]:
    """One step, or one for each row that the clause names."""
    scope = _scope(match, reading, text, instance, context)
    named = _arguments(match, reading, text, context)
    step = Step(tool=match.tool.name, arguments=arguments_of(named), scope=scope)
    own = [reading.rows[int(code)] for code in re.findall(r"\bR(\d+)", text) if int(code) < len(reading.rows)]
    rows = own or reading.rows
    if scope.row is None or not rows or "other" in named:
        return [step]
    return [_with_class(replace_row(step, row), match.tool, reading, text, row) for row in dict.fromkeys(rows)]


def _with_class(step: Step, tool: Tool, reading: Reading, text: str, row: str) -> Step:
    """The step with the class that is said of its own row: "12 declined and 60 approved"."""
    after = text.partition(f"R{reading.rows.index(row)} ")[2]
    found = re.match(r"(?:(?!R\d).)*?\bK\d+", after)
    name = next((name for name, (kind, _) in argument_kinds(tool).items() if kind == "class"), None)
    if found is None or name is None:
        return step
    given = {one.name: one.value for one in step.arguments} | {name: reading.label(found[0].split()[-1])}
    return step.model_copy(update={"arguments": arguments_of(given)})


def replace_row(step: Step, row: str) -> Step:
    """The same step about another row."""
    scope = Scope(row=row, changes=step.scope.changes)
    return step.model_copy(update={"scope": scope})


def _scope(match: Match, reading: Reading, text: str, instance: Scope, context: Context) -> Scope:
    changes = tuple(reading.changes)
    if match.tool.needs in ("nothing", "any") and instance.has_instance and "{row}" not in _asks(match.tool):
        return Scope()
    if instance.has_instance:
        return instance.model_copy(update={"changes": changes})
    where = where_of(reading, reading.text) & _outcome_conditions(match, reading, text)
    if reading.previous and context.steps:
        where = Where(all=(AnyOf(any=(Condition(on="previous"),)), *where.all))
    carried = context.focus.has_instance and not where and not re.search(r"\bE\d+", text)
    if context.focus.has_instance and not where and match.tool.needs == "instance":
        return context.focus.model_copy(update={"changes": changes})
    if carried and "{row}" in match.ask.text:
        return context.focus.model_copy(update={"changes": changes})
    return Scope(where=where, changes=changes)


def _asks(tool: Tool) -> str:
    return " ".join(example.text for example in tool.asks)


def _outcome_conditions(match: Match, reading: Reading, text: str) -> Where:
    """A class that the tool takes no argument for, and "it gets wrong" where the tool is not about mistakes."""
    conditions = []
    asked = set(plain_words(_asks(match.tool)))
    if pattern("wrong").search(text) and "mistake" not in asked:
        conditions.append(Condition(on="correct", value=False))
    elif pattern("right").search(text) and "accurate" not in asked:
        conditions.append(Condition(on="correct", value=True))
    kinds = [kind for kind, _ in argument_kinds(match.tool).values()]
    if "class" not in kinds and "{class}" in _asks(match.tool):
        conditions += [
            Condition(on=said_of(text), value=reading.label(code)) for code in re.findall(r"\bK\d+", text)[:1]
        ]
    return Where.of(*conditions)


def _arguments(match: Match, reading: Reading, text: str, context: Context) -> dict[str, Any]:
    """The tool's arguments: those its nearest example fixes, then what the question says, by type."""
    given: dict[str, Any] = {name: value for name, value in match.ask.arguments if "{" not in str(value)}
    features = _features(match.tool, reading, text)
    classes = [reading.label(code) for code in re.findall(r"\bK\d+", text) or reading.left("K")]
    numbers = [reading.number(code).value for code in re.findall(r"\bN\d+", text)]
    span = list(reading.span or ())
    words = [reading.slots[code].text for code in re.findall(r"\bQ\d+", text)]
    hints = get_type_hints(match.tool.function, include_extras=True)
    earlier = _earlier_features(context)
    for name, (kind, required) in argument_kinds(match.tool).items():
        if kind == "features":
            own = {"keep": reading.keep, "only": reading.only}.get(name)
            chosen = features if own is None else [feature.name for feature in own]
            given |= {name: tuple(dict.fromkeys(chosen))} if chosen else {}
        elif kind == "feature" and (features or (required and earlier)):
            given[name] = features.pop(0) if features else earlier.pop(0)
        elif kind == "class" and classes:
            given[name] = classes.pop(0)
        elif kind == "number" and "float" in str(hints[name]) and span:
            given[name] = span.pop(0)
        elif kind == "number" and numbers and ("int" in str(hints[name]) or "{number}" in _asks(match.tool)):
            if fitting := accepted(hints[name], name, numbers[0]):
                given |= fitting
                numbers.pop(0)
        elif kind == "other" and "tuple[str" in str(hints[name]) and words:
            given[name] = tuple(words)
        elif kind == "other" and (value := literal(hints[name], text)):
            given[name] = literals(hints[name], text) if get_origin(hints[name]) is tuple else value
    given |= _aim(match.tool, reading, text)
    if "model" in hints and (rival := rival_named(reading.schema, reading.question)) is not None:
        given["model"] = rival
    if "other" in hints and hints["other"] == str | None and len(reading.rows) > 1:
        given["other"] = reading.rows[1]
    return carried(match.tool, given, context.steps, text) if not reading.rows else given


def _aims(tool: Tool, reading: Reading, text: str) -> list[Condition]:
    """What is said of the output, where the tool takes a number and a direction to aim at: "below 100"."""
    if not {"number", "direction"} <= argument_kinds(tool).keys():
        return []
    return [one for one in where_of(reading, text).conditions() if one.on == "predicted" and one.op in _DIRECTIONS]


def _aim(tool: Tool, reading: Reading, text: str) -> dict[str, Any]:
    aims = _aims(tool, reading, text)
    return {"number": aims[0].value, "direction": _DIRECTIONS[aims[0].op]} if len(aims) == 1 else {}
