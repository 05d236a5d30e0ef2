"""Steps that code chooses, in the language model's place: a chat model that replies with the next calls of a script.

So a recipe runs in the same graph, under the same limits and in the same worker as what a language model plans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, ToolCall, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable

from askwhy.agent.groups import has_group
from askwhy.agent.investigate.notebook import Found
from askwhy.agent.investigate.pointing import pointer
from askwhy.agent.plan import Take
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.registry import tools
from askwhy.tools.schema import Schema

Kind = Literal["row", "group", "feature"]


@dataclass(frozen=True)
class Taken:
    """What a step takes from an earlier one: its first fact that names a row, a group to select, or a feature.

    of: the name of the earlier step. into: the argument it becomes. relations: only facts of these, if there are any.
    needed: whether the step is left out where nothing of the kind was found.
    """

    of: str
    kind: Kind
    into: str = ""
    relations: tuple[str, ...] = ()
    needed: bool = True


@dataclass(frozen=True)
class Hop:
    """One step of a script, by name. tools: the first of these that fits the model is run, with `args`."""

    name: str
    tools: tuple[str, ...]
    args: Mapping[str, Any] = field(default_factory=dict)
    takes: tuple[Taken, ...] = ()


Hops = Callable[[Mapping[str, Found]], Sequence[Hop]]
"""The hops of a script, given what its calls have come to so far, by the name of the hop."""


class RecipeChat(BaseChatModel):
    """Replies with the calls of every hop whose turn has come, and with no call when none is left.

    `heard` keeps what the calls came to, `skipped`, in words, what was left out.
    """

    subject_schema: Schema
    hops: Hops
    heard: dict[str, Found] = {}  # noqa: RUF012  # pydantic copies it for each model
    skipped: dict[str, str] = {}  # noqa: RUF012  # pydantic copies it for each model

    @property
    def _llm_type(self) -> str:
        return "recipe"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[LanguageModelInput, AIMessage]:
        """The same model: its script knows the tools."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        done = heard(messages)
        for name, found in done.items():
            if found.problems:
                self.skipped[name] = found.problems[0].rstrip(".")
        self.heard.update(done)
        calls = list(self._calls(done))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content="", tool_calls=calls))])

    def _calls(self, done: Mapping[str, Found]) -> Iterator[ToolCall]:
        waiting: set[str] = set()
        for hop in self.hops(done):
            if hop.name in done or hop.name in self.skipped:
                continue
            if any(taken.of in waiting for taken in hop.takes):
                waiting.add(hop.name)
                continue
            made = self._call(hop, done)
            if made is not None:
                waiting.add(hop.name)
                yield made

    def _call(self, hop: Hop, done: Mapping[str, Found]) -> ToolCall | None:
        fitting = tools(self.subject_schema)
        tool = next((name for name in hop.tools if name in fitting), None)
        if tool is None:
            self.skipped[hop.name] = "it does not fit this model"
            return None
        args = dict(hop.args)
        for taken in hop.takes:
            found = taken_from(done.get(taken.of), taken)
            if found is not None:
                args[taken.into or ("where" if taken.kind == "group" else taken.kind)] = found
            elif taken.needed:
                self.skipped[hop.name] = f"no {taken.kind} was found to go on with"
                return None
        return ToolCall(name=tool, args=args, id=hop.name, type="tool_call")


def heard(messages: Sequence[BaseMessage]) -> dict[str, Found]:
    """What the calls in a conversation have come to, by the id of the call."""
    results = [one for one in messages if isinstance(one, ToolMessage)]
    return {one.tool_call_id: one.artifact for one in results if isinstance(one.artifact, Found)}


def taken_from(found: Found | None, taken: Taken) -> str | None:
    """A pointer to what a step takes from what was found, None where there is nothing of the kind."""
    if found is None or found.evidence is None:
        return None
    for fact in found.evidence.facts:
        if (not taken.relations or fact.relation in taken.relations) and names(found.evidence, fact, taken.kind):
            take: Take = taken.kind
            return pointer(found.step, fact, take)
    return None


def names(evidence: Evidence, fact: Fact, kind: Kind) -> bool:
    """Whether a fact names a row, a feature, or a group that can be selected."""
    if kind == "group":
        return fact.group is not None and not fact.relation.startswith("rule_") and has_group(evidence, fact)
    return (fact.row if kind == "row" else fact.feature) is not None
