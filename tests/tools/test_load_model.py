"""Model files: what is read, what is refused, and that refused files run nothing."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from askwhy.tools.errors import ToolError
from askwhy.tools.loading.build import build_subject
from askwhy.tools.loading.load_model import load_model

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"a": RNG.normal(size=40), "b": RNG.normal(size=40), "c": ["x", "y"] * 20})
TARGET = (FRAME.a + (FRAME.c == "x") > 0).astype(int)
NUMBERS = FRAME[["a", "b"]]


class Gadget:
    """Creates a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (os.system, (f"touch {self.canary}",))


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(
            ColumnTransformer(
                [("c", OneHotEncoder(), ["c"])], remainder=make_pipeline(SimpleImputer(), StandardScaler())
            ),
            RandomForestClassifier(5, random_state=0),
        ),
        make_pipeline(
            ColumnTransformer([("c", OneHotEncoder(), ["c"])], remainder="passthrough"), LogisticRegression()
        ),
    ],
)
def test_skops_pipelines_of_mixed_columns(tmp_path: Path, model: Any) -> None:
    model.fit(FRAME, TARGET)
    skops.io.dump(model, tmp_path / "m.skops")
    loaded = load_model(tmp_path / "m.skops", rehearse=False)
    np.testing.assert_array_equal(loaded.predict_proba(FRAME), model.predict_proba(FRAME))


@pytest.mark.parametrize(
    "model",
    [
        HistGradientBoostingClassifier(max_iter=5),
        GradientBoostingClassifier(n_estimators=5),
        CalibratedClassifierCV(LogisticRegression(), cv=2),
        make_pipeline(SelectKBest(k=1), KNeighborsClassifier()),
        make_pipeline(FunctionTransformer(np.tanh), Ridge()),
        MLPClassifier((4,), max_iter=5),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_common_models_need_no_further_trust(tmp_path: Path, model: Any) -> None:
    model.fit(NUMBERS, TARGET)
    skops.io.dump(model, tmp_path / "m.skops")
    loaded = load_model(tmp_path / "m.skops", rehearse=False)
    np.testing.assert_array_equal(loaded.predict(NUMBERS), model.predict(NUMBERS))


def test_skops_of_texts_and_of_boosters(tmp_path: Path) -> None:
    texts = ["good film", "bad film"] * 5
    words = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [1, 0] * 5)
    skops.io.dump(words, tmp_path / "t.skops")
    np.testing.assert_array_equal(load_model(tmp_path / "t.skops", rehearse=False).predict(texts), [1, 0] * 5)
    xgboost, lightgbm = pytest.importorskip("xgboost"), pytest.importorskip("lightgbm")
    for model in (xgboost.XGBClassifier(n_estimators=2, n_jobs=1), lightgbm.LGBMClassifier(n_estimators=2, verbose=-1)):
        model.fit(NUMBERS, TARGET)
        skops.io.dump(model, tmp_path / "b.skops")
        loaded = load_model(tmp_path / "b.skops", rehearse=False)
        np.testing.assert_allclose(loaded.predict_proba(NUMBERS), model.predict_proba(NUMBERS))


@pytest.mark.parametrize("suffix", ["json", "ubj"])
@pytest.mark.parametrize("classes", [0, 2, 3])
def test_xgboost_files(tmp_path: Path, suffix: str, classes: int) -> None:
    xgboost = pytest.importorskip("xgboost")
    made = xgboost.XGBClassifier if classes else xgboost.XGBRegressor
    target = np.arange(40) % classes if classes else FRAME.a * 2
    model = made(n_estimators=4, n_jobs=1).fit(NUMBERS, target)
    model.save_model(tmp_path / f"m.{suffix}")
    subject = build_subject(load_model(tmp_path / f"m.{suffix}", rehearse=False), NUMBERS[["b", "a"]])
    expected = model.predict_proba(NUMBERS) if classes else model.predict(NUMBERS)[:, None]
    np.testing.assert_allclose(subject.predictor(subject.data), expected, atol=1e-6)
    assert subject.regression == (classes == 0)


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_lightgbm_files(tmp_path: Path, classes: int) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    made = lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor
    columns = FRAME.astype({"c": "category"})
    target = np.arange(40) % classes if classes else FRAME.a * 2
    model = made(n_estimators=4, verbose=-1, n_jobs=1, min_child_samples=2).fit(columns, target)
    model.booster_.save_model(tmp_path / "m.txt")
    subject = build_subject(load_model(tmp_path / "m.txt", rehearse=False), FRAME)
    expected = model.predict_proba(columns) if classes else model.predict(columns)[:, None]
    np.testing.assert_allclose(subject.predictor(subject.data), expected, atol=1e-9)


@pytest.mark.parametrize("objective", ["multi:softmax", "binary:hinge"])
def test_a_booster_of_labels_says_what_to_train_instead(tmp_path: Path, objective: str) -> None:
    xgboost = pytest.importorskip("xgboost")
    settings = {"objective": objective, "nthread": 1, **({"num_class": 2} if "multi" in objective else {})}
    xgboost.train(settings, xgboost.DMatrix(NUMBERS, TARGET), 2).save_model(tmp_path / "m.json")
    with pytest.raises(ToolError, match="gives no probabilities"):
        load_model(tmp_path / "m.json", rehearse=False)


# Files that must run nothing


@pytest.mark.parametrize("name", ["m.pkl", "m.pickle", "m.joblib", "m.skops", "m.onnx", "m.json", "m.ubj", "m.txt"])
def test_a_pickle_never_runs_under_any_name(tmp_path: Path, name: str) -> None:
    canary = tmp_path / "canary"
    (tmp_path / name).write_bytes(pickle.dumps(Gadget(canary)))
    with pytest.raises(ToolError) as caught:
        load_model(tmp_path / name, rehearse=False)
    assert not canary.exists()
    assert ("--trust" in str(caught.value)) == (name in ("m.pkl", "m.pickle", "m.joblib"))


def test_a_compressed_joblib_file_never_runs(tmp_path: Path) -> None:
    joblib.dump(Gadget(tmp_path / "canary"), tmp_path / "m.joblib", compress=3)
    with pytest.raises(ToolError, match="--trust"):
        load_model(tmp_path / "m.joblib")
    assert not (tmp_path / "canary").exists()


def schema_of(thing: Any) -> dict[str, Any]:
    """What skops writes about a thing."""
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(thing))) as archive:
        schema: dict[str, Any] = json.loads(archive.read("schema.json"))
    return schema


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        ("posix", "system"),
        ("subprocess", "getoutput"),
        ("builtins", "eval"),
        ("pkgutil", "resolve_name"),
        ("joblib", "load"),
        ("joblib.numpy_pickle", "load"),
        ("sklearn.utils._testing", "ignore_warnings"),
        ("numpy", "load"),
        ("skops.io", "load"),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_a_call_of_the_files_choice_is_named_and_never_made(
    tmp_path: Path, module: str, kind: str, inside: bool
) -> None:
    canary = tmp_path / "canary"
    call = schema_of((f"touch {canary}",))
    call.update(content=schema_of((f"touch {canary}",)), __class__=kind, __module__=module)
    call.update(__loader__="ConstructorFromReduceNode", __id__=1)
    schema = schema_of(Ridge())
    if inside:
        schema["content"]["content"]["alpha"] = call
    with zipfile.ZipFile(tmp_path / "e.skops", "w") as archive:
        archive.writestr("schema.json", json.dumps(schema if inside else call))
    with pytest.raises(ToolError, match=f"types that are not allowed in a model file: {module}.{kind}"):
        load_model(tmp_path / "e.skops", rehearse=False)
    assert not canary.exists()


def test_the_call_would_be_made_if_it_were_trusted(tmp_path: Path) -> None:
    call = schema_of((f"touch {tmp_path / 'canary'}",))
    call.update(content=dict(call), __class__="system", __module__="posix", __loader__="ConstructorFromReduceNode")
    call["__id__"] = 1
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("schema.json", json.dumps(call))
    skops.io.loads(packed.getvalue(), trusted=["posix.system"])
    assert (tmp_path / "canary").exists()  # so the test above tests a working gadget


def test_an_estimator_of_ones_own_is_named(tmp_path: Path) -> None:
    class Own(LogisticRegression):
        """Not of a library."""

    Own.__qualname__ = "Own"
    skops.io.dump(Own().fit(NUMBERS, TARGET), tmp_path / "m.skops")
    with pytest.raises(ToolError, match="Own"):
        load_model(tmp_path / "m.skops", rehearse=False)


def test_a_function_of_a_column_is_named(tmp_path: Path) -> None:
    skops.io.dump(make_pipeline(FunctionTransformer(os.system), Ridge()), tmp_path / "m.skops")
    with pytest.raises(ToolError, match="posix.system"):
        load_model(tmp_path / "m.skops", rehearse=False)


def test_a_skops_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("askwhy.tools.loading.load_model.MAX_BYTES", 1_000_000)
    with zipfile.ZipFile(tmp_path / "b.skops", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", b" " * 5_000_000)
    with pytest.raises(ToolError, match="unpacks to"):
        load_model(tmp_path / "b.skops", rehearse=False)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    skops.io.dump(Ridge().fit(NUMBERS, TARGET), tmp_path / "m.skops")
    whole = (tmp_path / "m.skops").read_bytes()
    deep = io.BytesIO()
    with zipfile.ZipFile(deep, "w") as archive:
        archive.writestr("schema.json", "[" * 200_000)
    damaged = {
        "cut.skops": whole[: len(whole) // 2], "deep.skops": deep.getvalue(), "empty.skops": b"",
        "a.onnx": b"\x08\x07nonsense",
        "a.json": b"{}", "b.json": b'{"learner": {}}', "a.ubj": b"{L", "a.txt": b"tree\nend of trees",
        "b.txt": b"tree\nversion=v4\nnum_class=1\nend of trees\n",
    }  # fmt: skip
    for name, content in damaged.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ToolError, match=name):
            load_model(tmp_path / name, rehearse=False)


def test_a_file_that_kills_its_reader_kills_only_the_rehearsal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.skops").write_bytes(b"x")
    stand_in = [sys.executable, "-c", "import os; os.abort()"]
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda command, **options: run(stand_in, **options))
    with pytest.raises(ToolError, match=r"m\.skops crashed"):
        load_model(tmp_path / "m.skops")


def test_a_rehearsal_refuses_and_accepts_as_the_reader_does(tmp_path: Path) -> None:
    (tmp_path / "bad.skops").write_bytes(b"no archive")
    with pytest.raises(ToolError, match=r"bad\.skops is not a readable skops file"):
        load_model(tmp_path / "bad.skops")
    model = Ridge().fit(NUMBERS, TARGET)
    skops.io.dump(model, tmp_path / "m.skops")
    np.testing.assert_array_equal(load_model(tmp_path / "m.skops").predict(NUMBERS), model.predict(NUMBERS))


# With the user's word for it


def test_trust_loads_pickles_and_references(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Ridge().fit(NUMBERS, TARGET)
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(model))
    joblib.dump(model, tmp_path / "m.joblib")
    for name in ("m.pkl", "m.joblib"):
        loaded = load_model(tmp_path / name, trust=True)
        np.testing.assert_array_equal(loaded.predict(NUMBERS), model.predict(NUMBERS))
    (tmp_path / "m.pkl").write_bytes(b"\x80\x04cut")
    with pytest.raises(ToolError, match="could not be loaded"):
        load_model(tmp_path / "m.pkl", trust=True)
    (tmp_path / "own_scoring.py").write_text("class Box:\n    score = staticmethod(len)\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(ToolError, match="--trust"):
        load_model("own_scoring:Box.score")
    assert load_model("own_scoring:Box.score", trust=True) is len
    with pytest.raises(ToolError, match="could not be loaded"):
        load_model("own_scoring:Box.none", trust=True)


def test_what_is_no_model_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "m.h5").write_bytes(b"x")
    for source, said in (
        ("none.skops", "no model file"),
        ("m.h5", "no known kind"),
        (".", "folder"),
        ("a\0b.skops", "no model"),
    ):
        with pytest.raises(ToolError, match=said):
            load_model(tmp_path / source)


# ONNX, written by hand: the protobuf fields that a small graph needs


def field(number: int, value: int | bytes | str) -> bytes:
    """One protobuf field."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def tensor(name: str, array: np.ndarray) -> bytes:
    shape = b"".join(field(1, size) for size in array.shape)
    return shape + field(2, 1) + field(8, name) + field(9, array.astype("<f4").tobytes())


def matrix_input(name: str, width: int) -> bytes:
    shape = field(1, field(2, "n")) + field(1, field(1, width))
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))


def node(kind: str, inputs: list[str], output: str) -> bytes:
    return b"".join(field(1, one) for one in inputs) + field(2, output) + field(4, kind)


def graph(weights: np.ndarray, *, softmax: bool, external: bool = False) -> bytes:
    """x @ weights, with or without a softmax."""
    nodes = field(1, node("MatMul", ["x", "w"], "z" if softmax else "y"))
    if softmax:
        nodes += field(1, node("Softmax", ["z"], "y"))
    stored = tensor("w", weights)
    if external:
        where = field(1, "location") + field(2, "../../etc/passwd")
        stored = (
            field(1, weights.shape[0])
            + field(1, weights.shape[1])
            + field(2, 1)
            + field(8, "w")
            + field(13, where)
            + field(14, 1)
        )
    body = nodes + field(2, "g") + field(5, stored)
    body += field(11, matrix_input("x", weights.shape[0])) + field(12, matrix_input("y", weights.shape[1]))
    return field(1, 8) + field(8, field(2, 13)) + field(7, body)


def test_onnx_classifier_and_regressor(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    weights = np.array([[1.0, -1.0, 0.5], [0.25, 2.0, -1.0]])
    (tmp_path / "c.onnx").write_bytes(graph(weights, softmax=True))
    model = load_model(tmp_path / "c.onnx", rehearse=False)
    scores = np.exp(NUMBERS.to_numpy() @ weights)
    subject = build_subject(model, NUMBERS, ["u", "v", "w", "u"] * 10)
    assert [label.value for label in subject.schema.classes] == ["u", "v", "w"]
    np.testing.assert_allclose(subject.predictor(subject.data), scores / scores.sum(axis=1, keepdims=True), atol=1e-6)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict_proba(NUMBERS), model.predict_proba(NUMBERS))
    (tmp_path / "r.onnx").write_bytes(graph(weights[:, :1], softmax=False))
    number = build_subject(load_model(tmp_path / "r.onnx", rehearse=False), NUMBERS)
    assert number.regression
    np.testing.assert_allclose(number.predictor(number.data), NUMBERS.to_numpy() @ weights[:, :1], atol=1e-6)


def test_onnx_that_reads_other_files_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / "m.onnx").write_bytes(graph(np.ones((2, 2)), softmax=True, external=True))
    with pytest.raises(ToolError, match="keeps weights in other files"):
        load_model(tmp_path / "m.onnx", rehearse=False)


def test_the_hand_written_protobuf_is_right() -> None:
    assert varint(300) == b"\xac\x02"
    assert field(2, "testing") == b"\x12\x07testing"
    assert tensor("w", np.array([[1.0]])).endswith(struct.pack("<f", 1.0))
