"""Statements that something raises or lowers an output: those that a list of reasons makes, and other words for them.

"What moves the probability of A most: x (1) raises it by 2 and y (3) lowers it by 4" makes two of them; "a y of 3 pulls
the probability of A down by 4" says one of the two again. Texts are in the form of `ways`, as one string.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from askwhy.tools.evidence import Fact

_FEATURE = r"(?:(?:its|their|your|his|her) )?(?:(?:word|phrase|sentence) )?<(?:feature|word):(?P<feature>\w+)>"
_AT = r"(?: (?:\( )?(?:of |at |being )?<at:(?P<at>\w+)>(?: \))?)?"
_SIZE = r"(?: by <value:(?P<size>\w+)>| \( by <value:(?P<size2>\w+)> \)| \( <value:(?P<size3>\w+)> \))?"
_MOST = r"(?P<most> most(?: of all)?)?"
_PRE = r"(?:for <row:(?P<row>\w+)> )?(?P<average>on-average )?"
_POST = r"(?: for <row:(?P<row2>\w+)>)?(?P<average2> on-average)?"
_TURN = r"(?P<turn>UP|DOWN)"
_APART = r"(?:push|pull|drive|drag|bring|move|lift)(?:e?s|ed)?"
_NOUN = r"(?:factor|feature|reason|word|influence)"
_EFFECT = r"(?:effect|influence|impact|contribution|weight)"
_SPEAKS = r"(?:speak|count|work|argue|weigh)(?:s|ed)?"


@dataclass(frozen=True)
class Move:
    """`feature` (at `at`, if said) moves `output` up (1) or down (-1), by `size` if said; values are meanings' names.

    average: it does so on average. place: its place in the list. ranked: the list is one of what moves it most.
    """

    feature: str
    at: str | None
    turn: Literal[-1, 1]
    output: str
    size: str | None
    average: bool = False
    place: int = 0
    ranked: bool = False


@dataclass(frozen=True)
class Said:
    """What a match says. None: it is taken from the statement before. most, after: also that it is first, or next.

    output "it": the one that was spoken of; needs: there must be a statement of this kind just before.
    """

    end: int
    feature: str | None = None
    at: str | None = None
    turn: int | None = None
    output: str | None = None
    size: str | None = None
    average: bool = False
    most: bool = False
    after: bool = False
    rows: tuple[str, ...] = ()


def output_pattern(target: str) -> str:
    """A regular expression of what an output may be called; `target`: the label of the target in the form of `ways`."""
    named = rf"predicted {re.escape(target)}|prediction" if target else "prediction"
    of_class = r"probability of <cls:\w+>|log-odds of <cls:\w+>"
    return rf"(?P<output>{of_class}|lead of <cls:\w+> over <cls:\w+>|{named}|it|that probability|this probability)"


def listed(text: str, target: str) -> tuple[Move, ...]:
    """The statements of a list of reasons; none where the text is no such list or says anything else."""
    output = output_pattern(target)
    head = re.match(
        rf"(?:for <row:\w+> )?what (?:clearly )?(?P<turn>UP|DOWN|moves) {output}(?P<most> most)?"
        r"(?P<avg> on-average)? : ",
        text,
    )
    if head is None or head["output"] in ("it", "that probability", "this probability"):
        return ()
    item = re.compile(
        r"(?:(?:word|phrase|sentence) )?<(?:feature|word):(?P<feature>\w+)>(?: \( <at:(?P<at>\w+)> \))? "
        r"(?:(?P<turn>UP|DOWN) it by <value:(?P<size>\w+)>|\( by <value:(?P<size2>\w+)> \))(?: ; and | and | ; | |$)"
    )
    found: list[Move] = []
    position = head.end()
    while position < len(text):
        match = item.match(text, position)
        turn = match and (match["turn"] or head["turn"])
        if match is None or turn not in ("UP", "DOWN"):
            return ()
        size = match["size"] or match["size2"]
        ranked = bool(head["most"]) and head["turn"] == "moves"
        up: Literal[-1, 1] = 1 if turn == "UP" else -1
        found.append(
            Move(match["feature"], match["at"], up, head["output"], size, bool(head["avg"]), len(found), ranked)
        )
        position = match.end()
    return tuple(found)


def readings(text: str, position: int, target: str) -> Iterator[Said]:
    """Every way to read a statement about a move that begins at this position."""
    for pattern in _patterns(target):
        match = pattern.match(text, position)
        if match is None or (match.end() < len(text) and text[match.end()] != " "):
            continue
        found = {name: value for name, value in match.groupdict().items() if value is not None}
        turn = found.get("turn")
        size = found.get("size") or found.get("size2") or found.get("size3")
        yield Said(
            match.end(),
            feature=found.get("feature"),
            at=found.get("at"),
            turn=None if turn is None else _TURNS[turn.split()[0]],
            output=f"probability of <cls:{found['for']}>" if "for" in found else found.get("output"),
            size=size,
            average="average" in found or "average2" in found,
            most="most" in found or "first" in found,
            after="after" in found,
            rows=tuple(found[name] for name in ("row", "row2") if name in found),
        )


_TURNS = {
    "UP": 1, "DOWN": -1, "up": 1, "down": -1, "adds": 1, "add": 1, "added": 1,
    "for": 1, "in": 1, "against": -1,
}  # fmt: skip


@functools.lru_cache(maxsize=64)
def _patterns(target: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(one) for one in _sources(output_pattern(target)))


def _sources(output: str) -> tuple[str, ...]:
    subject = f"{_FEATURE}{_AT}"
    apart = _TURN.replace("UP|DOWN", "up|down")
    into = f"(?: to {output})?"
    adds = f"(?P<turn>adds?|added)(?: another| further)? <value:(?P<size>\\w+)>{into}{_POST}"
    best = "(?:most-important|largest|strongest|main|chief)"
    first = rf"(?P<first>{best} {_NOUN} be|{best} {_EFFECT} be that of|what (?:moves it|matters) most be)"
    return (
        f"{_PRE}{subject}(?: which| that)? {_TURN} {output}{_MOST}{_SIZE}{_POST}",
        f"{_PRE}{subject}(?: which| that)? {_APART} {output} {apart}{_MOST}{_SIZE}{_POST}",
        f"{_PRE}{subject}(?: which| that)? {adds}",
        f"{_PRE}{subject} {_SPEAKS} (?P<turn>for|in favou?r of|against) <cls:(?P<for>\\w+)>{_MOST}{_SIZE}{_POST}",
        f"{_PRE}{output} be {_TURN}{_MOST} by {subject}{_SIZE}{_POST}",
        f"{_PRE}{first} {subject}{_SIZE}",
        f"{_PRE}{subject} (?P<first>(?:matters|weighs|counts) most|(?:has|have) (?:largest|strongest) {_EFFECT})",
        f"which {_TURN} {output}{_SIZE}{_POST}",
        f"which {_APART} {output} {apart}{_SIZE}{_POST}",
        f"which {adds}",
        f"(?P<after>followed by) {subject}{_SIZE}",
        f"{subject}{_SIZE[:-1]}",
    )


def leads_clearly(first: Fact | None, second: Fact | None) -> bool:
    """Whether one fact is larger than another beyond twice their standard errors: below that they are about equal."""
    if first is None or second is None:
        return first is not None
    margin = 2 * math.hypot(first.error or 0.0, second.error or 0.0)
    return abs(first.number()) - abs(second.number()) > margin
