"""A network with its tokenizer, compared with the module asked for one text at a time."""

from __future__ import annotations

from typing import Any

import cloudpickle
import numpy as np
import pytest
import torch
from tiny_networks import TEXTS, direct, tiny_module, tiny_tokenizer

from askwhy.tools.engines import text_network
from askwhy.tools.engines.text_network import TextNetwork
from askwhy.tools.errors import ModelFault, ToolError


@pytest.fixture
def network() -> TextNetwork:
    return TextNetwork(tiny_module(), tiny_tokenizer(), ("bad", "good"), max_tokens=32)


class WordCounts(torch.nn.Module):
    """Sums one learned number per token; it takes no mask, so padding would count."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(50, 1)
        torch.manual_seed(3)
        torch.nn.init.normal_(self.table.weight)

    def forward(self, ids: Any) -> Any:
        return self.table(ids).sum(1)


def word_ids(text: str) -> list[int]:
    return [1 + sum(map(ord, word)) % 49 for word in text.split()]


def test_outputs_are_those_of_single_texts_in_their_order(network: TextNetwork) -> None:
    texts = [TEXTS[i % len(TEXTS)] for i in range(150)]
    expected = direct(network.module, network.tokenizer, texts)
    assert expected[:, 0].std() > 0.01
    np.testing.assert_allclose(network.outputs(texts), expected, atol=2e-6)


def test_batches_are_sorted_bounded_and_cover_every_text_once(
    network: TextNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_network, "BATCH_TEXTS", 4)
    monkeypatch.setattr(text_network, "BATCH_TOKENS", 24)
    batches = list(network.batches(TEXTS))
    widths = [batch.mask.shape[1] for batch in batches]
    assert widths == sorted(widths)
    assert all(len(batch.positions) <= 4 and batch.mask.numel() <= 24 for batch in batches)
    assert sorted(position for batch in batches for position in batch.positions) == list(range(len(TEXTS)))
    for batch in batches:  # the padding is what sorting leaves: the longest of a batch has none
        assert int(batch.mask.sum(1).max()) == batch.mask.shape[1]


def test_a_module_without_a_mask_never_sees_padding() -> None:
    network = TextNetwork(WordCounts(), word_ids, (0, 1))
    assert not network.masked
    assert all(bool(batch.mask.all()) for batch in network.batches(TEXTS))
    weights = network.module.table.weight.detach().double().numpy()[:, 0]
    sums = np.array([weights[word_ids(text)].sum() for text in TEXTS])
    np.testing.assert_allclose(network.outputs(TEXTS)[:, 1], 1 / (1 + np.exp(-sums)), atol=2e-6)


def test_one_number_without_labels_is_a_regression() -> None:
    network = TextNetwork(WordCounts(), word_ids)
    weights = network.module.table.weight.detach().double().numpy()[:, 0]
    expected = [weights[word_ids(text)].sum() for text in TEXTS]
    np.testing.assert_allclose(network.outputs(TEXTS)[:, 0], expected, atol=1e-5)


def test_logits_of_the_wrong_width_are_a_model_fault() -> None:
    with pytest.raises(ModelFault, match=r"shape \(1, 2\); expected \(texts, 3\)"):
        TextNetwork(tiny_module(2), tiny_tokenizer(), ("a", "b", "c")).outputs(["good"])


def test_tokens_say_where_they_stand(network: TextNetwork) -> None:
    text = "Good FILM, and שלום 🎬"
    found = [token for token in network.tokens(text) if not token.special]
    assert [text[token.start : token.end] for token in found] == ["Good", "FILM", ",", "and", "שלום", "🎬"]
    assert [token.text for token in found[:2]] == ["good", "film"]
    assert [token.special for token in network.tokens("good")] == [True, False, True]
    with pytest.raises(ToolError, match="does not tell where"):
        TextNetwork(WordCounts(), word_ids, (0, 1)).tokens("good")


def test_what_is_cut_off_is_said_and_has_no_effect(network: TextNetwork) -> None:
    read = "good " * 30
    assert network.unread(read) is None and network.length(read) == 32
    said = network.unread(read + "bad bad")
    assert said is not None and "first 32 of the 34 tokens" in said
    np.testing.assert_array_equal(network.outputs([read + "bad bad"]), network.outputs([read + "very dull"]))
    assert network.tokens(read + "bad")[-2].text == "good"


def test_embeddings_are_means_over_the_tokens_that_are_there(network: TextNetwork) -> None:
    found = network.embed(TEXTS)
    with torch.no_grad():
        for text, vector in zip(TEXTS, found, strict=True):
            states = network.module.bert(**network.tokenizer(text, return_tensors="pt")).last_hidden_state
            np.testing.assert_allclose(vector, states[0].mean(0).numpy(), atol=1e-5)


def test_layers_and_embeddings_have_names(network: TextNetwork) -> None:
    assert network.layers == ("bert.encoder.layer.0", "bert.encoder.layer.1")
    assert network.embedding_layer is network.module.bert.embeddings.word_embeddings
    first, last = (network.activations(["a good film"], layer) for layer in network.layers)
    assert first.shape == last.shape == (1, 16) and not np.allclose(first, last)
    assert TextNetwork(WordCounts(), word_ids, (0, 1)).embedding_name == "table"


def test_asking_leaves_the_module_and_the_threads_as_they_were(network: TextNetwork) -> None:
    network.module.train()
    before, threads = network.weights_hash, torch.get_num_threads()
    again = [network.outputs(TEXTS) for _ in range(2)]
    np.testing.assert_array_equal(*again)  # dropout is off
    assert network.module.training and torch.get_num_threads() == threads
    assert TextNetwork(network.module, network.tokenizer).weights_hash == before
    assert not torch.is_grad_enabled() or all(one.grad is None for one in network.module.parameters())


def test_a_pickled_copy_gives_the_same_and_other_weights_are_told_apart(network: TextNetwork) -> None:
    copy = cloudpickle.loads(cloudpickle.dumps(network))
    np.testing.assert_array_equal(copy.outputs(TEXTS), network.outputs(TEXTS))
    assert copy.get_params() == network.get_params()
    assert TextNetwork(tiny_module(seed=1), tiny_tokenizer()).weights_hash != network.weights_hash
