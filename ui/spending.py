"""What an answer and a conversation cost, in words that every surface shows."""

from __future__ import annotations

from askwhy.agent.accounting import money
from askwhy.agent.answer import Usage
from askwhy.agent.bill import Bill


def spent_words(usage: Usage) -> str:
    """What one answer took of a language model; empty where none had a part in it."""
    return _words(usage.bill, usage.currency)


def total_words(usage: Usage) -> str:
    """What the conversation took so far; empty where no language model had a part in it."""
    total = usage.conversation
    if total is None or not total.asked:
        return ""
    turns = f"{total.turns:,} question{'' if total.turns == 1 else 's'}"
    return f"This conversation: {turns}, {_words(total, total.currency)}"


def _words(bill: Bill, currency: str) -> str:
    """Calls, tokens and cost; "at least" where a server does not say what a call took."""
    if not bill.asked:
        return ""
    parts = [f"{bill.model_calls:,} model call{'' if bill.model_calls == 1 else 's'}"]
    if bill.failed:
        every = "which failed" if bill.model_calls == 1 else "all of which failed"
        parts.append(every if bill.failed == bill.model_calls else f"{bill.failed:,} of them failed")
    if bill.cached:
        parts.append(f"{bill.cached:,} from the cache")
    least = "at least " if bill.unmetered else ""
    if bill.tokens:
        parts.append(f"{least}{bill.tokens_in:,} tokens in and {bill.tokens_out:,} out")
    if bill.cost is not None:
        parts.append(f"{least}{money(bill.cost)} {currency}")
    return ", ".join(parts)
