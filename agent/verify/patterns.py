"""The words of the tools' own sentence patterns."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from askwhy.agent.pattern import Listing, Slot, parse
from askwhy.agent.verify.clauses import NEGATION, words
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool

_GAP = "\x00"
_CACHED = 4096  # patterns: more than all tools have
WORD = r"[\w'’-]+"
"""A word, as runs of words are compared."""
_STOP = re.compile(r"[.!?;:](?=\s|$)|\n")
_CONTRAST = re.compile(r"\{(\w+)[^{}]*\}(?: for \{row\})?[\w\s]{0,30}? (?:instead of|to|against) \{(\w+)[^{}]*\}")
_PAIRS = (
    "right wrong", "rightly wrongly", "correct incorrect", "most least", "largest smallest", "highest lowest",
    "lower higher",
    "lower raise", "lower upper", "lowers raises", "rises falls", "rise fall", "always never", "positive negative",
    "inside outside", "within outside", "before after", "more less", "above below", "larger smaller", "over under",
    "stronger weaker", "favourable unfavourable", "first last", "true false", "first second", "second third",
    "third fourth", "third fifth", "fourth fifth",
)  # fmt: skip
_SIDES = (
    ("rises climbs increases grows gains", "falls drops decreases shrinks loses"),
    ("rise climb increase grow gain", "fall drop decrease shrink lose"),
    ("raises lifts increases", "lowers reduces decreases"),
    ("highest largest greatest", "lowest smallest"),
)
_TWO_WORDS = (("goes up", "goes down"), ("go up", "go down"))


def _opposites() -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for pair in _PAIRS:
        one, other = pair.split()
        found.setdefault(one, {})[other] = None
        found.setdefault(other, {})[one] = None
    for number, (ups, downs) in enumerate(_SIDES):
        more = _TWO_WORDS[number : number + 1]
        for mine, theirs, side in ((ups, downs, 1), (downs, ups, 0)):
            for word in mine.split():
                found.setdefault(word, {}).update(dict.fromkeys((*theirs.split(), *(two[side] for two in more))))
    return {word: tuple(others) for word, others in found.items()}


OPPOSITES = _opposites()
"""Words, and what they must not be turned into."""


def pattern_words(evidence: tuple[Evidence, ...]) -> frozenset[str]:
    """Every word in the patterns of the tools that made the evidence, in lower case."""
    return frozenset(word for one in evidence for pattern in _patterns(one.tool) for word in _words(pattern))


def denials(evidence: tuple[Evidence, ...]) -> tuple[tuple[str, str], ...]:
    """Runs of words with a negation that the evidence may be said with, each also without the negation."""
    found: dict[tuple[str, str], None] = {}
    for one in evidence:
        for pattern in fillable(one):
            found |= dict.fromkeys(_denials(pattern))
    return tuple(found)


def words_around(evidence: tuple[Evidence, ...], relation: str) -> frozenset[str]:
    """Every word of the patterns that say facts of this relation, in lower case; none where no pattern does."""
    patterns = (pattern for tool in {one.tool for one in evidence} for pattern in _patterns(tool))
    return frozenset(word for pattern in patterns if relation in _roles(pattern) for word in _words(pattern))


def contrasts(evidence: tuple[Evidence, ...]) -> frozenset[tuple[str, str]]:
    """Pairs of relations that the tools say in this order around "instead of", or from one to the other."""
    tools = {one.tool for one in evidence}
    return frozenset(pair for tool in tools for pattern in _patterns(tool) for pair in _contrasts(pattern))


@functools.lru_cache(maxsize=_CACHED)
def _contrasts(pattern: str) -> tuple[tuple[str, str], ...]:
    return tuple(_CONTRAST.findall(pattern))


def says_some(text: str, evidence: tuple[Evidence, ...]) -> bool:
    """Whether the text has at least three words in a row of a pattern that the evidence can fill."""
    for one in evidence:
        for pattern in fillable(one):
            chunks = (part.strip() for part in " ".join(_literals(pattern)).split(_GAP))
            if any(len(chunk.split()) >= 3 and chunk in text for chunk in chunks):
                return True
    return False


def fillable(evidence: Evidence) -> Iterator[str]:
    """The patterns that the evidence has a fact for each role of."""
    roles = {fact.relation for fact in evidence.facts}
    return (pattern for pattern in _patterns(evidence.tool) if _roles(pattern) <= roles)


def says_around(evidence: tuple[Evidence, ...], text: str, span: tuple[int, int]) -> bool:
    """Whether the words of a span stand, with at least three words in a row, where a pattern has them."""
    begin = max((stop.end() for stop in _STOP.finditer(text, 0, span[0])), default=0)
    stop = _STOP.search(text, span[1])
    run = list(re.finditer(WORD, text[begin : stop.start() if stop else len(text)]))
    own = [place for place, one in enumerate(run) if begin + one.start() < span[1] and span[0] < begin + one.end()]
    if not own:
        return False
    size = max(3, len(own))
    firsts = range(max(0, own[-1] - size + 1), min(own[0], len(run) - size) + 1)
    return any(says(evidence, " ".join(one.group() for one in run[first : first + size]).lower()) for first in firsts)


def says(evidence: tuple[Evidence, ...], run: str) -> bool:
    """Whether one of the tools' patterns has this run of words, in lower case."""
    patterns = (pattern for tool in {one.tool for one in evidence} for pattern in _patterns(tool))
    return any(f" {run} " in text for pattern in patterns for text in _plain_runs(pattern))


@functools.lru_cache(maxsize=_CACHED)
def _plain_runs(pattern: str) -> tuple[str, ...]:
    parts = " ".join(_literals(pattern)).lower().split(_GAP)
    return tuple(f" {' '.join(re.findall(WORD, part))} " for part in parts)


def turns(evidence: tuple[Evidence, ...]) -> tuple[tuple[str, str], ...]:
    """Runs of words that the evidence may be said with, each also with a word turned into its opposite."""
    found: dict[tuple[str, str], None] = {}
    for one in evidence:
        for pattern in fillable(one):
            found |= dict.fromkeys(_turns(pattern))
    return tuple(found)


@functools.lru_cache(maxsize=_CACHED)
def _turns(pattern: str) -> tuple[tuple[str, str], ...]:
    found = []
    for part in " ".join(_literals(pattern)).lower().split(_GAP):
        run = re.findall(WORD, part)
        for position, word in enumerate(run):
            start, end = max(0, position - 2), position + 3
            if len(run[start:end]) < 3:
                continue
            for opposite in OPPOSITES.get(word, ()):
                turned = [*run[start:position], opposite, *run[position + 1 : end]]
                found.append((" ".join(run[start:end]), " ".join(turned)))
    return tuple(found)


@functools.lru_cache(maxsize=256)
def sized(tool: str) -> frozenset[str]:
    """The relations whose size a pattern of the tool says beside a word for their sign: "1.6 less"."""
    found: set[str] = set()
    for pattern in _patterns(tool):
        slots = [token for token in parse(pattern) if isinstance(token, Slot)]
        worded = {slot.name for slot in slots if slot.form == "word"}
        found |= {slot.name for slot in slots if slot.form == "size"} & worded
    return frozenset(found)


def _patterns(tool: str) -> tuple[str, ...]:
    try:
        says = find_tool(tool).says
    except ToolError:
        return ()
    return tuple(text for entry in says for text in ((entry,) if isinstance(entry, str) else entry))


@functools.lru_cache(maxsize=_CACHED)
def _words(pattern: str) -> tuple[str, ...]:
    return tuple(word.lower for part in _literals(pattern) for word in words(part))


def _literals(pattern: str) -> list[str]:
    parts: list[str] = []
    for token in parse(pattern):
        for inner in token.item if isinstance(token, Listing) else (token,):
            if isinstance(inner, Slot):
                parts += [_GAP, *inner.options, _GAP]
            else:
                parts.append(inner)
    return parts


@functools.lru_cache(maxsize=_CACHED)
def _roles(pattern: str) -> frozenset[str]:
    own = {"scope", "entities", "entity", "row", "changes", "target", ""}
    found: set[str] = set()
    for token in parse(pattern):
        if isinstance(token, Listing):
            found.add(token.relation)
        elif isinstance(token, Slot):
            found.add(token.name)
    return frozenset(found - own)


@functools.lru_cache(maxsize=_CACHED)
def _denials(pattern: str) -> tuple[tuple[str, str], ...]:
    found = []
    for part in " ".join(_literals(pattern)).split(_GAP):
        for match in NEGATION.finditer(part):
            before = re.findall(WORD, part[: match.start()])[-2:]
            after = re.findall(WORD, part[match.end() :])[:2]
            if before or after:
                found.append((" ".join([*before, match.group(), *after]).lower(), " ".join([*before, *after]).lower()))
    return tuple(found)
