"""The schema file: read, refused with the nearest name, and laid over what was inferred."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.loading.infer import infer_classes, infer_feature, infer_features
from askwhy.tools.loading.schema_file import (
    SchemaFile,
    absent_categories,
    described_classes,
    described_subject,
    described_target,
    plural,
    read_schema_file,
)
from askwhy.tools.schema import Target

TOML = """
[subject]
name = "Loans"
entity = "applicant"

[target]
column = "risk"
label = "decision"
aliases = ["outcome"]

[classes.1]
label = "approved"
favourable = true

[features.amount]
label = "loan amount"
aliases = ["sum"]
unit = "DM"
range = [0, 500]
direction = 1
monotone = -1
mutable = false
more = ["larger"]
less = ["smaller"]
group = "loan"

[features.job]
kind = "category"

[features.job.categories.2]
label = "skilled"
aliases = ["trained"]
"""


def write(folder: Path, text: str, name: str = "s.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_toml_and_json_of_one_content_are_one_schema_file(tmp_path: Path) -> None:
    import tomllib

    from_toml = read_schema_file(write(tmp_path, TOML))
    from_json = read_schema_file(write(tmp_path, json.dumps(tomllib.loads(TOML)), "s.json"))
    assert from_toml == from_json
    assert from_toml.target.column == "risk"
    assert SchemaFile.from_json(from_toml.canonical()) == from_toml


def test_the_file_improves_what_was_inferred(tmp_path: Path) -> None:
    file = read_schema_file(write(tmp_path, TOML))
    frame = pd.DataFrame({"amount": [10.5, 20.0, 400.0], "job": [2, 1, 2]})
    amount, job = infer_features(frame, file.features)
    assert (amount.label, amount.unit, amount.allowed, amount.low) == ("loan amount", "DM", (0.0, 500.0), 10.5)
    assert (amount.direction, amount.monotone, amount.mutable, amount.group) == (1, -1, False, "loan")
    assert amount.words() == ("loan amount", "amount", "sum")
    assert amount.more == ("larger",)
    assert job.kind == "category"
    # The file's order comes first; values it does not know follow.
    assert [(one.name, one.label, one.value) for one in job.categories] == [("2", "skilled", 2), ("1", "1", 1)]
    assert job.category("trained").value == 2


def test_a_new_label_keeps_the_old_one_as_an_alias(tmp_path: Path) -> None:
    file = read_schema_file(write(tmp_path, '[features.loan_amount]\nlabel = "price"\n'))
    feature = infer_feature("loan_amount", pd.Series([1.5, 2.5]), file.features["loan_amount"])
    assert feature.label == "price"
    assert "loan amount" in feature.aliases


def test_classes_target_and_entities(tmp_path: Path) -> None:
    file = read_schema_file(write(tmp_path, TOML))
    no, yes = described_classes(infer_classes([0, 1]), file.classes)
    assert (yes.label, yes.favourable, yes.value) == ("approved", True, 1)
    assert (no.label, no.favourable) == ("0", False)
    target = described_target(Target(name="risk", label="risk"), file.target)
    assert (target.label, target.aliases) == ("decision", ("outcome", "risk"))
    from askwhy.tools.schema import Schema

    schema = described_subject(Schema(features=(), target=target, task="binary"), file.subject)
    assert (schema.name, schema.entity, schema.entities) == ("Loans", "applicant", "applicants")


@pytest.mark.parametrize(("noun", "many"), [("city", "cities"), ("day", "days"), ("box", "boxes"), ("loan", "loans")])
def test_plurals(noun: str, many: str) -> None:
    assert plural(noun) == many


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[features.age]\nlable = 'x'\n", "label"),
        ("[features.age.categories.1]\nalias = ['x']\n", "aliases"),
        ("[clases.1]\nlabel = 'x'\n", "classes"),
        ("[classes.1]\nfavorable = true\n", "favourable"),
        ("[target]\ncolum = 'x'\n", "column"),
        ("[subject]\nentitys = 'x'\n", "entities"),
        ("[features.age]\nkind = 'numeric'\n", "features.age.kind"),
        ("[features.age]\nmutable = 'no'\n", "features.age.mutable"),
        ("[features.age]\nlabel = 1\n", "features.age.label"),
        ("[features.age]\nrange = [5, 1]\n", "lowest"),
        ("[features.age]\ndirection = 2\n", "features.age.direction"),
        ("features = 3\n", "features"),
        ("[features\n", "line 1"),
    ],
)
def test_a_slip_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ToolError, match="schema file") as caught:
        read_schema_file(write(tmp_path, text))
    assert said in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"[]", b"{" * 100_000, b"null"])
def test_unreadable_json_is_a_tool_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s.json"
    path.write_bytes(content)
    with pytest.raises(ToolError, match="schema file"):
        read_schema_file(path)


def test_a_missing_file_is_a_tool_error(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="cannot be read"):
        read_schema_file(tmp_path / "none.toml")


def test_an_unknown_class_names_the_nearest(tmp_path: Path) -> None:
    file = read_schema_file(write(tmp_path, "[classes.aproved]\nlabel = 'x'\n"))
    with pytest.raises(UnknownName) as caught:
        described_classes(infer_classes(["approved", "declined"]), file.classes)
    assert caught.value.options == ("approved",)


def test_two_favourable_classes_of_two_are_refused(tmp_path: Path) -> None:
    file = read_schema_file(write(tmp_path, "[classes.a]\nfavourable = true\n[classes.b]\nfavourable = true\n"))
    with pytest.raises(ToolError, match="favourable"):
        described_classes(infer_classes(["a", "b"]), file.classes)


def test_a_value_the_data_does_not_have_is_said_with_the_nearest(tmp_path: Path) -> None:
    file = read_schema_file(write(tmp_path, "[features.home.categories.rents]\nlabel = 'rent'\n"))
    feature = infer_feature("home", pd.Series(["rent", "own"]), file.features["home"])
    (note,) = absent_categories(feature, file.features["home"])
    assert "rents" in note and "nearest: rent" in note


@pytest.mark.parametrize(
    ("kind", "cells", "reason"),
    [
        ("number", ["a", "b"], "not numbers"),
        ("integer", [0.5, 1.0], "whole"),
        ("boolean", [1, 2, 3], "more than 2"),
        ("category", list(range(300)), "more than 200"),
        ("date", ["a", "b"], "not dates"),
        ("text", [1, 2], "numbers"),
    ],
)
def test_a_kind_that_the_data_cannot_have_is_refused(
    tmp_path: Path, kind: str, cells: list[object], reason: str
) -> None:
    file = read_schema_file(write(tmp_path, f"[features.x]\nkind = '{kind}'\n"))
    with pytest.raises(ToolError, match=reason):
        infer_feature("x", pd.Series(cells), file.features["x"])


def test_a_range_needs_a_number(tmp_path: Path) -> None:
    file = read_schema_file(write(tmp_path, "[features.x]\nrange = [0, 1]\n"))
    with pytest.raises(ToolError, match="not a number"):
        infer_feature("x", pd.Series(["a", "b"]), file.features["x"])


def test_the_shipped_schema_files_are_valid(root: Path) -> None:
    files = sorted((root / "tools" / "subjects").glob("*.toml"))
    assert len(files) >= 5
    for path in files:
        file = read_schema_file(path)
        assert file.subject.entity and file.target.column and file.features
