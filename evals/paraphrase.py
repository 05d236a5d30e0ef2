"""Other words for a true answer, as a language model might choose them: true by construction.

A draft is cut into the values that its claims bind to facts, names that the schema knows, quotations and caveats,
none of which is reworded, and the words between. Only those are exchanged for words of the same meaning; values are
respelled (82 percent, 8 percentage points as 8 pp, three), sentences joined, phrases moved, items that are not ranked
put in another order. Nothing here asks the verifier.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from askwhy.agent.answer import Claim, Draft
from askwhy.evals.paraphrase_words import CONNECTIVES, LEADS, SYNONYMS
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.schema import Schema

_QUOTED = re.compile(r"“[^”]*”")
_STOP = re.compile(r"[.!?](?=\s|$)")
_ANAPHOR = re.compile(
    r"\b(?:it|its|this|that|these|those|they|their|them|same|other|others|both|again|also|next|then|but|however|"
    r"instead|here|there|such|so|still|too|either|neither|latter|former|rest|one|each|further|second|third)\b",
    re.I,
)
_RANKED = re.compile(
    r"\b(?:most|least|first|second|third|last|top|rank\w*|order|strongest|weakest|largest|smallest|highest|lowest|"
    r"from|respectively|followed|then|more|less|by size|main|\w+ly)\b", re.I
)  # fmt: skip
_SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NO_OPENER = re.compile(r"(?:I|[A-Z]{2,}|\W)")


@dataclass(frozen=True)
class Piece:
    """A run of the text. `facts`: what it rests on; `fixed`: it is not reworded."""

    text: str
    facts: tuple[str, ...] = ()
    fixed: bool = False


Sentence = tuple[Piece, ...]


def paraphrased(draft: Draft, evidence: tuple[Evidence, ...], schema: Schema, seed: int = 0) -> Draft:
    """The draft in other words, with its claims; the same seed gives the same words.

    Answers in lines of raw numbers are returned as they are.
    """
    if "\n" in draft.text.replace("\n\n", ""):
        return draft
    rng = random.Random(seed)
    facts = {f"{step}.{fact.id}": fact for step, one in enumerate(evidence, 1) for fact in one.facts}
    paragraphs = [_sentences(part) for part in _paragraphs(_pieces(draft, evidence, schema))]
    told = [_joined(_reordered([_reworded(one, facts, rng) for one in part], rng), rng) for part in paragraphs if part]
    return _draft(told)


def _paragraphs(pieces: list[Piece]) -> list[list[Piece]]:
    found: list[list[Piece]] = [[]]
    for one in pieces:
        parts = one.text.split("\n\n") if not one.fixed else [one.text]
        for number, part in enumerate(parts):
            if number:
                found.append([])
            if part:
                found[-1].append(replace(one, text=part))
    return found


def _pieces(draft: Draft, evidence: tuple[Evidence, ...], schema: Schema) -> list[Piece]:
    """The text cut at everything that is kept: claims first, then caveats, quotations and names."""
    spans: list[tuple[int, int, tuple[str, ...]]] = []

    def take(start: int, end: int, facts: tuple[str, ...] = ()) -> None:
        if start < end and all(end <= a or start >= b for a, b, _ in spans):
            spans.append((start, end, facts))

    for caveat in (caveat for one in evidence for caveat in one.caveats):
        words = r"\s+".join(map(re.escape, caveat.text.split()))
        for found in re.finditer(words, draft.text):
            take(*found.span())
    for claim in draft.claims:
        take(claim.start, claim.end, claim.facts)
    for found in _QUOTED.finditer(draft.text):
        take(*found.span())
    for name in _names(schema):
        for found in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", draft.text, re.I):
            take(*found.span())
    pieces, position = [], 0
    for start, end, facts in sorted(spans):
        if position < start:
            pieces.append(Piece(draft.text[position:start]))
        pieces.append(Piece(draft.text[start:end], facts, fixed=True))
        position = end
    return [*pieces, Piece(draft.text[position:])]


def _names(schema: Schema) -> list[str]:
    things: Iterable[str] = (
        word
        for one in (*schema.features, *schema.classes, schema.target)
        for word in (*one.words(), *(label for group in getattr(one, "categories", ()) for label in group.words()))
    )
    return sorted({word for word in things if len(word) > 1}, key=lambda word: (-len(word), word))


def _sentences(pieces: list[Piece]) -> list[Sentence]:
    """Sentences of the pieces; a caveat, which is a piece with its own period, stands alone."""
    found: list[list[Piece]] = [[]]
    for one in pieces:
        if one.fixed:
            found[-1].append(one)
            if _STOP.search(one.text, len(one.text) - 1) and not one.facts and len(one.text.split()) > 3:
                found.append([])
            continue
        start = 0
        for stop in _STOP.finditer(one.text):
            found[-1].append(replace(one, text=one.text[start : stop.end()]))
            found.append([])
            start = stop.end()
        found[-1].append(replace(one, text=one.text[start:]))
    trimmed = (_trimmed(one) for one in found)
    return [one for one in trimmed if one]


def _trimmed(pieces: list[Piece]) -> Sentence:
    kept = [one for one in pieces if one.text]
    if kept and not kept[0].fixed:
        kept[0] = replace(kept[0], text=kept[0].text.lstrip())
    if kept and not kept[-1].fixed:
        kept[-1] = replace(kept[-1], text=kept[-1].text.rstrip())
    return tuple(one for one in kept if one.text)


def _is_caveat(sentence: Sentence) -> bool:
    return all(one.fixed and not one.facts for one in sentence)


def _reworded(sentence: Sentence, facts: dict[str, Fact], rng: random.Random) -> Sentence:
    if _is_caveat(sentence):
        return sentence
    moved = _moved(_shuffled(sentence, rng), rng)
    told = []
    for number, one in enumerate(moved):
        after = moved[number + 1] if number + 1 < len(moved) else None
        if one.fixed:
            told.append(_respelled(one, facts, after, rng))
        else:
            told.append(replace(one, text=_exchanged(one.text, rng)))
    return tuple(told)


def _exchanged(text: str, rng: random.Random) -> str:
    """The words with some replaced by others of the same meaning."""

    def other(found: re.Match[str], options: tuple[str, ...]) -> str:
        if rng.random() < 0.3:
            return found.group()
        word = found.expand(rng.choice(options))
        return word[:1].upper() + word[1:] if found.group()[:1].isupper() else word

    done = ""
    while text:
        best = min(
            ((found.start(), -found.end(), number) for number, (pattern, _) in enumerate(SYNONYMS)
             if (found := pattern.search(text)) is not None),
            default=None,
        )  # fmt: skip
        if best is None:
            break
        pattern, options = SYNONYMS[best[2]]
        found = pattern.search(text)
        assert found is not None
        done += text[: found.start()] + other(found, options)
        text = text[found.end() :]
    return done + text


def _respelled(one: Piece, facts: dict[str, Fact], after: Piece | None, rng: random.Random) -> Piece:
    """A value written in another way: 82 percent, 0.82, 8 pp, three."""
    fact = facts.get(one.facts[0]) if len(one.facts) == 1 else None
    if fact is None or isinstance(fact.value, str) or fact.value is None:
        return one
    ways: list[str] = [one.text]
    share = re.fullmatch(r"(\d+(?:\.\d+)?)%", one.text)
    if share:
        ways += [f"{share[1]} percent", f"{share[1]} per cent"]
    if share and fact.unit == "probability":
        decimals = len(share[1].partition(".")[2]) + 2
        ways.append(f"{float(share[1]) / 100:.{decimals}f}")
    points = re.fullmatch(r"([+\-−]?\d+(?:\.\d+)?) percentage points", one.text)
    if points:
        ways += [f"{points[1]} points", f"{points[1]} pp"]
    follows = after is not None and re.match(r"\s[a-z]{3,}", after.text) is not None
    if fact.unit == "count" and re.fullmatch(r"\d+", one.text) and int(one.text) < len(_SMALL) and follows:
        ways.append(_SMALL[int(one.text)])
    return replace(one, text=rng.choice(ways))


def _shuffled(sentence: Sentence, rng: random.Random) -> Sentence:
    """Items of a list ("a (1), b (2) and c (3)") in another order, where nothing in the sentence ranks them."""
    words = " ".join(one.text for one in sentence if not one.fixed)
    if rng.random() < 0.5 or _RANKED.search(words):
        return sentence
    items = _items(sentence)
    if len(items) < 2:
        return sentence
    order = rng.sample(items, len(items))
    told: list[Piece] = list(sentence[: items[0][0]])
    for number, (start, end) in enumerate(order):
        told += sentence[start:end]
        told += sentence[items[number][1] : items[number + 1][0]] if number + 1 < len(items) else ()
    return (*told, *sentence[items[-1][1] :])


def _items(sentence: Sentence) -> list[tuple[int, int]]:
    """Runs of pieces between the commas and the "and" of one list: alike in what stands between their values."""
    cuts = [number for number, one in enumerate(sentence) if not one.fixed and one.text in (", ", " and ", "; ")]
    if not cuts:
        return []
    edges = [(a + 1, b) for a, b in pairwise(cuts)]
    shape = [one.text for one in sentence[edges[0][0] : edges[0][1]] if not one.fixed] if edges else []
    if not edges or any([one.text for one in sentence[a:b] if not one.fixed] != shape for a, b in edges):
        return []
    width = edges[0][1] - edges[0][0]
    first, last = cuts[0] - width, cuts[-1] + 1 + width
    if first < 0 or last > len(sentence) or any(b - a != width for a, b in edges):
        return []
    ends = [(first, cuts[0]), (cuts[-1] + 1, last)]
    alike = all(
        [one.fixed for one in sentence[a:b]] == [one.fixed for one in sentence[slice(*edges[0])]] for a, b in ends
    )
    same = all([one.text for one in sentence[a:b] if not one.fixed] == shape for a, b in ends)
    return [ends[0], *edges, ends[1]] if alike and same else []


def _moved(sentence: Sentence, rng: random.Random) -> Sentence:
    """ "For applicant 12, X." as "X, for applicant 12." and "If A, B." as "B if A."; both ways."""
    text = "".join(one.text if not one.fixed else "_" * len(one.text) for one in sentence)
    if rng.random() < 0.4 or not text.endswith(".") or text.count(",") != 1 or re.search("[;:()]", text):
        return sentence
    found = re.match(r"(?P<lead>(?:For|If|With|At|Among) [^,]+), (?P<rest>[^,]+)\.$", text)
    if found is None:
        return sentence
    lead, rest = _cut(sentence, *found.span("lead")), _cut(sentence, *found.span("rest"))
    if rest[0].fixed or not lead or _NO_OPENER.match(rest[0].text) or lead[0].fixed:
        return sentence
    return (*_opened(rest, str.upper), Piece(" "), *_opened(lead, str.lower), Piece("."))


def _cut(sentence: Sentence, start: int, end: int) -> Sentence:
    """The pieces between two positions of the sentence's text."""
    found, position = [], 0
    for one in sentence:
        a, b = max(start - position, 0), min(end - position, len(one.text))
        if a < b:
            found.append(replace(one, text=one.text[a:b]))
        position += len(one.text)
    return tuple(found)


def _opened(sentence: Sentence, case: Callable[[str], str]) -> Sentence:
    """The sentence with its first letter in another case; names keep theirs."""
    first = sentence[0]
    if first.fixed:
        return sentence
    return (replace(first, text=case(first.text[:1]) + first.text[1:]), *sentence[1:])


def _reordered(told: list[Sentence], rng: random.Random) -> list[Sentence]:
    """Neighbours that stand for themselves change places; the first sentence, which answers, stays."""
    order = list(told)
    for number in range(1, len(order) - 1):
        one, other = order[number], order[number + 1]
        free = not any(_is_caveat(each) or _ANAPHOR.search(_literal(each)) for each in (one, other))
        later = _literal(order[number + 2]) if number + 2 < len(order) else ""
        if free and not _ANAPHOR.search(later) and rng.random() < 0.4:
            order[number], order[number + 1] = other, one
    return order


def _literal(sentence: Sentence) -> str:
    return " ".join(one.text for one in sentence if not one.fixed)


def _joined(told: list[Sentence], rng: random.Random) -> list[Sentence]:
    """Some neighbours become one sentence, some get a connecting word."""
    found: list[Sentence] = []
    for number, one in enumerate(told):
        plain = not _is_caveat(one) and not one[0].fixed and not _NO_OPENER.match(one[0].text)
        before = found[-1] if found else None
        way = rng.random()
        if before is not None and plain and way < 0.25 and not _is_caveat(before) and _ends_plainly(before):
            last = replace(before[-1], text=before[-1].text[:-1])
            found[-1] = (*before[:-1], last, Piece(rng.choice(LEADS)), *_opened(one, str.lower))
        elif number and plain and way < 0.5:
            found.append((Piece(rng.choice(CONNECTIVES)), *_opened(one, str.lower)))
        else:
            found.append(one)
    return found


def _ends_plainly(sentence: Sentence) -> bool:
    last = sentence[-1]
    return not last.fixed and last.text.endswith(".") and sum(len(one.text) for one in sentence) < 160


def _draft(paragraphs: list[list[Sentence]]) -> Draft:
    text, claims = "", []
    for paragraph in paragraphs:
        text += "\n\n" if text else ""
        for number, sentence in enumerate(paragraph):
            text += " " if number else ""
            for one in sentence:
                if one.facts:
                    claims.append(Claim(start=len(text), end=len(text) + len(one.text), facts=one.facts))
                text += one.text
    return Draft(text=text, claims=tuple(claims), writer="llm")
