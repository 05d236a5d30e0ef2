"""A causal language model in this process as a LangChain chat model; a grammar keeps its tool calls valid."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from askwhy.agent.bounds import Bounds
from askwhy.agent.local.engine import Engine, Manner, Writing, engine
from askwhy.agent.local.grammar import ALONE, calls_grammar
from askwhy.agent.local.pointers import is_investigation, pointers
from askwhy.agent.local.prompt import Said, asked
from askwhy.tools.errors import ToolError
from askwhy.tools.registry import tools
from askwhy.tools.schema import Schema

MAX_TOKENS = 384
_HALF = "\ufffd"
"""What part of a character is read as."""


class LocalChat(BaseChatModel):
    """A model of transformers by its name (see `load_weights`), loaded at first use and shared in a process.

    subject_schema: the subject that planning is about; calls then name only what there is. The likeliest reply unless
    `temperature` is above 0, then one drawn by `seed`. max_tokens: length of a reply; a reply of calls that has to end
    is closed by the shortest means, and has no call where that fails. timeout: seconds of one reply, waiting for
    another one included; TimeoutError after that.
    """

    model: str
    subject_schema: Schema | None = None
    temperature: float = 0.0
    seed: int = 0
    max_tokens: int = MAX_TOKENS
    timeout: float = Bounds().seconds

    @property
    def _llm_type(self) -> str:
        return "local"

    def load(self) -> LocalChat:
        """The same model with its weights read. Raises ToolError, MissingExtra."""
        engine(self.model)
        return self

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The same model with these tools on offer.

        It has to call one, or the one that `tool_choice` names. With "auto", and after the result of a tool, it may
        write text instead.
        """
        return self.bind(tools=[convert_to_openai_tool(one) for one in tools], tool_choice=tool_choice, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        until = time.monotonic() + float(kwargs.get("timeout", self.timeout))
        offered = _offered(kwargs.get("tools", ()), kwargs.get("tool_choice"))
        question = asked(messages, offered, self.subject_schema)
        grammar = self._grammar(messages, offered, auto=kwargs.get("tool_choice") == "auto") if offered else None
        running = engine(self.model)
        most = int(kwargs.get("max_tokens", self.max_tokens))
        prompt = _fitting(running, question.forms, most)
        temperature = float(kwargs.get("temperature", self.temperature))
        growing = running.write(prompt, grammar, Manner(most, until, temperature, int(kwargs.get("seed", self.seed))))
        for chunk in _chunks(running, growing, grammar is not None, stop or []):
            if run_manager:
                run_manager.on_llm_new_token(str(chunk.text), chunk=ChatGenerationChunk(message=chunk))
            yield ChatGenerationChunk(message=chunk)
        yield ChatGenerationChunk(message=self._about(question.prompt.hash if question.prompt else None))

    def _grammar(self, messages: list[BaseMessage], offered: list[dict[str, Any]], auto: bool) -> str:
        """The grammar of the calls that can be made now."""
        if self.subject_schema is not None and is_investigation(offered):
            return calls_grammar(offered, self.subject_schema, found=pointers(messages, self.subject_schema))
        prose = auto or isinstance(messages[-1], ToolMessage)
        return calls_grammar(offered, self.subject_schema, previous=_was_about_rows(messages), prose=prose)

    def _about(self, prompt: str | None) -> AIMessageChunk:
        """The end of a reply: which model wrote it, and the prompt that took the place of the system message."""
        said = {"model_name": self.model, **({"prompts": [prompt]} if prompt else {})}
        return AIMessageChunk(content="", response_metadata=said)


def _chunks(running: Engine, growing: Iterator[Writing], calls: bool, stop: list[str]) -> Iterator[AIMessageChunk]:
    """Pieces of text as they come; calls at the end, when all of them are whole; then what it took."""
    told, writing, text = 0, Writing(read=0), ""
    behind = max((len(one) - 1 for one in stop), default=0)  # the beginning of a stop must not be told
    for writing in growing:
        text = running.text(writing.tokens)
        ended = min((text.find(one) for one in stop if one in text), default=None)
        if ended is not None:
            text = text[:ended]
            break
        sure = len(text) - behind
        if sure > told and not text.endswith(_HALF) and not _is_calls(text, calls):
            yield AIMessageChunk(content=text[told:sure])
            told = sure
    if not _is_calls(text, calls):
        yield AIMessageChunk(content=text[told:])
    elif writing.whole:
        for number, one in enumerate(json.loads(text)):
            arguments = json.dumps(one["arguments"])
            piece = tool_call_chunk(name=one["name"], args=arguments, id=f"call_{number}", index=number)
            yield AIMessageChunk(content="", tool_call_chunks=[piece])
    yield AIMessageChunk(content="", usage_metadata=_usage(writing), response_metadata={"finish_reason": _end(writing)})


def _is_calls(text: str, calls: bool) -> bool:
    """Whether a reply that may hold calls does; what is no call does not begin like JSON."""
    return calls and text[:1] in ("[", "")


def _end(writing: Writing) -> str:
    return "stop" if writing.whole else "length"


def _usage(writing: Writing) -> UsageMetadata:
    return UsageMetadata(
        input_tokens=writing.read, output_tokens=len(writing.tokens), total_tokens=writing.read + len(writing.tokens),
        input_token_details=InputTokenDetails(cache_read=writing.reused),
    )  # fmt: skip


def _offered(given: Sequence[dict[str, Any]], choice: Any) -> list[dict[str, Any]]:
    """The tools on offer under this choice: all, none, or the one of this name."""
    if choice == "none":
        return []
    named = choice.get("function", {}).get("name") if isinstance(choice, dict) else choice
    return [one for one in given if one["function"]["name"] == named] or list(given)


def _was_about_rows(messages: Sequence[BaseMessage]) -> bool:
    """Whether an earlier turn was about rows, so that a condition can be on them."""
    known = tools()
    last = [one.tool_calls[-1]["name"] for one in messages if isinstance(one, AIMessage) and one.tool_calls]
    return any(name not in ALONE and (name not in known or known[name].needs != "nothing") for name in last)


def _fitting(running: Engine, forms: Sequence[Said], most: int) -> list[int]:
    """The fullest form of what is asked that leaves room for the reply, as tokens."""
    for said in forms:
        tokens = running.prompt(said)
        if len(tokens) + most <= running.context:
            return tokens
    raise ToolError(f"The prompt has {len(tokens):,} tokens; this language model reads {running.context - most:,}.")
