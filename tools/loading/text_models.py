"""Text models as a `TextNetwork`: folders and hub names of transformers, and modules of torch with their tokenizer.

Of a folder only safetensors, the config and the tokenizer's own data are read; weights in a pickle (.bin, .pt) and code
that comes with a model (`trust_remote_code`) never are, with or without --trust.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from askwhy.tools.engines.text_network import TextNetwork
from askwhy.tools.errors import ToolError
from askwhy.tools.loading.infer import infer_kind
from askwhy.tools.subject import plain

MAX_BYTES = 4 * 1024**3
"""Weights of one model, all files together."""

MAX_TOKENS = 8192
"""Tokens that are read of a text, whatever the model allows: the work grows with their square."""

HUB_NAME = re.compile(r"(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@(?P<revision>[\w./-]+))?")
"""OWNER/NAME, or OWNER/NAME@REVISION, on the Hugging Face hub."""

_WANTED = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")
_MAX_CONFIG = 5_000_000
_MOST_LAYERS = 400
_UNNAMED = re.compile(r"LABEL_\d+")
_CONVERT = "save it anew with save_pretrained(folder), which writes safetensors"


def read_transformers(folder: Path) -> TextNetwork:
    """The sequence classifier that `save_pretrained` put into a folder, and its tokenizer. Raises ToolError."""
    config = checked_config(folder)
    check_weights(folder)
    with quiet():
        module = _module(folder)
        tokenizer = fast_tokenizer(folder)
    check_vocabulary(folder, module, tokenizer)
    if config.get("problem_type") == "multi_label_classification":
        raise ToolError(f"{folder.name} gives several labels at once; askwhy explains models that give one.")
    return replace(network_of(module, tokenizer), source=str(folder.absolute()))


def read_hub(name: str) -> TextNetwork:
    """The sequence classifier of this name on the Hugging Face hub, from its local cache if it is there."""
    found = HUB_NAME.fullmatch(name)
    if found is None:
        raise ToolError(f"{name} is not a model's name on the hub (OWNER/NAME or OWNER/NAME@REVISION).")
    return read_transformers(fetched(found["repo"], found["revision"]))


def fetched(repo: str, revision: str | None, most: int = MAX_BYTES) -> Path:
    """The folder of a model on the hub, from its local cache if it is there: safetensors of at most `most` bytes."""
    import huggingface_hub

    options: dict[str, Any] = {"revision": revision, "allow_patterns": list(_WANTED), "ignore_patterns": ["*/*"]}
    with contextlib.suppress(Exception):  # whatever keeps the cache from answering, the hub is asked
        return Path(huggingface_hub.snapshot_download(repo, local_files_only=True, **options))
    try:
        about = huggingface_hub.HfApi().model_info(repo, revision=revision, files_metadata=True)
        size = sum(one.size or 0 for one in about.siblings or [] if one.rfilename.endswith(".safetensors"))
        if size > most:
            raise ToolError(f"{repo} has {size:,} bytes of weights; at most {most:,} are read.")
        return Path(huggingface_hub.snapshot_download(repo, **options))
    except ToolError:
        raise
    except Exception as error:  # no network, no such model, no access: each client version has its own errors
        raise ToolError(
            f"There is no file or folder {repo}, and the Hugging Face hub gives no model of this name: {brief(error)}"
        ) from error


def network_of(
    module: Any, tokenizer: Any, labels: Sequence[Any] | None = None, max_tokens: int | None = None
) -> TextNetwork:
    """A module of torch with its tokenizer: one of transformers, or a function from a text to its token ids.

    labels: class names in the order of the logits; else those of the module's config.
    """
    if not is_torch_module(module):
        raise ToolError(f"A tokenizer goes with a torch module, not with a {type(module).__name__}.")
    if not callable(tokenizer) and not hasattr(tokenizer, "encode"):
        raise ToolError(f"A {type(tokenizer).__name__} is no tokenizer: it cannot be called and has no encode.")
    config = getattr(module, "config", None)
    pad = getattr(tokenizer, "pad_token_id", None)
    if pad is None:
        pad = getattr(config, "pad_token_id", None)
    if config is not None and getattr(config, "pad_token_id", 0) is None:
        config.pad_token_id = 0 if pad is None else int(pad)  # else transformers refuses batches of decoders
    return TextNetwork(
        module=module,
        tokenizer=tokenizer if callable(tokenizer) else tokenizer.encode,
        labels=tuple(labels) if labels is not None else _labels(config),
        max_tokens=max_tokens or _max_tokens(module, tokenizer, config),
        pad_id=0 if pad is None else int(pad),
        title=type(module).__name__,
    )


def is_torch_module(model: Any) -> bool:
    """Whether this is a `torch.nn.Module`, without importing torch."""
    return any(
        f"{one.__module__}.{one.__qualname__}" == "torch.nn.modules.module.Module" for one in type(model).__mro__
    )


def reads_texts(model: Any) -> bool:
    """Whether a model is a text classifier of transformers, or a pipeline of one."""
    if is_torch_module(model):
        return type(model).__name__.endswith("ForSequenceClassification")
    pipeline = any(one.__name__ == "TextClassificationPipeline" for one in type(model).__mro__)
    return pipeline and is_torch_module(getattr(model, "model", None))


def as_network(model: Any, tokenizer: Any) -> Any:
    """A torch module with its tokenizer, or a pipeline of transformers, as a `TextNetwork`; other models as are."""
    if tokenizer is not None:
        return network_of(model, tokenizer)
    if not reads_texts(model):
        return model
    if is_torch_module(model):
        raise ToolError(
            "The model reads token ids: give its tokenizer too, as in Subject.of(model, texts, y, tokenizer=tokenizer)."
        )
    return network_of(model.model, model.tokenizer)


def settled_labels(network: TextNetwork, target: pd.Series | None) -> tuple[TextNetwork, pd.Series | None]:
    """The network with named classes, and the true classes by these names.

    A module that does not name its classes is taken to give them in their sorted order; one logit and a target of
    other numbers than 0 and 1 is a regression.
    """
    if network.labels:
        return network, target if target is None else by_label(target, network.labels)
    if getattr(getattr(network.module, "config", None), "id2label", None):
        return network, target
    if target is None:
        raise ToolError("The network does not name its classes: give the true ones, or TextNetwork(..., labels=[...]).")
    values = pd.unique(target.dropna())
    if pd.api.types.is_float_dtype(target.dtype) and not set(values) <= {0.0, 1.0}:
        return network, target
    labels = sorted((value for value in map(plain, values) if value is not None), key=lambda one: (str(type(one)), one))
    return replace(network, labels=tuple(labels)), target


def by_label(target: pd.Series, labels: Sequence[Any]) -> pd.Series:
    """The true classes by the model's own labels, where the data numbers them or writes them in another case."""
    names = {str(label): label for label in labels}
    folded = {name.casefold(): label for name, label in names.items()}
    cells = [str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell) for cell in target]
    if set(cells) <= set(names) or target.isna().any():
        return target
    numbered = {str(position): label for position, label in enumerate(labels)}
    for table, keys in ((folded, [cell.casefold() for cell in cells]), (numbered, cells)):
        if len(table) == len(labels) and set(keys) <= set(table):
            return pd.Series([table[key] for key in keys], index=target.index, name=target.name)
    return target


def text_column(frame: pd.DataFrame, columns: Sequence[Any]) -> tuple[list[Any], tuple[str, ...]]:
    """The one column that a text model reads, and a note on the others. ToolError where it is not clear which."""
    texts = [one for one in columns if infer_kind(frame[one]) == "text"]
    named = [one for one in columns if str(one).lower() == "text"]
    chosen = texts if len(texts) == 1 else named
    if len(chosen) != 1:
        shown = ", ".join(map(str, texts or columns))
        raise ToolError(f"The model reads one text, and the data has several columns ({shown}); name one “text”.")
    others = ", ".join(str(one) for one in columns if one != chosen[0])
    return chosen, (f"The model reads {chosen[0]} only; left out: {others}.",)


def _labels(config: Any) -> tuple[Any, ...]:
    """Class names in the order of the logits: numbers where the config has no names; empty for a regression."""
    names = getattr(config, "id2label", None)
    if not names:
        return ()
    if len(names) == 1 or getattr(config, "problem_type", None) == "regression":
        return ()
    ordered = [str(names[key]) for key in sorted(names, key=int)]
    unnamed = all(_UNNAMED.fullmatch(name) for name in ordered) or len(set(ordered)) < len(ordered)
    return tuple(range(len(ordered))) if unnamed else tuple(ordered)


def _max_tokens(module: Any, tokenizer: Any, config: Any) -> int:
    """The fewest of what tokenizer, config and position embeddings allow."""
    limits = [MAX_TOKENS, getattr(tokenizer, "model_max_length", MAX_TOKENS)]
    positions = getattr(getattr(getattr(module, "base_model", None), "embeddings", None), "position_embeddings", None)
    if positions is not None:  # those of the RoBERTa family start counting after the padding
        padding = getattr(positions, "padding_idx", None)
        limits.append(int(positions.num_embeddings) - (0 if padding is None else int(padding) + 1))
    elif isinstance(getattr(config, "max_position_embeddings", None), int):
        limits.append(config.max_position_embeddings)
    return max(1, min(int(limit) for limit in limits if limit and limit > 0))


def checked_config(folder: Path) -> dict[str, Any]:
    """The config.json of a folder. Raises ToolError where it is absent, odd, or asks for code of its own."""
    path = folder / "config.json"
    if not path.is_file():
        raise ToolError(
            f"{folder} is a folder without config.json, so it holds no model of transformers. Give a model file, or a "
            "folder written by save_pretrained."
        )
    try:
        if path.stat().st_size > _MAX_CONFIG:
            raise ValueError(f"it has more than {_MAX_CONFIG:,} bytes")
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ToolError(f"{path.name} in {folder} cannot be read: {brief(error)}") from error
    if not isinstance(config, dict):
        raise ToolError(f"{path.name} in {folder} should hold one JSON object.")
    if "auto_map" in config:
        raise ToolError(f"{folder.name} needs Python code of its own (trust_remote_code), which askwhy never runs.")
    layers = [value for key, value in config.items() if "layers" in key and isinstance(value, int)]
    if max(layers, default=0) > _MOST_LAYERS:
        raise ToolError(f"{folder.name} claims {max(layers):,} layers; at most {_MOST_LAYERS} are built.")
    return config


def check_weights(folder: Path, most: int = MAX_BYTES) -> None:
    """ToolError where a folder has no safetensors, or more than `most` bytes of them."""
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        others = sorted(
            path.name for path in folder.iterdir() if path.suffix in (".bin", ".pt", ".pth", ".h5", ".ckpt")
        )
        if others:
            raise ToolError(
                f"{folder.name} has its weights in {others[0]}, and loading that can run any code; {_CONVERT}."
            )
        raise ToolError(f"{folder.name} holds no weights (*.safetensors).")
    size = sum(path.stat().st_size for path in weights)
    if size > most:
        raise ToolError(f"{folder.name} has {size:,} bytes of weights; at most {most:,} are read.")


def _module(folder: Path) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    options = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(folder, **options)
        _check_size(folder, config)
        module, report = AutoModelForSequenceClassification.from_pretrained(
            folder, config=config, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **options
        )
    except ToolError:
        raise
    except Exception as error:  # each architecture fails in ways of its own
        raise ToolError(f"{folder.name} could not be loaded: {brief(error)}") from error
    missing = sorted(report["missing_keys"]) + sorted(str(key[0]) for key in report["mismatched_keys"])
    if missing:
        raise ToolError(
            f"{folder.name} is no trained text classifier: it has no weights for {', '.join(missing[:3])}"
            f"{' ...' if len(missing) > 3 else ''}, and random ones would be explained."
        )
    return module.eval()


def _check_size(folder: Path, config: Any) -> None:
    """ToolError where the config asks for more numbers than the files hold: they would be made up, at any size."""
    import torch
    from safetensors import safe_open
    from transformers import AutoModelForSequenceClassification

    with torch.device("meta"):
        module: Any = AutoModelForSequenceClassification.from_config(config)  # type: ignore[no-untyped-call]
        wanted = sum(one.numel() for one in module.parameters())
    held = 0
    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="pt") as weights:
            for name in weights.keys():  # noqa: SIM118 - it is not a dict
                shape = weights.get_slice(name).get_shape()
                held += math.prod(shape)
    if wanted > 2 * held + 10_000_000:
        raise ToolError(f"{folder.name} describes {wanted:,} weights and holds {held:,}.")


def fast_tokenizer(folder: Path) -> Any:
    """The tokenizer in a folder. Raises ToolError."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False, use_fast=True)
    except Exception as error:  # as above
        raise ToolError(
            f"{folder.name} has no tokenizer that can be read; put it there with tokenizer.save_pretrained(folder). "
            f"({brief(error)})"
        ) from error


def check_vocabulary(folder: Path, module: Any, tokenizer: Any) -> None:
    """ToolError for a tokenizer without words (transformers makes one up where the files are missing) or too many."""
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise ToolError(
            f"{folder.name} has no tokenizer that can be read; put it there with tokenizer.save_pretrained(folder)."
        )
    room = getattr(module.get_input_embeddings(), "num_embeddings", len(tokenizer))
    if len(tokenizer) > room:
        raise ToolError(
            f"The tokenizer in {folder.name} knows {len(tokenizer):,} tokens and the model {room:,}; it is another's."
        )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the reports and progress bars of transformers: what matters of them is raised."""
    from transformers import utils

    logging: Any = utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def brief(error: Exception) -> str:
    """The kind of an error and its first line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200] if lines else ''}".rstrip(": ")
