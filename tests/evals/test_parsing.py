"""The parsing evaluation on a small suite of our own, in TalkToModel's format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from askwhy.agent.plan import Plan, Step
from askwhy.evals.notation import operations, read_parse, typed_plan
from askwhy.evals.parsing import Pair, Scored, cluster_average, parsing, read_suite
from askwhy.evals.registry import UsageError
from askwhy.tools.scope import AnyOf, Argument, Change, Condition, Scope, Where


@pytest.mark.parametrize(
    ("parse", "typed"),
    [
        ("filter age greater than 40 and countdata [E]", {("filter", "age", "gt", "40"), ("countdata",)}),
        ("filter age less equal than 4.50 and show [E]", {("filter", "age", "le", "4.5"), ("show",)}),
        ("filter pregnancies equal to two and label [E]", {("filter", "pregnancies", "eq", "2"), ("label",)}),
        ("filter married true and predict [E]", {("filter", "married", "eq", "true"), ("predict",)}),
        ("filter id 12 and explain cfe [E]", {("filter", "id", "12"), ("explain", "cfe")}),
        ("important topk 3 [E]", {("important", "topk", "3")}),
        ("important age and important bmi [E]", {("important", "age"), ("important", "bmi")}),
        ("score accuracy [E]", {("score", "default")}),
        ("mistake typical [E]", {("mistake", "typical")}),
        ("predictionfilter 1 and statistic age [E]", {("predictionfilter", "1"), ("statistic", "age")}),
    ],
)
def test_the_notation(parse: str, typed: set[tuple[str, ...]]) -> None:
    assert read_parse(parse) == typed


def test_order_does_not_count_but_or_does() -> None:
    one = "filter age less than 20 or filter bmi greater than 30 and show [E]"
    assert read_parse(one) == read_parse("show and filter bmi greater than 30 or filter age less than 20 [E]")
    assert read_parse(one) != read_parse(one.replace(" or ", " and "))


def test_after_a_change_class_and_probability_are_one_operation() -> None:
    changed = read_parse("change bmi increase 5 and likelihood [E]")
    assert changed == read_parse("change bmi increase 5 and predict [E]")
    assert read_parse("likelihood [E]") != read_parse("predict [E]")
    assert operations(changed) == ("predict",)


def test_a_plan_in_the_notation() -> None:
    where = Where.of(Condition(feature="Body_Mass", op="gt", value=30), Condition(on="predicted", value="1"))
    change = Change(feature="Body_Mass", action="decrease", value=5)
    plan = Plan(steps=(Step(tool="what_if", scope=Scope(where=where, changes=(change,))),))
    wanted = "filter bodymass greater than 30 and predictionfilter 1 and change bodymass decrease 5 and likelihood [E]"
    assert typed_plan(plan, Where()) == read_parse(wanted)


def test_what_was_taken_from_the_turn_before_is_told_apart() -> None:
    earlier = Where.of(Condition(feature="age", op="gt", value=1))
    either = AnyOf(any=(Condition(feature="age", value=2), Condition(feature="bmi", value=3)))
    plan = Plan(steps=(Step(tool="show", scope=Scope(where=Where(all=(*earlier.all, either)))),))
    assert typed_plan(plan, earlier) == read_parse(
        "previousfilter and filter age equal to 2 or filter bmi equal to 3 and show [E]"
    )


def test_arguments_of_tools() -> None:
    steps = (
        Step(tool="importance", arguments=(Argument(name="k", value=3),)),
        Step(
            tool="compare_features",
            arguments=(Argument(name="first", value="age"), Argument(name="second", value="bmi")),
        ),
        Step(tool="explain", arguments=(Argument(name="method", value="lime"),)),
    )
    found = typed_plan(Plan(steps=steps), Where())
    assert found == read_parse("important topk 3 and important age and important bmi and explain lime [E]")


def test_clusters_weigh_alike() -> None:
    right, wrong = frozenset({("show",)}), frozenset({("data",)})
    scored = [Scored(Pair(str(i), "show [E]", right), right, "plan") for i in range(3)]
    scored.append(Scored(Pair("x", "data [E]", wrong), right, "plan"))
    assert cluster_average(scored) == 0.5


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.integers(20, 70, 40), "income": rng.integers(10, 90, 40)}, index=range(100, 140))
    frame.assign(y=(frame["age"] > 45).astype(int)).to_csv(tmp_path / "people.csv")
    pairs = [
        ("how many people are there with age above 40?", "filter age greater than 40 and countdata [E]"),
        ("why did you predict this for row 112?", "filter id 112 and explain features [E]"),
        ("how many people are there with age above 40?", "filter age greater than 40 and countdata [E]"),
        ("what is the weather like in Paris?", "self [E]"),
    ]
    (tmp_path / "suite.txt").write_text(
        "\n\n".join(f"{question}\n{parse}" for question, parse in pairs), encoding="utf-8"
    )
    return tmp_path


def test_pairs_are_distinct(folder: Path) -> None:
    assert len(read_suite(folder / "suite.txt")) == 3


def test_a_suite_is_scored(folder: Path) -> None:
    report = parsing([str(folder)])
    assert report.figures["questions"] == 3
    assert report.figures["typed_exact"] == pytest.approx(2 / 3)
    assert report.figures["cluster_average"] == pytest.approx(2 / 3)
    by_operation = {row[0]: row[1:4] for row in report.rows}
    assert by_operation["countdata"] == (1, 1, 1.0) and by_operation["self"] == (1, 0, 0.0)


@pytest.mark.parametrize("text", ["only one line", "a question\nfilter [E]", "one\ntwo\nthree"])
def test_a_suite_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "suite.txt").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError):
        read_suite(tmp_path / "suite.txt")


def test_a_missing_folder_or_table_is_a_usage_error(tmp_path: Path) -> None:
    for arguments in ([], [str(tmp_path / "nowhere")], ["a", "b", "c"]):
        with pytest.raises(UsageError):
            parsing(arguments)
