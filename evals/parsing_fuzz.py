"""Questions that nobody would ask (`askwhy eval parsing --fuzz N`): does any crash, or become an invalid plan?"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from askwhy.agent.calls import BadCalls, calls_of, outcome_of
from askwhy.agent.plan import Outcome, Plan
from askwhy.evals.parsing_score import Understand
from askwhy.evals.suites import Item
from askwhy.tools.errors import ToolError

_LONGEST = 4000
_SIGNS = "\u0000\t\n .,;:?!'\"“”<>=≥%$€#@&|{}[]()/*+-_~^0123456789éßжم水🙂\u200b\u202e"
_NUMBERS = ("1e999", "-0", "00012", "1,2,3", "9" * 60, ".5.5", "½", "٣", "inf", "nan", "1/0", "0x10")


def fuzzed(items: Sequence[Item], count: int, seed: int = 0) -> Iterator[Item]:
    """Questions made from real ones: shuffled, cut, joined, misspelt, full of signs and numbers. Raises ValueError of
    no items."""
    if not items:
        raise ValueError("there are no questions to start from")
    rng = random.Random(seed)
    for _ in range(count):
        item, other = rng.choice(items), rng.choice(items)
        yield replace(item, question=rng.choice(_WAYS)(item.question, other.question, rng)[:_LONGEST])


def survey(understand: Understand, items: Sequence[Item], count: int) -> dict[str, object]:
    """What becomes of that many odd questions: plans, questions back and declines; crashes and invalid plans."""
    kinds: Counter[str] = Counter()
    shown: list[str] = []
    for item in fuzzed(items, count):
        try:
            outcome = understand(item)
        except Exception as error:
            kinds["crashed"] += 1
            shown.append(f"{item.question[:80]!r}: {error!r}"[:200])
            continue
        kinds[outcome.kind] += 1
        if problem := _problem(outcome, item):
            kinds["invalid"] += 1
            shown.append(f"{item.question[:80]!r}: {problem}"[:200])
    return {"n": count, "invalid": kinds["invalid"], "crashed": kinds["crashed"], "kinds": dict(kinds), "shown": shown}


def _problem(outcome: Outcome, item: Item) -> str | None:
    """Why a plan cannot be run on its schema, as the strict reading of calls sees it."""
    if not isinstance(outcome, Plan):
        return None
    try:
        again = outcome_of(calls_of(outcome, item.subject.schema), item.subject.schema)
    except (BadCalls, ToolError, ValueError) as error:
        return str(error)
    return None if isinstance(again, Plan) and again.steps == outcome.steps else "it reads differently the second time"


def _shuffled(text: str, other: str, rng: random.Random) -> str:
    words = f"{text} {other}".split()
    return " ".join(rng.sample(words, len(words)))


def _cut(text: str, other: str, rng: random.Random) -> str:
    start = rng.randrange(len(text))
    return text[start : start + rng.randrange(1, 30)]


def _joined(text: str, other: str, rng: random.Random) -> str:
    return f" {rng.choice(('and', 'or', 'not', 'if', ';', ''))} ".join((text, other) * rng.randrange(1, 9))


def _misspelt(text: str, other: str, rng: random.Random) -> str:
    return "".join(rng.choice(_SIGNS) if rng.random() < 0.15 else letter for letter in text)


def _numbered(text: str, other: str, rng: random.Random) -> str:
    return " ".join(rng.choice(_NUMBERS) if rng.random() < 0.3 else word for word in text.split())


def _noise(text: str, other: str, rng: random.Random) -> str:
    return "".join(rng.choice(_SIGNS) for _ in range(rng.randrange(1, 200)))


def _repeated(text: str, other: str, rng: random.Random) -> str:
    return f"{rng.choice(text.split())} " * rng.randrange(2, 400)


_WAYS: tuple[Callable[[str, str, random.Random], str], ...] = (
    _shuffled, _shuffled, _cut, _joined, _misspelt, _numbered, _noise, _repeated,
)  # fmt: skip
