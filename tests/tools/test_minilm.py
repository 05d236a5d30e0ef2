"""The transformer of the reviews, trained here on a few texts: the wheel's encoder, the cache, and what is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from askwhy.tools.subjects import minilm
from askwhy.tools.subjects.minilm import Training, fresh_network, trained_network
from askwhy.tools.subjects.texts import reviews
from askwhy.tools.wheels import cache_dir

LABELS = ("fresh", "rotten")
SMALL = Training(layers=1, epochs=2, rate=3e-4, head_rate=3e-3)


@pytest.fixture(scope="module")
def texts() -> tuple[list[str], list[str]]:
    frame = reviews().frame.sample(400, random_state=0)
    return frame["text"].tolist(), frame["category"].tolist()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of its own that shares what was fetched."""
    fresh_network(LABELS)
    folder = tmp_path_factory.mktemp("cache")
    (folder / "wheels").symlink_to(cache_dir() / "wheels")
    return folder


def test_the_encoder_is_the_published_one() -> None:
    network = fresh_network(LABELS)
    alike, other = network.embed(["A moving, funny film.", "A touching and amusing movie.", "Tax rates rose in May."])[
        1:
    ]
    first = network.embed(["A moving, funny film."])[0]
    cosines = [float(first @ one / np.linalg.norm(first) / np.linalg.norm(one)) for one in (alike, other)]
    assert cosines[0] > 0.5
    assert cosines[1] < 0.3
    assert network.max_tokens == 512 and len(network.layers) == 6
    np.testing.assert_array_equal(fresh_network(LABELS).outputs(["x"]), network.outputs(["x"]))
    assert fresh_network(LABELS, seed=1).outputs(["x"])[0, 0] != network.outputs(["x"])[0, 0]


def test_it_learns_says_so_and_is_found_again(
    texts: tuple[list[str], list[str]], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASKWHY_CACHE", str(cache))
    train, test = slice(0, 240), slice(240, 400)
    said: list[str] = []
    network, outputs = trained_network(
        texts[0][train], texts[1][train], LABELS, asked=texts[0][test], training=SMALL, said=said.append
    )
    right = np.mean(np.array(LABELS)[outputs.argmax(1)] == np.array(texts[1][test]))
    commonest = max(np.mean(np.array(texts[1][test]) == label) for label in LABELS)
    assert right > commonest + 0.03
    assert "240 texts" in said[0] and str(cache) in said[0] and any("% trained" in one for one in said)
    np.testing.assert_array_equal(network.outputs(texts[0][test]), outputs)
    untrained = fresh_network(LABELS)
    for name, weights in network.module.state_dict().items():
        same = bool((weights == untrained.module.state_dict()[name]).all())
        assert same != name.startswith(("classifier.", "bert.encoder.layer.5."))

    monkeypatch.setattr(minilm, "train", lambda *_: pytest.fail("trained again"))
    again, known = trained_network(texts[0][train], texts[1][train], LABELS, asked=texts[0][test], training=SMALL)
    np.testing.assert_array_equal(known, outputs)
    assert again.weights_hash == network.weights_hash
    (file,) = (cache / "models").glob("minilm-*/*.safetensors")
    damaged = bytearray(file.read_bytes())
    damaged[-1] ^= 1
    file.write_bytes(damaged)
    with pytest.raises(pytest.fail.Exception, match="trained again"):
        trained_network(texts[0][train], texts[1][train], LABELS, asked=texts[0][test], training=SMALL)
    shutil.rmtree(cache / "models")


def test_other_texts_are_another_recipe(texts: tuple[list[str], list[str]]) -> None:
    base = minilm._recipe((texts[0][:5], texts[1][:5], LABELS))
    assert minilm._recipe((texts[0][:5], texts[1][:5], LABELS)) == base
    assert minilm._recipe((texts[0][1:6], texts[1][:5], LABELS)) != base
    assert minilm._recipe((texts[0][:5], texts[1][:5], LABELS[::-1])) != base


def test_the_rate_rises_and_falls() -> None:
    rates = [minilm._rate(step / 100, 0.1) for step in range(101)]
    assert max(rates) == rates[10] == 1 and rates[0] < 0.02 and rates[100] == 0
    assert all(np.diff(rates[:11]) > 0) and all(np.diff(rates[10:]) < 0)
