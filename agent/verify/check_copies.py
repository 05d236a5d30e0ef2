"""V1 to V4 for askwhy's own sentences with one thing changed: a number, a name, a rank, a "not", a word turned around.

Whoever takes over a sentence and changes just that has made a mistake; a sentence in other words is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from askwhy.agent.answer import Failure
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify.check_places import Found, run_of
from askwhy.agent.verify.clauses import NEGATION
from askwhy.agent.verify.ground import Ground
from askwhy.agent.verify.mentions import Mention
from askwhy.agent.verify.numbers import Number
from askwhy.agent.verify.patterns import OPPOSITES
from askwhy.agent.verify.places import CLOSE, Token
from askwhy.agent.verify.reading import Reading
from askwhy.agent.wording import ORDINALS
from askwhy.tools.registry import tools

_FEWEST = 5
"""Words and gaps of a sentence that can be a copy, its ends included."""

_WAYS = 3
"""Sentences have up to so many variants."""

_TURNED = ({"yes", "no"}, {"up", "down"})

_Check = Literal["V1", "V2", "V3", "V4"]
_Run = Sequence[tuple[Token, Found]]


def own_words(ground: Ground) -> tuple[Reading, ...]:
    """What askwhy itself says of the evidence, in each of its ways."""
    known = tuple(one for one in ground.evidence if one.tool in tools())
    ways = (verbalize(known, ground.schema, variation=number).text for number in range(_WAYS))
    return tuple(Reading(text, ground, word_by_word=True) for text in dict.fromkeys(ways))


def check_copies(reading: Reading, own: Sequence[Reading]) -> Iterator[Failure]:
    """Failures of sentences that differ from one of askwhy's own in one place."""
    known = [run_of(one, number) for one in own for number in range(len(one.sentences))]
    reading = replace(reading, word_by_word=True)
    for number, (start, end) in enumerate(reading.sentences):
        run = run_of(reading, number)
        if len(run) < _FEWEST or any(_differing(run, one) == [] for one in known):
            continue
        problem = next((found for one in known if (found := _altered(run, one))), None)
        if problem:
            yield Failure(check=problem, message="The evidence says this sentence otherwise.", start=start, end=end)


def _differing(run: _Run, own: _Run) -> list[int] | None:
    """The positions at which two sentences of one length differ; None for lengths that do."""
    if len(run) != len(own):
        return None
    return [at for at, (one, other) in enumerate(zip(run, own, strict=True)) if not _same(one, other)]


def _same(one: tuple[Token, Found], other: tuple[Token, Found]) -> bool:
    (token, said), (model, known) = one, other
    if isinstance(said, Number) and isinstance(known, Number):
        return _same_number(said, known)
    if isinstance(said, Mention) and isinstance(known, Mention):
        return bool({target.name for target in said.targets} & {target.name for target in known.targets})
    return said is known is None and token.word == model.word and token.is_gap == model.is_gap


def _same_number(said: Number, known: Number) -> bool:
    """Whether it is one value, each printed in its way: 0.412, 41 % and 41.2 %, but not 41 points."""
    if "date" in (said.kind, known.kind):
        return said.text == known.text
    if said.kind != known.kind and {said.kind, known.kind} != {"plain", "percent"}:
        return False
    one, other = (0.01 if said.kind != known.kind and number.kind == "percent" else 1.0 for number in (said, known))
    within = max(said.tolerance * one, known.tolerance * other)
    return abs(said.value * one - known.value * other) <= within


def _altered(run: _Run, own: _Run) -> _Check | None:
    """The check that a sentence fails by its one difference; None where it has none, several or a harmless one."""
    differing = _differing(run, own)
    if differing is None:
        return "V2" if _one_denied(run, own) or _one_denied(own, run) else None
    if len(differing) == 2:
        return "V4" if _exchanged(run, own, *differing) else None
    if len(differing) != 1:
        return None
    (token, said), (model, known) = run[differing[0]], own[differing[0]]
    one, other = (found.text.lower() if isinstance(found, Mention) else token.word
                  for token, found in (run[differing[0]], own[differing[0]]))  # fmt: skip
    if {one, other} in _TURNED or other in OPPOSITES.get(one, ()):
        return "V2"
    if isinstance(said, Number) and isinstance(known, Number):
        return "V1"
    if isinstance(said, Mention) and isinstance(known, Mention):
        return "V4"
    return "V3" if token.word in ORDINALS and model.word in ORDINALS else None


def _exchanged(run: _Run, own: _Run, first: int, second: int) -> bool:
    """Whether two names have changed places, of which different things are said; a list may stand in any order."""
    names = [[each[at][1] for at in (first, second)] for each in (run, own)]
    if not all(isinstance(one, Mention) for pair in names for one in pair):
        return False
    said, known = ([one.targets for one in pair if isinstance(one, Mention)] for pair in names)
    if said != known[::-1]:
        return False
    words, others = (_said_of(own, at) for at in (first, second))
    return bool(words) and words != others


def _said_of(run: _Run, position: int) -> list[str]:
    """The words after a name, up to the next thing that is no word."""
    found: list[str] = []
    for token, _ in run[position + 1 :]:
        if not token.word or token.word == CLOSE:
            break
        found.append(token.word)
    return found[:-1] if found[-1:] in (["and"], ["or"]) else found


def _one_denied(shorter: _Run, longer: _Run) -> bool:
    """Whether the longer sentence has one "not" more and is else the same."""
    if len(longer) != len(shorter) + 1:
        return False
    for at, (token, _) in enumerate(longer):
        if token.word and NEGATION.fullmatch(token.word):
            return _differing([*longer[:at], *longer[at + 1 :]], shorter) == []
    return False
