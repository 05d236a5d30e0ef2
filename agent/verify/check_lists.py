"""V1 for answers in raw numbers: every line of the list is computed again from the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from askwhy.agent.answer import Failure
from askwhy.agent.plan import Form
from askwhy.agent.raw import listed
from askwhy.agent.verify.clauses import Span
from askwhy.tools.evidence import Evidence


def find_lists(
    text: str, evidence: tuple[Evidence, ...], forms: Sequence[Form]
) -> tuple[tuple[Span, ...], tuple[Failure, ...]]:
    """Where the lists of the steps that are answered in numbers stand, and a failure for each line that does not."""
    spans: list[Span] = []
    failures: list[Failure] = []
    position = 0
    for one, form in zip(evidence, forms, strict=False):
        for line in listed(one) if form == "numbers" else ():
            at = text.find(line, position)
            ends = at >= 0 and text[at + len(line) : at + len(line) + 1] in ("", "\n")
            if ends and (at == 0 or text[at - 1] == "\n"):
                spans.append((at, at + len(line)))
                position = at + len(line)
            else:
                message = f"This line of the numbers is missing or altered: {line}"
                failures.append(Failure(check="V1", message=message, start=len(text), end=len(text)))
    return tuple(spans), tuple(failures)


def check_lists_alone(text: str, known: Sequence[Span]) -> Iterator[Failure]:
    """Failures of words beside the lists and the caveats, where the answer is to be nothing else."""
    rest = list(text)
    for start, end in known:
        rest[start:end] = " " * (end - start)
    for start, line in _lines("".join(rest)):
        if any(char.isalnum() for char in line):
            yield Failure(check="V1", message="Only the numbers were asked for.", start=start, end=start + len(line))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for line in text.split("\n"):
        yield start, line
        start += len(line) + 1
