"""A chat model as a text classifier by prompt: what `askwhy.Subject.of` takes as a model of texts.

classifier = prompt_classifier("openai:gpt-5-mini", ["fresh", "rotten"], task="Is this review for or against the film?")
subject = askwhy.Subject.of(classifier, texts, y)
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from askwhy.agent.accounting import Meter
from askwhy.agent.line import reply
from askwhy.agent.llm import brief, engine_name, named_model
from askwhy.agent.prices import load_prices
from askwhy.prompts import Prompt, load
from askwhy.tools.errors import ModelFault
from askwhy.tools.loading.language_classifier import BUDGET, LanguageClassifier

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

_AT_ONCE = 4


def prompt_classifier(
    model: BaseChatModel | str,
    classes: Sequence[str],
    *,
    task: str | None = None,
    samples: int = 1,
    abstain: bool = False,
    budget: int = BUDGET,
    meter: Meter | None = None,
) -> LanguageClassifier:
    """A chat model (or the name of one, as --llm takes it) that names the class of a text.

    task: one or two sentences on what is to be decided. The other options are those of `LanguageClassifier`; several
    samples are worth their price only if the model is set to a temperature above zero. meter: what its calls are
    counted on and held to, beside `budget`; they are calls of the model that is explained, so no answer counts them.
    """
    chat = named_model(model) if isinstance(model, str) else model
    about = load("classify_task").text if task is None else task
    ask = _Asking(chat, load("classify"), about, tuple(map(str, classes)), meter or Meter(prices=load_prices()))
    return LanguageClassifier(ask, classes, samples=samples, abstain=abstain, budget=budget)


@dataclass(frozen=True, eq=False)
class _Asking:
    """Replies of a chat model to the prompt for each of some texts."""

    chat: BaseChatModel
    prompt: Prompt
    task: str
    classes: tuple[str, ...]
    meter: Meter
    asked: Iterator[int] = field(default_factory=itertools.count)

    @property
    def identity(self) -> str:
        """What the replies depend on beside the text."""
        return json.dumps([engine_name(self.chat), self.prompt.hash, self.task, self.classes])

    def __call__(self, texts: list[str]) -> list[str]:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(self._reply, texts))

    def _reply(self, text: str) -> str:
        from langchain_core.messages import HumanMessage

        names = "\n".join(json.dumps(name, ensure_ascii=False) for name in self.classes)
        asked = self.prompt.render(task=self.task, classes=names, text=json.dumps(text, ensure_ascii=False))
        messages = [HumanMessage(asked)]
        try:
            # The classifier keeps replies itself, and several samples of a text are several calls.
            said = self.meter.tab().ask(
                self.chat,
                messages,
                lambda tally: reply(self.chat, messages, tally=tally),
                prompts=(self.prompt,),
                sample=next(self.asked),
            )
        except Exception as error:  # each provider's package has its own errors
            raise ModelFault(f"The language model {engine_name(self.chat)} gave no reply: {brief(error)}") from error
        return str(said.text)
