"""What a check of somebody's text found."""

from __future__ import annotations

from typing import Literal

from askwhy.tools.evidence import Evidence
from askwhy.tools.value import Value

Truth = Literal["true", "false", "not testable"]

_MARKS: dict[Truth, str] = {"true": "✓ true", "false": "✗ false", "not testable": "? not testable"}


class CheckedSentence(Value):
    """One sentence of the text. `start` and `end` locate it there.

    facts: what was found, in words. reason: why it could not be tested. wrong: the part that is false.
    corrected: the sentence with as little changed as makes it true, where there is such a one; it was checked again.
    evidence: positions in `Checked.evidence` of what the facts are taken from.
    """

    text: str
    start: int
    end: int
    truth: Truth
    facts: tuple[str, ...] = ()
    reason: str = ""
    wrong: str = ""
    corrected: str | None = None
    evidence: tuple[int, ...] = ()


class Checked(Value):
    """A text, sentence by sentence. `row`: whom it is about, where that was said. `note`: what was left unread."""

    text: str
    row: str | None = None
    sentences: tuple[CheckedSentence, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    note: str = ""
    subject: str = ""
    rows_asked: int = 0

    def count(self, truth: Truth) -> int:
        """How many sentences are so."""
        return sum(one.truth == truth for one in self.sentences)

    @property
    def summary(self) -> str:
        """How many sentences are true, false and not testable."""
        total = len(self.sentences)
        found = ", ".join(f"{self.count(truth)} {truth}" for truth in _MARKS)
        return f"Checked {total} {'sentence' if total == 1 else 'sentences'} against the model: {found}."

    @property
    def words(self) -> str:
        """The whole result as a list, a sentence each."""
        parts = [self.summary, *map(sentence_words, self.sentences)]
        return "\n\n".join([*parts, self.note] if self.note else parts)


def sentence_words(one: CheckedSentence) -> str:
    """One checked sentence: the mark, the sentence, and below it what was found and the correction."""
    lines = [f"{_MARKS[one.truth]}: “{one.text}”"]
    if one.wrong:
        lines.append(f"   What is false: “{one.wrong}”.")
    lines += [f"   {fact}" for fact in one.facts]
    if one.reason:
        lines.append(f"   {one.reason}")
    if one.corrected is not None:
        lines.append(f"   Corrected: “{one.corrected}”")
    return "\n".join(lines)
