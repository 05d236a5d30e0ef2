"""What an investigation may use, and what it did use."""

from __future__ import annotations

from pydantic import Field

from askwhy.tools.value import Value

REPAIRS = 3
"""How many times a reply that cannot be used is given back to the model, in one investigation."""


class Allowance(Value):
    """The most that one investigation may use.

    model_calls: replies of the language model; also the turns of a recipe, which asks none. tool_calls: those asked
    for, whether they could be run or not. tokens: sent and received together. seconds: from the question to the last step.
    """

    model_calls: int = Field(8, ge=1)
    tool_calls: int = Field(12, ge=1)
    tokens: int = Field(100_000, ge=1)
    seconds: float = Field(300.0, gt=0)


class Used(Value):
    """What an investigation used of its allowance. The seconds are in `Answer.usage`."""

    model_calls: int = 0
    tool_calls: int = 0
    tokens: int = 0
