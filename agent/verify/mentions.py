"""Where a text names features, classes, categories and rows: longest name first, whole words, case ignored."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from askwhy.agent.verify.clauses import Span, Word, inside, words
from askwhy.agent.verify.plain import is_plain
from askwhy.tools.schema import Schema

Kind = Literal["feature", "class", "category", "row", "target", "more", "less"]
Phrases = dict[tuple[str, ...], tuple["Target", ...]]

_CLASS_CUE = re.compile(r"\b(?:class|predict(?:s|ed|ion)?|label(?:led)?|outcome|as)\s+(?:is\s+|of\s+)?$", re.I)
_POSSESSIVE = re.compile(r"(?:['’]s?|\b(?:its|their|his|her|your|my|our))\s+$", re.I)
_GAP = re.compile(r"[\s_/'’-]*|\s?&\s?|\s\(")
_RANGE = re.compile(r"(?<!\w)[\d.,]*\d(?![\w.,])")
_NUMBER = re.compile(r"[-+]?[\d.,]+")
_OF_FEATURE = r"(?: is| were| set to| other than| of)? \(?"


@dataclass(frozen=True)
class Target:
    """What is named. For a category, `name` is its value as text; `label`: the words are the thing's own name."""

    kind: Kind
    name: str
    feature: str = ""
    label: bool = True


@dataclass(frozen=True)
class Mention:
    """A span that names something; several targets where the words are ambiguous.

    `weak`: the words are ordinary English ("no", "other"), so that only their place can tell.
    """

    start: int
    end: int
    text: str
    targets: tuple[Target, ...]
    weak: bool = False

    def names(self, kind: Kind) -> tuple[str, ...]:
        """Names of the targets of one kind."""
        return tuple(target.name for target in self.targets if target.kind == kind)

    @property
    def span(self) -> Span:
        """Start and end."""
        return self.start, self.end


def find_mentions(
    text: str, phrases: Phrases, masked: tuple[Span, ...] = (), whole: tuple[Span, ...] = ()
) -> tuple[Mention, ...]:
    """Every mention outside the masked spans, in order, not overlapping; none that begins outside of a `whole` span and
    ends in it, or the other way round."""
    tokens = words(text)
    longest = max(map(len, phrases), default=0)
    found, position = [], 0
    while position < len(tokens):
        mention, length = None, 1
        if not inside(tokens[position].start, masked):
            mention, length = _longest(text, tokens, position, phrases, longest, whole)
        if mention is not None:
            found.append(mention)
        position += length
    return tuple(found)


def _longest(
    text: str, tokens: tuple[Word, ...], position: int, phrases: Phrases, longest: int, whole: tuple[Span, ...]
) -> tuple[Mention | None, int]:
    for length in range(min(longest, len(tokens) - position), 0, -1):
        run = tokens[position : position + length]
        if not all(_GAP.fullmatch(text, a.end, b.start) for a, b in pairwise(run)):
            continue
        targets = _bracketed(text, run, _lookup(tuple(word.lower for word in run), phrases))
        if targets and _allowed(text, run, targets):
            start, end = run[0].start, run[-1].end
            if any(start < first < end < last or first < start < last < end for first, last in whole):
                continue
            end += text[start:end].count("(") > text[start:end].count(")") and text[end : end + 1] == ")"
            weak = all(word.lower.isdigit() or is_plain(word.lower) or word.lower in _SHORT for word in run)
            weak = weak and not (length > 1 and run[-1].lower.isdigit())  # "column 2" is nothing but a name
            return Mention(start, end, text[start:end], targets, weak), length
    return None, 1


def _bracketed(text: str, run: tuple[Word, ...], targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """Across a bracket only what is spelled so: "car (new)", but not "savings (little)" for little savings."""
    said = text[run[0].start : run[-1].end]
    if "(" not in said:
        return targets
    return tuple(one for one in targets if one.name.lower() in (said.lower(), f"{said.lower()})"))


_SHORT = frozenset({"yes", "no", "true", "false", "other", "others", "unknown", "missing", "not"})


def _lookup(key: tuple[str, ...], phrases: Phrases) -> tuple[Target, ...]:
    last = key[-1]
    singular = (last[:-3] + "y",) if last.endswith("ies") else (last[:-1], last[:-2]) if last.endswith("s") else ()
    for form in (last, *singular):
        if found := phrases.get((*key[:-1], form)):
            return found
    return ()


def _allowed(text: str, run: tuple[Word, ...], targets: tuple[Target, ...]) -> bool:
    """A name made of digits is a class only after a word that says so, else a number; "its own" is no housing."""
    if [word.lower for word in run] == ["own"] and _POSSESSIVE.search(text, 0, run[0].start):
        return False
    if not all(word.text.replace(".", "").isdigit() for word in run):
        return True
    return any(target.kind == "class" for target in targets) and bool(_CLASS_CUE.search(text, 0, run[0].start))


def tokens_of(phrase: str) -> tuple[str, ...]:
    """A phrase as the key it is looked up by."""
    return tuple(word.lower for word in words(phrase))


@functools.lru_cache(maxsize=64)
def schema_phrases(schema: Schema) -> Phrases:
    """Everything that the schema gives a name to."""
    found: dict[tuple[str, ...], dict[Target, None]] = {}

    def note(names: Iterable[str], own: tuple[str, ...], kind: Kind, name: str, feature: str = "") -> None:
        for phrase in names:
            if key := tokens_of(phrase):
                found.setdefault(key, {})[Target(kind, name, feature, phrase in own)] = None

    for feature in schema.features:
        note(feature.words(), (feature.label, feature.name), "feature", feature.name)
        note(feature.more, (), "more", feature.name)
        note(feature.less, (), "less", feature.name)
        for category in feature.categories:
            own = (category.label, category.name)
            note(category.words(), own, "category", str(category.value), feature.name)
    for label in schema.classes:
        note(label.words(), (label.label, label.name), "class", label.name)
    note(schema.target.words(), (schema.target.label,), "target", schema.target.name)
    return {key: tuple(targets) for key, targets in found.items()}


def named_with(mention: Mention, schema: Schema) -> tuple[str, int] | None:
    """The feature that a value is said with, and where its label ends: "checking account not known"."""
    values = {target.feature for target in mention.targets if target.kind == "category"}
    for feature in schema.features if values and not mention.names("feature") else ():
        if feature.name in values and mention.text.lower().startswith(f"{feature.label.lower()} "):
            return feature.name, mention.start + len(feature.label)
    return None


def ranges(text: str, schema: Schema, masked: tuple[Span, ...]) -> Iterator[Mention]:
    """Values that are written with digits, after their feature: "age group 18-29", "age group (65+)"."""
    for feature in schema.features:
        spelled = [one for one in feature.categories if _RANGE.search(one.label) and not _NUMBER.fullmatch(one.label)]
        for one in spelled:
            head = rf"(?<!\w){re.escape(feature.label)}{_OF_FEATURE}"
            for match in re.finditer(rf"{head}({re.escape(one.label)})(?!\w)", text, re.I):
                if not inside(match.start(1), masked):
                    yield Mention(*match.span(1), match[1], (Target("category", str(one.value), feature.name),))


def with_names(phrases: Phrases, names: Iterable[tuple[str, Target]]) -> Phrases:
    """The phrases and some more that only this evidence names."""
    more = {key: (target,) for phrase, target in names if (key := tokens_of(phrase)) and key not in phrases}
    return {**phrases, **more} if more else phrases


def row_mentions(
    text: str, schema: Schema, known: frozenset[str], masked: tuple[Span, ...] = (), names: tuple[Span, ...] = ()
) -> tuple[Mention, ...]:
    """Row ids after the word for a row: "applicant 12", "rows 12, 57 and 103", "#12"; not after "number of rows", if
    that is one of the `names`."""
    found = []
    for match in _row_pattern(schema).finditer(text):
        if inside(match.start(), names):
            continue
        start, end = match.span("ids") if match["ids"] else match.span("id")
        for part in _ROW_ID.finditer(text, start, end):
            if not inside(part.start(), masked) and (part.group() in known or any(map(str.isdigit, part.group()))):
                found.append(Mention(part.start(), part.end(), part.group(), (Target("row", part.group()),)))
    return tuple(found)


_ROW_ID = re.compile(r"\b(?!and\b|or\b)\w(?:[\w-]*\w)?")


@functools.lru_cache(maxsize=64)
def _row_pattern(schema: Schema) -> re.Pattern[str]:
    """A list of ids only follows a plural: in "for row 12, 3 features ..." the 3 is no id."""
    several = "|".join(re.escape(word) for word in ("rows", "cases", "instances", "ids", schema.entities) if word)
    single = "|".join(re.escape(word) for word in ("row", "case", "instance", "id", schema.entity) if word)
    one = r"(?=[\w-]*\d)\w(?:[\w-]*\w)?(?![\w-]|\s?%|\s?per\s?cent|[.,]\d|\s?point)"
    numbered = r"\s+(?:number\s+|no\.?\s*|id\s+|#)?"
    listed = rf"{one}(?:(?:,\s*(?:and\s+|or\s+)?|\s+and\s+|\s+or\s+){one})*"
    heads = rf"\b(?:{several}){numbered}(?P<ids>{listed})|(?:\b(?:{single}){numbered}|(?<!\w)#)(?P<id>{one})"
    return re.compile(heads, re.I)
