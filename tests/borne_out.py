"""Whether a report says only what its evidence bears out."""

from __future__ import annotations

from askwhy.agent.answer import Draft
from askwhy.agent.investigate.report import Report
from askwhy.agent.plan import Plan
from askwhy.agent.verify import verify
from askwhy.tools.schema import Schema

WITHHELD = "Part of the answer could not be verified and is withheld; the computed values are in the table."


def assert_borne_out(report: Report, schema: Schema) -> None:
    """Every step's text passes the check against its own evidence, and the answer says nothing else."""
    for number, one in enumerate(report.told, 1):
        own = tuple(
            claim.model_copy(update={"facts": tuple(fact.replace(f"{number}.", "1.", 1) for fact in claim.facts)})
            for claim in one.claims
        )
        assert (WITHHELD in one.text) == bool(one.failures)
        text = one.text.removesuffix(WITHHELD).rstrip()
        failures = verify(Draft(text=text, claims=own), (one.evidence,), Plan(steps=(one.step,)), schema)
        missing = {"V5"} if one.failures else set()  # what is withheld is missing, and nothing else may be wrong
        assert {failure.check for failure in failures} <= missing
    said = "\n\n".join(one.text for one in report.told)
    assert report.answer.text in (said, f"{said}\n\n{' '.join(report.notes)}")
    for claim in report.answer.claims:
        step, _, fact = claim.facts[0].partition(".")
        assert any(one.id == fact for one in report.answer.evidence[int(step) - 1].facts)
