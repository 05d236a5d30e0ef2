"""Chat models by name: the embedded one, a provider's, or any server that speaks the OpenAI protocol.

    None, "embedded"                                     ships with askwhy: offline, deterministic
    "openai:gpt-5-mini", "anthropic:...", "ollama:..."   PROVIDER:MODEL, as LangChain's init_chat_model names them
    "openai-compatible@http://127.0.0.1:8000/v1#MODEL"   a base URL and the model's name there
    "local:smollm2", "local:FOLDER", "local:OWNER/NAME"  a causal model of transformers in this process

Keys come from the environment only: the provider's own variable (OPENAI_API_KEY, ...), ASKWHY_LLM_KEY for a base URL.
"""

from __future__ import annotations

import functools
import os
import re
from typing import TYPE_CHECKING, Any

from askwhy.agent.bounds import Bounds
from askwhy.agent.line import name_line, without_keys
from askwhy.agent.wire import client_options, hold
from askwhy.tools.errors import MissingExtra, ToolError
from askwhy.tools.schema import Schema

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

EMBEDDED = "embedded"
KEY = "ASKWHY_LLM_KEY"

_EXTRAS = {"openai": "openai", "anthropic": "anthropic", "ollama": "ollama"}
_COMPATIBLE = re.compile(r"openai-compatible@(?P<url>https?://[^\s#@]+)#(?P<model>\S+)")
_LOCAL = "local:"
_LOCAL_SECONDS = 120.0
"""For a reply on a processor: the first one reads the whole prompt."""

_NAMED = re.compile(r"(?P<provider>[a-z][a-z0-9_-]*):(?P<model>(?!//)\S+)")
_THINKING = 4
"""How many times the length of a reply OpenAI's models may write, as they count what they think to themselves."""


def chat_model(name: str | None, schema: Schema, bounds: Bounds | None = None) -> BaseChatModel:
    """The chat model of this name; its `name` is what answers report as their engine.

    The embedded model reads questions about `schema`. bounds: of each reply. Raises ToolError for a name that cannot be
    used, MissingExtra where the provider's package is not installed.
    """
    if name is None or name == EMBEDDED:
        from askwhy.agent.embedded.chat import EmbeddedChat

        return EmbeddedChat(subject_schema=schema, name=EMBEDDED)
    return named_model(name, bounds, schema)


def named_model(name: str, bounds: Bounds | None = None, schema: Schema | None = None) -> BaseChatModel:
    """The chat model of a provider, of a server or in this process. Raises ToolError, MissingExtra as `chat_model`.

    schema: what questions are about, where that is known; the calls of a local model then name only what there is.
    """
    if name.startswith(_LOCAL):
        return _local(name, bounds or Bounds(seconds=_LOCAL_SECONDS), schema)
    bounds = bounds or Bounds()
    if compatible := _COMPATIBLE.fullmatch(name):
        server = {"base_url": compatible["url"], "api_key": os.environ.get(KEY, "none")}
        repeatable = {"temperature": 0, "max_tokens": bounds.most_tokens}
        options = _openai(bounds) | repeatable | server
        made = _made("openai", compatible["model"], f"openai-compatible:{compatible['model']}", options)
    elif named := _NAMED.fullmatch(name):
        made = _made(named["provider"], named["model"], name, _options(named["provider"], bounds))
        if named["provider"] == "anthropic":
            hold(made, bounds)
    else:
        raise ToolError(
            f"“{name}” names no language model. Use embedded, PROVIDER:MODEL such as openai:gpt-5-mini, or "
            "openai-compatible@http://HOST:PORT/v1#MODEL, or local:FOLDER for a model in this process."
        )
    name_line(made, name, bounds)
    return made


def _local(name: str, bounds: Bounds, schema: Schema | None) -> BaseChatModel:
    from askwhy.agent.local.chat import LocalChat

    made = LocalChat(model=name.removeprefix(_LOCAL), subject_schema=schema, name=name, timeout=bounds.seconds).load()
    name_line(made, name, bounds, trial=False)  # its grammar makes every call a valid one
    return made


def _made(provider: str, model: str, name: str, options: dict[str, Any]) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    try:
        made: BaseChatModel = init_chat_model(model, model_provider=provider, **options)
    except ImportError as error:
        package = f"langchain-{provider.replace('_', '-')}"
        if provider in _EXTRAS:
            raise MissingExtra(package, _EXTRAS[provider]) from error
        raise ToolError(f"This needs the package of {provider}. Install it with: pip install {package}") from error
    except Exception as error:
        # Each provider's package has its own errors for a missing key or an unknown provider.
        raise ToolError(f"The language model {name} cannot be used: {brief(error)}") from error
    made.name = name
    return made


def _options(provider: str, bounds: Bounds) -> dict[str, Any]:
    """Time, retries and length of a call, in the provider's own words. Retries are ours: see `line.reply`."""
    if provider == "ollama":
        return {"temperature": 0, "num_predict": bounds.most_tokens, "sync_client_kwargs": client_options(bounds)}
    if provider == "openai":
        # Its newer models refuse a temperature; the others are made as repeatable as they can be.
        return {**_openai(bounds), "max_tokens": _THINKING * bounds.most_tokens}
    common = {"timeout": bounds.seconds, "temperature": 0, "max_tokens": bounds.most_tokens}
    return {**common, "max_retries": 0 if provider == "anthropic" else 1}


@functools.lru_cache(maxsize=8)
def _openai(bounds: Bounds) -> dict[str, Any]:
    """The options of OpenAI's package; models with the same bounds share a client."""
    try:
        from openai import DefaultHttpxClient
    except ImportError:
        return {}  # `_made` says what to install
    client = DefaultHttpxClient(**client_options(bounds))
    return {"timeout": bounds.seconds, "max_retries": 0, "http_client": client}


def brief(error: Exception) -> str:
    """The first line of what an error says, without keys."""
    return without_keys(str(error).strip().split("\n")[0])[:200] or type(error).__name__


def engine_name(model: BaseChatModel) -> str:
    """What answers report as the engine."""
    return model.name or model._llm_type
