"""A sum is no question about a model; numbers that only stand beside each other are no sum."""

from __future__ import annotations

import pytest
from toy_subjects import binary

from askwhy.agent.embedded.again import fixed_outcome
from askwhy.agent.plan import Decline


@pytest.mark.parametrize(
    ("question", "declined"),
    [
        ("2+2?", True), ("What is 2 + 2", True), ("how much is 12*3?", True), ("17 times 23 =", True),
        ("what's (3 + 4) x 5", True), ("calculate 10 / 4", True), ("what is 12 - 5.5?", True),
        ("7 plus 8 minus 1", True), ("10 - 30", False), ("12/13", False), ("what is 12", False), ("3 x", False),
        ("what is the mean of age + 2", False), ("12, 13 and 14", False), ("row 2 plus 3 years", False),
        ("+5", False), ("and 5 more", False),
    ],
)  # fmt: skip
def test_a_sum_is_declined(question: str, declined: bool) -> None:
    outcome = fixed_outcome(question, binary().schema, frozenset(), (), None)
    assert isinstance(outcome, Decline) is declined
    assert declined or outcome is None


def test_a_long_line_of_digits_is_read_at_once() -> None:
    assert fixed_outcome("what is " + "1 " * 5000 + "x", binary().schema, frozenset(), (), None) is None
    assert fixed_outcome("(" * 5000 + "1 ,.)" * 2000, binary().schema, frozenset(), (), None) is None
