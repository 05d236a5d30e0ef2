"""An answer in a language model's words: it moves placeholders about, code fills them in, a gate reads every sentence.

The model sees the template's sentences with placeholders for all values, and what each placeholder will print. One
repair with the list of what was wrong, then the template stands. A budget bounds all of it: when it has run out, the
template answers at once.
"""

from __future__ import annotations

import json
import logging
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from askwhy.agent.accounting import Meter, OutOfBudget, Tab
from askwhy.agent.answer import Draft, Failure
from askwhy.agent.bill import Bill
from askwhy.agent.bounds import NoCallsLeft
from askwhy.agent.plan import Plan
from askwhy.agent.skeleton import Placeholder, Skeleton, filled, skeleton
from askwhy.agent.verify import verify
from askwhy.agent.verify.constrained import check_constrained
from askwhy.prompts import Prompt, load
from askwhy.tools.evidence import Evidence
from askwhy.tools.schema import Schema

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage

SECONDS = 20.0
"""Time for all calls of one answer."""

MAX_CALLS = 2
"""The first text, and one repair."""

MOST_CHARACTERS = 6000
"""Longer templates are left as they are: a language model would not be done with them in time."""

_MOST_FAILURES = 8
_FENCE = re.compile(r"\A```\w*\n(?P<text>.*?)\n?```\Z", re.DOTALL)
_log = logging.getLogger(__name__)


@dataclass
class Rephrased:
    """What came of asking a language model for the words. draft: None where the template has to stand.

    failures: what was wrong with its last text. prompts: hashes of what was sent, none where nothing was asked.
    """

    draft: Draft | None = None
    verdict: Literal["verified", "repaired", "fallback"] = "fallback"
    failures: tuple[Failure, ...] = ()
    prompts: tuple[str, ...] = ()
    bill: Bill = field(default_factory=Bill)


@dataclass(frozen=True)
class Rephraser:
    """Asks a chat model for other words. seconds: for one answer. meter: what its calls are counted on."""

    chat: BaseChatModel
    seconds: float = SECONDS
    meter: Meter | None = None

    def __call__(self, draft: Draft, evidence: tuple[Evidence, ...], plan: Plan, schema: Schema) -> Rephrased:
        """The draft in other words that are as true; never raises for what the model or its server does."""
        if not is_prose(draft, plan):
            return Rephrased(verdict="verified")
        return rephrased(self.chat, skeleton(draft, evidence, schema), plan, self.seconds, self.meter)


def rephrased(
    chat: BaseChatModel, bones: Skeleton, plan: Plan, seconds: float = SECONDS, meter: Meter | None = None
) -> Rephrased:
    """What a chat model makes of a draft without its values."""
    asking = _Asking(chat, bones, plan, time.monotonic() + seconds, (meter or Meter()).tab())
    made = asking.ask()
    made.bill, made.prompts = asking.tab.bill, asking.tab.prompts
    return made


def is_prose(draft: Draft, plan: Plan) -> bool:
    """Whether there are words to better: lists of numbers, letters and computed descriptions are left as they are."""
    return set(plan.forms) == {"words"} and bool(draft.claims) and len(draft.text) <= MOST_CHARACTERS


@dataclass
class _Asking:
    chat: BaseChatModel
    bones: Skeleton
    plan: Plan
    deadline: float
    tab: Tab
    done: Rephrased = field(default_factory=Rephrased)

    def ask(self) -> Rephrased:
        from langchain_core.messages import AIMessage, HumanMessage

        prompt = load("rephrase")
        prompts: tuple[Prompt, ...] = (prompt, load("rephrase_reader"))
        messages: list[BaseMessage] = [HumanMessage(prompt.render(**prompt_values(self.bones, self.plan)))]
        for number in range(MAX_CALLS):
            said = self._reply(messages, prompts)
            if said is None:
                break
            text = told(str(said.text))
            draft, self.done.failures = self._checked(text)
            if draft is not None:
                self.done.draft, self.done.verdict = draft, "repaired" if number else "verified"
                break
            _log.info("the language model's words were refused: %s", self.done.failures[0].message)
            self.tab.refuse()
            if number + 1 < MAX_CALLS:
                prompts, refusal = (load("rephrase_again"),), complaint(self.done.failures)
                messages = [*messages, AIMessage(text[:MOST_CHARACTERS]), HumanMessage(refusal)]
        return self.done

    def _checked(self, text: str) -> tuple[Draft | None, tuple[Failure, ...]]:
        failures = check_constrained(text, self.bones)
        if failures:
            return None, failures
        draft = filled(text, self.bones)
        failures = verify(draft, self.bones.evidence, self.plan, self.bones.schema)
        return (None, failures) if failures else (draft, ())

    def _reply(self, messages: list[BaseMessage], prompts: tuple[Prompt, ...]) -> AIMessage | None:
        from askwhy.agent.line import reply

        left = self.deadline - time.monotonic()
        if left <= 0:
            return None
        try:
            return self.tab.ask(
                self.chat,
                messages,
                lambda tally: reply(self.chat, messages, seconds=left, retries=0, tally=tally),
                prompts=prompts,
            )
        except (OutOfBudget, NoCallsLeft) as error:
            _log.info("%s; the template stands", error)
            return None
        except Exception as error:  # each provider's package has its own errors; the template stands in any case
            _log.warning("the language model wrote no answer: %s", type(error).__name__)
            return None


def prompt_values(bones: Skeleton, plan: Plan) -> dict[str, str]:
    """What the prompt is filled with."""
    audiences = {step.audience for step in plan.steps if step.audience}
    readers = load("rephrase_reader")
    reader = readers.option(next(iter(audiences)) if len(audiences) == 1 else "colleague")
    if any(step.length == "sentence" for step in plan.steps):
        reader = f"{reader}, {readers.option('briefly')}"
    return {
        "reader": reader,
        "placeholders": "\n".join(_line(one) for one in bones.placeholders),
        "required": ", ".join(f"{{{name}}}" for name in bones.required),
        "template": bones.text,
    }


def told(reply: str) -> str:
    """The text of a reply: without a fence around it, and with blanks and breaks as prose has them."""
    text = reply.strip()
    if fenced := _FENCE.match(text):
        text = fenced["text"].strip()
    return re.sub(r"[ \t]*\n\s*\n\s*", "\n\n", re.sub(r"(?<!\n)[ \t]*\n[ \t]*(?!\s)", " ", text))


def complaint(failures: tuple[Failure, ...]) -> str:
    """What to tell the model that wrote a text with these failures."""
    problems = "\n".join(f"- {one}" for one in dict.fromkeys(failure.message for failure in failures[:_MOST_FAILURES]))
    return load("rephrase_again").render(problems=problems)


def _line(one: Placeholder) -> str:
    said: dict[str, object] = {"placeholder": f"{{{one.name}}}", "is": one.kind, "prints": one.words}
    if one.aliases:
        said["or"] = list(one.aliases)
    return json.dumps(said, ensure_ascii=False)
