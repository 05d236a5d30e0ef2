"""What a question after another leaves unsaid: the row that is changed, the class, words and method explained."""

from __future__ import annotations

import re
from collections.abc import Sequence

from askwhy.agent.embedded.english import pattern
from askwhy.agent.parser.actions import Argument as Declared
from askwhy.agent.parser.actions import arguments_of_tool
from askwhy.agent.plan import Outcome, Plan, Step
from askwhy.tools.registry import tools
from askwhy.tools.scope import Argument

_ASKS_OF_ITS_OWN = re.compile(
    r"\b(?:why|which|what(?! about)|how(?! about)|explain|show|words?|overall|general)\b|[\"\u201c]"
)


def carried(outcome: Outcome, question: str, before: Sequence[Step]) -> Outcome:
    """The outcome with the row, the class, the words, the method and the manner of the turn before, where the question
    is about the same one.

    For all but the row that is so where it says so ("how stable is this explanation?") or asks the same of something
    else ("and row 60?").
    """
    if not isinstance(outcome, Plan) or not before:
        return outcome
    said = question.lower()
    about, goes_on = bool(pattern("about_explanation").search(said)), bool(pattern("goes_on").search(said))
    last = before[-1]

    def put(step: Step) -> Step:
        step = _of_the_row(step, said, last)
        again = step.tool == last.tool and (goes_on or step.form != "words")
        if again and goes_on and step.audience is None and step.length is None:
            step = step.model_copy(update={"audience": last.audience, "length": last.length})
        bare = again and goes_on and not _ASKS_OF_ITS_OWN.search(said)
        return _with_arguments_of(last, step, bare) if again or (about and step.scope.row == last.scope.row) else step

    return outcome.model_copy(update={"steps": tuple(map(put, outcome.steps))})


def _of_the_row(step: Step, said: str, last: Step) -> Step:
    """A change that is said of no rows, after a turn about one of them, as a change to that one."""
    scope, before = step.scope, last.scope
    about = scope.has_instance or scope.where or step.refs
    if not scope.changes or about or not before.has_instance or pattern("all").search(said):
        return step
    kept = {"row": before.row, "case": before.case, "text": before.text}
    return step.model_copy(update={"scope": scope.model_copy(update=kept)})


def _with_arguments_of(last: Step, step: Step, bare: bool) -> Step:
    """The step with the class and choices of the last one, and its words where the question is a bare "and in 15?"."""
    made = tools()
    if last.tool not in made or step.tool not in made:
        return step
    before = {one.name: one for one in arguments_of_tool(made[last.tool])}
    taken = {one.name: one for one in arguments_of_tool(made[step.tool])}
    given = {one.name for one in step.arguments}
    fitting: list[Argument] = [
        one
        for one in last.arguments
        if one.name in taken.keys() - given
        and (_goes_with(before[one.name], taken[one.name], bare) or one.value in taken[one.name].choices)
    ]
    return step.model_copy(update={"arguments": (*step.arguments, *fitting)}) if fitting else step


def _goes_with(one: Declared, other: Declared, bare: bool) -> bool:
    return one.kind == other.kind and (one.kind == "class" or (bare and one.kind == "text" and one.many))
