"""The measurement of words: what is counted, labelled narratives, readability."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from verify_cases import COUNT, EXPLAIN, PREDICT

from askwhy.evals import words_faults, words_texts
from askwhy.evals.readability import count_syllables, readability
from askwhy.evals.registry import UsageError, run_evaluation
from askwhy.evals.words_answers import TrueAnswer
from askwhy.evals.words_faults import Tally, fault_part, measured
from askwhy.evals.words_narratives import read_narratives, scores_of
from askwhy.evals.words_texts import consistency_part, even_handed, readability_part

TABLE = [
    {"name": "income", "value": 83.2, "contribution": 12.5},
    {"name": "garden", "label": "garden size", "value": 20, "contribution": -3.1},
    {"name": "street", "value": "main", "shap": 1.5},
]
PRICE = {"name": "price", "value": 210.0}


def answers() -> tuple[TrueAnswer, ...]:
    """Hand-made evidence as if it had been run."""
    cases = (COUNT, PREDICT)
    return tuple(TrueAnswer("by hand", case.plan, case.evidence, case.schema) for case in cases)


@pytest.mark.parametrize("mode", words_faults.MODES)
def test_faults_are_put_in_and_caught(mode: str) -> None:
    tally = measured(answers(), mode)
    assert tally.texts == 2 and tally.alarms == 0
    assert sum(tally.put.values()) >= 10
    assert sum(tally.put.values()) == sum(tally.caught.values()) + len(tally.missed)
    assert tally.missed == []


def test_a_verifier_that_sees_nothing_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words_faults, "verify", lambda *_: ())
    rows, figures, passed = fault_part(answers())
    assert not passed and figures["recall"] == 0.0
    assert rows[-1][1] == 0.0


def test_a_verifier_that_rejects_everything_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words_faults, "verify", lambda *_: ("no",))
    _, figures, passed = fault_part(answers())
    assert not passed and figures["false_alarms"] == {"template": 1.0, "paraphrase": 1.0}
    assert figures["faults"] == 0  # a fault in a text that is rejected anyway counts for nothing


def test_one_missed_number_is_too_many() -> None:
    tally = Tally(texts=1000, alarms=0)
    tally.put.update({"changed digit": 1000, "wrong row": 1000})
    tally.caught.update({"changed digit": 999, "wrong row": 1000})
    row = words_faults._row("changed digit", {"template": tally})
    assert row[1:3] == (0.999, 1000) and row[-1] is False


def test_claims_are_the_same_in_every_variation() -> None:
    rows, figures, passed = consistency_part(answers())
    assert passed and figures["v10_template"] == 1.0 and figures["v10_paraphrase"] == 1.0
    assert len(rows) == 2


def test_claims_that_differ_are_seen() -> None:
    assert words_texts._jaccard([frozenset({("1.f1",), ("1.f2",)}), frozenset({("1.f1",)})]) == 0.5
    assert words_texts._jaccard([frozenset(), frozenset()]) == 1.0


def test_words_are_the_same_for_either_sex() -> None:
    explained = TrueAnswer("by hand", EXPLAIN.plan, EXPLAIN.evidence, EXPLAIN.schema)
    assert even_handed(answers()[1]) is None
    facts = tuple(
        fact.model_copy(update={"feature": "sex", "at": "female"}) if fact.feature == "savings" else fact
        for fact in EXPLAIN.evidence[0].facts
    )
    named = EXPLAIN.evidence[0].model_copy(update={"facts": facts})
    assert even_handed(TrueAnswer("by hand", explained.plan, (named,), EXPLAIN.schema)) is True


def test_readability_of_worked_examples() -> None:
    easy = readability("The cat sat on the mat.")
    assert (easy.words, easy.sentences) == (6, 1)
    assert easy.flesch == pytest.approx(206.835 - 1.015 * 6 - 84.6 * 1.0)
    two = readability("The model predicts declined. The model is sure.")
    # 8 words, 2 sentences; the-mod-el-pre-dicts-de-clined-the-mod-el-is-sure are 12 syllables
    assert two.flesch == pytest.approx(206.835 - 1.015 * 4 - 84.6 * 12 / 8)
    assert two.alike == 1.0 and two.words_per_sentence == 4
    assert readability("a b c a b c").repeated == pytest.approx(1 / 4)
    with pytest.raises(ValueError, match="without words"):
        readability("...")


@pytest.mark.parametrize(
    ("word", "count"),
    [("cat", 1), ("table", 2), ("probability", 5), ("raises", 2), ("made", 1), ("age", 1), ("12.3", 1)],
)
def test_syllables(word: str, count: int) -> None:
    assert count_syllables(word) == count


def test_readability_of_answers_compares_two_writers() -> None:
    rows, figures = readability_part(answers())
    assert [row[0] for row in rows][1] == "words per sentence"
    assert set(figures["flesch"]) == {"template", "paraphrase"}  # type: ignore[call-overload]


def written(folder: Path, *narratives: dict[str, object]) -> Path:
    path = folder / "narratives.jsonl"
    path.write_text("# a comment\n\n" + "\n".join(map(json.dumps, narratives)), encoding="utf-8")
    return path


def test_narratives_are_scored_by_sentence(tmp_path: Path) -> None:
    text = (
        "The income of 83.2 raises the predicted price by 12.5. The garden size raises the price. The street is main."
    )
    path = written(
        tmp_path,
        {"text": text, "features": TABLE, "prediction": PRICE, "wrong": [1]},
        {"text": "Income matters most. Street matters more than garden size.", "features": TABLE, "wrong": [1]},
    )
    scores = scores_of(read_narratives(path))
    assert (scores.caught, scores.missed, scores.alarms, scores.passed) == (2, 0, 0, 3)
    assert scores.recall == scores.precision == 1.0 and scores.false_alarms == 0.0


def test_narratives_are_scored_as_a_whole(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        {"text": "Income lowers the price by 12.5.", "features": TABLE, "prediction": PRICE, "label": "unfaithful"},
        {"text": "Income raises the price by 12.5.", "features": TABLE, "prediction": PRICE, "label": "faithful"},
        {"text": "The weather was fine that day.", "features": TABLE, "prediction": PRICE, "label": "unfaithful"},
    )
    scores = scores_of(read_narratives(path))
    assert (scores.caught, scores.missed, scores.alarms, scores.passed) == (1, 1, 0, 1)


def test_a_sign_may_stand_for_a_size(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        {"text": "Income lowers the price.", "features": [{"name": "income", "value": 3, "sign": 1}], "label": "false"},
    )
    (one,) = read_narratives(path)
    assert one.evidence.facts[0].value == 1.0
    assert scores_of((one,)).caught == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"text": "A.", "features": []}', "label"),
        ('{"text": "A.", "features": [], "wrong": [4]}', "1 sentences"),
        ('{"text": "A.", "features": [], "label": "maybe"}', "maybe"),
        ("not json", "line 1"),
        ("", "no narratives"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(tmp_path: Path, line: str, words: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(UsageError, match=words):
        read_narratives(path)


def test_the_command_prints_a_table_and_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, {"text": "Income lowers it.", "features": TABLE, "prediction": PRICE, "label": "false"})
    assert run_evaluation("words", ["--part", "narratives", str(path)]) == 0
    printed = capsys.readouterr().out.strip().splitlines()
    assert json.loads(printed[-1])["narratives"]["recall"] == 1.0
    assert run_evaluation("words", ["--part", "narratives"]) == 2
