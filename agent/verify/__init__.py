"""The fourth hop: whether the evidence bears out every number, sign, rank and name of a text.

Pure and independent of whoever wrote the text: claims are found in its words alone. No failures means verified.
"""

from __future__ import annotations

from collections.abc import Iterator

from askwhy.agent.answer import Claim, Draft, Failure
from askwhy.agent.plan import Plan
from askwhy.agent.verify.check_causes import check_causes
from askwhy.agent.verify.check_claims import check_claims
from askwhy.agent.verify.check_conditions import check_conditions
from askwhy.agent.verify.check_directions import check_directions, directions
from askwhy.agent.verify.check_lists import check_lists_alone, find_lists
from askwhy.agent.verify.check_names import check_names
from askwhy.agent.verify.check_negations import check_negations
from askwhy.agent.verify.check_numbers import check_numbers
from askwhy.agent.verify.check_outcomes import check_outcomes
from askwhy.agent.verify.check_places import check_places
from askwhy.agent.verify.check_ranks import check_ranks
from askwhy.agent.verify.check_repeats import check_repeats
from askwhy.agent.verify.check_roles import check_roles
from askwhy.agent.verify.check_slots import check_slots, find_caveats, find_details, find_texts
from askwhy.agent.verify.clauses import inside
from askwhy.agent.verify.ground import Ground, with_words
from askwhy.agent.verify.reading import Reading
from askwhy.agent.verify.vocabulary import check_vocabulary
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.schema import Schema

__all__ = ["false_statements", "verify"]


def verify(draft: Draft, evidence: tuple[Evidence, ...], plan: Plan, schema: Schema) -> tuple[Failure, ...]:
    """Everything in the draft that is not borne out, in the order of the text; empty if all of it is.

    Checks (docs of the checks): V1 numbers, V2 directions and negations, V3 ranks, V4 names, V5 required slots,
    V6 the share that is named, V7 caveats, V8 causal wording, V13 vague words.
    """
    hidden, failures = find_caveats(draft.text, evidence)
    lists, missing = find_lists(draft.text, evidence, plan.forms)
    problems = (*failures, *missing, *check_claims(draft, evidence))
    facts = {
        f"{step}.{fact.id}": fact for step, one in enumerate(with_words(evidence, schema), 1) for fact in one.facts
    }

    def named(claim: Claim) -> tuple[Fact, ...]:
        return tuple(facts[name] for name in claim.facts if name in facts)

    worded = tuple(number for number in range(len(evidence)) if plan.forms[number : number + 1] != ("numbers",))
    if worded or not evidence:
        steps = tuple(step for step in plan.steps if step.form != "numbers")
        plan, evidence = plan.model_copy(update={"steps": steps}), tuple(evidence[number] for number in worded)
        told, altered = find_texts(draft.text, evidence)
        # What a language model says of its own words counts for nothing; what a template filled in is known.
        filled = {(claim.start, claim.end): named(claim) for claim in draft.claims if draft.writer == "template"}
        ground = Ground(with_words(evidence, schema), plan, schema)
        detailed, misquoted = find_details(draft.text, evidence)
        reading = Reading(draft.text, ground, (*hidden, *lists, *told, *detailed), filled)
        altered = tuple(one for one in altered if not inside(one.start, reading.selections))
        problems = (*problems, *altered, *misquoted, *_checks(reading))
        if draft.writer == "llm":
            problems = (*problems, *check_repeats(reading, plan))
    else:
        problems = (*problems, *check_lists_alone(draft.text, (*hidden, *lists)))
    return tuple(sorted(dict.fromkeys(problems), key=lambda failure: (failure.start, failure.end, failure.check)))


def false_statements(text: str, evidence: tuple[Evidence, ...], plan: Plan, schema: Schema) -> tuple[Failure, ...]:
    """What somebody else's prose says wrongly; not what it leaves out, nor what it says in words of its own.

    The same checks of numbers, directions, ranks and names (V1 to V4), without the closed vocabulary and the required
    parts: their failures mean that askwhy would not have written it so.
    """
    reading = Reading(text, Ground(with_words(evidence, schema), plan, schema))
    claims = directions(reading)
    found = (
        *check_numbers(reading), *check_roles(reading), *check_directions(reading, claims),
        *check_ranks(reading, claims), *check_names(reading), *check_outcomes(reading), *check_conditions(reading),
    )  # fmt: skip
    return tuple(sorted(dict.fromkeys(found), key=lambda failure: (failure.start, failure.end, failure.check)))


def _checks(reading: Reading) -> Iterator[Failure]:
    claims = directions(reading)
    known = (*check_numbers(reading), *check_directions(reading, claims), *check_names(reading))
    yield from known
    said = {(one.check, one.start, one.end) for one in known}
    yield from (one for one in check_places(reading) if (one.check, one.start, one.end) not in said)
    yield from check_roles(reading)
    yield from check_negations(reading, claims)
    yield from check_ranks(reading, claims)
    yield from check_outcomes(reading)
    yield from check_conditions(reading)
    yield from check_vocabulary(reading)
    yield from check_slots(reading)
    yield from check_causes(reading)
