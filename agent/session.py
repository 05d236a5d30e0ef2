"""A conversation about one subject: four hops a turn, and one rule for words that fail the check."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from askwhy.agent.answer import Answer, Draft, Failure, Spent, Turn, Usage
from askwhy.agent.drafts import Drafter
from askwhy.agent.plan import Clarify, Decline, Plan
from askwhy.agent.run import Ran, Runner
from askwhy.agent.understand import Understanding, understand
from askwhy.agent.understood import understood
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.subject import Subject

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

VERSION = "0.1.0"
MAX_QUESTION = 4000
"""Characters of a question that are read; a longer one is refused, as no question needs them."""

_REMEMBERED_TURNS = 20


class Session:
    """Answers questions about a subject and remembers what was said.

    llm: a LangChain chat model with tool calling, a name ("openai:...", "ollama:...", a base URL), or None for the
    embedded one. seed: every sampled result follows from it.
    """

    def __init__(
        self, subject: Subject, llm: BaseChatModel | str | None = None, *, runner: Runner | None = None, seed: int = 0
    ) -> None:
        from askwhy.agent.embedded.chat import EmbeddedChat

        self.subject = subject
        self.history: tuple[Turn, ...] = ()
        self._runner = runner or Runner(seed=seed)
        self._model = self._resolve(llm)
        # What asks the language model for texts to try; the embedded one writes none.
        self._drafter = None if isinstance(self._model, EmbeddedChat) else Drafter(self._model)

    def ask(self, question: str, *, cancelled: Callable[[], bool] = lambda: False) -> Answer:
        """Answer one question. Never raises for what the user said."""
        question = question.strip()
        if not question or len(question) > MAX_QUESTION:
            return self._refuse_length(question)
        clock = _Clock()
        self._runner.warm()
        meaning = understand(question, self.history, self.subject, self._model)
        clock.note("understand", meaning.model_calls, meaning.tokens_in, meaning.tokens_out)
        answer = self._answer(question, meaning, clock, cancelled)
        turn = Turn(question=question, outcome=answer.outcome, text=answer.text)
        self.history = (*self.history, turn)[-_REMEMBERED_TURNS:]
        return answer

    def _resolve(self, llm: BaseChatModel | str | None) -> BaseChatModel:
        if llm is None or isinstance(llm, str):
            from askwhy.agent.llm import chat_model

            return chat_model(llm, self.subject.schema)
        return llm

    def _answer(self, question: str, meaning: Understanding, clock: _Clock, cancelled: Callable[[], bool]) -> Answer:
        common: dict[str, Any] = {
            "question": question, "subject": self.subject.id, "engine": meaning.engine, "prompts": meaning.prompts,
            "version": VERSION,
        }  # fmt: skip
        outcome = meaning.outcome
        if isinstance(outcome, Plan):
            try:
                ran = self._runner.run(outcome, self.subject, cancelled, self._drafter)
            except ToolError as error:
                outcome = _refused(question, error)
            else:
                calls, read, written = (
                    sum(getattr(one, spent) for one in ran.drafted)
                    for spent in ("model_calls", "tokens_in", "tokens_out")
                )
                clock.note("run", calls, read, written, ran.predict_rows)
                common["prompts"] = (*meaning.prompts, *dict.fromkeys(one.prompt for one in ran.drafted))
                self.subject = ran.subject
                return self._put_into_words(outcome, ran, clock, common)
        verdict = "asked" if isinstance(outcome, Clarify) else "declined"
        return Answer(text=_words_of(outcome), outcome=outcome, verdict=verdict, usage=clock.usage(), **common)

    def _put_into_words(self, plan: Plan, ran: Ran, clock: _Clock, common: dict[str, Any]) -> Answer:
        schema = self.subject.schema
        draft = verbalize(ran.evidence, schema, variation=len(self.history), forms=plan.forms)
        clock.note("verbalize")
        failures = verify(draft, ran.evidence, plan, schema)
        checked = _without(draft, failures)
        clock.note("verify")
        return Answer(
            text=checked.text,
            outcome=plan,
            understood=understood(plan, schema),
            claims=checked.claims,
            evidence=ran.evidence,
            verdict="fallback" if failures else "verified",
            failures=failures,
            writer=checked.writer,
            usage=clock.usage(),
            **common,
        )

    def _refuse_length(self, question: str) -> Answer:
        reason = (
            "Ask a question about the model." if not question else f"Please ask in under {MAX_QUESTION} characters."
        )
        outcome = Decline(reason=reason)
        clipped = question[:MAX_QUESTION]
        return Answer(text=reason, question=clipped, outcome=outcome, verdict="declined", version=VERSION)


def ask(subject: Subject, question: str, llm: BaseChatModel | str | None = None) -> Answer:
    """Answer one question about a subject, with no memory of others."""
    return Session(subject, llm).ask(question)


def _refused(question: str, error: ToolError) -> Clarify | Decline:
    """A refusal by a tool; for an unknown name, the same question with each of the nearest names as an option."""
    if isinstance(error, UnknownName) and error.options:
        name = re.compile(rf"(?<!\w){re.escape(error.name)}(?!\w)", re.IGNORECASE)
        options = tuple(name.sub(option.replace("\\", r"\\"), question) for option in error.options)
        return Clarify(question=str(error), options=tuple(one for one in options if one != question))
    return Decline(reason=str(error))


def _words_of(outcome: Plan | Clarify | Decline) -> str:
    if isinstance(outcome, Clarify):
        return outcome.question
    if isinstance(outcome, Decline):
        return f"{outcome.reason} You could ask: {outcome.nearest}" if outcome.nearest else outcome.reason
    raise TypeError("a plan has no words before it has run")


def _without(draft: Draft, failures: tuple[Failure, ...]) -> Draft:
    """The draft without the sentences that failed: what was not borne out never reaches the reader."""
    if not failures:
        return draft
    from askwhy.agent.verify.clauses import sentences

    kept, claims, length = [], [], 0
    for start, end in sentences(draft.text):
        if any(failure.start < end and failure.end > start for failure in failures):
            continue
        shift = length - start
        inside = (claim for claim in draft.claims if start <= claim.start and claim.end <= end)
        claims += [
            claim.model_copy(update={"start": claim.start + shift, "end": claim.end + shift}) for claim in inside
        ]
        kept.append(draft.text[start:end])
        length += end - start + 1
    withheld = "Part of the answer could not be verified and is withheld; the computed values are in the table."
    return Draft(text=" ".join((*kept, withheld)), claims=tuple(claims), writer=draft.writer)


class _Clock:
    """Seconds per hop."""

    def __init__(self) -> None:
        self._hops: list[Spent] = []
        self._last = time.perf_counter()

    def note(
        self, hop: Any, model_calls: int = 0, tokens_in: int = 0, tokens_out: int = 0, predict_rows: int = 0
    ) -> None:
        now = time.perf_counter()
        self._hops.append(
            Spent(
                hop=hop, seconds=now - self._last, model_calls=model_calls, tokens_in=tokens_in, tokens_out=tokens_out,
                predict_rows=predict_rows,
            )
        )  # fmt: skip
        self._last = now

    def usage(self) -> Usage:
        return Usage(hops=tuple(self._hops))
