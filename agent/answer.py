"""What the reader gets, with everything it rests on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from askwhy.agent.bill import Bill, Total, added
from askwhy.agent.check.result import Checked
from askwhy.agent.plan import Outcome, Plan
from askwhy.tools.evidence import Evidence
from askwhy.tools.scope import Scope
from askwhy.tools.value import Value

Verdict = Literal["verified", "repaired", "fallback", "asked", "declined"]


class Claim(Value):
    """A span of the text and the facts it rests on: `facts` are "STEP.FACT", steps counted from 1 ("1.f3")."""

    start: int
    end: int
    facts: tuple[str, ...]


class Draft(Value):
    """Text before it is checked."""

    text: str
    claims: tuple[Claim, ...] = ()
    writer: Literal["template", "llm"] = "template"


class Failure(Value):
    """A statement of the draft that the evidence does not bear out. `check` is V1, V2, ...; `span` locates it."""

    check: str
    message: str
    start: int
    end: int


class Spent(Bill):
    """What one hop cost. seconds: all of the hop's time, that of the language model included."""

    hop: Literal["understand", "run", "verbalize", "verify"]
    seconds: float
    predict_rows: int = 0


class Usage(Value):
    """What the answer cost, hop by hop. conversation: all turns so far, this one included."""

    hops: tuple[Spent, ...] = ()
    currency: str = Field("", description="what costs are in; empty where no prices are configured")
    conversation: Total | None = None

    @property
    def bill(self) -> Bill:
        """Calls of a language model in all hops, and what they took."""
        return added(*self.hops)

    @property
    def model_calls(self) -> int:
        """Calls of a language model."""
        return self.bill.model_calls

    @property
    def cost(self) -> float | None:
        """What the calls cost, None where that is not known."""
        return self.bill.cost

    @property
    def seconds(self) -> float:
        """Time of all hops."""
        return sum(hop.seconds for hop in self.hops)


class Answer(Value):
    """The reply to one question. The whole trace: a surface draws it, an auditor runs it again.

    `understood` says in words how the question was read, `others` how else it may be meant where that is not sure;
    `verdict` whether the words were checked against the model:
    verified (first draft), repaired (after one correction), fallback (the template, as a language model's words were
    refused or late; with failures: sentences withheld),
    asked (a question back), declined. `note` says what the reader should know about how it came about, such as a budget
    that is used up.
    """

    text: str
    question: str
    outcome: Outcome
    understood: str = ""
    others: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    verdict: Verdict
    failures: tuple[Failure, ...] = ()
    writer: Literal["template", "llm"] = "template"
    checked: Checked | None = Field(None, description="where somebody's words were checked: each sentence, the facts")
    subject: str = ""
    engine: str = ""
    prompts: tuple[str, ...] = Field((), description="hashes of the prompts used")
    version: str = ""
    note: str = ""
    usage: Usage = Field(default_factory=Usage)

    @property
    def unsure(self) -> bool:
        """Whether it may answer another question than was asked."""
        return isinstance(self.outcome, Plan) and self.outcome.unsure

    @property
    def in_own_words(self) -> bool:
        """Whether a language model's words were refused or late, and askwhy's own stand for them; none is withheld."""
        return self.verdict == "fallback" and not self.failures

    def canonical(self) -> str:
        """JSON without what differs from run to run (times)."""
        return self.model_copy(update={"usage": Usage()}).canonical_with_usage()

    def canonical_with_usage(self) -> str:
        """JSON of everything."""
        return super().canonical()


class Turn(Value):
    """What later questions may refer to: the question, what it was understood to mean, and what the answer listed."""

    question: str
    outcome: Outcome
    text: str = ""
    rows: tuple[str, ...] = ()
    features: tuple[str, ...] = ()

    @property
    def scope(self) -> Scope | None:
        """The scope of the turn's last step, if it had a plan."""
        return self.outcome.steps[-1].scope if self.outcome.kind == "plan" else None
