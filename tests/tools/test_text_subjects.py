"""Text models as subjects: folders of transformers, torch modules, pipelines, and language models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_networks import TEXTS, direct, rewrite_config, tiny_folder, tiny_module, tiny_tokenizer

from askwhy.tools.call import Call
from askwhy.tools.errors import ModelFault, ToolError, UnknownName
from askwhy.tools.executor import Executor
from askwhy.tools.loading.load_model import load_model
from askwhy.tools.loading.open import open_subject
from askwhy.tools.loading.text_models import network_of
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject

VERDICTS = ["good", "bad", "good", "bad", "good", "bad", "bad", "good", "bad"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("model") / "verdicts", {0: "bad", 1: "good"})


@pytest.fixture
def own_copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "texts.csv"
    pd.DataFrame({"text": list(TEXTS), "label": VERDICTS, "stars": range(9)}).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    made = Executor()
    yield made
    made.close()


def test_a_folder_gives_the_outputs_of_its_module_under_its_labels(folder: Path, table: Path) -> None:
    subject = open_subject(folder, table, "label")
    assert subject.schema.modality == "text" and [one.name for one in subject.schema.classes] == ["bad", "good"]
    assert any("left out: stars" in note for note in subject.notes)
    expected = direct(tiny_module({0: "bad", 1: "good"}), tiny_tokenizer(), TEXTS)
    np.testing.assert_allclose(subject.predictor(subject.data), expected, atol=2e-6)
    assert subject.predictor.network is not None and subject.predictor.network.max_tokens == 32
    assert open_subject(folder, table, "label").id == subject.id


@pytest.mark.parametrize(
    ("labels", "target", "expected"),
    [
        ({0: "NEGATIVE", 1: "POSITIVE"}, ["negative", "positive"], ["NEGATIVE", "POSITIVE"]),
        ({0: "NEGATIVE", 1: "POSITIVE"}, [0, 1], ["NEGATIVE", "POSITIVE"]),
        (2, [0, 1], ["0", "1"]),
        (2, ["bad", "good"], ["bad", "good"]),
    ],
)
def test_true_classes_are_matched_to_the_labels_of_the_config(
    tmp_path: Path, labels: Any, target: list[Any], expected: list[str]
) -> None:
    network = load_model(tiny_folder(tmp_path / "m", labels))
    subject = Subject.of(network, ["a good film", "a bad film"], target)
    assert subject.target is not None and subject.target.tolist() == expected
    assert [str(one.value) for one in subject.schema.classes] == expected


def test_a_true_class_that_the_model_does_not_know_is_named(folder: Path) -> None:
    with pytest.raises(ToolError, match="“splendid”, which the model never predicts"):
        Subject.of(load_model(folder), list(TEXTS), ["splendid", *VERDICTS[1:]])


def test_a_folder_with_one_output_is_a_regression(tmp_path: Path) -> None:
    subject = Subject.of(load_model(tiny_folder(tmp_path / "m", 1)), list(TEXTS), np.linspace(0, 9, 9))
    assert subject.task == "regression" and subject.predictor(subject.data).shape == (9, 1)


def test_what_is_wrong_with_a_folder_is_said(own_copy: Path, tmp_path: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        (own_copy / name).unlink(missing_ok=True)
    with pytest.raises(ToolError, match=r"no tokenizer that can be read.*tokenizer.save_pretrained"):
        load_model(own_copy)
    (own_copy / "model.safetensors").rename(own_copy / "pytorch_model.bin")
    with pytest.raises(ToolError, match=r"weights in pytorch_model.bin.*any code.*save_pretrained"):
        load_model(own_copy)
    (own_copy / "pytorch_model.bin").unlink()
    with pytest.raises(ToolError, match="holds no weights"):
        load_model(own_copy)
    (own_copy / "config.json").write_text("[")
    with pytest.raises(ToolError, match=r"config.json in .* cannot be read"):
        load_model(own_copy)
    with pytest.raises(ToolError, match=r"a folder without config.json"):
        load_model(tmp_path)


def test_a_tokenizer_of_another_model_is_refused(own_copy: Path) -> None:
    from transformers import BertTokenizer

    BertTokenizer(vocab={f"word{number}": number for number in range(40)}).save_pretrained(own_copy)
    with pytest.raises(ToolError, match=r"knows \d+ tokens and the model 18"):
        load_model(own_copy)


def test_code_that_comes_with_a_model_never_runs(own_copy: Path) -> None:
    ran = own_copy.parent / "ran"
    (own_copy / "own.py").write_text(f"open({str(ran)!r}, 'w')\n")
    rewrite_config(own_copy, auto_map={"AutoModelForSequenceClassification": "own.Model"})
    for trust in (False, True):
        with pytest.raises(ToolError, match="code of its own"):
            load_model(own_copy, trust=trust)
    assert not ran.exists()


def test_an_encoder_without_a_trained_head_is_refused(own_copy: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(own_copy / "model.safetensors")
    kept = {name: one for name, one in weights.items() if not name.startswith("classifier")}
    save_file(kept, own_copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ToolError, match=r"no trained text classifier.*classifier\.bias"):
        load_model(own_copy)


def test_a_config_that_claims_what_the_weights_do_not_hold_is_refused_before_it_is_built(own_copy: Path) -> None:
    rewrite_config(own_copy, hidden_size=64_000, num_attention_heads=2)
    with pytest.raises(ToolError, match=r"describes [\d,]+ weights and holds"):
        load_model(own_copy)
    rewrite_config(own_copy, num_hidden_layers=10**9)
    with pytest.raises(ToolError, match="claims 1,000,000,000 layers"):
        load_model(own_copy)


def test_several_labels_at_once_are_refused(own_copy: Path) -> None:
    rewrite_config(own_copy, problem_type="multi_label_classification")
    with pytest.raises(ToolError, match="several labels at once"):
        load_model(own_copy)


def test_a_hub_name_is_fetched_as_data_only(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub

    asked: list[dict[str, Any]] = []

    def fetch(repo: str, **options: Any) -> str:
        asked.append({"repo": repo, **options})
        return str(folder)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    assert load_model("somebody/verdicts@v2").labels == ("bad", "good")
    assert asked[0]["repo"] == "somebody/verdicts" and asked[0]["revision"] == "v2"
    assert not any(".bin" in pattern or ".py" in pattern for pattern in asked[0]["allow_patterns"])


def test_a_hub_without_network_is_said_and_a_missing_file_is_no_hub_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ToolError, match="no file or folder nobody/nothing, and the Hugging Face hub gives no model"):
        load_model("nobody/nothing")
    (tmp_path / "models").mkdir()
    with pytest.raises(ToolError, match="There is no model file models/verdicts"):
        load_model("models/verdicts")


def test_a_missing_column_is_named_and_an_unclear_one_asked_for(folder: Path, table: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="label"):
        open_subject(folder, table, "lable")
    frame = pd.read_csv(table)
    frame.assign(reply=frame["text"] + " indeed it was").rename(columns={"text": "said"}).to_csv(table, index=False)
    with pytest.raises(ToolError, match=r"several columns \(.*said.*reply.*\); name one “text”"):
        open_subject(folder, table, "label")
    numbers = tmp_path / "numbers.csv"
    pd.DataFrame({"stars": range(9), "label": VERDICTS}).to_csv(numbers, index=False)
    with pytest.raises(ToolError, match="reads texts, and the column stars holds none"):
        open_subject(folder, numbers, "label")


class WordCounts(torch.nn.Module):
    """Logits from a bag of token ids."""

    def __init__(self, width: int) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.table = torch.nn.EmbeddingBag(100, width, mode="sum")

    def forward(self, ids: Any) -> Any:
        return self.table(ids)


def word_ids(text: str) -> list[int]:
    return [1 + sum(map(ord, word)) % 99 for word in text.split()]


def test_a_torch_module_with_a_function_as_tokenizer() -> None:
    module = WordCounts(2)
    subject = Subject.of(module, list(TEXTS), VERDICTS, tokenizer=word_ids)
    assert [one.name for one in subject.schema.classes] == ["bad", "good"]
    weights = module.table.weight.detach().double().numpy()
    logits = np.stack([weights[word_ids(text)].sum(0) for text in TEXTS])
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(subject.predictor(subject.data), expected, atol=2e-6)


def test_a_torch_module_of_transformers_needs_its_tokenizer_and_a_pipeline_brings_it() -> None:
    from transformers import TextClassificationPipeline

    module = tiny_module({0: "bad", 1: "good"})
    with pytest.raises(ToolError, match="give its tokenizer too"):
        Subject.of(module, list(TEXTS), VERDICTS)
    with pytest.raises(ToolError, match="goes with a torch module"):
        Subject.of(len, list(TEXTS), VERDICTS, tokenizer=word_ids)
    given = Subject.of(module, list(TEXTS), VERDICTS, tokenizer=tiny_tokenizer())
    piped = Subject.of(TextClassificationPipeline(model=module, tokenizer=tiny_tokenizer()), list(TEXTS), VERDICTS)
    assert piped.id == given.id


def test_modules_that_differ_in_their_weights_alone_are_different_subjects() -> None:
    first, second = (Subject.of(tiny_module(seed=seed), list(TEXTS), tokenizer=tiny_tokenizer()) for seed in (0, 1))
    assert first.id != second.id


def test_positions_of_the_roberta_kind_start_after_the_padding() -> None:
    from transformers import RobertaConfig, RobertaForSequenceClassification

    config = RobertaConfig(
        vocab_size=30, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=34, pad_token_id=1,
    )  # fmt: skip
    network = network_of(RobertaForSequenceClassification(config), tiny_tokenizer())
    assert network.max_tokens == 32
    assert network.outputs(["good " * 100]).shape == (1, 2)


def test_a_network_answers_in_a_worker_that_can_be_killed(folder: Path, table: Path, executor: Executor) -> None:
    subject = open_subject(folder, table, "label")
    for row in subject.row_ids[:2]:
        result = executor.run(subject, Call(find_tool("predict"), scope=Scope(row=row)))
        assert result.killable
        expected = subject.predictor(subject.row(row))[0].max()
        assert any(
            fact.unit == "probability" and abs(fact.number() - expected) < 1e-6 for fact in result.evidence.facts
        )


def test_the_command_line_takes_a_folder(folder: Path, table: Path) -> None:
    from typer.testing import CliRunner

    from askwhy.ui.cli import app

    question = "What do you predict for text 3?"
    found = CliRunner().invoke(
        app, ["ask", "--model", str(folder), "--data", str(table), "--target", "label", "--json", question]
    )
    assert found.exit_code == 0, found.output
    answer = json.loads(found.stdout.strip().splitlines()[-1])
    assert answer["verdict"] == "verified"
    wrong = CliRunner().invoke(
        app, ["ask", "--model", str(folder), "--data", str(table), "--target", "verdict", question]
    )
    assert wrong.exit_code == 2 and "verdict" in wrong.stderr


@pytest.mark.parametrize("kind", ["bin", "pt"])
def test_a_pickled_network_is_no_model_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"model.{kind}"
    torch.save(tiny_module().state_dict(), path)
    with pytest.raises(ToolError, match="no known kind of model file"):
        load_model(path, trust=True)


def test_a_fault_inside_a_network_is_the_models() -> None:
    class Broken(WordCounts):
        def forward(self, ids: Any) -> Any:
            raise IndexError("index out of range in self")

    with pytest.raises(ModelFault, match="index out of range"):
        Subject.of(Broken(2), list(TEXTS), VERDICTS, tokenizer=word_ids)
