"""Whether a provider's model is shown the tools that a question needs: `askwhy eval parsing --shortlist`.

No language model is asked. A question counts where all tools of one of its right plans are among the first 8, 12, 16,
24 of the shortlist; questions whose gold is no plan are left out. Tokens are a quarter of the characters of the schemas
that are sent, with the tools that always are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from langchain_core.messages import HumanMessage

from askwhy.agent.asking import remembered
from askwhy.agent.plan import Plan
from askwhy.agent.shortlist import shortlist, shown
from askwhy.evals.parsing_golds import PlanGold
from askwhy.evals.registry import Cell, Report, UsageError
from askwhy.evals.suites import Item, Suite
from askwhy.tools.registry import tools

LENGTHS = (8, 12, 16, 24)
"""How many tools are shown."""

_CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True)
class Listed:
    """A question, its shortlist, and the tools of each of its right plans."""

    item: Item
    names: tuple[str, ...]
    wanted: tuple[frozenset[str], ...]

    def found(self, length: int) -> bool:
        """Whether one of the right plans can be made with so many tools."""
        return any(one <= set(self.names[:length]) for one in self.wanted)

    def tokens(self, length: int | None) -> int:
        """Of the schemas of so many tools, None for all."""
        names = None if length is None else self.names[:length]
        return len(json.dumps(shown(self.item.subject.schema, names))) // _CHARACTERS_A_TOKEN


def listed(item: Item) -> Listed | None:
    """The shortlist for a question, None where no plan is right for it."""
    golds = item.gold.golds if isinstance(item.gold, PlanGold) else ()
    wanted = tuple(frozenset(step.tool for step in one.steps) for one in golds if isinstance(one, Plan))
    if not wanted:
        return None
    messages = [*remembered(item.history, item.subject), HumanMessage(item.question)]
    return Listed(item, shortlist(messages, item.subject.schema, max(LENGTHS)), wanted)


def survey(suite: Suite, columns: tuple[str, ...]) -> Report:
    """How often what is needed is on the shortlist, by its length, and how long what is sent is."""
    found = [one for item in suite.items if (one := listed(item)) is not None]
    if not found:
        raise UsageError(f"{suite.name} has no question for which a plan is right, as plans")
    shares = {length: sum(one.found(length) for one in found) / len(found) for length in LENGTHS}
    tokens = {str(length): sum(one.tokens(length) for one in found) // len(found) for length in LENGTHS}
    everything = sum(one.tokens(None) for one in found) // len(found)
    figures = {
        "suite": suite.name,
        "n": len(found),
        "tools": round(sum(len(tools(one.item.subject.schema)) for one in found) / len(found), 1),
        "recall": {str(length): round(share, 4) for length, share in shares.items()},
        "tokens": tokens | {"all": everything},
    }
    rows = tuple(_row(length, found) for length in LENGTHS)
    return Report(f"Tools on the shortlist for {suite.name}", columns, rows, figures, passed=True)


def _row(length: int, found: list[Listed]) -> tuple[Cell, ...]:
    right = sum(one.found(length) for one in found)
    missed = next((one for one in found if not one.found(length)), None)
    miss = f"{missed.item.domain}: {missed.item.question} [{', '.join(sorted(missed.wanted[0]))}]" if missed else ""
    return ("shortlist", f"{length} tools", len(found), right, right / len(found), miss)
