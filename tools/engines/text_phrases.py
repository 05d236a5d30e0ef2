"""Phrases of a text, without a parser: words up to the next pause, cut where a function word opens something new.

"The acting is not very good, but the plot drags" falls into "The acting", "is not very good", "but the plot drags"
(the chunks of Abney 1991, "Parsing by Chunks", drawn by function words alone). A negation stays with what it negates.
In a language without a list of function words only pauses and the greatest length cut.
"""

from __future__ import annotations

from collections.abc import Iterator

from askwhy.tools.engines.text_units import Split, Term, UnitKind, fold, split_text, terms

LONGEST_PHRASE = 5
"""Words of one phrase."""

_FUNCTION_WORDS_TEXT = """
a an the this that these those my your his her its our their some any each every no not never neither nor and or but
yet so because although though while if unless until when where who whom whose which what how as than then of in on
at by for with without from to into onto about over under between through during before after against among is are
was were be been being am do does did has have had can could will would shall should may might must isn't aren't
wasn't weren't don't doesn't didn't can't couldn't won't wouldn't hasn't haven't hadn't i you he she it we they me
him us them there here very too quite rather just only even also i'm it's that's there's he's she's you're we're
they're
"""
_FUNCTION_WORDS = frozenset(_FUNCTION_WORDS_TEXT.split())
_PAUSES = frozenset(',.;:!?…()[]{}«»“”"—–،؛؟。、！？')


def units_of(text: str, unit: UnitKind, asked: tuple[str, ...] = ()) -> tuple[Split, tuple[Term, ...]]:
    """The units of a text and the terms to tell apart: words, phrases or sentences, equal ones as one term.

    `asked`: words or phrases that are terms of their own (among words). Raises UnknownName for those not there.
    """
    split = split_text(text, "sentence" if unit == "sentence" else "word")
    return split, _phrase_terms(split) if unit == "phrase" else terms(split, asked)


def phrases(split: Split) -> Iterator[range]:
    """The places of every phrase of a text that was split into words, in order."""
    start, full = 0, False
    for place in range(len(split.units)):
        opens = full and fold(split.units[place].text) in _FUNCTION_WORDS
        if place > start and (opens or place - start >= LONGEST_PHRASE or _pause(split, place)):
            yield range(start, place)
            start, full = place, False
        full = full or fold(split.units[place].text) not in _FUNCTION_WORDS
    if split.units:
        yield range(start, len(split.units))


def _pause(split: Split, place: int) -> bool:
    """Whether there is a pause before the word at this place."""
    return not _PAUSES.isdisjoint(split.text[split.units[place - 1].end : split.units[place].start])


def _phrase_terms(split: Split) -> tuple[Term, ...]:
    found: dict[tuple[str, ...], list[range]] = {}
    for run in phrases(split):
        found.setdefault(tuple(fold(split.units[place].text) for place in run), []).append(run)
    return tuple(
        Term(
            split.text[split.units[runs[0].start].start : split.units[runs[0].stop - 1].end],
            tuple(place for run in runs for place in run),
            len(runs),
        )
        for runs in found.values()
    )
