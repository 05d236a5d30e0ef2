"""For whom an answer is worded and how long it is: which of a tool's sentences are said, and in which words.

It works on the patterns before they are filled, so it fits every tool, and what is said stays bound to facts:

    one sentence   the tool's `Brief` pattern, else the first that the facts can fill and that says more than what is
                   predicted, after that; then what has to be said beside it
    short          the first sentences that are no detail
    full           everything, with the method, what was measured and every check
    customer       no sentence with a technical term, unless nothing else is left; intervals and errors are cut out
    expert         everything, with the `Expert` patterns, the method, what was measured and every check

Caveats are said at any length and to everybody. In one sentence and for customers they are joined to one more short
sentence in plain words (`caveat_words`): a warning that is dropped for brevity would make the answer say more than is
known (V7). So is the share that the named features make up (V6).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from askwhy.agent.details import details
from askwhy.agent.plan import Audience, Length, Plan, Step
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import Says
from askwhy.tools.says import Brief, Expert

SHORT = 2
"""Sentences of a short answer, beside what has to be said."""

LOW_SHARE = 0.8
"""V6: under this the share that the named features make up is said at any length."""

REQUIRED = "named_share"
"""The relation whose sentence is said at any length where the share is low."""

_JARGON = re.compile(
    r"\b(SHAP|Shapley|LIME|DiCE|occlusion|integrated gradients|marginalisation|log-odds|log odds|standard error|"
    r"standard deviations?|p-value|adjusted p|discovery rate|AUC|Brier|log loss|squared error|absolute error|"
    r"calibration error|residual|random orders?|random rankings?|seeds?|correlation|variance|background|surrogate|bets|"
    r"attributions?|attributed|shuffled|permut\w+|root mean square|features picked at random|quartile|halvings|"
    r"prediction set|prediction interval|bins|layers?|confidence|other measures|chosen by how far|twins|"
    r"the (?:method|numbers) (?:is|are|say|come)|average over the reference|replaced by those of the reference)\b|R²",
    re.IGNORECASE,
)
_TECHNICAL = re.compile(r"\.error\b|\{level\}")
_SLOT = re.compile(r"\{[^{}]*\}|\[\w+ ?[*\d]*:")
_LEVEL = r"(?:a|an|the) (?:\{level\} )?interval"
_CUT = (
    (re.compile(rf",? with {_LEVEL}(?: of the difference)? from \{{[^{{}}]*\}} to \{{[^{{}}]*\}}"), ""),
    (re.compile(rf"[;,] {_LEVEL} (?:goes up to|is|runs from) \{{[^{{}}]*\}}(?: to \{{[^{{}}]*\}})?"), ""),
    (re.compile(r", with a standard error of \{[^{}]*\}"), ""),
    (re.compile(r", so at \{level\} confidence [^.;]*"), ""),
    (re.compile(r" \(adjusted p \{\w+\}\)"), ""),
    (
        re.compile(r"^At a false discovery rate of at most \{rate\}, |, at a false discovery rate of at most \{rate\}"),
        "",
    ),
    (re.compile(r"; as it includes zero, "), "; "),
)
_INTERVALS = _CUT[:3]
_PLAIN = (
    (re.compile(r"That accounts for (\{\w+\}) of the total attribution"), r"These make up \1 of what moves it"),
    (re.compile(r"(\[top\*: \{feature\}|\{top_one\.feature\}) \(\{\w+\}\)"), r"\1"),
    (re.compile(r"an approximation: \{how\}"), "an approximation"),
)
_LEANS = re.compile(r"(?:That|They|Those|By that|Compared with them|From there|Together|So)\b|[^,;:]*\bof them\b")
_FACT = re.compile(r"[{\[](?!(?:row|scope|entity|entities|target)\})")
_CONTEXT = re.compile(r"\{(?:prediction|probability|explained_probability(?:\.cls)?|estimate|row)\}")


@dataclass(frozen=True)
class Manner:
    """How one step is told."""

    audience: Audience = "colleague"
    length: Length | None = None

    @property
    def plain(self) -> bool:
        """Whether technical words are left out."""
        return self.audience == "customer"

    @property
    def joins_caveats(self) -> bool:
        """Whether caveats are said together in plain words."""
        return self.plain or self.length == "sentence"

    @property
    def whole(self) -> bool:
        """Whether the method, what was measured and every check are told."""
        return (self.audience == "expert" and self.length is None) or self.length == "full"


def manner_of(step: Step) -> Manner:
    """How a step is to be told; a letter is for the person it is about, and as long as a letter has to be."""
    if step.form == "letter":
        return Manner(step.audience or "customer")
    return Manner(step.audience or "colleague", step.length)


def manners_of(plan: Plan) -> tuple[Manner, ...]:
    """How every step is to be told."""
    return tuple(map(manner_of, plan.steps))


@dataclass(frozen=True)
class Entry:
    """The variants of one sentence; `detail` where it holds what only a specialist reads."""

    variants: tuple[str, ...]
    brief: bool
    detail: bool

    def names(self, relation: str) -> bool:
        """Whether the sentence says a fact of this relation."""
        return any(f"{{{relation}" in one for one in self.variants)

    @property
    def states(self) -> bool:
        """Whether the sentence says anything that was found."""
        return bool(_FACT.search(self.variants[0]))

    @property
    def context(self) -> bool:
        """Whether the sentence says no more than what is predicted."""
        return self.states and not _FACT.search(_CONTEXT.sub("", self.variants[0]))

    @property
    def leans(self) -> bool:
        """Whether the sentence goes on from the one before it."""
        return bool(_LEANS.match(self.variants[0]))


def entries(says: Says, manner: Manner) -> tuple[Entry, ...]:
    """The tool's sentences that may be said in this manner, in its order, each in the words for it."""
    found = []
    for one in says:
        variants = (one,) if isinstance(one, str) else one
        brief, expert = (any(isinstance(text, mark) for text in variants) for mark in (Brief, Expert))
        if (entry := _entry(variants, brief, expert, manner)) is not None:
            found.append(entry)
    return tuple(found)


@functools.lru_cache(maxsize=4096)
def _entry(variants: tuple[str, ...], brief: bool, expert: bool, manner: Manner) -> Entry | None:
    if brief and manner.length != "sentence":
        return None
    if expert and not (manner.whole or manner.audience == "expert"):
        return None
    told = tuple(_reworded(one, manner) for one in variants)
    return Entry(told, brief, detail=expert or any(map(_is_technical, told)))


def _is_technical(pattern: str) -> bool:
    return bool(_TECHNICAL.search(pattern) or _JARGON.search(_SLOT.sub(" ", pattern)))


def _reworded(pattern: str, manner: Manner) -> str:
    changes: tuple[tuple[re.Pattern[str], str], ...] = ()
    if manner.plain:
        changes = (*_CUT, *_PLAIN)
    elif manner.length in ("sentence", "short") and manner.audience != "expert":
        changes = _INTERVALS
    for cut, words in changes:
        pattern = cut.sub(words, pattern)
    return pattern


def chosen(sayable: Sequence[Entry], manner: Manner, evidence: Evidence) -> list[list[int]]:
    """Places of the entries to say, among those that the evidence can fill; those of one list make one sentence."""
    places = list(range(len(sayable)))
    fitting = _without_details(sayable) if manner.plain or manner.length == "short" else places
    if manner.length == "sentence":
        kept = [_one_sentence(sayable, fitting)]
    else:
        kept = [[place] for place in fitting][: SHORT if manner.length == "short" else None]
    said = {place for group in kept for place in group}
    low = any(fact.relation == REQUIRED and fact.number() < LOW_SHARE for fact in evidence.facts)
    share = _share(sayable)
    if low and share is not None and share not in said and share - 1 in said:
        kept.append([share])
    return kept


def _share(sayable: Sequence[Entry]) -> int | None:
    """The place of the sentence on the share that the named features make up; it goes on from the one before it."""
    return next((place for place, entry in enumerate(sayable) if entry.names(REQUIRED)), None)


def _without_details(sayable: Sequence[Entry]) -> list[int]:
    """The sentences without technical words, nor those that go on from one that is left out; the first if all have."""
    kept: list[int] = []
    dropped = False
    for place, entry in enumerate(sayable):
        dropped = entry.detail or (dropped and entry.leans)
        if not dropped:
            kept.append(place)
    return kept or [0][: len(sayable)]


def _one_sentence(sayable: Sequence[Entry], fitting: list[int]) -> list[int]:
    """The brief answer; else the first sentence that says what was found, after what is predicted."""
    briefs = [place for place, entry in enumerate(sayable) if entry.brief]
    stating = [place for place in fitting if sayable[place].states] or fitting
    if briefs or not stating:
        return briefs[:1]
    first, *others = stating
    if not sayable[first].context:
        return [first]
    share = _share(sayable)
    reasons = [place for place in others if share is not None and place == share - 1]
    return [first, *(reasons or [place for place in others if not sayable[place].context])[:1]]


def full_details(evidence: Evidence, manner: Manner) -> tuple[str, ...]:
    """Sentences on the method and the checks, where everything is to be told; the check takes them as they are."""
    return details(evidence) if manner.whole else ()
