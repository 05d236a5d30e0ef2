"""Claims that a writer attached: they point into the text and to facts that exist."""

from __future__ import annotations

from collections.abc import Iterator

from askwhy.agent.answer import Draft, Failure
from askwhy.tools.evidence import Evidence


def check_claims(draft: Draft, evidence: tuple[Evidence, ...]) -> Iterator[Failure]:
    """Failures of claims; whether their words are true is seen from the text itself."""
    known = {f"{step}.{fact.id}" for step, one in enumerate(evidence, 1) for fact in one.facts}
    for claim in draft.claims:
        if not 0 <= claim.start < claim.end <= len(draft.text):
            yield Failure(check="V9", message="A claim points outside the text.", start=0, end=0)
        for name in claim.facts:
            if name not in known:
                yield Failure(check="V9", message=f"There is no fact {name}.", start=claim.start, end=claim.end)
