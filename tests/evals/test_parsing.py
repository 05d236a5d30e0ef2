"""The parsing evaluation on small suites of our own, in every format."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from gym_schema import GYM

from askwhy.agent.plan import Clarify, Decline, Outcome, Plan, Step
from askwhy.evals import shortlists
from askwhy.evals.bank import read_domain, schema_of
from askwhy.evals.baselines import BASELINES, Baseline, masked
from askwhy.evals.parsing import parsing
from askwhy.evals.parsing_fuzz import fuzzed, survey
from askwhy.evals.parsing_golds import PlanGold
from askwhy.evals.parsing_score import ask_all, cluster_average, clustered, confidence, figures, share
from askwhy.evals.registry import UsageError, run_evaluation
from askwhy.evals.suites import Item, bank, coxql, json_lines, schema_subject, table_subject, talktomodel
from askwhy.tools.scope import Change, Condition, Scope, Where

QUESTIONS = """
? how many members are older than 40?
= count ; where age > 40
? and of those, how many have a monthly fee above 50?
= count ; where age > 40 & fee > 50

? how many  members are older than 40?
= count ; where age > 40

? explain it
= ask row

? tell me a joke
= no out_of_scope
"""


@pytest.fixture
def gym(tmp_path: Path) -> Path:
    (tmp_path / "gym.toml").write_text(GYM, encoding="utf-8")
    (tmp_path / "gym.txt").write_text(QUESTIONS, encoding="utf-8")
    return tmp_path / "gym.toml"


@pytest.fixture
def people(tmp_path: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.integers(20, 70, 40),
            "income": rng.integers(10, 90, 40),
            "town": rng.choice(["Rome", "Oslo"], 40),
        },
        index=range(100, 140),
    )
    frame.assign(Bought=(frame["age"] > 45).astype(int)).to_csv(tmp_path / "people.csv")
    suite = tmp_path / "suite.txt"
    suite.write_text(
        "how many people are there with age above 40?\nfilter age greater than 40 and countdata [E]\n\n"
        "why did you predict this for row 112?\nfilter id 112 and explain features [E]\n\n"
        "How many people are there with  age above 40?\nfilter age greater than 40 and countdata [E]\n\n"
        "what is the weather like in Paris?\nSelf [e]\n\n"
        "broken\nfliter age [E]\n\n"
        "a question without a parse\n\n",
        encoding="utf-8",
    )
    return suite, tmp_path / "people.csv"


def test_the_bank(gym: Path) -> None:
    suite = bank([str(gym)])
    assert [item.question for item in suite.items if item.follows] == [
        "and of those, how many have a monthly fee above 50?"
    ]
    assert len(suite.items) == 4 and suite.duplicates == 1
    first, second = suite.items[:2]
    assert second.history[0].outcome == first.gold.golds[0]  # type: ignore[union-attr]
    assert [item.gold.parts for item in suite.items] == [2, 3, 1, 1]


def test_faulty_lines_of_the_bank_are_left_out(gym: Path) -> None:
    gym.with_suffix(".txt").write_text(f"{QUESTIONS}\n? what?\n= juggle\n\nnonsense\n", encoding="utf-8")
    suite = bank([str(gym.parent)])
    assert len(suite.items) == 4 and len(suite.malformed) == 2


def test_domains_by_name_and_unknown_ones() -> None:
    assert {item.domain for item in bank(["visa_application"]).items} == {"visa_application"}
    with pytest.raises(UsageError, match="no domain"):
        bank(["atlantis"])


def test_the_command_on_the_bank(gym: Path, capsys: pytest.CaptureFixture[str]) -> None:
    misses = gym.with_name("misses.jsonl")
    assert run_evaluation("parsing", ["--bank", str(gym), "--misses", str(misses)]) == 0
    found = json.loads(capsys.readouterr().out.rstrip("\n").split("\n")[-1])
    wanted = {
        "n", "exact_typed", "exact_literal", "operations", "slots", "exact_single", "exact_multi", "interval",
        "interval_clustered", "median_ms", "p95_ms", "abstained", "misread", "ece", "coverage", "malformed",
        "duplicates",
    }  # fmt: skip
    assert wanted <= found.keys() and found["n"] == 4
    assert len(misses.read_text().splitlines()) == round((1 - found["exact_typed"]) * 4)


def line(question: object, gold: object, **more: object) -> str:
    return json.dumps({"question": question, "gold": gold, **more})


_FEE = {"feature": "monthly fee", "op": "gt", "value": 50}
COUNT = {"kind": "plan", "steps": [{"tool": "count", "scope": {"where": {"all": [{"any": [_FEE]}]}}}]}
UNKNOWN = {"steps": [{"tool": "define", "arguments": [{"name": "feature", "value": "x"}]}]}


def test_json_lines(gym: Path) -> None:
    path = gym.with_name("own.jsonl")
    path.write_text(
        "\n".join(
            (
                line("how many pay more than 50?", COUNT),
                line("and why?", {"kind": "clarify", "question": "row"}, earlier=[{"question": "hm", "gold": COUNT}]),
                line("either", [{"steps": COUNT["steps"]}, {"kind": "decline", "reason": "no_such_tool"}]),
                line("HOW many pay more than 50?", COUNT),
                "",
                "{",
                "[]",
                "null",
                "[" * 3000,
                line("no gold", []),
                line("", COUNT),
                line(3, COUNT),
                line("unknown tool", {"kind": "plan", "steps": [{"tool": "juggle"}]}),
                line("unknown feature", UNKNOWN),
                line("no such kind", {"kind": "poem"}),
                line("odd turn", COUNT, earlier=[3]),
                line("odd turns", COUNT, earlier=3),
            )
        ),
        encoding="utf-8",
    )
    suite = json_lines(path, schema_subject(schema_of(gym)))
    assert [item.question for item in suite.items] == ["how many pay more than 50?", "and why?", "either"]
    assert (len(suite.malformed), suite.duplicates) == (12, 1)
    first, second, third = suite.items
    fee = Step(tool="count", scope=Scope(where=Where.of(Condition(feature="fee", op="gt", value=50))))
    assert first.gold.marks(Plan(steps=(fee,), confidence=0.3)).literal
    assert second.follows and second.history[0].question == "hm"
    assert third.gold.marks(Decline(reason="anything")).typed
    report = parsing(["--suite", str(path), "--schema", str(gym)])
    assert report.figures["n"] == 3 and report.figures["malformed"] == 12


def test_a_talktomodel_suite(people: tuple[Path, Path]) -> None:
    suite, data = people
    given = ["--suite", str(suite), "--data", str(data), "--target", "bought", "--format", "talktomodel"]
    report = parsing(given)
    assert report.figures["n"] == 3
    assert (report.figures["malformed"], report.figures["duplicates"]) == (2, 1)
    by_operation = {row[1]: row[2:5] for row in report.rows if row[0] == "operation"}
    assert by_operation["countdata"] == (1, 1, 1.0) and by_operation["function"] == (1, 0, 0.0)


def test_blank_lines_may_be_missing_and_lines_broken(people: tuple[Path, Path]) -> None:
    suite, data = people
    parsed = "\ufeffhow many are\nolder than 4?\nfilter age greater than 4 and countdata [E]\nhi\nself [E]"
    suite.write_text(f"{parsed}\nx\ny")
    found = talktomodel(suite, table_subject(data, "Bought", None))
    assert [item.question for item in found.items] == ["how many are older than 4?", "hi"]
    assert len(found.malformed) == 1  # "x / y" has no operation


def test_what_was_said_before_is_there_where_a_suite_points_back(people: tuple[Path, Path]) -> None:
    suite, data = people
    subject = table_subject(data, "Bought", None)
    assert not any(item.history for item in talktomodel(suite, subject).items)
    suite.write_text("why them?\npreviousfilter and explain features [E]\n\nand then?\nprevioususage [E]\n")
    (item,) = talktomodel(suite, subject).items
    (turn,) = item.history
    assert turn.scope is not None
    assert item.gold.marks(Plan(steps=(Step(tool="explain", scope=turn.scope),))).typed


def test_ids_of_a_table(people: tuple[Path, Path], tmp_path: Path) -> None:
    assert table_subject(people[1], "Bought", None).row_ids[:2] == ("100", "101")
    twice = tmp_path / "twice.csv"
    twice.write_text("age,y\n3,0\n3,1\n5,0\n6,1\n")
    assert table_subject(twice, "y", None).row_ids == ("0", "1", "2", "3")
    with pytest.raises(UsageError, match="no column"):
        table_subject(twice, "z", None)


def test_a_coxql_suite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "texts.json"
    entries = [
        {"idx": 0, "text": "which 4 words of text 12 matter?", "sql": "filter id 12 and nlpattribute topk 4 default"},
        {"idx": 1, "text": "how could text 12 be flipped?", "sql": "filter id 12 and cfe [e]"},
        {"idx": 2, "text": "what does the crow say?", "sql": "caw"},
        {"idx": 3, "text": "no parse"},
        {"idx": 4, "sql": "predict"},
        {"idx": 5, "text": 5, "sql": None},
        "text",
    ]  # fmt: skip
    path.write_text(json.dumps(entries), encoding="utf-8")
    assert run_evaluation("parsing", ["--suite", str(path), "--format", "coxql"]) == 0
    found = json.loads(capsys.readouterr().out.rstrip("\n").split("\n")[-1])
    assert (found["n"], found["malformed"]) == (2, 5)
    for text in ("{", '{"text": "a"}', "[]", "[1, null]"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError):
            coxql(path, None)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--suite", "nowhere.txt", "--format", "talktomodel"],
        ["--suite", "nowhere.json"],
        ["--suite", "a.txt", "--data", "b.csv"],
        ["--suite", "a.txt", "--bank", "b"],
        ["--data", "b.csv", "--target", "y"],
        ["--format", "poem"],
        ["--sample", "-1"],
        ["--sample", "many"],
        ["--bank", "visa_application", "--engine", "nobody"],
        ["--suite", "a.jsonl", "--subject", "atlantis"],
        ["--suite", "a.jsonl", "--schema", "nowhere.toml"],
        ["--suite", "a.txt", "--data", "nowhere.csv", "--target", "y"],
        ["stray"],
    ],
)
def test_wrong_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_evaluation("parsing", arguments) == 2
    assert capsys.readouterr().err


def count(feature: str, confidence: float | None = None) -> Plan:
    scope = Scope(where=Where.of(Condition(feature=feature, op="gt", value=1)))
    return Plan(steps=(Step(tool="count", scope=scope),), confidence=confidence)


def items(gym: Path, *golds: Outcome) -> list[Item]:
    subject = schema_subject(schema_of(gym))
    return [Item(str(number), PlanGold((gold,)), subject, "gym") for number, gold in enumerate(golds)]


def test_figures_by_hand(gym: Path) -> None:
    more = (
        count("age")
        .steps[0]
        .model_copy(update={"tool": "what_if", "scope": Scope(row="1", changes=(Change(feature="age", value=3),))})
    )
    asked, declined = Clarify(question="row"), Decline(reason="x")
    golds = (count("age"), count("age"), count("fee"), Plan(steps=(more,)), asked, declined)
    said = iter(
        (
            asked,  # the first is asked twice
            count("age", 0.9),
            count("fee", 0.92),
            Clarify(question="?"),
            Plan(steps=(more,), confidence=0.6),
            Clarify(question="which?"),
            count("age", 0.4),
        )
    )
    scored = ask_all(lambda item: next(said), items(gym, *golds))
    found = figures(scored)
    assert found["n"] == 6 and found["exact_typed"] == found["exact_literal"] == 0.5
    assert (found["operations"], found["slots"]) == (round(4 / 6, 4), 0.5)
    assert (found["exact_single"], found["n_single"]) == (round(1 / 3, 4), 3)
    assert (found["exact_multi"], found["n_multi"]) == (1.0, 1)
    assert (found["abstained"], found["misread"]) == (
        1,
        round(1 / 6, 4),
    )  # the other wrong plan says that it is not sure
    assert (found["accepted_out_of_scope"], found["asked_of_ambiguous"]) == (1.0, 1.0)
    # Bin 0.9 has two plans, right and wrong; 0.6 and 0.4 have one each: right, wrong.
    assert found["ece"] == pytest.approx((2 * 0.41 + 0.4 + 0.4) / 4)
    assert found["coverage"] == {"0.5": 0.5, "0.6": 0.5, "0.7": 0.6667, "0.8": 0.6667, "0.9": 0.5, "1": 0.5}
    # Two questions share a gold: half right; the four others: 0, 1, 1, 0.
    assert cluster_average(scored) == round((0.5 + 0 + 1 + 1 + 0) / 5, 4)


def test_an_engine_that_fails_now_and_then_and_one_that_always_does(gym: Path) -> None:
    asked = items(gym, count("age"), count("fee"))

    def shaky(item: Item) -> Outcome:
        if item is asked[1]:
            raise RuntimeError("out of paper")
        return count("age")

    found = figures(ask_all(shaky, asked))
    assert (found["failed"], found["exact_typed"], found["misread"], found["ece"]) == (1, 0.5, 0.0, None)
    with pytest.raises(RuntimeError, match="out of paper"):
        ask_all(shaky, asked[1:])


def test_odd_questions_show_what_crashes_and_what_is_no_valid_plan(gym: Path) -> None:
    items = bank([str(gym)]).items
    first, again, other = ([one.question for one in fuzzed(items, 40, seed)] for seed in (0, 0, 1))
    assert first == again != other
    assert len(set(first) - {one.question for one in items}) > 30
    bad = Plan(steps=(Step(tool="count", scope=Scope(where=Where.of(Condition(feature="agee", op="gt", value=3)))),))
    turns = itertools.cycle((bad, Plan(steps=(Step(tool="count"),)), Clarify(question="What?"), RuntimeError("no")))

    def engine(item: Item) -> Outcome:
        turn = next(turns)
        if isinstance(turn, Exception):
            raise turn
        return turn

    found = survey(engine, items, 40)
    assert (found["n"], found["invalid"], found["crashed"]) == (40, 10, 10)
    assert found["kinds"] == {"plan": 20, "clarify": 10, "crashed": 10, "invalid": 10}


def test_odd_questions_never_crash_the_embedded_model(gym: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = parsing(["--bank", str(gym), "--fuzz", "60"])
    assert report.passed, report.figures["shown"]
    assert sum(report.figures["kinds"].values()) == report.figures["n"] == 60


def test_intervals_of_clusters_are_wider_where_golds_have_many_questions(gym: Path) -> None:
    alike = items(gym, *[count("age")] * 20, *[count("fee")] * 20)
    low, high = clustered(ask_all(lambda item: count("age"), alike))
    assert (low, high) == (0.0, 1.0)
    apart = items(gym, *[count(f"f{number}") for number in range(40)])
    low, high = clustered(ask_all(lambda item: count("f3"), apart))
    assert 0.0 <= low < 0.025 < high < 0.2


def test_nothing_to_take_a_share_of(gym: Path) -> None:
    assert share([]) is None
    assert confidence([]) == {"ece": None, "coverage": None}


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_know_what_they_were_taught(name: str, gym: Path) -> None:
    domain = read_domain(gym)
    engine = Baseline(name, [domain])
    suite = bank([str(gym)])
    found = {one.item.question: one for one in ask_all(engine, suite.items)}
    assert found["how many members are older than 40?"].right
    assert found["tell me a joke"].right and found["explain it"].right
    (other,) = items(gym, count("age"))
    varied = Item("how many members are older than 61?", other.gold, other.subject, "gym")
    outcome = engine(varied)
    assert isinstance(outcome, Plan) and outcome.steps[0].scope.where.conditions()[0].value == 61


def test_names_of_a_schema_are_masked(gym: Path) -> None:
    schema = schema_of(gym)
    assert masked("How many have a monthly fee above 50?", schema) == masked("how many have a age above 7?", schema)


def test_the_shortlist_is_measured_where_a_plan_is_right(gym: Path) -> None:
    found = parsing(["--shortlist", "--bank", str(gym)])
    assert found.figures["n"] == 2  # a question back, a no and a repetition are left out
    assert [row[1] for row in found.rows] == ["8 tools", "12 tools", "16 tools", "24 tools"]
    tokens = dict(found.figures["tokens"])  # type: ignore[call-overload]
    assert tokens["8"] < tokens["12"] < tokens["16"] < tokens["24"] < tokens["all"]
    assert found.rows[1][3] == 2


def test_a_question_whose_tools_are_not_on_the_shortlist_is_a_miss(gym: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortlists, "shortlist", lambda said, schema, most: ("score", "explain", "count"))
    rows = {row[1]: row for row in parsing(["--shortlist", "--bank", str(gym)]).rows}
    assert rows["8 tools"][2:5] == (2, 2, 1.0)
    monkeypatch.setattr(shortlists, "LENGTHS", (2, 3))
    rows = {row[1]: row for row in parsing(["--shortlist", "--bank", str(gym)]).rows}
    assert rows["2 tools"][2:5] == (2, 0, 0.0)
    assert rows["2 tools"][5] == "gym: how many members are older than 40? [count]"
    assert rows["3 tools"][2:] == (2, 2, 1.0, "")


def test_a_suite_without_plans_has_no_shortlists(gym: Path) -> None:
    gym.with_suffix(".txt").write_text("? tell me a joke\n= no out_of_scope\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no question"):
        parsing(["--shortlist", "--bank", str(gym)])
