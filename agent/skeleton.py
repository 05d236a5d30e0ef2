"""A draft with its values taken out: sentences of words and placeholders, and what every placeholder stands for.

    {1.f3}            the value of fact f3 of step 1, as the draft prints it; {1.f3.feature}, {1.f3.at}, {1.f3.cls} ...
    {1.row}           the instance of step 1; {1.scope} its selected rows; {1.changes} what is changed
    {fixed1}          other words of the draft with a digit in them
    {caveat1}         a whole sentence that has to be said as it is

Whoever words the answer anew moves placeholders about and never sees a chance to write a value: `filled` puts the words
in, which come from the draft, or for a fact that it does not print from the same code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from askwhy.agent.answer import Claim, Draft
from askwhy.agent.fact_words import can_say, fact_words
from askwhy.agent.pattern import Form, Part, Slot
from askwhy.agent.scope_words import changes_words, instance_words, scope_words
from askwhy.agent.verify.check_slots import find_caveats, find_details
from askwhy.agent.verify.clauses import Span, inside, sentences
from askwhy.agent.wording import article, capitalised
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Scope

Kind = Literal[
    "feature",
    "cls",
    "row",
    "at",
    "value",
    "group",
    "rank",
    "id",
    "error",
    "scope",
    "changes",
    "word",
    "fixed",
    "caveat",
]

PLACEHOLDER = re.compile(r"\{(?P<name>[\w.:-]+)(?:\|(?P<alias>[^{}|]+))?\}")
"""A placeholder, with the alias that is to be printed for the name of a feature or class, if any."""

_FORMS: dict[Part, tuple[Form, ...]] = {
    "feature": ("",), "cls": ("",), "row": ("",), "at": ("", "bare"),
    "value": ("", "size", "signed", "bare", "entities"), "rank": ("", "bare"), "group": ("",),
    "error": ("", "bare"), "id": ("",),
}  # fmt: skip
_MOST_DECIMALS = 8


@dataclass(frozen=True)
class Placeholder:
    """One thing that may be said. `key`: two placeholders of the same kind and key mean the same.

    fact: "STEP.FACT" it rests on, empty for words of the scope. aliases: other names it may be printed by.
    """

    name: str
    words: str
    kind: Kind
    key: str
    fact: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sentence:
    """A sentence of the draft with placeholders. opens: it is the first of its paragraph."""

    text: str
    opens: bool = False


@dataclass(frozen=True)
class Skeleton:
    """A draft without its values."""

    sentences: tuple[Sentence, ...]
    placeholders: tuple[Placeholder, ...]
    evidence: tuple[Evidence, ...] = field(repr=False)
    schema: Schema = field(repr=False)

    @cached_property
    def by_name(self) -> dict[str, Placeholder]:
        """The placeholders of the draft by name."""
        return {one.name: one for one in self.placeholders}

    @property
    def text(self) -> str:
        """The draft with placeholders, a paragraph for each step."""
        return "".join(("\n\n" if one.opens else " ") + one.text for one in self.sentences).strip()

    @property
    def required(self) -> tuple[str, ...]:
        """Names that have to be said: those of the first sentence of every paragraph, and every caveat."""
        names = [name for one in self.sentences if one.opens for name in names_in(one.text)]
        return tuple(dict.fromkeys((*names, *(one.name for one in self.placeholders if one.kind == "caveat"))))

    def find(self, name: str) -> Placeholder | None:
        """The placeholder of this name; None where the draft has no such thing."""
        return self.by_name.get(name)


def names_in(text: str) -> tuple[str, ...]:
    """Names of the placeholders of a text, in order."""
    return tuple(match["name"] for match in PLACEHOLDER.finditer(text))


def skeleton(draft: Draft, evidence: tuple[Evidence, ...], schema: Schema) -> Skeleton:
    """The draft, which a template wrote, with its values taken out."""
    cut = _Cut(draft, evidence, schema)
    return Skeleton(tuple(cut.sentences()), tuple(cut.found.values()), evidence, schema)


def filled(text: str, bones: Skeleton) -> Draft:
    """The text with the words of its placeholders, which all exist; claims say what each rests on."""
    done, claims, last = "", [], 0
    for match in PLACEHOLDER.finditer(text):
        one = bones.find(match["name"])
        if one is None:
            raise KeyError(match["name"])
        done += text[last : match.start()]
        words = match["alias"] or one.words
        opens = not done.rstrip("“( ") or done.rstrip("“( ")[-1] in ".!?\n"
        done = re.sub(r"(?<!\w)([Aa])n?(?= $)", rf"\1{article(words)[1:]}", done)
        words = capitalised(words) if opens else words
        if one.fact:
            claims.append(Claim(start=len(done), end=len(done) + len(words), facts=(one.fact,)))
        done += words
        last = match.end()
        if words.endswith(".") and text[last : last + 1] == ".":
            last += 1
    return Draft(text=done + text[last:], claims=tuple(claims), writer="llm")


@dataclass
class _Cut:
    """A draft being cut: every span of it that becomes a placeholder."""

    draft: Draft
    evidence: tuple[Evidence, ...]
    schema: Schema
    found: dict[str, Placeholder] = field(default_factory=dict)

    def sentences(self) -> Iterator[Sentence]:
        text = self.draft.text
        hidden = self._whole()
        spans = self._spans(hidden)
        last = 0
        for start, end in sentences(text, (*hidden, *((start, end) for start, end, _ in spans))):
            opens = not last or "\n" in text[last:start]
            last = end
            if any(start < stop and begin < end for begin, stop in hidden):
                name = self._keep(text[start:end], "caveat")
                yield Sentence(f"{{{name}}}", opens)
                continue
            yield Sentence(self._holed(start, end, spans), opens)

    def _whole(self) -> tuple[Span, ...]:
        """Spans that are said word for word: caveats, and what was computed of the method."""
        text = self.draft.text
        return (*find_caveats(text, self.evidence)[0], *find_details(text, self.evidence)[0])

    def _spans(self, hidden: tuple[Span, ...]) -> list[tuple[int, int, str]]:
        """What is taken out, in order: values of facts, words of the scopes, whatever else has a digit."""
        taken = [(start, end, name) for start, end, name in self._claims() if not inside(start, hidden)]
        for words, kind, name, key in self._scopes():
            for match in re.finditer(rf"(?<!\w){re.escape(words)}(?!\w)", self.draft.text, re.I):
                if not _overlaps(match.span(), taken):
                    self.found.setdefault(name, Placeholder(name, words, kind, key))
                    taken.append((*match.span(), name))
        for match in re.finditer(r"“[^”]*”|\S*\d\S*(?<![.,;:)])|\S*[{}]\S*", self.draft.text):
            if not _overlaps(match.span(), taken) and not inside(match.start(), hidden):
                taken.append((*match.span(), self._keep(match.group(), "fixed")))
        return sorted(taken)

    def _claims(self) -> Iterator[tuple[int, int, str]]:
        text = self.draft.text
        last = 0
        for claim in sorted(self.draft.claims, key=lambda one: (one.start, -one.end)):
            if claim.start < last or len(claim.facts) != 1:
                continue
            one = self._printed(claim.facts[0], text[claim.start : claim.end])
            if one is None:
                continue
            start, end = claim.start, claim.end
            if text[start - 1 : start] == "“" and text[end : end + 1] == "”":
                start, end = start - 1, end + 1
                one = Placeholder(f"{one.name}.quoted", text[start:end], "word", text[start:end], one.fact)
            self.found.setdefault(one.name, one)
            last = end
            yield start, end, one.name

    def _printed(self, name: str, words: str) -> Placeholder | None:
        """Which part of the fact the words are; None for words that were only chosen by it, such as "raises"."""
        fact = self._fact(name)
        if fact is None:
            return None
        for part, forms in _FORMS.items():
            for form in forms:
                slot = Slot("", part, form)
                plain = self._says(fact, slot, words)
                if plain is not None:
                    return _placeholder(name, fact, slot, plain, self.schema)
        return None

    def _says(self, fact: Fact, slot: Slot, words: str) -> str | None:
        """What the slot prints, where that is these words, capitalised or not."""
        numeric = slot.part == "value" and slot.form != ""
        if numeric and (isinstance(fact.value, (bool, str)) or fact.value is None):
            return None
        if not can_say(fact, slot, self.schema):
            return None
        for decimals in (None, *range(_MOST_DECIMALS)) if slot.part == "value" else (None,):
            printed = fact_words(fact, slot, self.schema, decimals)
            if words in (printed, capitalised(printed)):
                return printed
        return None

    def _fact(self, name: str) -> Fact | None:
        step, _, own = name.partition(".")
        facts = self.evidence[int(step) - 1].facts
        return next((fact for fact in facts if fact.id == own), None)

    def _scopes(self) -> Iterator[tuple[str, Kind, str, str]]:
        """Words of the scopes, longest first."""
        found: dict[str, tuple[str, Kind, str, str]] = {}
        for step, one in enumerate(self.evidence, 1):
            for name, kind, words in _scope_words(one.scope, self.schema):
                if words and words not in found:
                    found[words] = (words, kind, f"{step}.{name}", words.lower())
        return iter(sorted(found.values(), key=lambda one: -len(one[0])))

    def _holed(self, start: int, end: int, spans: list[tuple[int, int, str]]) -> str:
        parts, last = [], start
        for begin, stop, name in spans:
            if start <= begin < end:
                parts += [self.draft.text[last:begin], f"{{{name}}}"]
                last = stop
        return "".join((*parts, self.draft.text[last:end]))

    def _keep(self, words: str, kind: Kind) -> str:
        same = next((one.name for one in self.found.values() if (one.kind, one.words) == (kind, words)), None)
        name = same or f"{kind}{sum(one.kind == kind for one in self.found.values()) + 1}"
        self.found.setdefault(name, Placeholder(name, words, kind, words))
        return name


def _overlaps(span: Span, taken: list[tuple[int, int, str]]) -> bool:
    return any(span[0] < end and start < span[1] for start, end, _ in taken)


def _scope_words(scope: Scope, schema: Schema) -> Iterator[tuple[str, Kind, str]]:
    yield "row", "row", instance_words(scope, schema, changes=False) or ""
    yield "row_changed", "row", instance_words(scope, schema, changes=True) or ""
    yield "scope", "scope", scope_words(scope, schema, changes=False).strip()
    yield "scope_changed", "scope", scope_words(scope, schema, changes=True).strip()
    if scope.changes:
        yield "changes", "changes", changes_words(scope.changes, schema)
        yield "changes_if", "changes", changes_words(scope.changes, schema, "if")


def _placeholder(name: str, fact: Fact, slot: Slot, words: str, schema: Schema) -> Placeholder:
    """The placeholder of one part of a fact."""
    own = f"{name}{'' if slot.part == 'value' else f'.{slot.part}'}{f':{slot.form}' if slot.form else ''}"
    if slot.part == "feature":
        known = next((one for one in schema.features if one.name == fact.feature), None)
        return Placeholder(
            own, words, "feature", str(fact.feature), name, _aliases(known.words() if known else (), words)
        )
    if slot.part == "cls" or (slot.part == "value" and fact.unit == "class"):
        cls = str(fact.cls if slot.part == "cls" else fact.value)
        known_class = next((one for one in schema.classes if one.name == cls), None)
        return Placeholder(own, words, "cls", cls, name, _aliases(known_class.words() if known_class else (), words))
    if slot.part in ("row", "id"):
        return Placeholder(own, words, "row", words.lower(), name)
    if slot.part == "at":
        return Placeholder(own, words, "at", f"{fact.feature} {fact.row} {words}", name)
    kind: Kind = "value" if slot.part == "value" else slot.part
    return Placeholder(own, words, kind, f"{name} {words}", name)


def _aliases(names: tuple[str, ...], words: str) -> tuple[str, ...]:
    """Names that may stand for these words: without a digit, a brace or a bar, which would need reading."""
    return tuple(one for one in dict.fromkeys(names) if one != words and not re.search(r"[\d{}|_]", one))
