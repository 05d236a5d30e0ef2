"""Evidence to words: each tool's sentence patterns, filled with facts.

A pattern is a sentence with placeholders in braces and lists in brackets. Relations are roles: a sentence is said only
where the evidence has a fact for every relation it names, so a tool emits other relations for other situations.

    {relation}             the value of the first fact of that relation, with its unit: 73%, 24 months, declined
    {relation.feature}     its feature's label; also .cls (class label), .at (the feature's value at the instance),
                           .row ("applicant 12"), .id ("12"), .group, .rank ("second"), .error (standard error)
    {relation:size}        the absolute value; {relation:signed} the value with its sign; {relation:bare} without unit
    {relation:word A/B/C}  A where the value is positive or true, B where it is negative or false, C where it is zero
    {relation:one A/B}     A where the value is 1, else B: {count:one is/are}
    {relation:entities}    a count with its noun: "1 applicant", "1,000 applicants"
    [relation 3: item]     the first three facts of a relation, joined by commas and "and"; * or no number: all. In the
                           item {value}, {feature}, {at}, {cls}, {row}, {id}, {group}, {rank}, {error} and the formats
                           above ({value:size}) are those of the item; {x} and {x.feature} of another relation work too
    {row}                  the instance ("applicant 12", "your case"); no sentence without an instance
    {scope}                the selected rows, with a leading blank (" older than 40"); empty for all rows
    {changes}              the changes, to follow "with" ("duration 12 months shorter"); {changes:if} to follow "if"
    {entity} {entities} {target}   as the schema calls them

Where a tool is asked about changed rows without being about changes, the first {row} or {scope} says the changes too;
where no sentence says which rows it is about, the first one is told to. "a" and "an" follow the word that is put in.
An item of a list that cannot be said (a missing value, no word for zero) is left out.
An entry of `says` may be a tuple of variants of one sentence. Values are put in as they are and never read as patterns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from askwhy.agent.answer import Claim, Draft
from askwhy.agent.caveat_words import plain_caveat
from askwhy.agent.fact_words import can_say, fact_words
from askwhy.agent.letter import CLOSING, OPENERS
from askwhy.agent.letter import TOOL as LETTER_TOOL
from askwhy.agent.manner import Entry, Manner, chosen, entries, full_details
from askwhy.agent.pattern import WORDS, Listing, Part, Slot, parse
from askwhy.agent.plan import Form
from askwhy.agent.raw import MOST, listed
from askwhy.agent.rounding import decimals_of
from askwhy.agent.scope_words import changes_words, instance_words, scope_words
from askwhy.agent.wording import article, capitalised, clean, final_separator, joined, separator
from askwhy.tools.evidence import Caveat, Evidence, Fact
from askwhy.tools.registry import Tool, find_tool
from askwhy.tools.schema import Schema
from askwhy.tools.view import OWN_CASE

_UNSAID = 20
"""Facts listed where a tool has no pattern that can say its evidence."""


@dataclass(frozen=True)
class _Said:
    """A placeholder bound to a fact, by its position in the evidence."""

    slot: Slot
    index: int


@dataclass(frozen=True)
class _Items:
    """The items of a list, bound to facts."""

    items: tuple[tuple[str | Slot | _Said, ...], ...]


_Bound = str | Slot | _Said | _Items
_Sentence = tuple[_Bound, ...]


def verbalize(
    evidence: tuple[Evidence, ...],
    schema: Schema,
    *,
    variation: int = 0,
    forms: tuple[Form, ...] = (),
    manners: tuple[Manner, ...] = (),
) -> Draft:
    """The evidence in words, a paragraph for each step, with a claim for every placeholder filled from a fact.

    `variation` chooses among the variants of a sentence, another one in every paragraph; `forms` and `manners` are
    those of the steps, default: all in words for a colleague. A pattern that is none raises ValueError.
    """
    writer = _Writer()
    told: set[str] = set()
    for step, found in enumerate(evidence, 1):
        manner = manners[step - 1] if step <= len(manners) else Manner()
        letter = forms[step - 1 : step] == ("letter",) and found.tool == LETTER_TOOL
        writer.paragraph()
        if forms[step - 1 : step] == ("numbers",):
            writer.lines(listed(found), [f"{step}.{fact.id}" for fact in found.facts])
        else:
            paragraph = _Paragraph(writer, found, schema, find_tool(found.tool), step, manner, letter)
            paragraph.say(variation + step - 1)
        if letter:
            writer.paragraph()
        _warn(writer, found.caveats, manner, told)
        if letter:
            writer.paragraph()
            writer.literals(CLOSING)
        if told_whole := full_details(found, manner):
            writer.paragraph()
            writer.literals(told_whole)
    return Draft(text=writer.text, claims=tuple(writer.claims), writer="template")


def _warn(writer: _Writer, caveats: Sequence[Caveat], manner: Manner, told: set[str]) -> None:
    """Every caveat that was not told yet: in its own sentence, or together with others in plain words."""
    clauses: list[str] = []
    for caveat in caveats:
        plain = plain_caveat(caveat) if manner.joins_caveats else None
        words = plain or clean(caveat.text)
        if words in told:
            continue
        told.add(words)
        if plain:
            clauses.append(plain)
        else:
            writer.literals((words,))
    if clauses:
        writer.literals((f"Note that {joined([clauses[0], *(f'that {one}' for one in clauses[1:])])}",))


@dataclass
class _Writer:
    """The text so far and its claims: one blank between sentences, a capital first, a period last."""

    text: str = ""
    claims: list[Claim] = field(default_factory=list)
    gap: str = ""
    opening: bool = False
    ours: int = 0  # where the last literal begins: only there is "a" an article

    def paragraph(self) -> None:
        """What follows stands apart."""
        self.gap = "\n\n"

    def sentence(self) -> None:
        """Begin a sentence."""
        self.text += (self.gap or " ") if self.text else ""
        self.gap, self.opening = "", True

    def stop(self) -> None:
        """End the sentence."""
        if not self.text.endswith((".", "!", "?")):
            self.text += "."

    def literal(self, words: str) -> None:
        """Words of the pattern; no blank or period is doubled where a value is empty or ends with one."""
        if not self.text or self.text[-1].isspace():
            words = words.lstrip()
        if self.text.endswith(".") and re.match(r"\.(?!\.)", words):
            words = words[1:]
        self.ours = len(self.text)
        self._add(words)

    def literals(self, sentences: Sequence[str]) -> None:
        """Whole sentences that rest on no fact."""
        for words in sentences:
            self.sentence()
            self.literal(words)
            self.stop()

    def value(self, words: str, *facts: str) -> None:
        """A filled placeholder, and the facts it rests on."""
        found = re.search(r"(?<!\w)an?\s$", self.text, re.IGNORECASE)
        if found and found.start() >= self.ours:
            self.text = f"{self.text[: found.start() + 1]}{'n' if article(words) == 'an' else ''} "
        start = len(self.text)
        self._add(words)
        self.ours = len(self.text)
        if facts and words:
            self.claims.append(Claim(start=start, end=len(self.text), facts=facts))

    def lines(self, lines: Sequence[str], facts: Sequence[str]) -> None:
        """Lines as they are; after the first, there is one for each fact in turn, so far as there are any."""
        self.text += self.gap if self.text else ""
        for number, line in enumerate(lines):
            start = len(self.text)
            self.text += line
            if 0 < number <= min(len(facts), MOST):
                self.claims.append(Claim(start=start, end=len(self.text), facts=(facts[number - 1],)))
            self.text += "\n" if number < len(lines) - 1 else ""
        self.gap, self.opening = "\n", False

    def _add(self, words: str) -> None:
        if self.opening and words:
            words, self.opening = capitalised(words), False
        self.text += words


@dataclass
class _Paragraph:
    """What one step found, being written."""

    writer: _Writer
    evidence: Evidence
    schema: Schema
    tool: Tool
    step: int
    manner: Manner
    letter: bool = False
    decimals: dict[object, int] = field(default_factory=dict)
    changes_due: bool = False

    def say(self, variation: int) -> None:
        """Write every sentence that the facts can fill."""
        self.changes_due = bool(self.evidence.scope.changes) and self.tool.needs != "changes"
        sentences = self._sentences(variation) or self._plain()
        named = dict.fromkeys(said.index for one in sentences for said in _said(one) if said.slot.prints_value)
        self.decimals = dict(decimals_of([(index, self.evidence.facts[index]) for index in named], self.schema))
        if sentences and self._homeless(sentences):
            sentences[0] = self._about(sentences[0])
        if self.letter:
            self._salute()
        for sentence in sentences:
            if self.letter and self._opens(sentence):
                self.writer.paragraph()
            self.writer.sentence()
            self._write(sentence)
            self.writer.stop()

    def _salute(self) -> None:
        self.writer.sentence()
        self.writer.literal(f"Dear {instance_words(self.evidence.scope, self.schema, changes=False)},")
        self.writer.paragraph()

    def _opens(self, sentence: _Sentence) -> bool:
        """Whether a sentence of a letter begins a paragraph."""
        return any(self.evidence.facts[said.index].relation in OPENERS for said in _said(sentence))

    def _sentences(self, variation: int) -> list[_Sentence]:
        """The sentences that the facts can fill and the manner wants."""
        sayable: list[tuple[Entry, _Sentence]] = []
        for entry in entries(self.tool.says, self.manner):
            bound = [one for one in map(self._bind, entry.variants) if one is not None]
            if bound:
                sayable.append((entry, bound[variation % len(bound)]))
        kept = chosen([entry for entry, _ in sayable], self.manner, self.evidence)
        return [_in_one([sayable[place][1] for place in group]) for group in kept if group]

    def _bind(self, pattern: str) -> _Sentence | None:
        """The pattern with facts for its placeholders, None where one is absent."""
        bound: list[_Bound] = []
        for token in parse(pattern):
            if isinstance(token, Listing):
                indices = self._indices(token.relation)[: token.count]
                items = (self._bind_flat(token.item, index) for index in indices)
                sayable = tuple(item for item in items if item is not None)
                if not sayable:
                    return None
                bound.append(_Items(sayable))
                continue
            flat = self._bind_flat((token,), None)
            if flat is None:
                return None
            bound.extend(flat)
        return tuple(bound)

    def _bind_flat(self, tokens: Sequence[str | Slot], item: int | None) -> tuple[str | Slot | _Said, ...] | None:
        bound: list[str | Slot | _Said] = []
        for token in tokens:
            if isinstance(token, str):
                bound.append(token)
            elif token.name in WORDS:
                if self._words(token) is None:
                    return None
                bound.append(token)
            else:
                index = item if not token.name else next(iter(self._indices(token.name)), None)
                if index is None or not can_say(self.evidence.facts[index], token, self.schema):
                    return None
                bound.append(_Said(token, index))
        return tuple(bound)

    def _indices(self, relation: str) -> list[int]:
        return [index for index, fact in enumerate(self.evidence.facts) if fact.relation == relation]

    def _words(self, slot: Slot) -> str | None:
        """A placeholder that no fact fills; None where there is nothing to say."""
        scope, schema = self.evidence.scope, self.schema
        if slot.name == "row":
            return instance_words(scope, schema, changes=self.changes_due)
        if slot.name == "scope":
            return scope_words(scope, schema, changes=self.changes_due)
        if slot.name == "changes":
            return changes_words(scope.changes, schema, "if" if slot.form == "if" else "with") or None
        return clean({"entity": schema.entity, "entities": schema.entities}.get(slot.name, schema.target.label))

    def _homeless(self, sentences: list[_Sentence]) -> bool:
        """Whether no sentence says which rows it is about, though the step is not about all of them."""
        scope = self.evidence.scope
        if self.tool.needs == "nothing" or not (scope.has_instance or scope.where or self.changes_due):
            return False
        if any(slot.name == ("row" if scope.has_instance else "scope") for one in sentences for slot in _slots(one)):
            return False
        if not scope.has_instance or self.changes_due:  # a fact's row does not say what was changed about it
            return True
        rows = (said.index for one in sentences for said in _said(one) if said.slot.part in ("row", "id"))
        return all(self.evidence.facts[index].row != (scope.row or OWN_CASE) for index in rows)

    def _about(self, sentence: _Sentence) -> _Sentence:
        scope, schema = self.evidence.scope, self.schema
        words = instance_words(scope, schema, changes=self.changes_due)
        if words is None:
            words = f"{clean(schema.entities)}{scope_words(scope, schema, changes=self.changes_due)}"
        self.changes_due = False
        sentence = _continued(sentence)
        return (f"{'for' if scope.has_instance else 'among'} {words}, ", *sentence)

    def _plain(self) -> list[_Sentence]:
        """Evidence that no pattern can say: its facts, one after the other."""
        sayable = [
            (self._label(fact), _Said(Slot(fact.relation), index))
            for index, fact in enumerate(self.evidence.facts)
            if can_say(fact, Slot(fact.relation), self.schema)
        ]
        return [(label, said) for label, said in sayable[:_UNSAID]]

    def _label(self, fact: Fact) -> str:
        parts = [clean(fact.relation.replace("_", " "))]
        wanted: tuple[Part, ...] = ("feature", "cls", "row", "group")
        for part in wanted:
            slot = Slot(fact.relation, part)
            if can_say(fact, slot, self.schema):
                parts.append(fact_words(fact, slot, self.schema, None))
        return f"{', '.join(parts)}: "

    def _write(self, sentence: Sequence[_Bound]) -> None:
        for part in sentence:
            if isinstance(part, str):
                self.writer.literal(part)
            elif isinstance(part, Slot):
                self.writer.value(self._words(part) or "")
                self.changes_due = self.changes_due and part.name not in ("row", "scope")
            elif isinstance(part, _Said):
                self.writer.value(self._fact(part), f"{self.step}.{self.evidence.facts[part.index].id}")
            else:
                self._write_items(part)

    def _write_items(self, listed: _Items) -> None:
        texts = ["".join(self._plain_text(part) for part in item) for item in listed.items]
        for number, item in enumerate(listed.items):
            if number:
                last = number == len(texts) - 1
                self.writer.literal(final_separator(texts) if last else separator(texts))
            self._write(item)

    def _plain_text(self, part: str | Slot | _Said) -> str:
        return (
            part if isinstance(part, str) else self._fact(part) if isinstance(part, _Said) else self._words(part) or ""
        )

    def _fact(self, said: _Said) -> str:
        return fact_words(self.evidence.facts[said.index], said.slot, self.schema, self.decimals.get(said.index))


def _continued(sentence: _Sentence) -> _Sentence:
    """The sentence as it stands after other words."""
    first = sentence[0]
    if isinstance(first, str) and re.match(r"[A-Z]([a-z]|\s)", first):
        return (first[0].lower() + first[1:], *sentence[1:])
    return sentence


def _in_one(sentences: Sequence[_Sentence]) -> _Sentence:
    """Several sentences as one, with semicolons."""
    made = sentences[0]
    for other in sentences[1:]:
        last = made[-1]
        made = (*made[:-1], last.rstrip(".")) if isinstance(last, str) else made
        made = (*made, "; ", *_continued(other))
    return made


def _said(sentence: Sequence[_Bound]) -> Iterator[_Said]:
    for part in sentence:
        if isinstance(part, _Said):
            yield part
        elif isinstance(part, _Items):
            for item in part.items:
                yield from _said(item)


def _slots(sentence: Sequence[_Bound]) -> Iterator[Slot]:
    """The placeholders that no fact fills."""
    for part in sentence:
        if isinstance(part, Slot):
            yield part
        elif isinstance(part, _Items):
            for item in part.items:
                yield from _slots(item)
