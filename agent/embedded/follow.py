"""Follow-ups: "and for women only?" or "the same for row 60" repeat the turn before with a part replaced."""

from __future__ import annotations

from askwhy.agent.embedded.assemble import Context, replace_row
from askwhy.agent.embedded.conditions import where_of
from askwhy.agent.embedded.english import listed, pattern
from askwhy.agent.embedded.mentions import Reading
from askwhy.agent.embedded.retrieve import argument_kinds, index, plain_words
from askwhy.agent.embedded.words import SMALL
from askwhy.agent.plan import Form, Step
from askwhy.tools.registry import tools
from askwhy.tools.scope import Argument, Scope, Where


def follow_up(reading: Reading, names: frozenset[str], context: Context) -> tuple[Step, ...]:
    """The steps of the turn before with what the question gives put in; none if the question stands on its own."""
    if not pattern("opening").search(reading.text) or any(step.tool not in names for step in context.steps):
        return ()
    own = [
        word
        for word in plain_words(reading.text)
        if word not in SMALL | listed("empty") and not word.startswith("slot")
    ]
    if own and not pattern("all").search(reading.text):
        return ()
    if not _gives(reading):
        return ()
    return tuple(again for step in context.steps for again in _again(step, reading))


def repeated(reading: Reading, context: Context, form: Form) -> tuple[Step, ...]:
    """The steps of the turn before in another form, for the rows that the question names if it names any."""
    steps = context.steps if not _gives(reading) else [one for step in context.steps for one in _again(step, reading)]
    return tuple(step.model_copy(update={"form": form}) for step in steps)


def _gives(reading: Reading) -> bool:
    """Whether a follow-up holds anything that can replace a part of the turn before; "and for them" does not."""
    taken = reading.rows or reading.selections or reading.changes or reading.quoted or reading.previous
    return bool(taken or any(reading.left(kind) for kind in "FKN") or pattern("all").search(reading.text))


def unlinked(reading: Reading) -> bool:
    """Whether a question only names what to look at next, and nothing in the schema is called that."""
    if not pattern("opening").search(reading.text):
        return False
    own = [word for word in plain_words(reading.text) if word not in SMALL | listed("empty")]
    known = index(reading.schema).vocabulary
    return not any(word in known for word in own if word != "slotrows")


def _again(step: Step, reading: Reading) -> list[Step]:
    step = _with_arguments(step, reading)
    if step.form == "method":
        step = step.model_copy(update={"form": "words"})  # of other rows, what was found is the news
    scope = step.scope
    if reading.rows:
        return [replace_row(step, row) for row in reading.rows]
    where = where_of(reading, reading.text)
    if pattern("all").search(reading.text):
        scope = Scope(changes=scope.changes)
    elif where:
        scope = Scope(where=_merged(scope.where, where), changes=scope.changes)
    if reading.quoted is not None:
        scope = Scope(text=reading.quoted)
    if reading.changes:
        scope = scope.model_copy(update={"changes": tuple(reading.changes)})
    return [step.model_copy(update={"scope": scope})]


def _merged(earlier: Where, new: Where) -> Where:
    """The earlier conditions and the new ones; a new one takes the place of those on the same thing."""
    about = {(one.on, one.feature) for one in new.conditions()}
    kept = (group for group in earlier.all if not any((one.on, one.feature) in about for one in group.any))
    return Where(all=(*kept, *new.all))


def _with_arguments(step: Step, reading: Reading) -> Step:
    """The step with its feature, class or number replaced by the ones that the question names."""
    made = tools(reading.schema).get(step.tool)
    if made is None:
        return step
    features = [reading.feature(code).name for code in reading.left("F")]
    classes = [reading.label(code) for code in reading.left("K")]
    numbers = [reading.number(code).value for code in reading.left("N")]
    new: dict[str, Argument] = {one.name: one for one in step.arguments}
    for name, (kind, _) in argument_kinds(made).items():
        if kind == "feature" and features:
            new[name] = Argument(name=name, value=features.pop(0))
        elif kind == "features" and features and name not in ("keep", "only"):
            new[name] = Argument(name=name, value=tuple(features))
        elif kind == "class" and classes:
            new[name] = Argument(name=name, value=classes.pop(0))
        elif kind == "number" and numbers and name in new:
            new[name] = Argument(name=name, value=numbers.pop(0))
    return step.model_copy(update={"arguments": tuple(new[name] for name in sorted(new))})
