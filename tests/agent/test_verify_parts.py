"""How the verifier reads: sentences, clauses, numbers, names."""

from __future__ import annotations

import pytest
from verify_schemas import HOUSES, LOANS

from askwhy.agent.plan import Plan, Step
from askwhy.agent.verify.check_directions import directions
from askwhy.agent.verify.clauses import clauses, sentences
from askwhy.agent.verify.ground import Ground
from askwhy.agent.verify.mentions import find_mentions, row_mentions, schema_phrases
from askwhy.agent.verify.numbers import numbers
from askwhy.agent.verify.patterns import contrasts
from askwhy.agent.verify.plain import is_plain, plain_words
from askwhy.agent.verify.reading import Reading
from askwhy.tools.evidence import Evidence
from askwhy.tools.schema import Feature


def read(text: str) -> Reading:
    """A text read with nothing known but the schema."""
    return Reading(text, Ground((), Plan(steps=(Step(tool="count"),)), LOANS))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. Two is 3.5 long. “A. B.” is said! Three?", ["One.", "Two is 3.5 long.", "“A. B.” is said!", "Three?"]),
        ("See e.g. this one.\nAnd a line\n\nmore", ["See e.g. this one.", "And a line", "more"]),
        ("", []),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == parts


def test_clauses_are_cut_at_commas_and_conjunctions_but_not_in_numbers_brackets_or_ranges() -> None:
    text = "Age (53, or so) adds 1,200, housing between 2 and 4 lowers it and sex is 3; the rest, while small, stays"
    parts = [text[start:end] for start, end in clauses(text, (0, len(text)))]
    assert parts == [
        "Age (53, or so) adds 1,200", "housing between 2 and 4 lowers it", "sex is 3", "the rest", "small", "stays",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,234.50 of 12", [(1234.5, "plain", 2), (12, "plain", 0)]),
        ("about 82 % and 0.3 percentage points", [(82, "percent", 0), (0.3, "points", 1)]),
        ("from 62 to 71 %", [(62, "percent", 0), (71, "percent", 0)]),
        ("−3.2 or +4 pp", [(-3.2, "points", 1), (4, "points", 0)]),
        ("4–72 months", [(4, "plain", 0), (72, "plain", 0)]),
        ("2.5e-04", [(2.5e-4, "plain", 5)]),
        ("twenty-five of one hundred rows", [(25, "plain", 0), (100, "plain", 0)]),
        ("one of them, this one, the 2nd and one row", [(1, "plain", 0)]),
        ("x2 and f3 are names", []),
        ("on 2021-03-04", [(0, "date", 0)]),
        ("in the 1970s", [(1970, "plain", 0)]),
    ],
)
def test_numbers(text: str, found: list[tuple[float, str, int]]) -> None:
    assert [(one.value, one.kind, one.decimals) for one in numbers(text)] == [pytest.approx(one) for one in found]


def test_a_number_tells_its_unit_and_its_tolerance() -> None:
    (number,) = numbers("142.5 m² of it")
    assert (number.unit, number.tolerance) == ("m²", pytest.approx(0.05))


def test_names_are_found_longest_first_in_any_case_and_number() -> None:
    text = "The Credit Amounts and loan duration of women, not known savings"
    found = find_mentions(text, schema_phrases(LOANS))
    assert [(one.text, one.targets[0].kind, one.targets[0].name) for one in found] == [
        ("Credit Amounts", "feature", "amount"),
        ("loan duration", "feature", "duration"),
        ("women", "category", "female"),
        ("not known", "category", "not_known"),
        ("savings", "feature", "savings"),
    ]


def test_part_of_a_word_is_no_name() -> None:
    assert find_mentions("average sexton cage", schema_phrases(LOANS)) == ()


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("applicant 12 and applicants 3, 7 and 9", ["12", "3", "7", "9"]),
        ("for applicant 12, 3 features matter", ["12"]),
        ("row #5, #6", ["5", "6"]),
        ("of the applicants 45 % and applicants 45.5", []),
    ],
)
def test_row_ids_follow_the_word_for_a_row(text: str, ids: list[str]) -> None:
    assert [one.text for one in row_mentions(text, LOANS, frozenset())] == ids


def test_rows_may_be_named_by_letters() -> None:
    assert [one.text for one in row_mentions("house H-7 and house Villa", HOUSES, frozenset({"H-7"}))] == ["H-7"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Age raises it by 3 points, housing by 2 points and sex lowers it", [("age", 1), ("housing", 1), ("sex", -1)]),
        ("Age and duration raise it", [("age", 1), ("duration", 1)]),
        ("It is lowered by age, duration and sex", [("age", -1), ("duration", -1), ("sex", -1)]),
        ("Age does not change the prediction", [("age", 0)]),
        ("Age, which is 53, counts against approved", [("age", -1)]),
        ("If age increases, duration lowers the prediction", [("duration", -1)]),
        ("The lower quartile of age is 27", []),
    ],
)
def test_directions(text: str, found: list[tuple[str, int]]) -> None:
    assert [(claim.features[-1], claim.sign) for claim in directions(read(text))] == found


def test_a_direction_is_denied_by_a_not_before_it() -> None:
    (claim,) = directions(read("Age does not raise the probability"))
    assert (claim.sign, claim.denied) == (1, True)


def test_plain_words_name_no_feature() -> None:
    forbidden = "age income salary gender duration purpose housing savings amount wage job postcode education weight"
    assert plain_words().isdisjoint(forbidden.split())
    assert 300 <= len(plain_words()) <= 1500
    assert is_plain("contributed") and is_plain("features") and not is_plain("salary")


@pytest.mark.parametrize(
    ("text", "found"), [("its own rule", []), ("the model's own words", []), ("housing own", ["own"])]
)
def test_own_after_a_possessive_is_no_value(text: str, found: list[str]) -> None:
    mentions = find_mentions(text, schema_phrases(LOANS))
    assert [one.text for one in mentions if one.names("category")] == found


def test_a_numbered_name_is_not_ordinary_english() -> None:
    column = Feature(name="2", label="column 2", kind="number")
    (mention,) = find_mentions("as column 2 rises", schema_phrases(LOANS.model_copy(update={"features": (column,)})))
    assert mention.names("feature") == ("2",) and not mention.weak


def test_what_is_said_of_the_row_may_stand_before_instead_of() -> None:
    order = contrasts((Evidence(facts=(), tool="counterfactual"),))
    assert ("cf_estimate", "before_estimate") in order and ("row", "before_estimate") not in order
