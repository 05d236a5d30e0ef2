"""What a question says is measured by a number: the "salary" of "with a salary over 3000"."""

from __future__ import annotations

from askwhy.agent.parser.question import Question

_COMPARING = """
over above under below more less than greater higher lower smaller larger bigger fewer at least most exceeding beyond up
down to of is are was were exactly equal equals equalling around about between from past reaching value values level
levels a an the"""
_LEADING = (
    "a an the their his her its whose with have has having had no and or in total average mean any this that current"
)
_COMPARE, _LEAD = frozenset(_COMPARING.split()), frozenset(_LEADING.split())
_FAR = 6


def measured(question: Question, at: int) -> int | None:
    """The place of the noun that the number at a word measures, where one is said as such; None otherwise.

    Only a noun that an article, "whose", "having" or the like leads in: "people over 40" says no measure.
    """
    words = question.words
    place = at - 1
    while place >= max(0, at - _FAR) and (words[place].low in _COMPARE or words[place].kind == "mark"):
        place -= 1
    if place < 1 or place < at - _FAR or place == at - 1 or words[place].kind != "word":
        return None
    return place if words[place - 1].low in _LEAD and words[place].low not in _LEAD else None
