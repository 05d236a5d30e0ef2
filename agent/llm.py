"""Chat models by name: the embedded one, a provider's, or any server that speaks the OpenAI protocol.

    None, "embedded"                                     ships with askwhy: offline, deterministic
    "openai:gpt-5-mini", "anthropic:...", "ollama:..."   PROVIDER:MODEL, as LangChain's init_chat_model names them
    "openai-compatible@http://127.0.0.1:8000/v1#MODEL"   a base URL and the model's name there
    "local:smollm2", "local:FOLDER", "local:OWNER/NAME"  a causal model of transformers in this process

Keys come from the environment only: the provider's own variable (OPENAI_API_KEY, ...), ASKWHY_LLM_KEY for a base URL.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from askwhy.tools.errors import MissingExtra, ToolError
from askwhy.tools.schema import Schema

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage

T = TypeVar("T")

EMBEDDED = "embedded"
KEY = "ASKWHY_LLM_KEY"
TIMEOUT_SECONDS = 30.0
MAX_RETRIES = 1
MAX_TOKENS = 1500

_EXTRAS = {"openai": "openai", "anthropic": "anthropic", "ollama": "ollama"}
_COMPATIBLE = re.compile(r"openai-compatible@(?P<url>https?://[^\s#@]+)#(?P<model>\S+)")
_LOCAL = "local:"
_NAMED = re.compile(r"(?P<provider>[a-z][a-z0-9_-]*):(?P<model>(?!//)\S+)")


def chat_model(name: str | None, schema: Schema) -> BaseChatModel:
    """The chat model of this name; its `name` is what answers report as their engine.

    The embedded model reads questions about `schema`. Raises ToolError for a name that cannot be used, MissingExtra
    where the provider's package is not installed.
    """
    if name is None or name == EMBEDDED:
        from askwhy.agent.embedded.chat import EmbeddedChat

        return EmbeddedChat(subject_schema=schema, name=EMBEDDED)
    return named_model(name, schema)


def named_model(name: str, schema: Schema | None = None) -> BaseChatModel:
    """The chat model of a provider, of a server or in this process. Raises ToolError, MissingExtra as `chat_model`.

    schema: what questions are about, where that is known; the calls of a local model then name only what there is.
    """
    if name.startswith(_LOCAL):
        from askwhy.agent.local.chat import LocalChat

        return LocalChat(model=name.removeprefix(_LOCAL), subject_schema=schema, name=name).load()
    if compatible := _COMPATIBLE.fullmatch(name):
        options = {"base_url": compatible["url"], "api_key": os.environ.get(KEY, "none")}
        return _made("openai", compatible["model"], f"openai-compatible:{compatible['model']}", options)
    if named := _NAMED.fullmatch(name):
        return _made(named["provider"], named["model"], name, {})
    raise ToolError(
        f"“{name}” names no language model. Use embedded, PROVIDER:MODEL such as openai:gpt-5-mini, "
        "openai-compatible@http://HOST:PORT/v1#MODEL, or local:FOLDER for a model in this process."
    )


def _made(provider: str, model: str, name: str, options: dict[str, Any]) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    try:
        made: BaseChatModel = init_chat_model(model, model_provider=provider, **_bounds(provider), **options)
    except ImportError as error:
        package = f"langchain-{provider.replace('_', '-')}"
        if provider in _EXTRAS:
            raise MissingExtra(package, _EXTRAS[provider]) from error
        raise ToolError(f"This needs the package of {provider}. Install it with: pip install {package}") from error
    except Exception as error:
        # Each provider's package has its own errors for a missing key or an unknown provider.
        raise ToolError(f"The language model {name} cannot be used: {_brief(error)}") from error
    made.name = name
    return made


def _bounds(provider: str) -> dict[str, Any]:
    """Time, retries and length of a call, in the provider's own words."""
    if provider == "ollama":
        return {"temperature": 0, "num_predict": MAX_TOKENS, "client_kwargs": {"timeout": TIMEOUT_SECONDS}}
    bounds: dict[str, Any] = {"timeout": TIMEOUT_SECONDS, "max_retries": MAX_RETRIES}
    # OpenAI's newer models refuse a temperature; the others are made as repeatable as they can be.
    return bounds if provider == "openai" else {**bounds, "temperature": 0, "max_tokens": MAX_TOKENS}


def _brief(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200] or type(error).__name__


def engine_name(model: BaseChatModel) -> str:
    """What answers report as the engine."""
    return model.name or model._llm_type


def call(model: BaseChatModel, messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]]) -> AIMessage:
    """One reply of a model that may call tools. Raises TimeoutError after twice the model's own time limit.

    A server that sends a byte now and then never meets the client's time limit, hence the second clock.
    """
    bound = model.bind_tools(tools)
    return within(2 * TIMEOUT_SECONDS, lambda: bound.invoke(list(messages)))


def within(seconds: float, work: Callable[[], T]) -> T:
    """The result of `work`, or TimeoutError; work that hangs is left behind in a daemon thread."""
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not done:
        raise TimeoutError(f"no reply within {seconds:g} seconds")
    return done[0]
