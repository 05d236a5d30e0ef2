"""What a question was understood to mean."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from askwhy.tools.scope import Argument, Scope, Where
from askwhy.tools.value import Value

Take = Literal["value", "feature", "row", "cls", "group"]
"""The part of a fact that a reference takes."""


class Ref(Value):
    """Takes a value from a fact of an earlier step: "explain the worst mistake found in step 1".

    `into` is "row" (the scope's instance), "where" (the rows of the fact's group) or the name of an argument. `take`
    says which part of the fact, None: that which `into` is about; `place` the how-manieth fact of this relation it is,
    counted from 1. The relation "any" stands for every fact that has it, those of a better rank first.
    """

    into: str
    step: int
    relation: str
    take: Take | None = None
    place: int = 1


Form = Literal["words", "numbers", "method", "letter"]
"""How a step is answered: in words; by every number as computed; by how it was computed; as a letter to the person."""

Audience = Literal["customer", "colleague", "expert"]
Length = Literal["sentence", "short", "full"]


class Step(Value):
    """One tool call: the tool, its arguments, and the rows, instance and changes it is about.

    `audience` and `length`: for whom the answer is worded and how long it is, where the user says.
    """

    tool: str
    arguments: tuple[Argument, ...] = ()
    scope: Scope = Field(default_factory=Scope)
    refs: tuple[Ref, ...] = ()
    form: Form = "words"
    audience: Audience | None = None
    length: Length | None = None

    def argument(self, name: str) -> object:
        """The value of an argument, or None."""
        return next((one.value for one in self.arguments if one.name == name), None)

    def referring(self, refs: tuple[Ref, ...]) -> Step:
        """The step with references in the place of what stood for them."""
        names = {ref.into for ref in refs}
        empty = {"row": None, "where": Where()}
        scope = self.scope.model_copy(update={name: empty[name] for name in names & empty.keys()})
        arguments = tuple(one for one in self.arguments if one.name not in names)
        return self.model_copy(update={"scope": scope, "arguments": arguments, "refs": refs})


SURE = 0.9
"""Below this chance of being right, a reading is called unsure."""


class Plan(Value):
    """Steps, in order. `confidence` is how sure the understanding is, 0..1, where it says.

    `others`: what else the question may mean, where that is not sure; the reader is told, and can choose.
    """

    kind: Literal["plan"] = "plan"
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    confidence: float | None = None
    others: tuple[Plan, ...] = ()

    @property
    def unsure(self) -> bool:
        """Whether the question may well mean something else."""
        return bool(self.others) or (self.confidence is not None and self.confidence < SURE)

    @property
    def forms(self) -> tuple[Form, ...]:
        """The form of every step."""
        return tuple(step.form for step in self.steps)


class Clarify(Value):
    """A question back to the user; `options` are full questions that they can pick.

    `readings`: the plans that the options stand for, in their order; an option without one is read like any question.
    """

    kind: Literal["clarify"] = "clarify"
    question: str
    options: tuple[str, ...] = ()
    readings: tuple[Plan, ...] = ()


class Decline(Value):
    """Why the question is not answered, and the nearest one that can be."""

    kind: Literal["decline"] = "decline"
    reason: str
    nearest: str | None = None


class Check(Value):
    """Somebody's words that are to be checked against the model, sentence by sentence.

    `row`: whom they are about, where they do not say.
    """

    kind: Literal["check"] = "check"
    text: str
    row: str | None = None


Outcome = Annotated[Plan | Clarify | Decline | Check, Field(discriminator="kind")]
