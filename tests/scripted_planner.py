"""A chat model that follows a script of tool calls, for investigations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult


class Planner(BaseChatModel):
    """Gives its replies in order (an exception is raised, a function is asked) and the last one again and again."""

    replies: list[Any]
    seen: list[list[BaseMessage]] = []  # noqa: RUF012  # pydantic copies it for each model
    offered: list[Any] = []  # noqa: RUF012

    @property
    def _llm_type(self) -> str:
        return "planner"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        self.offered = list(tools)
        return self

    def _generate(self, messages: list[BaseMessage], *rest: Any, **more: Any) -> ChatResult:
        self.seen.append(list(messages))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if callable(reply):
            reply = reply(messages)
        if isinstance(reply, BaseException):
            raise reply
        return ChatResult(generations=[ChatGeneration(message=reply.model_copy())])


def calling(*calls: tuple[str, dict[str, Any]], tokens: int = 0) -> AIMessage:
    """A reply with these tool calls; the ids are the same in every reply, as bad servers have it."""
    made = [{"name": name, "args": args, "id": f"c{number}"} for number, (name, args) in enumerate(calls)]
    used = {"input_tokens": tokens, "output_tokens": 0, "total_tokens": tokens} if tokens else None
    return AIMessage(content="", tool_calls=made, usage_metadata=used)
