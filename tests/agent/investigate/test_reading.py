"""Which rows clauses name, which are asked one by one, and rows that nobody named are not read into a clause."""

from __future__ import annotations

import pytest

from askwhy.agent.embedded.chat import EmbeddedChat
from askwhy.agent.investigate.clauses import clause_of
from askwhy.agent.investigate.focus import Focus, Named
from askwhy.agent.investigate.notebook import Found
from askwhy.agent.investigate.picks import pick_in
from askwhy.agent.investigate.reading import Read, Reader, asks_each, rows_in, selected
from askwhy.tools.scope import Where
from askwhy.tools.subjects.builtin import builtin

CREDIT = builtin("credit")


def reader(subject: str = "credit") -> Reader:
    made = builtin(subject)
    return Reader(made, EmbeddedChat(subject_schema=made.schema))


def read(said: str, focus: Focus | None = None, subject: str = "credit") -> tuple[Read, ...] | None:
    focus = focus or Focus()
    schema = builtin(subject).schema
    done: dict[str, Found] = {}
    return reader(subject).read(clause_of(said, schema, False, focus.row is not None), done, focus, ())


@pytest.mark.parametrize(
    ("said", "rows", "only"),
    [
        ("explain applicant 5", ("5",), ()),
        ("applicants 5, 7 and 9", ("5", "7", "9"), ("5", "7", "9")),
        ("take rows 12 and 20", ("12", "20"), ("12", "20")),
        ("explain applicants 5 and 5", ("5",), ()),
        ("applicant 99999999", (), ()),
        ("applicants with 5 loans", (), ()),
        ("", (), ()),
    ],
)
def test_rows_that_a_clause_names(said: str, rows: tuple[str, ...], only: tuple[str, ...]) -> None:
    assert rows_in(said, CREDIT) == rows
    assert bool(rows_in(said, CREDIT, only=True)) is bool(only)


@pytest.mark.parametrize(
    ("said", "one"),
    [
        ("explain applicants 5 and 7", "explain {row}"),
        ("how sure is it about applicants 5 and 7 each", "how sure is it about {row}"),
        ("explain each", "explain {row}"),
        ("compare applicants 5 and 7", None),
        ("how does applicant 5 differ from applicant 7", None),
    ],
)
def test_what_is_asked_of_several_rows_is_asked_of_each_or_of_all_together(said: str, one: str | None) -> None:
    told = reader().apart(said, ("5", "7"))
    assert (told and " ".join(told.split())) == one


def test_each_is_said_or_is_not() -> None:
    assert asks_each("explain both of them") and not asks_each("explain it")


def test_a_row_in_focus_is_the_one_that_is_meant() -> None:
    steps = read("why was it declined", Focus(row=Named("30", "30"), fresh=True))
    assert steps is not None and [(one.tool, one.args["row"]) for one in steps] == [("explain", "30")]


@pytest.mark.parametrize("said", ["explain it", "why", "which features push either way", "what would fix it"])
def test_no_row_is_made_up_where_none_was_found(said: str) -> None:
    for step in read(said) or ():
        assert "row" not in step.args, step


def test_a_number_to_be_reached_is_no_row() -> None:
    for step in read("what would raise the prediction above 200", subject="diabetes") or ():
        assert "row" not in step.args, step


def test_the_rows_of_a_description() -> None:
    pick = pick_in("the youngest woman", CREDIT.schema)
    assert pick is not None
    where = selected(reader(), pick)
    assert where is not None and [(one.feature, one.value) for one in where.conditions()] == [("sex", "female")]
    every = pick_in("the youngest applicant", CREDIT.schema)
    assert every is not None and selected(reader(), every) == Where()


def test_a_reading_that_leaves_a_class_out_is_doubtful() -> None:
    made = reader()
    clause = clause_of("which purpose is declined most often", CREDIT.schema, False, False)
    steps = made.read(clause, {}, Focus(), ())
    assert steps is None or made.doubtful or any("declin" in str(one.args) or "'0'" in str(one.args) for one in steps)
    made.read(clause_of("how many women are there", CREDIT.schema, False, False), {}, Focus(), ())
    assert not made.doubtful
