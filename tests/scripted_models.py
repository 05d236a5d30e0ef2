"""Chat models that say what they are told to, and count what they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

CALL = {"name": "predict", "args": {"row": "3"}, "id": "c1"}
QUESTION = "what do you predict for row 3?"


class Planner(BaseChatModel):
    """Calls `predict` for row 3 whatever it is asked; without tools it gives back the template, or says nothing of use.

    tokens: read and written per call, None where its server does not count. fails: calls that raise, by number.
    """

    calls: int = 0
    tokens: tuple[int, int] | None = (1000, 10)
    fails: tuple[int, ...] = ()
    temperature: float = 0.0
    garbage: bool = False

    @property
    def _llm_type(self) -> str:
        return "planner"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"temperature": self.temperature}

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        return _Bound(self)

    def _generate(self, messages: list[BaseMessage], *rest: Any, **more: Any) -> ChatResult:
        template = messages[0].text.rpartition("Template:\n")[2]
        return self.reply(template, [])

    def reply(self, text: str, calls: list[Any]) -> ChatResult:
        """The next reply."""
        self.calls += 1
        if self.calls in self.fails:
            raise ConnectionError("gone")
        read, written = self.tokens or (0, 0)
        usage: Any = {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}
        message = AIMessage(text, tool_calls=calls, usage_metadata=usage if self.tokens else None)
        return ChatResult(generations=[ChatGeneration(message=message)])


class _Bound:
    """A planner that may call tools."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner

    def invoke(self, messages: list[BaseMessage]) -> AIMessage:
        """A call of a tool, or prose where it was told to talk garbage."""
        made = self._planner.reply("prose" if self._planner.garbage else "", [] if self._planner.garbage else [CALL])
        message = made.generations[0].message
        assert isinstance(message, AIMessage)
        return message
