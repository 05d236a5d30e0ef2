"""What the calls of a language model came to, as values that add up."""

from __future__ import annotations

from pydantic import Field

from askwhy.tools.value import Value


class Bill(Value):
    """Calls of a language model and what they took.

    cached: replies that were had before, at no cost; they are not among `model_calls`. failed: calls without a reply.
    unmetered: calls of which nobody said how many tokens they took, the failed ones among them; tokens and cost are
    then lower bounds. cost: in the currency of the user's prices; None where no price or no count of tokens is known.
    model_seconds: time that the model took.
    """

    model_calls: int = 0
    cached: int = 0
    failed: int = 0
    unmetered: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = None
    model_seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.tokens_in + self.tokens_out

    @property
    def asked(self) -> bool:
        """Whether a language model had any part in it."""
        return bool(self.model_calls or self.cached)


class Total(Bill):
    """What a conversation has come to. seconds: from questions to answers, in all."""

    turns: int = 0
    seconds: float = 0.0
    currency: str = ""


class Budget(Value):
    """What a conversation may spend on a language model; None is without limit.

    Looked at before every call, so the last call may go beyond it in tokens, cost and seconds. seconds: the time that
    the model itself takes. Where a server does not say how many tokens it took, they are guessed from the characters.
    """

    model_calls: int | None = Field(None, ge=0)
    tokens: int | None = Field(None, ge=0)
    cost: float | None = Field(None, ge=0, allow_inf_nan=False)
    seconds: float | None = Field(None, ge=0, allow_inf_nan=False)


_COUNTS = ("model_calls", "cached", "failed", "unmetered", "tokens_in", "tokens_out", "model_seconds")


def added(*bills: Bill) -> Bill:
    """The bills as one. Costs that are known are added up; None where none is."""
    costs = [one.cost for one in bills if one.cost is not None]
    return Bill(
        cost=sum(costs) if costs else None, **{name: sum(getattr(one, name) for one in bills) for name in _COUNTS}
    )
