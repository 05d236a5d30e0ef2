"""A conversation about one subject: four hops a turn, and one rule for words that fail the check."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from askwhy.agent.accounting import Meter, meter_for
from askwhy.agent.answer import Answer, Draft, Failure, Spent, Turn, Usage, Verdict
from askwhy.agent.bill import Budget, Total
from askwhy.agent.bounds import MAX_CALLS, Bounds, allowed, heeding
from askwhy.agent.check.checker import check_text, understood_check
from askwhy.agent.check.result import Checked
from askwhy.agent.drafts import Drafter
from askwhy.agent.embedded.checking import check_of_question
from askwhy.agent.manner import manners_of
from askwhy.agent.metrics import observe
from askwhy.agent.plan import Check, Clarify, Decline, Plan
from askwhy.agent.references import listed, others_of
from askwhy.agent.rephrase import SECONDS, Rephraser
from askwhy.agent.run import Ran, Runner
from askwhy.agent.understand import Understanding, understand
from askwhy.agent.understood import understood
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.subject import Subject

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from askwhy.agent.investigate.allowance import Allowance
    from askwhy.agent.investigate.report import Report, Told

VERSION = "0.1.0"
MAX_QUESTION = 4000
"""Characters of a question that are read; a longer one is refused, as no question needs them."""

_REMEMBERED_TURNS = 20
_USED_UP = (
    "The language model's budget for this conversation is used up ({}): askwhy's own engine and words stand in for it."
)


class Session:
    """Answers questions about a subject and remembers what was said.

    llm: a LangChain chat model with tool calling, a name ("openai:...", "ollama:...", a base URL), or None for the
    embedded one. seed: every sampled result follows from it. rephrase: whether a language model, if there is one, puts
    the answers into other words, in at most `rephrase_seconds`; each of its sentences must say what the template says.
    budget: what the conversation may spend on the language model; when it is used up, the embedded one and askwhy's own
    words answer, and `Answer.note` says so. Raises ToolError for a limit of cost without a price.
    candidates: how many samples of a language model's plan to choose from. bounds: of each of its replies, where it is
    given by name.
    """

    def __init__(
        self,
        subject: Subject,
        llm: BaseChatModel | str | None = None,
        *,
        runner: Runner | None = None,
        seed: int = 0,
        rephrase: bool = True,
        rephrase_seconds: float = SECONDS,
        budget: Budget | None = None,
        candidates: int = 1,
        bounds: Bounds | None = None,
    ) -> None:
        from askwhy.agent.embedded.chat import EmbeddedChat

        self.subject = subject
        self.history: tuple[Turn, ...] = ()
        self._said: Counter[str] = Counter()
        self._runner = runner or Runner(seed=seed)
        self._model = self._resolve(llm, bounds)
        self._meter = meter_for(self._model, budget)
        self._turns, self._seconds = 0, 0.0
        self._candidates = max(1, candidates)
        # What asks the language model for texts to try; the embedded one writes none.
        offline = isinstance(self._model, EmbeddedChat)
        self._drafter = None if offline else Drafter(self._model, self._meter)
        self._rephraser = None if offline or not rephrase else Rephraser(self._model, rephrase_seconds, self._meter)

    def ask(self, question: str, *, cancelled: Callable[[], bool] = lambda: False) -> Answer:
        """Answer one question. Never raises for what the user said."""
        question = question.strip()
        if not question or len(question) > MAX_QUESTION:
            return self._refuse_length(question)
        clock = _Clock(self._meter)
        self._runner.warm()
        with allowed(MAX_CALLS + self._candidates - 1), heeding(cancelled):
            meaning = understand(
                question, self.history, self.subject, self._model, meter=self._meter, candidates=self._candidates
            )
            clock.note("understand")
            answer = self._accounted(self._answer(question, meaning, clock, cancelled))
        self._remember(answer)
        return answer

    def investigate(
        self,
        question: str,
        *,
        recipe: str | None = None,
        allowance: Allowance | None = None,
        on_step: Callable[[Told], None] | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Report:
        """Look into a question in several steps, see `askwhy.agent.investigate.investigate`.

        Raises ToolError for a recipe that does not exist.
        """
        from askwhy.agent.investigate.investigate import investigate

        question = " ".join(question.split())[:MAX_QUESTION]
        report = investigate(self, question, recipe=recipe, allowance=allowance, on_step=on_step, cancelled=cancelled)
        self._meter.taken()  # it is in the report, and not for the next turn
        report = report.model_copy(update={"answer": self._accounted(report.answer)})
        self._remember(report.answer)
        return report

    @property
    def model(self) -> BaseChatModel:
        """The chat model that chooses tools."""
        return self._model

    @property
    def online(self) -> bool:
        """Whether there is a language model; the embedded one plans single turns only."""
        return self._drafter is not None

    @property
    def runner(self) -> Runner:
        """What runs the steps."""
        return self._runner

    @property
    def meter(self) -> Meter:
        """What the calls of the language model are counted on."""
        return self._meter

    @property
    def rephraser(self) -> Rephraser | None:
        """What puts answers into other words, if anything does."""
        return self._rephraser

    def _remember(self, answer: Answer) -> None:
        rows, features = listed(answer.evidence)
        turn = Turn(question=answer.question, outcome=answer.outcome, text=answer.text, rows=rows, features=features)
        self.history = (*self.history, turn)[-_REMEMBERED_TURNS:]

    @property
    def usage(self) -> Total:
        """What the conversation has cost so far."""
        return Total(
            turns=self._turns, seconds=self._seconds, currency=self._meter.currency, **self._meter.total.model_dump()
        )

    def _accounted(self, answer: Answer) -> Answer:
        """The answer with what the conversation has cost, and a note where a limit of it kept the model from a call."""
        self._turns += 1
        self._seconds += answer.usage.seconds
        usage = answer.usage.model_copy(update={"currency": self._meter.currency, "conversation": self.usage})
        limit = self._meter.refused()
        answer = answer.model_copy(update={"usage": usage, "note": _USED_UP.format(limit) if limit else ""})
        observe(answer)
        return answer

    def _resolve(self, llm: BaseChatModel | str | None, bounds: Bounds | None) -> BaseChatModel:
        if llm is None or isinstance(llm, str):
            from askwhy.agent.llm import chat_model

            return chat_model(llm, self.subject.schema, bounds)
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
                clock.note("run")
                outcome = _refused(question, error)
            else:
                clock.note("run", ran.predict_rows)
                drafted = dict.fromkeys(prompt for one in ran.drafted for prompt in one.prompts)
                common["prompts"] = (*meaning.prompts, *drafted)
                self.subject = ran.subject
                return self._put_into_words(outcome, ran, clock, common)
        if isinstance(outcome, Check):
            answered = self._checked(outcome, question, clock, common, cancelled)
            if isinstance(answered, Answer):
                return answered
            outcome = answered
        verdict = "asked" if isinstance(outcome, Clarify) else "declined"
        return Answer(text=_words_of(outcome), outcome=outcome, verdict=verdict, usage=clock.usage(), **common)

    def check(self, text: str, row: str | None = None, *, cancelled: Callable[[], bool] = lambda: False) -> Checked:
        """Whether somebody's words are true of the model and its data, sentence by sentence: a letter, a report,
        another program's answer. `row`: whom they are about, where they do not say.

        Raises UnknownName if there is no such row.
        """
        found, self.subject = check_text(text, self.subject, self._runner, row, cancelled)
        return found

    def _checked(
        self, outcome: Check, question: str, clock: _Clock, common: dict[str, Any], cancelled: Callable[[], bool]
    ) -> Answer | Clarify | Decline:
        """The answer to a request to check something; the words must be the user's own, not those of a model."""
        if not _stands_in(outcome.text, question):
            own = check_of_question(question, self.subject.schema)
            if own is None:
                return Clarify(question="Which words should be checked? Put them after a colon or in quotation marks.")
            outcome = outcome.model_copy(update={"text": own.text})
        try:
            found = self.check(outcome.text, outcome.row, cancelled=cancelled)
        except ToolError as error:
            clock.note("run")
            return _refused(question, error)
        clock.note("run", found.rows_asked)
        return Answer(
            text=found.words, outcome=outcome, understood=understood_check(outcome, self.subject.schema), checked=found,
            verdict="verified", usage=clock.usage(), **common,
        )  # fmt: skip

    def _put_into_words(self, plan: Plan, ran: Ran, clock: _Clock, common: dict[str, Any]) -> Answer:
        schema = self.subject.schema
        variation = self._variation(plan)
        draft = verbalize(ran.evidence, schema, variation=variation, forms=plan.forms, manners=manners_of(plan))
        clock.note("verbalize")
        failures = verify(draft, ran.evidence, plan, schema)
        checked = without(draft, failures)
        clock.note("verify")
        verdict: Verdict = "fallback" if failures else "verified"
        if self._rephraser is not None and not failures:
            told = self._rephraser(draft, ran.evidence, plan, schema)
            clock.note("verbalize")
            checked, verdict = told.draft or checked, told.verdict
            common["prompts"] = (*common["prompts"], *told.prompts)
        return Answer(
            text=checked.text,
            outcome=plan,
            understood=understood(plan, schema),
            others=others_of(plan, schema),
            claims=checked.claims,
            evidence=ran.evidence,
            verdict=verdict,
            failures=failures,
            writer=checked.writer,
            usage=clock.usage(),
            **common,
        )

    def _variation(self, plan: Plan) -> int:
        """How often the first tool of the plan was said before, so that its sentences take turns."""
        tool = plan.steps[0].tool
        self._said[tool] += 1
        return self._said[tool] - 1

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


def _stands_in(text: str, question: str) -> bool:
    """Whether a text is a stretch of the question, blanks aside."""
    return bool(text.strip()) and " ".join(text.split()) in " ".join(question.split())


def _words_of(outcome: Plan | Clarify | Decline | Check) -> str:
    if isinstance(outcome, Clarify):
        return outcome.question
    if isinstance(outcome, Decline):
        return f"{outcome.reason} You could ask: {outcome.nearest}" if outcome.nearest else outcome.reason
    raise TypeError("a plan has no words before it has run")


def without(draft: Draft, failures: tuple[Failure, ...]) -> Draft:
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
    """Seconds per hop, and what each hop added to the meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        meter.taken()  # what a turn left behind that broke off
        self._hops: list[Spent] = []
        self._last = time.perf_counter()

    def note(self, hop: Any, predict_rows: int = 0) -> None:
        now = time.perf_counter()
        bill = self._meter.taken().model_dump()
        self._hops.append(Spent(hop=hop, seconds=now - self._last, predict_rows=predict_rows, **bill))
        self._last = now

    def usage(self) -> Usage:
        return Usage(hops=tuple(self._hops))
