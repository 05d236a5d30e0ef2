"""LangChain's standard unit tests of chat models, for both of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.unit_tests import ChatModelUnitTests
from question_schemas import schema_of
from tiny_causal import tiny_causal

from askwhy.agent.embedded.chat import EmbeddedChat
from askwhy.agent.local.chat import LocalChat


class TestLocalChat(ChatModelUnitTests):
    @pytest.fixture(autouse=True, scope="class")
    def _folder(self, request: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
        request.cls.folder = tiny_causal(tmp_path_factory.mktemp("tiny"))

    folder: Path

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return LocalChat

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": str(self.folder)}


class TestEmbeddedChat(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return EmbeddedChat

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"subject_schema": schema_of("credit")}
