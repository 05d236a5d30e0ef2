"""A small causal language model in a folder: a Llama of random weights and a tokenizer of bytes and a few merges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

MARKS = ["<|begin|>", "<|end|>"]
TEMPLATE = (
    "{% for message in messages %}<|begin|>{{ message['role'] }}\n{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|begin|>assistant\n{% endif %}"
)
_TAUGHT = [
    '[{"name": "count", "arguments": {"where": {"all": [{"any": [{"feature": "f0", "op": "gt", "value": 1}]}]}}}]'
]


def tiny_words(template: str | None = TEMPLATE) -> Any:
    """A tokenizer that knows every byte, so that any text can be written."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    made = ByteLevelBPETokenizer()
    made.train_from_iterator(_TAUGHT * 4, vocab_size=320, special_tokens=MARKS, show_progress=False)
    words = PreTrainedTokenizerFast(tokenizer_object=made._tokenizer, eos_token=MARKS[1], pad_token=MARKS[1])
    words.chat_template = template
    return words


def tiny_causal(folder: Path, *, template: str | None = TEMPLATE, context: int = 8192, seed: int = 0) -> Path:
    """What `save_pretrained` writes of a tiny Llama and its tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    words = tiny_words(template)
    settings = LlamaConfig(
        vocab_size=len(words) + 6, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=context, initializer_range=0.5, eos_token_id=words.eos_token_id,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        LlamaForCausalLM(settings).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder
