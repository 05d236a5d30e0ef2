"""The places of patterns: which words stand around which fact."""

from __future__ import annotations

from verify_case import evidence_by

from askwhy.agent.verify.places import Gap, Places, Token, around, leads, literal_tokens
from askwhy.tools.evidence import Fact

SHARES = evidence_by(
    "anchor",
    Fact(relation="draws", value=1000, unit="count"),
    Fact(relation="measured", value=0.97, unit="share"),
)


def test_literals_are_words_and_the_numbers_they_state() -> None:
    tokens = literal_tokens("a 95% interval from")
    assert [token.word for token in tokens] == ["a", "", "interval", "from"]
    assert tokens[1].gap == Gap(stated=95.0)


def test_only_patterns_that_the_facts_can_fill_have_places() -> None:
    relations = {place.gap.relation for place in Places.of((SHARES,)).all}
    assert relations == {"draws", "measured"}


def test_a_place_is_found_by_the_words_beside_it() -> None:
    (place,) = (one for one in Places.of((SHARES,)).all if one.gap.relation == "measured")
    run = (*literal_tokens("draws it was"), Token(gap=Gap()), Token("$"))
    assert place.words_shared(*around(run, 3)) == (3, 1)
    other = (*literal_tokens("for what it is"), Token(gap=Gap()), Token("$"))
    assert place.words_shared(*around(other, 4)) == (-1, 1)


def test_lists_of_bare_values_have_a_lead() -> None:
    evidence = evidence_by("null_control", Fact(relation="within", value=0.9, feature="age", unit="score"))
    assert [(one.relation, [token.word for token in one.before]) for one in leads((evidence,))] == [
        ("within", ["for", "shown", "not", "is"])
    ]
