"""The check of a text: split, read, test each claim on the model, and put right what is false.

The text is untrusted: it is data, is never followed, and what is read of it is bounded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from askwhy.agent.check.grammar import Claim
from askwhy.agent.check.judge_data import judge_count, judge_group, judge_stat
from askwhy.agent.check.judge_if import judge_whatif
from askwhy.agent.check.judge_model import judge_effect, judge_model, judge_score
from askwhy.agent.check.judge_push import judge_because, judge_push, judge_uses
from askwhy.agent.check.judge_rank import judge_rank
from askwhy.agent.check.judge_row import judge_chance, judge_class, judge_estimate, judge_vague, judge_value
from askwhy.agent.check.judge_text import judge_word_push, judge_words
from askwhy.agent.check.judging import Edit, Finding, Judge, NotTestable, agreed, together, unsure
from askwhy.agent.check.marks import Marked
from askwhy.agent.check.probe import Probe, Spent
from askwhy.agent.check.reading import Part, led, parts_of, safe_beside, sketched
from askwhy.agent.check.result import Checked, CheckedSentence
from askwhy.agent.check.unread import why_unread
from askwhy.agent.plan import Check
from askwhy.agent.run import Runner
from askwhy.agent.verify.clauses import Span, sentences
from askwhy.agent.wording import article, capitalised, row_name
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.schema import Schema
from askwhy.tools.subject import Subject

MAX_TEXT = 100_000
"""Characters that are read."""
MAX_SENTENCES = 300
MAX_SENTENCE = 600
"""Characters of a sentence that is read; nobody checks a longer one by eye either."""

JUDGES: dict[str, Judge] = {
    "class": judge_class, "chance": judge_chance, "estimate": judge_estimate, "value": judge_value,
    "vague": judge_vague, "push": judge_push, "because": judge_because, "rank": judge_rank, "uses": judge_uses,
    "whatif": judge_whatif, "model": judge_model, "count": judge_count, "group": judge_group, "stat": judge_stat,
    "score": judge_score, "effect": judge_effect, "words_in": judge_words, "word_push": judge_word_push,
}  # fmt: skip
"""Who judges what a clause may claim, by the names of [patterns]."""

_KINDS = tuple(JUDGES)
_AMBIGUOUS = "It can be read in two ways, of which only one is true."
_LIMIT = "It was not tested: the limit of what one text may ask of the model was reached."
_SEVERAL_LINES = re.compile(r"(?<=[^\s.!?:,;])\n(?=[^\S\n]*[^\s\-*•\d\n])")


def check_text(
    text: str, subject: Subject, runner: Runner, row: str | None = None, cancelled: Callable[[], bool] = lambda: False
) -> tuple[Checked, Subject]:
    """Every sentence of a text with whether it is true; and the subject with the outputs that became known.

    `row`: whom the text is about, where it does not say. Raises UnknownName if there is no such row.
    """
    if row is not None:
        subject.position(row)
    plain = _cleaned(text[:MAX_TEXT])
    probe = Probe(subject, runner, row, cancelled)
    spans = sentences(plain)
    checking = _Checking(probe, row)
    found = tuple(checking.sentence(plain, span) for span in spans[:MAX_SENTENCES])
    note = _note(len(text), len(spans))
    result = Checked(
        text=plain, row=row, sentences=found, evidence=tuple(probe.evidence), note=note, subject=subject.id,
        rows_asked=probe.asked,
    )  # fmt: skip
    return result, probe.subject


def understood_check(outcome: Check, schema: Schema) -> str:
    """What a request to check something was understood to mean."""
    about = f" about {row_name(outcome.row, schema)}" if outcome.row is not None else ""
    return f"check these words{about} against the model, sentence by sentence"


def _cleaned(text: str) -> str:
    """The text, character for character, without what cannot be seen; lines that merely wrap are joined."""
    seen = "".join(
        char if char in "\n\t" or unicodedata.category(char)[0] != "C" else " " for char in text.replace("\r", " ")
    )
    return _SEVERAL_LINES.sub(" ", seen)


def _note(length: int, count: int) -> str:
    notes = []
    if length > MAX_TEXT:
        notes.append(f"Only the first {MAX_TEXT:,} of {length:,} characters were read.")
    if count > MAX_SENTENCES:
        notes.append(f"Only the first {MAX_SENTENCES} of {count:,} sentences were checked.")
    return " ".join(notes)


@dataclass
class _Checking:
    """A check under way. The row under discussion changes where the text names another.

    spoken_of: whether a sentence was about that one. led: whether this sentence begins with "for applicant 12".
    """

    probe: Probe
    addressee: str | None
    spoken_of: bool = False
    led: bool = False
    marks: dict[str, Marked] = field(default_factory=dict)

    def sentence(self, text: str, span: Span) -> CheckedSentence:
        """One sentence, checked; where it is false, with a correction that was checked as well."""
        own = text[span[0] : span[1]]
        before = self.probe.row
        self.probe.used.clear()
        found = self._found(own)
        named = self._last_named(own)
        used = tuple(dict.fromkeys(self.probe.used))
        wrong = own[slice(*found.wrong)] if found.wrong is not None else ""
        corrected = self._corrected(own, found, before) if found.truth == "false" else None
        if named is not None:  # "he" in the next sentence is whom this one named, known or not
            self.probe.row = self.probe.usable(named)
            self.spoken_of = self._marked(own).text.startswith(("R", "for R", "the model predicts"))
        return CheckedSentence(
            text=own, start=span[0], end=span[1], truth=found.truth, facts=found.facts, reason=found.reason,
            wrong="" if wrong == own else wrong, corrected=corrected, evidence=used,
        )  # fmt: skip

    def _last_named(self, sentence: str) -> str | None:
        if len(sentence) > MAX_SENTENCE:
            return None
        rows = [piece.text for piece in self._marked(sentence).pieces if re.fullmatch(r"R\d+", piece.word)]
        return rows[-1] if rows else None

    def _marked(self, sentence: str) -> Marked:
        if sentence not in self.marks:
            self.marks[sentence] = sketched(sentence, self.probe.schema)
        return self.marks[sentence]

    def _corrected(self, sentence: str, found: Finding, row: str | None) -> str | None:
        after = self.probe.row
        for edits in found.edits[:4]:
            self.probe.row = row
            new = _edited(sentence, edits)
            if new != sentence and self._found(new).truth == "true":
                self.probe.row = after
                return new
        self.probe.row = after
        return None

    def _found(self, sentence: str) -> Finding:
        if len(sentence) > MAX_SENTENCE:
            return unsure("The sentence is too long to be read.")
        marked, row = led(self._marked(sentence))
        self.led = row is not None
        if row is not None:
            self.probe.row = self.probe.usable(row)
        if sentence.rstrip("”\"')] ").endswith("?"):
            return unsure("It is a question, not a statement.")
        found = self._of_parts(marked, parts_of(marked, _KINDS))
        if found.truth == "not testable" and not found.facts:
            other = self._of_parts(marked, parts_of(marked, _KINDS, split=True))
            found = other if other.truth != "not testable" else found
        return found if found.truth != "not testable" or found.reason else unsure(why_unread(marked))

    def _of_parts(self, marked: Marked, parts: tuple[Part, ...]) -> Finding:
        """The finding about all parts together; where some could not be read, only a false part counts."""
        if not any(part.claims for part in parts):
            return unsure(why_unread(marked))
        try:
            findings = [(part, self._of_part(part)) for part in parts if part.claims]
        except Spent:
            return unsure(_LIMIT)
        found = together([finding for _, finding in findings])
        if len(findings) == len(parts):
            return found
        for part, finding in findings:
            if finding.truth == "false" and safe_beside(part, parts):
                return finding
        return unsure("Only a part of it could be read, so it is not tested as a whole.", *found.facts)

    def _of_part(self, part: Part) -> Finding:
        """The finding where all ways to read a part agree; a way that cannot be tested does not count beside others."""
        found = [self._of_claim(claim) for claim in part.claims]
        tested = [one for one in found if one.truth != "not testable"]
        undecided = next((one for one in found if one.truth == "not testable" and one.facts), None)
        if not tested or undecided is not None:
            return undecided or found[0]
        return agreed(tested, _AMBIGUOUS)

    def _of_claim(self, claim: Claim) -> Finding:
        """The finding for the row that is meant; where that may be either of two, what holds of both."""
        before = self.probe.row
        found = []
        for row in self._meant(claim):
            self.probe.row = row
            found.append(self._judged(claim))
        self.probe.row = before
        return agreed(found, "It is not clear whom this is about.")

    def _meant(self, claim: Claim) -> list[str | None]:
        """The rows that a claim may be about: "you" is whom the text is about, "he" who was spoken of last."""
        row = self.probe.row
        if re.search(r"\b(?:you|your)\b", claim.match[0]):
            return [self.addressee]
        pointed = self.led or (self.spoken_of and re.search(r"\b(?:he|she|his|her|him)\b", claim.match[0]))
        if claim.rows or pointed or self.addressee is None or row == self.addressee:
            return [row]
        return [row, self.addressee]

    def _judged(self, claim: Claim) -> Finding:
        try:
            return JUDGES[claim.kind](claim, self.probe)
        except NotTestable as error:
            return unsure(str(error))
        except ToolError as error:
            return unsure(_refused(error))


def _refused(error: ToolError) -> str:
    return str(error) if isinstance(error, UnknownName) else f"It could not be computed: {error}"


def _edited(sentence: str, edits: Sequence[Edit]) -> str:
    for edit in sorted(edits, key=lambda one: -one.start):
        new = capitalised(edit.new) if edit.start == 0 and sentence[:1].isupper() else edit.new
        before = sentence[: edit.start]
        found = re.search(r"\b(a|an)\s$", before, re.IGNORECASE)
        if found and new and not new[0].isdigit():
            before = f"{before[: found.start()]}{found[1][0]}{article(new)[1:]} "
        sentence = before + new + sentence[edit.end :]
    return sentence
