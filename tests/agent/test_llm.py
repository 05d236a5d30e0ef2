from __future__ import annotations

import builtins
import sys
import time
from typing import Any

import pytest
from question_schemas import schema_of

from askwhy.agent.bounds import Bounds, within
from askwhy.agent.llm import EMBEDDED, KEY, chat_model, engine_name
from askwhy.tools.errors import MissingExtra, ToolError

CREDIT = schema_of("credit")


@pytest.mark.parametrize("name", [None, "embedded"])
def test_the_default_is_the_embedded_model(name: str | None) -> None:
    model = chat_model(name, CREDIT)
    assert engine_name(model) == EMBEDDED
    assert model.subject_schema == CREDIT  # type: ignore[attr-defined]


def test_a_provider_is_made_by_name_with_bounded_time_and_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langchain_openai")
    monkeypatch.setenv("OPENAI_API_KEY", "only for this test")
    model: Any = chat_model("openai:gpt-5-mini", CREDIT)
    assert engine_name(model) == "openai:gpt-5-mini"
    assert (model.request_timeout, model.max_retries) == (Bounds().seconds, 0)  # retries are counted, so they are ours


def test_a_base_url_is_spoken_to_in_the_openai_way(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langchain_openai")
    monkeypatch.setenv(KEY, "its key")
    model: Any = chat_model("openai-compatible@http://127.0.0.1:8000/v1#tiny/instruct", CREDIT)
    assert model.openai_api_base == "http://127.0.0.1:8000/v1"
    assert model.model_name == "tiny/instruct"
    assert model.openai_api_key.get_secret_value() == "its key"
    assert engine_name(model) == "openai-compatible:tiny/instruct"


@pytest.mark.parametrize(
    "name", ["gpt-5", "", "openai:", "http://127.0.0.1", "openai-compatible@http://user:secret@host/v1#m", "a b:c"]
)
def test_a_name_of_nothing_is_refused_and_says_what_would_do(name: str) -> None:
    with pytest.raises(ToolError, match="PROVIDER:MODEL"):
        chat_model(name, CREDIT)


def test_a_missing_key_is_an_error_for_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langchain_openai")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_ADMIN_KEY", raising=False)
    with pytest.raises(ToolError, match="cannot be used"):
        chat_model("openai:gpt-5-mini", CREDIT)


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("langchain_ollama"):
            raise ImportError(name)
        return real(name, *rest, **more)

    from langchain.chat_models import base

    base._get_chat_model_creator.cache_clear()  # another test may have made such a model
    monkeypatch.setitem(sys.modules, "langchain_ollama", None)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=r"pip install 'askwhy\[ollama\]'"):
        chat_model("ollama:tiny", CREDIT)


def test_an_unknown_provider_is_an_error_for_the_user() -> None:
    with pytest.raises(ToolError):
        chat_model("nobody:model", CREDIT)


def test_work_that_hangs_is_left_behind() -> None:
    with pytest.raises(TimeoutError):
        within(0.05, lambda: time.sleep(30))
    assert within(5, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)
