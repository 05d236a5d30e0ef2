"""The second hop: a plan's steps become evidence. Pure and seeded; every call runs in a killable worker."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from askwhy.agent.drafts import Drafted, Drafter
from askwhy.agent.letter import letter_step
from askwhy.agent.plan import Plan, Step
from askwhy.agent.refs import with_found
from askwhy.tools.call import Call, Limits, Result
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.executor import Executor
from askwhy.tools.how import how_computed
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import arguments_of
from askwhy.tools.subject import Subject
from askwhy.tools.value import canonical

_CACHED_RESULTS = 512


@functools.cache
def shared_executor() -> Executor:
    """The worker that this process's sessions share."""
    return Executor()


@dataclass(frozen=True)
class Ran:
    """The evidence of a plan, the subject with its outputs known, and how many rows the model was asked for.

    drafted: what a language model was asked to write for the tools.
    """

    evidence: tuple[Evidence, ...]
    subject: Subject
    predict_rows: int
    drafted: tuple[Drafted, ...] = ()


class Runner:
    """Runs plans on one executor and remembers results by content."""

    def __init__(self, executor: Executor | None = None, limits: Limits | None = None, seed: int = 0) -> None:
        self._executor = executor
        self._limits = limits or Limits()
        self._seed = seed
        self._cache: OrderedDict[str, Result] = OrderedDict()

    def run(
        self,
        plan: Plan,
        subject: Subject,
        cancelled: Callable[[], bool] = lambda: False,
        drafter: Drafter | None = None,
    ) -> Ran:
        """Evidence of every step, in order. Raises ToolError for what the user can put right.

        `drafter` asks a language model for texts, for the tools that try such.
        """
        found: list[Evidence] = []
        shown: list[Evidence] = []
        drafted: list[Drafted] = []
        spent = 0
        for resolved in plan.steps:
            step = with_found(resolved, find_tool(resolved.tool), found)
            step = letter_step(step, subject.schema) if step.form == "letter" else step
            call = self._call(subject, step)
            if drafter is not None and call.tool.drafts and (drafts := drafter(subject, step)) is not None:
                drafted.append(drafts)
                call = replace(call, drafts=drafts.texts)
            result, fresh = self._result(subject, call, cancelled)
            subject = subject.with_known(result.known)
            spent += result.rows if fresh else 0
            found.append(result.evidence)
            shown.append(how_computed(result.evidence) if step.form == "method" else result.evidence)
        return Ran(tuple(shown), subject, spent, tuple(drafted))

    def warm(self) -> None:
        """Start the worker while something else is being done."""
        (self._executor or shared_executor()).warm()

    def _call(self, subject: Subject, step: Step) -> Call:
        made = find_tool(step.tool)
        if not made.fits(subject.schema):
            raise ToolError(f"“{made.name}” does not apply to this model.")
        arguments = made.checked(subject.schema, {one.name: one.value for one in step.arguments})
        return Call(made, arguments_of(arguments), step.scope, self._seed, self._limits)

    def _result(self, subject: Subject, call: Call, cancelled: Callable[[], bool]) -> tuple[Result, bool]:
        key = _key(subject, call)
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key], False
        result = (self._executor or shared_executor()).run(subject, call, cancelled=cancelled)
        self._cache[key] = result
        if len(self._cache) > _CACHED_RESULTS:
            self._cache.popitem(last=False)
        return result, True


def _key(subject: Subject, call: Call) -> str:
    arguments = [one.model_dump(mode="json") for one in call.arguments]
    scope = call.scope.model_dump(mode="json")
    return canonical([subject.id, call.tool.name, call.tool.code, arguments, scope, call.seed, list(call.drafts)])
