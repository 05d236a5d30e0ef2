"""The network as it ships: packed, loaded again, refused where it is damaged, and open to tools made since."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tiny_parser import PEOPLE, TAUGHT, taught, tiny_model, tiny_network, tokenizer_json

from askwhy.agent.parser import trained
from askwhy.agent.parser.engine import hear
from askwhy.agent.parser.judge import UNFITTED
from askwhy.agent.parser.trained import CARD, TOKENIZER, WEIGHTS, Trained, load, pack
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import tool, tools, unregister
from askwhy.tools.view import View

NOTES = {"judge": {"log_probability": 2.0, "none": -0.5}, "steps": 7}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packed") / "weights"
    pack(tiny_network(1, 10.0), tokenizer_json().encode(), path, NOTES)
    return path


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is loaded has the dimensions of the small network."""
    monkeypatch.setattr(trained, "Network", tiny_network)


def copied(folder: Path, into: Path) -> Path:
    into.mkdir()
    for name in (WEIGHTS, TOKENIZER, CARD):
        (into / name).write_bytes((folder / name).read_bytes())
    return into


def test_a_packed_network_reads_as_before(tmp_path: Path) -> None:
    pack(taught().network, tokenizer_json().encode(), tmp_path, {})
    packed = load(tmp_path)
    for question in TAUGHT:
        found, expected = (hear(one, question, PEOPLE, None, (), "").readings[0] for one in (packed, taught()))
        assert found.outcome == expected.outcome
        assert found.probability == pytest.approx(expected.probability, abs=0.05)


def test_packed_weights_are_close(folder: Path) -> None:
    packed, whole = load(folder).network.state_dict(), tiny_network(1, 10.0).state_dict()
    assert packed.keys() == whole.keys()
    for name, expected in whole.items():
        step = expected.abs().max() * (1 / 127 if name == "encoder.words.weight" else 1e-3)
        assert (packed[name] - expected).abs().max() <= step, name


def test_the_card_is_kept(folder: Path) -> None:
    made = load(folder)
    assert (made.judge, made.card["steps"]) == ({"log_probability": 2.0, "none": -0.5}, 7)
    assert tiny_model().judge == UNFITTED


def test_packing_twice_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    pack(tiny_network(1, 10.0), tokenizer_json().encode(), tmp_path, NOTES)
    for name in (WEIGHTS, TOKENIZER, CARD):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize("name", [WEIGHTS, TOKENIZER])
@pytest.mark.parametrize("place", [0, 0.5, 1])
def test_one_damaged_byte_is_refused(folder: Path, tmp_path: Path, name: str, place: float) -> None:
    damaged = copied(folder, tmp_path / "damaged") / name
    content = bytearray(damaged.read_bytes())
    content[int(place * (len(content) - 1))] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(ToolError, match=f"{name} is damaged"):
        load(damaged.parent)


@pytest.mark.parametrize("name", [WEIGHTS, TOKENIZER, CARD])
def test_a_missing_file_is_named(folder: Path, tmp_path: Path, name: str) -> None:
    left = copied(folder, tmp_path / "left")
    (left / name).unlink()
    with pytest.raises(ToolError, match=name):
        load(left)


@pytest.mark.parametrize(
    "card", ["", "{", "[]", "7", "{}", '{"sha256": {}}', json.dumps({"sha256": {WEIGHTS: "", TOKENIZER: ""}}), "\xff"]
)
def test_a_broken_card_is_refused(folder: Path, tmp_path: Path, card: str) -> None:
    broken = copied(folder, tmp_path / "broken")
    (broken / CARD).write_bytes(card.encode("latin-1"))
    with pytest.raises(ToolError, match="Install askwhy again"):
        load(broken)


def register(asks: tuple[str, ...]) -> None:
    """A tool as somebody else would write it, in a module of its own."""
    sys.modules["lucky"] = types.ModuleType("lucky")

    def lucky_number(view: View) -> Evidence:
        """The lucky number of a case."""
        raise NotImplementedError  # it is only asked for here

    lucky_number.__module__ = "lucky"
    tool(asks=asks, says=("Lucky.",), needs="instance")(lucky_number)


@pytest.fixture
def lucky() -> Iterator[None]:
    register(("what is the lucky number of {row}?",))
    yield
    unregister("lucky_number")
    del sys.modules["lucky"]


def vector(model: Trained, name: str) -> torch.Tensor:
    """What the network makes of a tool."""
    catalogue, shelf = model.shelf()
    found: torch.Tensor = shelf.tools[catalogue.index["T", name] - catalogue.first_tool]
    return found


def test_only_a_tool_that_was_not_packed_is_favoured(folder: Path, lucky: None) -> None:
    catalogue, shelf = load(folder).shelf()
    offered = catalogue.actions[catalogue.first_tool :]
    favoured = [name for (_, name), more in zip(offered, shelf.favour, strict=True) if more > 0]
    assert favoured == ["lucky_number"]
    assert not tiny_model(1, 10.0).shelf()[1].favour.any()


def test_what_is_packed_is_not_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(folder)
    monkeypatch.setattr(model.network, "sentences", None)
    catalogue, shelf = model.shelf()
    assert len(shelf.tools) == len(tools()) and len(shelf.texts) == len(catalogue.texts)
    assert model.shelf()[1] is shelf
    expected = tiny_model(1, 10.0)
    assert all(torch.allclose(vector(model, name), vector(expected, name), atol=1e-2) for name in tools())


def test_a_tool_made_later_gets_a_vector_of_its_own(folder: Path, lucky: None) -> None:
    unregister("lucky_number")
    model = load(folder)
    before = model.shelf()
    register(("what is the lucky number of {row}?",))
    after = model.shelf()
    assert len(after[1].tools) == len(before[1].tools) + 1 == len(tools())
    direct = model.network.sentences(
        *model.pieces.texts(["lucky number: The lucky number of a case.", "what is the lucky number of row?"])
    ).sum(0)
    assert torch.allclose(vector(model, "lucky_number"), direct / direct.norm(), atol=1e-5)


@pytest.mark.usefixtures("lucky")
def test_a_tool_that_is_asked_for_otherwise_is_read_anew(folder: Path) -> None:
    model = load(folder)
    old = vector(model, "lucky_number")
    register(("is it my day?",))
    assert not torch.allclose(vector(model, "lucky_number"), old)


def test_names_of_other_models_can_be_said(folder: Path) -> None:
    model = load(folder)
    catalogue, shelf = model.shelf(("logistic regression",))
    assert ("E", ("model", "logistic regression")) in catalogue.index
    assert len(shelf.texts) == len(model.shelf()[1].texts) + 1


def test_items_are_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(folder)
    texts = ["age (number)", "the region where somebody lives (category)"]
    first = model.items(texts)
    monkeypatch.setattr(model.network.encoder, "means", None)
    assert torch.equal(model.items([texts[1], texts[0], texts[1]]), first[[1, 0, 1]])
