"""Sentences as people write them: every verdict true or false is right, and few are left untested."""

from __future__ import annotations

import functools

import pytest
from checked_credit import CREDIT
from checked_gold import Case, Gold
from checked_other import DIABETES, PENGUINS, REVIEWS

from askwhy.agent.check.checker import check_text
from askwhy.agent.check.result import CheckedSentence
from askwhy.agent.run import Runner

CASES = {
    **{("credit", 11, part): CREDIT[part::4] for part in range(4)},
    ("diabetes", 3, 0): DIABETES,
    ("penguins", 0, 0): PENGUINS,
    ("reviews", 0, 0): REVIEWS,
}
MOST_UNTESTED = 0.1
"""Share of the sentences with a known truth that may be left untested."""


@functools.cache
def gold(name: str, row: int) -> Gold:
    return Gold(name, row)


@functools.cache
def runner() -> Runner:
    return Runner()


def checked(case: Case, name: str, row: int) -> CheckedSentence:
    found, _ = check_text(case.text, gold(name, row).subject, runner(), str(row))
    (only,) = found.sentences
    return only


@pytest.mark.parametrize(("name", "row", "part"), CASES)
def test_no_verdict_is_wrong_and_few_are_missing(name: str, row: int, part: int) -> None:
    wrong, missing, testable = [], [], 0
    for case in CASES[name, row, part]:
        found = checked(case, name, row)
        if case.gold is None:
            wrong += [f"{found.truth}: {case.text}"] if found.truth != "not testable" else []
            continue
        testable += 1
        if found.truth == "not testable":
            missing.append(f"{case.text} ({found.reason})")
        elif (found.truth == "true") != bool(case.gold(gold(name, row))):
            wrong.append(f"{found.truth}: {case.text} {found.facts}")
    assert not wrong, "\n".join(wrong)
    assert len(missing) <= MOST_UNTESTED * testable, "\n".join(missing)
