"""Another model beside the subject's own: how it is brought along, and how a tool looks through it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from rival_subjects import with_rival
from table_subjects import loan_pipeline, loan_subject, loans

from askwhy.tools.call import Call, Limits, perform
from askwhy.tools.errors import ModelFault, ToolError, UnknownName
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.executor import Executor
from askwhy.tools.loading.open import open_subject
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Condition, Scope, Where
from askwhy.tools.subject import Subject
from askwhy.tools.view import make_view

FRAME = pd.DataFrame({"x": np.linspace(-2, 2, 40), "z": np.tile([0.0, 1.0], 20), "w": np.arange(40) % 7})
TRUTH = pd.Series(np.where(FRAME["x"] > 0, "yes", "no"), name="outcome")


def logistic(columns: list[str]) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(FRAME[columns], TRUTH)


class Backwards:
    """A classifier that lists its classes the other way round."""

    classes_ = np.array(["yes", "no"])

    def predict_proba(self, frame: pd.DataFrame) -> Any:
        yes = np.where(frame["x"] > 1, 0.9, 0.2)
        return np.column_stack([yes, 1 - yes])


def of(**rivals: Any) -> Subject:
    return Subject.of(logistic(["x", "z", "w"]), FRAME, TRUTH, rivals=rivals)


def test_a_rival_predicts_what_its_model_predicts() -> None:
    small, whole = logistic(["z", "x"]), logistic(["x", "z", "w"])
    subject = Subject.of(whole, FRAME, TRUTH, rivals={"small one": small, "backwards": Backwards()})
    assert subject.schema.rivals == ("small one", "backwards")
    ours = subject.rival("small one").predictor(subject.data)
    assert ours == pytest.approx(small.predict_proba(FRAME[["z", "x"]]))
    assert subject.predictor(subject.data) == pytest.approx(whole.predict_proba(FRAME))
    # The subject's classes are no, yes.
    assert subject.rival("backwards").predictor(subject.data)[:, 1] == pytest.approx(np.where(FRAME["x"] > 1, 0.9, 0.2))


def test_text_models_have_rivals_too() -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    texts = ["a good film", "a bad film", "good fun", "bad luck", "good good", "so bad"]
    labels = ["up", "down"] * 3
    first, second = (make_pipeline(CountVectorizer(), MultinomialNB(alpha=one)).fit(texts, labels) for one in (1, 0.1))
    subject = Subject.of(first, texts, labels, rivals={"keen": second})
    assert subject.rival().predictor(subject.data) == pytest.approx(second.predict_proba(texts))


def test_rivals_are_part_of_the_identity() -> None:
    small = logistic(["x"])
    ids = [of().id, of(a=small).id, of(b=small).id, of(a=logistic(["z"])).id, of(a=small, b=small).id]
    assert len(set(ids)) == len(ids)
    assert of(a=small).id == of(a=small).id


def test_which_rival_is_meant() -> None:
    one, two = of(ridge=logistic(["x"])), of(ridge=logistic(["x"]), **{"new model": logistic(["z"])})
    assert one.rival().name == "ridge" and one.rival("Ridge").name == "ridge"
    assert two.rival("new  model").name == "new model"
    with pytest.raises(ToolError, match="ridge, new model"):
        two.rival()
    with pytest.raises(UnknownName, match="new model"):
        two.rival("new modle")
    with pytest.raises(ToolError, match="--rival"):
        of().rival()


def test_what_does_not_fit_is_refused_by_name() -> None:
    from sklearn.linear_model import LinearRegression, LogisticRegression

    more = FRAME.assign(extra=1.0)
    with pytest.raises(ToolError, match="“odd”.*extra"):
        of(odd=LogisticRegression().fit(more, TRUTH))
    with pytest.raises(ToolError, match="“odd”"):
        of(odd=LinearRegression().fit(FRAME, FRAME["x"]))
    with pytest.raises(ToolError, match="“odd”"):
        of(odd=LogisticRegression().fit(FRAME, np.where(FRAME["x"] > 0, "a", "b")))
    with pytest.raises(ToolError, match="names"):
        of(A=logistic(["x"]), a=logistic(["z"]))

    def broken(frame: pd.DataFrame) -> Any:
        raise KeyError("lost")

    with pytest.raises(ModelFault, match="“odd”.*lost"):
        of(odd=broken)


def test_the_other_view_sees_the_same_rows_and_shares_the_bill() -> None:
    subject = of(small=logistic(["x"]))
    evaluate = Evaluator(subject.predictor, budget=100)
    scope = Scope(where=Where.of(Condition(on="predicted", value="yes")))
    view = make_view(subject, scope, evaluate, 3)
    other = view.seen_by(subject.rival())
    before = evaluate.rows, evaluate.calls, evaluate.asked
    assert other.rows.equals(view.rows) and other.seed == view.seed
    assert other.outputs == pytest.approx(subject.rival().predictor(subject.data)[view.chosen])
    assert evaluate.rows == other.evaluate.rows == before[0] + len(subject.data)
    assert (evaluate.calls, evaluate.asked) == (before[1] + 1, before[2] + len(subject.data))
    with pytest.raises(ToolError, match="limit"):
        other.evaluate.outputs(pd.concat([subject.data + 5] * 1))
    assert view.outputs == pytest.approx(subject.predictor(subject.data)[view.chosen])


def test_what_is_known_of_the_model_is_not_taken_for_its_rival() -> None:
    subject = of(small=logistic(["x"]))
    known = subject.with_known(subject.predictor(subject.data))
    plain, knowing = (find_tool("compare_models")(make_view(one, Scope(), Evaluator(one.predictor), 0)) for one in
                      (subject, known))  # fmt: skip
    assert plain.canonical() == knowing.canonical()


def test_rivals_travel_to_the_worker() -> None:
    frame = loans()
    truth = loan_subject().target
    assert truth is not None
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(frame[["age", "duration"]], np.asarray(truth))
    subject = Subject.of(loan_pipeline(), frame, truth, rivals={"tree": tree})
    assert cloudpickle.loads(cloudpickle.dumps(subject)).rivals[0].name == "tree"
    call = Call(find_tool("contrast_models"), scope=Scope(row="5"), limits=Limits(seconds=120))
    executor = Executor()
    try:
        there = executor.run(subject, call)
    finally:
        executor.close()
    here = perform(subject, call)
    assert there.killable and (there.rows, there.calls) == (here.rows, here.calls)
    assert there.evidence.facts == here.evidence.facts and there.evidence.quality == here.evidence.quality


def test_a_rival_file_needs_the_same_trust(tmp_path: Path) -> None:
    import skops.io

    data, own, other = tmp_path / "rows.csv", tmp_path / "own.skops", tmp_path / "other.pkl"
    FRAME.assign(outcome=TRUTH).to_csv(data, index=False)
    skops.io.dump(logistic(["x", "z", "w"]), own)
    other.write_bytes(pickle.dumps(logistic(["x"])))
    with pytest.raises(ToolError, match="--trust"):
        open_subject(own, data, "outcome", rivals={"other": other})
    subject = open_subject(own, data, "outcome", rivals={"other": other}, trust=True)
    assert subject.rival("other").predictor(subject.data) == pytest.approx(logistic(["x"]).predict_proba(FRAME[["x"]]))


@pytest.mark.parametrize(
    ("given", "said"), [("new.skops", "NAME=FILE"), ("=new.skops", "NAME=FILE"), ("new=", "NAME=FILE")]
)
def test_the_command_line_says_how_to_name_a_rival(given: str, said: str) -> None:
    from typer.testing import CliRunner

    from askwhy.ui.cli import app

    options = ["--model", "m.skops", "--data", "d.csv", "--rival", given]
    found = CliRunner().invoke(app, ["ask", "which model is better?", *options])
    assert found.exit_code == 2 and said in found.output
    with_demo = CliRunner().invoke(app, ["ask", "which model is better?", "--demo", "credit", "--rival", "a=b"])
    assert with_demo.exit_code == 2 and "--rival" in with_demo.output


def test_tools_that_need_another_model_are_offered_where_there_is_one() -> None:
    tool = find_tool("compare_models")
    bare = of()
    assert not tool.fits(bare.schema)
    assert tool.fits(with_rival(bare, other=lambda data: np.full(len(data), 0.5)).schema)
