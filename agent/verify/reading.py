"""A text as the checks see it: clauses with what they name, count and deny."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

from askwhy.agent.answer import Failure
from askwhy.agent.scope_words import Mood, changes_words, where_words
from askwhy.agent.verify.clauses import NEGATION, Span, clauses, inside, parentheses, quoted, sentences, words
from askwhy.agent.verify.ground import Ground, Known
from askwhy.agent.verify.mentions import (
    Mention,
    Target,
    find_mentions,
    named_with,
    ranges,
    row_mentions,
    schema_phrases,
    with_names,
)
from askwhy.agent.verify.numbers import Number, numbers
from askwhy.agent.verify.patterns import OPPOSITES, says_around
from askwhy.agent.verify.plain import is_plain
from askwhy.agent.verify.selections import selections
from askwhy.tools.evidence import Fact

_LISTING = "the a an its your his her their by of at and with for both also or to"
_LIST_WORDS = frozenset(_LISTING.split())
_VALUE_CUE = re.compile(
    r"\s*(?:\(|=|:|\bof\b|\bis\b|\bwas\b|\bwere\b|\bto\b|\bset to\b|\bvalue\b|\bas\b|\s)*\s*$", re.I
)
_IN_BRACKETS = re.compile(r"\s*(?:\(|=|:)\s*")
_MOODS: tuple[Mood, ...] = ("if", "with")
_HAS_VALUE = re.compile(r"\s+(?:were\s+|set to\s+|other than\s+|anything but\s+)?", re.I)
_CLASS_LEAD = re.compile(
    r"(?:\b(?:predict\w*|class|label\w*|outcome|as|of|between|from|to|for|than|is|are|be|was|were|really|and|or|either)"
    r"|[(“,:])\s*$", re.I
)  # fmt: skip
_CLASS_END = re.compile(
    r"\s*(?:$|[.,;:()”]|\b(?:and|or|but|for|with|is|was|are|were|would|instead|against|in|to|by|than|most|least|from|at|"
    r"rather|on|as)\b)", re.I
)  # fmt: skip
_NAMED_TARGET = re.compile(r"\b(?:predicted|true|actual)\s+$", re.I)
_VALUE_LEAD = re.compile(r"\b(?:for|at|to|from|than|of)\s+$", re.I)
_VALUE_END = re.compile(r"\s*(?:$|[.,;()]|\b(?:and|or|but|to|instead|against)\b)", re.I)


@dataclass(frozen=True)
class Clause:
    """One clause. `text` is its words with every name blanked out by underscores, of the same length.

    features, classes, rows: what it names itself. subjects, context, about: the same, or what an earlier clause of the
    sentence named, where it names none. listing: nothing but names, so that its neighbour says what holds of them.
    """

    start: int
    end: int
    sentence: int
    text: str
    mentions: tuple[Mention, ...]
    numbers: tuple[Number, ...]
    features: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    listing: bool = False
    negations: tuple[Span, ...] = ()

    def failure(self, check: str, message: str, span: Span | None = None) -> Failure:
        """A failure in this clause."""
        start, end = span or (self.start, self.end)
        return Failure(check=check, message=message, start=start, end=end)


@dataclass(frozen=True)
class Reading:
    """A text, read against the names that the schema and the evidence know."""

    text: str
    ground: Ground
    hidden: tuple[Span, ...] = field(default=())
    """Spans that need no reading: sentences of caveats, quoted word for word."""
    filled: Mapping[Span, tuple[Fact, ...]] = field(default_factory=dict)
    """Spans that a template filled in, and from which facts: there, "no" is a name and not a denial."""

    @cached_property
    def matched(self) -> dict[Number, tuple[Known, ...]]:
        """What each number was found to be, as far as it was asked."""
        return {}

    @cached_property
    def quotes(self) -> tuple[Span, ...]:
        """Quotations outside the hidden spans."""
        return tuple(span for span in quoted(self.text) if not inside(span[0], self.hidden))

    @cached_property
    def mentions(self) -> tuple[Mention, ...]:
        """Everything named, in order; what is in quotes is named only if the evidence has it as a feature."""
        masked = (*self.hidden, *self.quotes)
        ground, schema = self.ground, self.ground.schema
        phrases = with_names(schema_phrases(schema), _names(ground))
        long = (one for one in find_mentions(self.text, phrases, masked) if len(words(one.text)) > 1)
        names = tuple(one.span for one in long if one.names("feature"))
        rows = row_mentions(self.text, schema, ground.rows, masked, names)
        digits = tuple(ranges(self.text, schema, masked))
        masked = (*masked, *(one.span for one in (*rows, *digits)))
        named = find_mentions(self.text, phrases, masked, tuple(self.filled))
        found = [*rows, *digits, *named, *self._quoted_features()]
        if schema.modality == "text":  # "the text" is the instance, not a feature with an attribution
            whole = schema.names[0]
            found = [one for one in found if whole not in one.names("feature")]
        return self._settled(sorted((one for one in found if not self._is_wording(one)), key=lambda one: one.start))

    def _is_wording(self, mention: Mention) -> bool:
        """ "No weak region was found" where a feature is named region: the tool's own words, or a term of its own."""
        if mention.names("row"):
            return False
        if any(start <= mention.start and mention.end <= end for start, end in self._terms):
            return True
        if mention.span not in self.quotes and self._is_verb(mention):
            return True
        told = any(start <= mention.start < end for start, end in self._told)
        return not told and says_around(self.ground.evidence, self.text, mention.span)

    def _is_verb(self, mention: Mention) -> bool:
        """ "raises" where a feature is named raise."""
        return mention.text.lower() in OPPOSITES and mention.text.lower() not in self._labels(mention)

    def _labels(self, mention: Mention) -> set[str]:
        names = {target.name for target in mention.targets}
        schema = self.ground.schema
        return {one.label.lower() for one in (*schema.features, *schema.classes, schema.target) if one.name in names}

    @cached_property
    def _terms(self) -> tuple[Span, ...]:
        """Where the text says a term of several words that is no name of the data: "weak region", "absolute error"."""
        facts = ((one.tool, fact) for one in self.ground.evidence for fact in one.facts)
        terms = {fact.group if tool == "score" else fact.value for tool, fact in facts if _has_term(tool, fact)}
        return self._places(str(term) for term in terms if " " in str(term))

    @cached_property
    def _told(self) -> tuple[Span, ...]:
        """Spans of data alone: what a template filled in, and the selection in its own words."""
        schema = self.ground.schema
        said = [where_words(scope.where, schema) for scope in self.ground.scopes if scope.where]
        changed = [one.changes for one in self.ground.scopes if one.changes]
        said += [changes_words(one, schema, mood) for one in changed for mood in _MOODS]
        return (*self.filled, *self._places(one for one in said if one))

    def _places(self, phrases: Iterable[str]) -> tuple[Span, ...]:
        found = (re.finditer(rf"(?<!\w){re.escape(one)}(?!\w)", self.text, re.I) for one in dict.fromkeys(phrases))
        return tuple(match.span() for each in found for match in each)

    def _settled(self, found: list[Mention]) -> tuple[Mention, ...]:
        """ "yes" that directly follows a feature is that feature's value, though a class has the same name."""
        found = [self._meant(one) for one in found]
        settled = found[:1]
        for before, one in pairwise(found):
            features = before.names("feature")
            own = tuple(t for t in one.targets if t.kind == "category" and t.feature in features)
            is_value = own and len(one.targets) > 1 and self._follows(before, one)
            settled.append(replace(one, targets=own) if is_value else one)
        return tuple(settled)

    def _follows(self, feature: Mention, value: Mention) -> bool:
        """ "member (yes)" anywhere, "member yes" and "member set to yes" in what is data alone."""
        if _IN_BRACKETS.fullmatch(self.text, feature.end, value.start):
            return True
        told = any(start <= feature.start and value.end <= end for start, end in self._told)
        return told and bool(_HAS_VALUE.fullmatch(self.text, feature.end, value.start))

    def _meant(self, mention: Mention) -> Mention:
        """Of a class, a feature and a value of the same name, what the fact that a template filled in is about."""
        span = next((one for one in self.filled if one[0] <= mention.start and mention.end <= one[1]), None)
        if span is None or len({target.kind for target in mention.targets}) < 2:
            return mention
        named = tuple(target for target in mention.targets for fact in self.filled[span] if _is_about(fact, target))
        exact = tuple(one for one in named if len(named) > 1 and mention.text in self._spelled(one))
        return replace(mention, targets=tuple(dict.fromkeys(exact or named)) or mention.targets)

    def _spelled(self, target: Target) -> tuple[str, ...]:
        things = self.ground.schema.features if target.kind == "feature" else self.ground.schema.classes
        return tuple(one.label for one in things if one.name == target.name)

    def _quoted_features(self) -> list[Mention]:
        names = {fact.feature for fact in self.ground.facts if fact.feature}
        found = []
        for start, end in self.quotes:
            inner = self.text[start + 1 : end - 1].strip()
            if inner in names or inner.lower() in names:
                name = inner if inner in names else inner.lower()
                found.append(Mention(start, end, inner, (Target("feature", name),)))
        return found

    @cached_property
    def selections(self) -> tuple[Span, ...]:
        """Where the selection is said in askwhy's own words: true as it stands, and read apart from all else."""
        return selections(self.text, self.ground, (one.span for one in self.mentions))

    @cached_property
    def numbers(self) -> tuple[Number, ...]:
        """Every number that is not part of a name, a quotation or a caveat."""
        names = tuple(one.span for one in self.mentions if not {"more", "less"} & {t.kind for t in one.targets})
        return numbers(self.text, (*self.hidden, *self.quotes, *self.selections, *names))

    @cached_property
    def blanked(self) -> str:
        """The text with names as underscores and hidden spans and quotations as blanks."""
        chars = list(self.text)
        for start, end in (*self.hidden, *self.quotes):
            chars[start:end] = " " * (end - start)
        for one in self.mentions:
            named = not one.weak or self._is_whole_name(one) or (NEGATION.fullmatch(one.text) and self._counts(one))
            if named and not {"more", "less"} & {target.kind for target in one.targets}:
                chars[one.start : one.end] = "_" * (one.end - one.start)
        for start, end in self.selections:
            chars[start:end] = " " * (end - start)
        return "".join(chars)

    @cached_property
    def sentences(self) -> tuple[Span, ...]:
        """Sentences outside the hidden spans."""
        return tuple(span for span in sentences(self.text, self.hidden) if not inside(span[0], self.hidden))

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:
        """Every clause, in order."""
        found: list[Clause] = []
        for number, sentence in enumerate(self.sentences):
            found += _inherit([self._clause(span, number) for span in self._spans(sentence)])
        return tuple(found)

    def of_sentence(self, number: int) -> tuple[Clause, ...]:
        """The clauses of one sentence."""
        return tuple(clause for clause in self.clauses if clause.sentence == number)

    def _spans(self, sentence: Span) -> tuple[Span, ...]:
        return clauses(self.text, sentence, (*(one.span for one in self.mentions), *self.selections))

    def _clause(self, span: Span, sentence: int) -> Clause:
        start, end = span
        text = self.blanked[start:end]
        apart = (one for one in self.mentions if not inside(one.start, self.selections))
        mentions = tuple(one for one in apart if start <= one.start < end and self._counts(one))
        counted = tuple(number for number in self.numbers if start <= number.start < end)
        names = tuple(one.span for one in mentions)
        negations = tuple(
            (start + found.start(), start + found.end())
            for found in NEGATION.finditer(text)
            if not inside(start + found.start(), names)
        )
        return Clause(
            start, end, sentence, text, mentions, counted,
            features=tuple(dict.fromkeys((*_of_kind(mentions, "feature"), *self._with_values(mentions)))),
            classes=_of_kind(mentions, "class"),
            rows=_of_kind(mentions, "row"),
            listing=_is_listing(text, mentions),
            negations=negations,
        )  # fmt: skip

    def _with_values(self, mentions: tuple[Mention, ...]) -> Iterable[str]:
        found = (named_with(one, self.ground.schema) for one in mentions)
        return (one[0] for one in found if one is not None)

    def _counts(self, mention: Mention) -> bool:
        """Ordinary words are a name only where they stand for a feature's value, or are a label."""
        if not mention.weak:
            return True
        if any(target.kind in ("feature", "class") and target.label for target in mention.targets):
            return not NEGATION.fullmatch(mention.text) or self._stands_alone(mention)
        if any(target.kind in ("more", "less", "target") for target in mention.targets):
            return True
        if not any(target.kind == "category" for target in mention.targets):
            return False
        if re.match(r"\s+than\b", self.text[mention.end :], re.I):
            return False
        if self._is_value_phrase(mention) or self._is_filled_value(mention):
            return True
        before = [one for one in self.mentions if one.end <= mention.start and one.names("feature")]
        if not before or not _VALUE_CUE.fullmatch(self.text, before[-1].end, mention.start):
            return False
        return any(target.feature in before[-1].names("feature") for target in mention.targets)

    def is_filled(self, mention: Mention) -> bool:
        """Whether a template filled it in from a fact."""
        return any(start <= mention.start and mention.end <= end for start, end in self.filled)

    def _is_whole_name(self, mention: Mention) -> bool:
        """Whether ordinary words can only be a name: "support calls", "predicted gain", or "support" of a selection."""
        own = any(target.kind in ("feature", "class") and target.label for target in mention.targets)
        if not own:
            return bool(mention.names("target") and _NAMED_TARGET.search(self.text, 0, mention.start))
        if len(words(mention.text)) > 1:
            return True
        told = any(start <= mention.start and mention.end <= end for start, end in self._told)
        return told and mention.text.lower() in self._labels(mention)

    def _stands_alone(self, mention: Mention) -> bool:
        """Whether "no" is the class of that name: "predicts no for row 3", not "has no effect"."""
        if self.is_filled(mention):
            return True
        return bool(_CLASS_LEAD.search(self.text, 0, mention.start) and _CLASS_END.match(self.text, mention.end))

    def _is_filled_value(self, mention: Mention) -> bool:
        """Whether a template filled in just this value: "the values are no (67%) and yes (33%)"."""
        return any(_is_about(fact, one) for fact in self.filled.get(mention.span, ()) for one in mention.targets)

    def _is_value_phrase(self, mention: Mention) -> bool:
        """Whether "no" is a value in "63% for no and 46% for yes": a phrase of its own, of a feature just named."""
        named = {name for one in self.mentions if one.start < mention.start for name in one.names("feature")}
        if not any(target.feature in named for target in mention.targets if target.kind == "category"):
            return False
        return bool(_VALUE_LEAD.search(self.text, 0, mention.start) and _VALUE_END.match(self.text, mention.end))


def _is_about(fact: Fact, target: Target) -> bool:
    if target.kind == "class":
        return target.name in (fact.cls, str(fact.value) if fact.unit == "class" else None)
    if target.kind == "category":
        return fact.feature == target.feature and target.name in (str(fact.at), str(fact.value))
    return target.kind == "feature" and fact.feature == target.name


def _has_term(tool: str, fact: Fact) -> bool:
    return fact.relation == "flaw" or (tool == "score" and fact.group is not None)


def _of_kind(mentions: tuple[Mention, ...], kind: str) -> tuple[str, ...]:
    found: list[str] = []
    for one in mentions:
        targets = [target for target in one.targets if target.kind == kind]
        own = [target for target in targets if target.label] or targets
        if kind == "class" or len(own) == 1:
            found += [target.name for target in own]
    return tuple(dict.fromkeys(found))


def _is_listing(text: str, mentions: tuple[Mention, ...]) -> bool:
    if not any(one.names("feature") for one in mentions):
        return False
    spans = parentheses(text)
    rest = (word.lower for word in words(text) if not inside(word.start, spans))
    return all(set(word) == {"_"} or word in _LIST_WORDS for word in rest)


def _inherit(found: list[Clause]) -> list[Clause]:
    """Clauses without a feature, class or row of their own take the last one named in the sentence."""
    done: list[Clause] = []
    pending: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    for clause in found:
        pending_before = pending
        if clause.features:
            subjects = (*pending, *clause.features)
        context, rows = clause.classes or context, clause.rows or rows
        pending = subjects if clause.listing else ()
        done.append(
            replace(
                clause,
                subjects=(*pending_before, *clause.features) if clause.features else subjects,
                context=context,
                about=rows,
            )
        )
    return done


def _names(ground: Ground) -> list[tuple[str, Target]]:
    """Names that only the evidence knows: words of a text, ids that are not numbers."""
    known = {feature.name for feature in ground.schema.features}
    facts = ground.facts if ground.schema.modality == "table" else ()  # words of a text are named in quotes
    found = [
        (fact.feature, Target("feature", fact.feature))
        for fact in facts
        if fact.feature and fact.feature not in known and not is_plain(fact.feature.lower()) and len(fact.feature) > 2
    ]
    ids = [(row, Target("row", row)) for row in ground.rows if not any(map(str.isdigit, row)) and row != "new"]
    return found + ids
