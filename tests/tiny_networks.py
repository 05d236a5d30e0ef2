"""Small torch classifiers of texts, made on the spot: random transformers in a folder, and one that counts words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

WORDS = ["a", "good", "bad", "film", "the", "and", "of", "was", "it", "very", "dull", "bright", "not"]
TEXTS = (
    "a good film", "the film was bad", "it was good and bright", "bad and dull", "good", "a very dull film",
    "not a good film", "the bright and the dull", "it was a film",
)  # fmt: skip
"""More words than one; the last ones are the longest."""


def tiny_tokenizer() -> Any:
    """A BERT tokenizer of `WORDS`."""
    from transformers import BertTokenizer

    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    return BertTokenizer(vocab={name: number for number, name in enumerate(names)})


def tiny_module(labels: Mapping[int, str] | int = 2, seed: int = 0, **config: Any) -> Any:
    """A BERT sequence classifier of width 16 with random weights, large enough that texts get different outputs."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    named = {"num_labels": labels} if isinstance(labels, int) else {"id2label": dict(labels)}
    settings = BertConfig(
        vocab_size=len(WORDS) + 5, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=32, initializer_range=0.5, **named, **config,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BertForSequenceClassification(settings).eval()


def tiny_folder(folder: Path, labels: Mapping[int, str] | int = 2, seed: int = 0, **config: Any) -> Path:
    """What `save_pretrained` writes of a tiny classifier and its tokenizer."""
    tiny_module(labels, seed, **config).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def rewrite_config(folder: Path, **entries: Any) -> None:
    """Change entries of a folder's config.json."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def direct(module: Any, tokenizer: Any, texts: Sequence[str]) -> Any:
    """Probabilities (n, classes), one text at a time and without padding."""
    import numpy as np
    import torch

    rows = []
    for text in texts:
        given = tokenizer(text, return_tensors="pt", truncation=True, max_length=32)
        with torch.no_grad():
            rows.append(torch.softmax(module(**given).logits.double(), dim=1)[0].numpy())
    return np.stack(rows)
