"""A causal language model by its name: a folder, one GGUF file of a folder, a name on the hub, or `smollm2`.

Weights are read from safetensors and GGUF only, code that comes with a model is never run, and the hub is asked only
for a name of the form OWNER/NAME that is no folder here (HF_HUB_OFFLINE keeps it from being asked).
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from askwhy.agent.local.smollm import read_gguf, smollm
from askwhy.tools.errors import MissingExtra, ToolError
from askwhy.tools.loading.text_models import (
    HUB_NAME,
    brief,
    check_vocabulary,
    check_weights,
    checked_config,
    fast_tokenizer,
    fetched,
    quiet,
)

SMOLLM_NAME = "smollm2"
MOST_BYTES = 64 * 1024**3
_SUFFIX = ".gguf"


def load_weights(name: str) -> tuple[Any, Any]:
    """Model, on the device where it is to run, and tokenizer. Raises ToolError, MissingExtra."""
    if importlib.util.find_spec("llguidance") is None:
        raise MissingExtra("llguidance", "local")
    file = _gguf(name)
    if file is None:
        folder = _folder(name)
        checked_config(folder)
        check_weights(folder, MOST_BYTES)
    try:
        with quiet():
            model, tokenizer = read_gguf(file, _number()) if file else (_model(folder), fast_tokenizer(folder))
    except ToolError:
        raise
    except Exception as error:  # each architecture fails in ways of its own
        raise ToolError(f"The language model {name} could not be loaded: {brief(error)}") from error
    check_vocabulary(Path(name), model, tokenizer)
    return model.to(_device()).eval(), tokenizer


def _gguf(name: str) -> Path | None:
    """The GGUF file that is meant, if one is: FOLDER#FILE, or the only weights of a folder."""
    folder, _, chosen = name.partition("#")
    if chosen:
        file = Path(folder) / chosen
        if Path(chosen).name != chosen or file.suffix != _SUFFIX or not file.is_file():
            raise ToolError(f"There is no file {chosen} in {folder}; FOLDER#FILE{_SUFFIX} names one.")
        return file
    path = Path(name)
    if name == SMOLLM_NAME or not path.is_dir() or (path / "config.json").is_file():
        return None
    found = sorted(path.glob(f"*{_SUFFIX}"))
    if len(found) > 1:
        raise ToolError(f"{name} holds several models; name one as {name}#{found[0].name}")
    return found[0] if found else None


def _folder(name: str) -> Path:
    if name == SMOLLM_NAME:
        return smollm()
    if Path(name).is_dir():
        return Path(name)
    found = HUB_NAME.fullmatch(name)
    if found is None:
        raise ToolError(
            f"“{name}” is no language model here. Give a folder, FOLDER#FILE{_SUFFIX}, OWNER/NAME on the Hugging Face "
            f"hub, or {SMOLLM_NAME}."
        )
    return fetched(found["repo"], found["revision"], MOST_BYTES)


def _model(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    found: Any = AutoModelForCausalLM.from_pretrained(
        folder, dtype=_number(), use_safetensors=True, output_loading_info=True, local_files_only=True,
        trust_remote_code=False,
    )  # fmt: skip
    model, report = found
    if missing := sorted(report["missing_keys"]):
        raise ToolError(f"{folder.name} is no causal language model: it has no weights for {', '.join(missing[:3])}.")
    return model


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _number() -> Any:
    """The type of the weights: bfloat16 where the processor computes with it, else float32."""
    import torch

    if _device() == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    native = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return torch.bfloat16 if native() else torch.float32
