"""Faults put into true answers on purpose, to measure what the verifier catches.

Knows nothing of the verifier: each corruption is an edit of the text that makes a statement of it false.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from askwhy.tools.evidence import Evidence
from askwhy.tools.schema import Schema

_NUMBER = re.compile(r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?(?![\d,]*\.\d)(?!\w)")
_OPPOSITES = (
    ("raises", "lowers"), ("higher", "lower"), ("rises", "falls"), ("more important", "less important"),
    ("increases", "decreases"), ("supports", "opposes"), ("lifts", "lowers"), ("reduces", "raises"),
    ("pushes up", "pushes down"), ("brings up", "brings down"), ("pulls up", "pulls down"), ("climbs", "drops"),
    ("goes up", "goes down"), ("increase", "decrease"),
)  # fmt: skip
_VERBS = ((r"\braise(?= (?:it|the|this|that)\b)", "lower"), (r"\blower(?= (?:it|the|this|that)\b)", "raise"))
_BOUNDS = (
    ("older than", "younger than"), ("above", "below"), ("more than", "less than"), ("at least", "at most"),
    ("longer than", "shorter than"), ("larger than", "smaller than"), ("higher than", "lower than"),
    ("or older", "or younger"), (" longer", " shorter"), (" wrong", " right"),
)  # fmt: skip
_RANKS = (("most", "least"), ("first", "second"), ("second", "third"), ("third", "fifth"), ("largest", "smallest"))
_UNITS = ("months", "years", "days", "DM", "mm", "kg", "g", "euros")
_INVENTED = ("marital status", "postcode", "shoe size", "monthly salary", "blood type", "browser history")
_JOINER = re.compile(r"[\s,;]*(?:and|or|nor|with|from|to|versus|against|than)?[\s,;]*(?:the\s+)?", re.I)
_JOINER_END = re.compile(r"[\s,;]*(?:and|or|while|but)?[\s,;]*$", re.I)
_BRACKETED = re.compile(r"\s*\(([^()]*)\)")
_PERCENT = re.compile(r"\s*per ?cent\b")
_SPELLINGS = re.compile(r"percentage points?|points?\b|pp\b")
_OF_ANY_CLASS = re.compile(r"\s+(?:is one of the \w+ classes|draws\b)")  # "fresh draws" are no class
_WORDY_NOT = re.compile(r"\b(?:not|never|no longer)\s|(?<=\s)other than\s")


@dataclass(frozen=True)
class _Answer:
    """A true answer and what it rests on."""

    text: str
    evidence: tuple[Evidence, ...]
    schema: Schema
    rng: random.Random

    def labels(self) -> list[str]:
        """Labels of features that the text names, longest first."""
        named = {label for feature in self.schema.features if self.places(label := feature.label)}
        words = {f"“{fact.feature}”" for one in self.evidence for fact in one.facts if fact.feature}
        return sorted({*named, *(word for word in words if word in self.text)}, key=lambda word: (-len(word), word))

    def places(self, phrase: str) -> list[re.Match[str]]:
        """Where a phrase stands as whole words, outside the caveats."""
        pattern = rf"(?<!\w){re.escape(phrase)}(?!\w)"
        return [found for found in re.finditer(pattern, self.text, re.IGNORECASE) if not self.hidden(found.start())]

    def hidden(self, position: int) -> bool:
        """Whether a position lies in a caveat or in a quotation."""
        spans = [found.span() for found in re.finditer(r"“[^”]*”", self.text)]
        for one in self.evidence:
            for caveat in one.caveats:
                start = self.text.find(caveat.text.rstrip("."))
                spans += [(start, start + len(caveat.text))] if start >= 0 else []
        return any(start < position < end for start, end in spans)

    def put(self, start: int, end: int, words: str) -> str:
        """The text with a span replaced; the case of its first letter is kept."""
        if self.text[start:end][:1].isupper():
            words = words[:1].upper() + words[1:]
        return self.text[:start] + words + self.text[end:]

    def numbers(self) -> list[re.Match[str]]:
        """Numbers outside the caveats and quotations."""
        return [found for found in _NUMBER.finditer(self.text) if not self.hidden(found.start())]


def corruptions(text: str, evidence: tuple[Evidence, ...], schema: Schema, seed: int = 0) -> list[tuple[str, str]]:
    """Corrupted versions of a true answer as (kind, text): at most one or two of each kind that applies.

    Every one makes a statement that the evidence does not bear out, by rules that look at the text and the facts: items
    of a list may stand in any order, what is said of one class may hold of another, one feature alone is the most and
    the least.
    """
    answer = _Answer(text, evidence, schema, random.Random(seed))
    found: dict[str, str] = {}
    for kind, make in _KINDS.items():
        for corrupted in make(answer):
            if corrupted != text:
                found.setdefault(corrupted, kind)
    return [(kind, corrupted) for corrupted, kind in found.items()]


def _swap_words(answer: _Answer, pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    for one, other in pairs:
        for wanted, put in ((one, other), (other, one)):
            if places := answer.places(wanted.strip()):
                place = answer.rng.choice(places)
                yield answer.put(place.start(), place.end(), put.strip())


def _flipped_sign(answer: _Answer) -> Iterator[str]:
    yield from _swap_words(answer, _OPPOSITES)
    for pattern, put in _VERBS:
        if found := [one for one in re.finditer(pattern, answer.text) if not answer.hidden(one.start())]:
            yield answer.put(found[0].start(), found[0].end(), put)
    signed = [
        found for found in re.finditer(r"(?<=[\s(])[+\-−](?=\d)", answer.text) if not answer.hidden(found.start())
    ]
    for place in signed[:1]:
        yield answer.put(place.start(), place.end(), "-" if place.group() == "+" else "+")


def _swapped_features(answer: _Answer) -> Iterator[str]:
    """Two features of the same sentence change places, where different things are said of them."""
    labels = answer.labels()
    sites = sorted((place.start(), place.end()) for label in labels for place in answer.places(label))
    spans = [span for span in sites if not any(o[0] <= span[0] and span[1] <= o[1] and o != span for o in sites)]
    ends = [*(start for start, _ in spans[1:]), len(answer.text)]
    pairs = [
        (a, b)
        for (a, b), after in zip(pairwise(spans), ends[1:], strict=False)
        if answer.text[slice(*a)].lower() != answer.text[slice(*b)].lower()
        and ". " not in answer.text[a[1] : b[0]]
        and _told_apart(answer.text[a[1] : b[0]], answer.text[b[1] : after])
    ]
    if pairs:
        (a, b), (c, d) = answer.rng.choice(pairs)
        yield answer.text[:a] + answer.text[c:d] + answer.text[b:c] + answer.text[a:b] + answer.text[d:]


def _told_apart(between: str, after: str) -> bool:
    """Whether what is said of the first of two features is not said of the second: a list may be in any order."""
    if _JOINER.fullmatch(between):
        return False
    parts = [_PERCENT.sub("%", _SPELLINGS.sub("points", part.lower())) for part in (between, after)]
    inside = [_BRACKETED.match(part) for part in parts]
    if inside[0] and inside[1]:
        return inside[0][1] != inside[1][1]
    first, second = (re.sub(r"^\W+|\W+$", "", _JOINER_END.sub("", part.partition(". ")[0])) for part in parts)
    return first != second and not re.match(r"\s*(?:with|and|from)\s", after)


def _changed_digit(answer: _Answer) -> Iterator[str]:
    for place in answer.rng.sample(answer.numbers(), min(2, len(answer.numbers()))):
        digits = [i for i in range(place.start(), place.end()) if answer.text[i].isdigit()]
        at = answer.rng.choice(digits)
        new = answer.rng.choice([digit for digit in "123456789" if digit != answer.text[at]])
        if not _rounds_to_both(
            answer, place.group(), place.group()[: at - place.start()] + new + place.group()[at + 1 - place.start() :]
        ):
            yield answer.text[:at] + new + answer.text[at + 1 :]


def _rounded_wrong(answer: _Answer) -> Iterator[str]:
    places = [place for place in answer.numbers() if "." in place.group() or answer.text[place.end() :].startswith("%")]
    for place in answer.rng.sample(places, min(1, len(places))):
        printed = place.group().replace(",", "")
        decimals = len(printed.partition(".")[2])
        wrong = f"{float(printed) + 10.0**-decimals:.{decimals}f}"
        if not _rounds_to_both(answer, printed, wrong):
            yield answer.put(place.start(), place.end(), wrong)


def _rounds_to_both(answer: _Answer, one: str, other: str) -> bool:
    """Whether a value of the evidence lies halfway between two printed numbers, so that it may be printed as either."""
    told = [float(text.replace(",", "")) for text in (one, other)]
    half = 0.5 * 10.0 ** -len(one.partition(".")[2])
    values = (fact.value for each in answer.evidence for fact in each.facts)
    sizes = [abs(value) * scale for value in values if isinstance(value, float) for scale in (1, 100)]
    return any(all(abs(size - number) <= half + 1e-9 * max(size, 1) for number in told) for size in sizes)


def _invented_feature(answer: _Answer) -> Iterator[str]:
    known = " ".join(one.canonical() for one in answer.evidence).lower()
    invented = answer.rng.choice([name for name in _INVENTED if name not in known] or _INVENTED)
    if labels := answer.labels():
        place = answer.rng.choice(answer.places(answer.rng.choice(labels)) or answer.places(labels[0]) or [None])
        if place is not None:
            yield answer.put(place.start(), place.end(), invented)
    yield f"{answer.text.rstrip()} The {invented} matters too."


def _wrong_class(answer: _Answer) -> Iterator[str]:
    labels = [label.label for label in answer.schema.classes]
    places = [
        (place, label)
        for label in labels
        for place in answer.places(label)
        if not _OF_ANY_CLASS.match(answer.text, place.end())
    ]
    if places:
        place, label = answer.rng.choice(places)
        other = answer.rng.choice([one for one in labels if one != label])
        if not _also_true(answer, place, label, other):
            yield answer.put(place.start(), place.end(), other)


def _also_true(answer: _Answer, place: re.Match[str], label: str, other: str) -> bool:
    """Whether the evidence has the same of the other class: as many rows, say."""
    names = {one.label: one.name for one in answer.schema.classes}
    start = answer.text.rfind(". ", 0, place.start()) + 1
    end = (answer.text + ". ").find(". ", place.end())
    said = {found.group().replace(",", "") for found in _NUMBER.finditer(answer.text, start, end)}
    facts = [fact for one in answer.evidence for fact in one.facts if fact.cls in (names[label], names[other])]
    known: dict[tuple[object, ...], set[str | None]] = {}
    for fact in facts:
        if isinstance(fact.value, int) and str(fact.value) in said:
            known.setdefault((fact.relation, fact.group, fact.value), set()).add(fact.cls)
    return any({names[label], names[other]} <= classes for classes in known.values())


def _wrong_row(answer: _Answer) -> Iterator[str]:
    pattern = rf"(?<=\b{re.escape(answer.schema.entity)} )\d+\b"
    places = [found for found in re.finditer(pattern, answer.text, re.IGNORECASE) if not answer.hidden(found.start())]
    if places:
        place = answer.rng.choice(places)
        yield answer.put(place.start(), place.end(), str(int(place.group()) + answer.rng.randint(1, 9)))


def _dropped_not(answer: _Answer) -> Iterator[str]:
    places = [found for found in _WORDY_NOT.finditer(answer.text) if not answer.hidden(found.start())]
    for place in places[:1]:
        yield answer.text[: place.start()] + answer.text[place.end() :]


def _added_not(answer: _Answer) -> Iterator[str]:
    for pattern, put in (
        (r"\bpredicts ", "does not predict "),
        (r"\braises ", "does not raise "),
        (r"\bwith (?=\w+ \w)", "with not "),
    ):
        places = [found for found in re.finditer(pattern, answer.text) if not answer.hidden(found.start())]
        if places and not put.startswith("with"):
            yield answer.put(places[0].start(), places[0].end(), put)


def _percent_for_points(answer: _Answer) -> Iterator[str]:
    for pattern, put in ((r" percentage points?", "%"), (r"(?<=\d)%", " percentage points")):
        places = [found for found in re.finditer(pattern, answer.text) if not answer.hidden(found.start())]
        if places:
            place = answer.rng.choice(places)
            yield answer.text[: place.start()] + put + answer.text[place.end() :]


def _wrong_rank(answer: _Answer) -> Iterator[str]:
    for one, other in _RANKS:
        if one in ("most", "largest") and _alone(answer):
            continue
        if places := [
            place for place in answer.places(one) if not re.match(r" (?:common|\d)", answer.text[place.end() :])
        ]:
            yield answer.put(places[0].start(), places[0].end(), other)


def _alone(answer: _Answer) -> bool:
    """Whether nothing is ranked, or just one feature: that is the most and the least."""
    ranked = [
        fact for one in answer.evidence for fact in one.facts
        if fact.rank is not None and (fact.feature or fact.at) and isinstance(fact.value, float)
    ]  # fmt: skip
    sides = [{fact.feature or fact.at for fact in ranked if (fact.number() > 0) == up} for up in (True, False)]
    return bool(ranked) and (min(map(len, sides)) == 1 or len(sides[0] | sides[1]) == 1)


def _wrong_unit(answer: _Answer) -> Iterator[str]:
    for unit in _UNITS:
        places = [found for found in re.finditer(rf"(?<=\d ){unit}\b", answer.text) if not answer.hidden(found.start())]
        if places:
            place = answer.rng.choice(places)
            other = answer.rng.choice([one for one in _UNITS if one != unit])
            yield answer.text[: place.start()] + other + answer.text[place.end() :]
            return


def _wrong_value(answer: _Answer) -> Iterator[str]:
    """The value in brackets after a feature."""
    for feature in answer.rng.sample(answer.schema.features, len(answer.schema.features)):
        for place in answer.places(feature.label):
            match = re.compile(r" \(([^()]+)\)").match(answer.text, place.end())
            if match is None:
                continue
            others = [one.label for one in feature.categories if one.label != match[1]]
            digits = _NUMBER.match(match[1])
            if others and match[1] in {one.label for one in feature.categories}:
                yield answer.text[: match.start(1)] + answer.rng.choice(others) + answer.text[match.end(1) :]
                return
            if digits and not re.search(r"%|point", match[1]):
                value = float(digits.group().replace(",", "")) + answer.rng.randint(1, 9)
                yield answer.text[: match.start(1)] + f"{value:g}" + answer.text[match.start(1) + digits.end() :]
                return


def _invented_number(answer: _Answer) -> Iterator[str]:
    known = [abs(fact.value) for one in answer.evidence for fact in one.facts if isinstance(fact.value, float)]
    ways = {"17.3%": 0.173, "0.617": 0.617, "23.4 percentage points": 0.234}
    fresh = [text for text, size in ways.items() if all(abs(value - size) > 6e-4 for value in known)]
    number = answer.rng.choice(fresh or list(ways))
    yield f"{answer.text.rstrip()} The average of the others is {number}."


def _dropped_caveat(answer: _Answer) -> Iterator[str]:
    for one in answer.evidence:
        for caveat in one.caveats:
            start = answer.text.find(caveat.text)
            if start >= 0:
                yield (answer.text[:start].rstrip() + answer.text[start + len(caveat.text) :]).strip()
                return


def _swapped_before_after(answer: _Answer) -> Iterator[str]:
    value = r"[+\-]?\d[\d,.]*\d%?|\d%?"
    for pattern in (
        rf"(?P<a>{value}) instead of (?P<b>{value})",
        rf"from (?P<a>{value})(?: at [\w ,.]+?)? to (?P<b>{value})",
    ):
        match = re.search(pattern, answer.text)
        if match is not None and match["a"] != match["b"]:
            (a, b), (c, d) = match.span("a"), match.span("b")
            yield answer.text[:a] + match["b"] + answer.text[b:c] + match["a"] + answer.text[d:]


def _wrong_condition(answer: _Answer) -> Iterator[str]:
    if any(one.scope.where or one.scope.changes for one in answer.evidence):
        yield from _swap_words(answer, _BOUNDS)


def _causal_claim(answer: _Answer) -> Iterator[str]:
    if labels := answer.labels():
        yield f"{answer.text.rstrip()} In the world, {labels[0]} causes this outcome."


_KINDS: dict[str, Callable[[_Answer], Iterator[str]]] = {
    "flipped sign": _flipped_sign,
    "swapped features": _swapped_features,
    "changed digit": _changed_digit,
    "rounded wrong": _rounded_wrong,
    "invented feature": _invented_feature,
    "wrong class": _wrong_class,
    "wrong row": _wrong_row,
    "dropped not": _dropped_not,
    "added not": _added_not,
    "per cent for points": _percent_for_points,
    "wrong rank": _wrong_rank,
    "wrong unit": _wrong_unit,
    "wrong value": _wrong_value,
    "invented number": _invented_number,
    "dropped caveat": _dropped_caveat,
    "before for after": _swapped_before_after,
    "wrong condition": _wrong_condition,
    "causal claim": _causal_claim,
}

KINDS = tuple(_KINDS)
"""Every kind of fault, in order."""
