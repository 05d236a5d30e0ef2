"""Words of a question: tokens, their stems, and which words mean the same when people ask about models."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field

from askwhy.agent.embedded.english import listed, same

_TOKEN = re.compile(
    r"(?P<quote>[\u201c\"\u00ab](?P<inside>[^\u201d\"\u00bb]*)[\u201d\"\u00bb]"
    r"|(?<!\w)['\u2018](?P<single>[^'\u2019]{2,}?)['\u2019](?!\w))"
    r"|(?P<number>(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?=(?:st|nd|rd|th|k|m)?(?![\w]))|(?<![\w])\.\d+)"
    r"|(?P<word>[^\W_]+(?:['\u2019][^\W\d_]+)?)"
    r"|(?P<mark>>=|<=|!=|[^\w\s])"
)

_RANGE = re.compile(r" ?\d")

SMALL = listed("small")
"""Words that carry no topic of their own."""
VOCABULARY = listed("known") | frozenset(same()) | frozenset(same().values())
"""Words that people use to ask about models; none is a misspelt name."""


@dataclass(frozen=True)
class Token:
    """A word, number, quotation or mark. `text` is as written (a quotation without its marks), `low` for comparing.

    start, end: where it stands in the question, with its marks.
    """

    text: str
    low: str
    kind: str
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


def tokens(question: str) -> list[Token]:
    """The tokens of a question; possessive endings are dropped, hyphens and underscores part words."""
    found = []
    for match in _TOKEN.finditer(question):
        at = match.span()
        if match["quote"]:
            inside = match["inside"] if match["inside"] is not None else match["single"]
            found.append(Token(inside, inside.lower(), "quote", *at))
        elif match["word"]:
            low = match["word"].lower().replace("\u2019", "'")
            found.append(Token(match["word"], low.removesuffix("'s"), "word", *at))
        elif match["number"]:
            found.append(Token(match[0], match[0], "number", *at))
        elif match["mark"] == "-" and found and found[-1].kind == "number" and _RANGE.match(question, match.end()):
            found.append(Token("to", "to", "word", *at))
        elif match["mark"] not in ("-", "'", "\u2019"):
            found.append(Token(match[0], match[0], "mark", *at))
    return found


def folded(phrase: str) -> tuple[str, ...]:
    """A name or alias as a tuple of stems, split at blanks, hyphens, underscores and changes of case."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", phrase.replace("_", " "))
    return tuple(stem(token.low) for token in tokens(parted) if token.kind in ("word", "number"))


@functools.lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """The singular, near enough: years -> year, categories -> category; short words stay."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us")) else word


def canonical(word: str) -> str:
    """One word for all that mean the same in a question about a model; one feature is not several."""
    if word in SMALL or word in ("feature", "features"):
        return word
    return same().get(word) or same().get(stem(word)) or stem(word)


def similar(a: str, b: str) -> bool:
    """Whether one is most likely a misspelling of the other: one edit apart, two from nine letters on; same initial."""
    if a == b:
        return True
    allowed = 2 if min(len(a), len(b)) >= 9 else 1
    if min(len(a), len(b)) < 5 or a[0] != b[0] or abs(len(a) - len(b)) > allowed:
        return False
    return _edits(a, b) <= allowed


def _edits(a: str, b: str) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                best = min(best, older[j - 2] + 1)
            row.append(best)
    return row[-1]
