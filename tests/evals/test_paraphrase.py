"""Paraphrases say the same: every value is still there, in another spelling at most."""

from __future__ import annotations

import re

import pytest
from verify_case import Case
from verify_cases import CASES, EXPLAIN

from askwhy.agent.answer import Claim, Draft
from askwhy.evals.paraphrase import paraphrased
from askwhy.tools.evidence import Fact


def drafted(case: Case, text: str) -> Draft:
    """A draft with a claim on every number, as a template makes them: the first fact that prints so."""
    claims = []
    for found in re.finditer(r"\d[\d,.]*\d%|\d+%|\d+\.\d+ percentage points", text):
        fact = next((fact for fact in case.evidence[0].facts if isinstance(fact.value, float)), None)
        if fact is not None:
            claims.append(Claim(start=found.start(), end=found.end(), facts=(f"1.{fact.id}",)))
    return Draft(text=text, claims=tuple(claims))


def numbers_of(text: str) -> list[float]:
    """Every number in a text as a share of one where it is a percentage, sorted."""
    found = []
    for match in re.finditer(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)(\s?(?:%|per ?cent\b))?", text):
        value = float(match[1].replace(",", ""))
        found.append(round(value / 100 if match[2] else value, 6))
    return sorted(found)


@pytest.mark.parametrize("name", CASES)
def test_every_number_and_the_caveats_are_kept(name: str) -> None:
    case = CASES[name]
    for seed, text in enumerate(case.true[:2]):
        told = paraphrased(drafted(case, text), case.evidence, case.schema, seed)
        assert numbers_of(told.text) == numbers_of(text), told.text
        assert all(caveat.text.rstrip(".") in told.text for one in case.evidence for caveat in one.caveats)


def test_it_is_seeded_and_varied() -> None:
    draft = drafted(EXPLAIN, EXPLAIN.true[0])
    told = [paraphrased(draft, EXPLAIN.evidence, EXPLAIN.schema, seed) for seed in range(12)]
    assert told[3] == paraphrased(draft, EXPLAIN.evidence, EXPLAIN.schema, 3)
    assert len({one.text for one in told}) >= 8
    assert all(one.writer == "llm" for one in told)


def test_claims_move_with_their_words() -> None:
    draft = drafted(EXPLAIN, EXPLAIN.true[0])
    kept = [draft.text[one.start : one.end].split("%")[0].split(" ")[0] for one in draft.claims]
    for seed in range(6):
        told = paraphrased(draft, EXPLAIN.evidence, EXPLAIN.schema, seed)
        said = [told.text[one.start : one.end] for one in told.claims]
        assert len(said) == len(kept)
        assert {re.sub(r"\D.*", "", one) for one in kept} - {"82", "97", "31"} <= {
            re.sub(r"\D.*", "", one) for one in said
        }


def test_directions_are_not_turned() -> None:
    ups, downs = r"\b(?:raises|increases|lifts|pushes up)\b", r"\b(?:lowers|reduces|decreases|brings down|pulls down)\b"
    text = EXPLAIN.true[0]
    for seed in range(10):
        told = paraphrased(drafted(EXPLAIN, text), EXPLAIN.evidence, EXPLAIN.schema, seed).text
        for name, pattern in (("duration", ups), ("savings", downs), ("age", ups)):
            assert re.search(rf"{name} \([^)]*\) (?:{pattern})", told), told


def test_ranked_lists_keep_their_order() -> None:
    for seed in range(10):
        told = paraphrased(drafted(EXPLAIN, EXPLAIN.true[0]), EXPLAIN.evidence, EXPLAIN.schema, seed).text
        assert told.index("duration (") < told.index("savings (") < told.index("age (")


def test_lists_of_raw_numbers_are_left_alone() -> None:
    draft = Draft(text="a: 1\nb: 2")
    assert paraphrased(draft, EXPLAIN.evidence, EXPLAIN.schema, 1) is draft


def test_a_count_may_be_spelled_and_an_id_not() -> None:
    evidence = EXPLAIN.evidence[0].model_copy(
        update={"facts": (Fact(id="f1", relation="count", value=3, unit="count"),), "caveats": ()}
    )
    text = "Of these, 3 applicants are like applicant 12."
    draft = Draft(text=text, claims=(Claim(start=10, end=11, facts=("1.f1",)),))
    told = {paraphrased(draft, (evidence,), EXPLAIN.schema, seed).text for seed in range(20)}
    assert any("three applicants" in one for one in told) and all("applicant 12" in one for one in told)
