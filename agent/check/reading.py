"""From a sentence to claims: all of it is read, or it is not tested."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace

from askwhy.agent.check.grammar import Claim, part, read, void
from askwhy.agent.check.marks import Marked, mark
from askwhy.tools.schema import Schema

MAX_PIECES = 70
"""Words of a sentence that is read."""

_BOUNDARY = re.compile(
    r"(?: ,)? (?:and|but|while|whereas|yet|although|though) (?:also )?| (?:;|,|:|\(|\)) (?:and |but )?"
)
_LEAD = re.compile(
    r"(?:for|in the case of|as for|with regard to|regarding|concerning|as to|in) (?:the )?(?P<row>R\d+) , (?=\S)"
)
_BARE = re.compile(r"(?:is|was|has|had|will|would|got|gets|lives|owns|rents|predicts|gives|uses|reaches|achieves)\b")
_STOPS = frozenset({".", "!", ";", ":", "…", ",", "-", "–", "—", "*", "•", ")"})
_QUOTES = frozenset({"'", '"', "“", "”"})
_UNSAFE = re.compile(
    r"\b(?:if|unless|whether|or|either|neither|nor|not|no|never|without|except|suppose|had|would|could|should|may|might|"
    r"must|claims?|claimed|believes?|said|says|allegedly|perhaps|possibly|probably|than|when|only|until|before|after|"
    r"false|wrong|untrue|instead|other|what|who|which|why)\b|n't\b"
)


@dataclass(frozen=True)
class Part:
    """A stretch of a sentence, and every claim that it can be read as; none where it was not read."""

    marked: Marked
    claims: tuple[Claim, ...]


def sketched(sentence: str, schema: Schema) -> Marked:
    """The sentence as pieces, without the words that claim nothing."""
    marked = mark(sentence, schema)
    marked = _stripped(marked)
    for name in ("leading", "anywhere", "trailing"):
        marked = _stripped(marked.without(void(name)))
    return marked


def _stripped(marked: Marked) -> Marked:
    pieces = [piece for piece in marked.pieces if piece.word not in _QUOTES]
    while (
        pieces and pieces[-1].word in _STOPS and not (pieces[-1].word == ")" and any(one.word == "(" for one in pieces))
    ):
        pieces.pop()
    while pieces and pieces[0].word in _STOPS:
        pieces.pop(0)
    return replace(marked, pieces=tuple(pieces))


def led(marked: Marked) -> tuple[Marked, str | None]:
    """The sentence without "for applicant 12," at its head, and that row."""
    match = _LEAD.match(marked.text)
    if match is None:
        return marked, None
    return marked.part(match.end(), len(marked.text)), marked.piece(match["row"]).text


def parts_of(marked: Marked, kinds: tuple[str, ...], *, split: bool = False) -> tuple[Part, ...]:
    """The sentence as parts that together are all of it: the fewest that could all be read, else all its clauses.

    `kinds`: what a clause may claim, names of [patterns].
    `split`: not the sentence as one part, though it may be read as one.
    """
    if len(marked.pieces) > MAX_PIECES or not marked.pieces:
        return (Part(marked, ()),)
    cuts = [match.span() for match in _BOUNDARY.finditer(marked.text)][:10]
    length = len(marked.text)

    @functools.cache
    def whole(start: int, end: int) -> Part:
        piece = _with_subject(marked, start, end)
        return Part(piece, read(piece, kinds))

    @functools.cache
    def best(start: int) -> tuple[Part, ...] | None:
        """The parts from here to the end, all read."""
        tail = whole(start, length)
        if tail.claims and not (split and start == 0):
            return (tail,)
        for cut_start, cut_end in reversed([cut for cut in cuts if cut[0] > start]):
            head = whole(start, cut_start)
            if head.claims and (rest := best(cut_end)) is not None:
                return (head, *rest)
        return None

    found = best(0)
    if found is not None:
        return found
    starts = [0, *(end for _, end in cuts)]
    ends = [*(start for start, _ in cuts), length]
    return tuple(whole(start, end) for start, end in zip(starts, ends, strict=True) if start < end)


def _with_subject(marked: Marked, start: int, end: int) -> Marked:
    """A stretch; where it lacks a subject ("... and is 45 years old"), with that of the sentence before it."""
    own = _stripped(marked.part(start, end))
    if start == 0 or not _BARE.match(own.text):
        return own
    subject = re.match(rf"{part('row').pattern}(?= )|{part('model').pattern}(?= )", marked.text)
    if subject is None:
        return own
    return replace(own, pieces=(*marked.between(*subject.span()), *own.pieces))


def safe_beside(part_: Part, parts: tuple[Part, ...]) -> bool:
    """Whether a false part makes the sentence false, whatever the unread parts beside it mean."""
    if _UNSAFE.search(part_.marked.text.split(" ", 1)[0]):
        return False
    return not any(_UNSAFE.search(one.marked.text) for one in parts if not one.claims)
